"""Whether and how paths that do not start from |ψ|² relax to it."""
