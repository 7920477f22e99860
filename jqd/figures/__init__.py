"""Figures: each is drawn from arrays, or from what one outcome says of itself.

A method such as `Trajectory.plot` imports its figure when it is called: matplotlib
takes as long to import as JAX.
"""
