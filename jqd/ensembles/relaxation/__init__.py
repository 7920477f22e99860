"""How paths that do not start from |ψ|² come to it, or do not."""
