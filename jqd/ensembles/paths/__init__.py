"""Paths guided by a wave: Nelson's diffusion and Bohm's paths, with density |ψ|²."""
