"""Paths that a wave guides: Nelson's diffusion and Bohm's, with |ψ|² at all times."""
