"""Measured speed and error of jqd beside other programs: `python -m benchmarks`."""

import os

# Before NumPy is loaded. On matrices of these sizes the threads of a BLAS cost more
# than they bring, many times more on a busy machine, to jqd and to its peers alike.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
