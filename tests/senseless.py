"""What people have in hand by mistake, and what a call may answer to it."""

import datetime
import inspect
import re
import warnings

import jax
import numpy as np
import scipy.sparse
from jax.experimental import sparse


class Tensor:
    """What a torch tensor with a gradient offers."""

    def __init__(self, array, requires_grad=True):
        self.array, self.requires_grad = np.asarray(array), requires_grad
        self.shape = self.array.shape

    def detach(self):
        return Tensor(self.array, requires_grad=False)

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.array


def is_numeric(good):
    try:
        return good is not None and np.asarray(good).dtype.kind in "iufc"
    except (TypeError, ValueError):  # keys, laws
        return False


def like(good):
    return np.asarray(good) if is_numeric(good) else np.ones(2)


def in_rows(array):
    return array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)


def coordinates(array):
    """In the sparse format of JAX, for which nothing is compiled."""
    array = np.atleast_1d(array)
    places = np.argwhere(np.ones(array.shape, bool))
    parts = jax.device_put(array.ravel()), jax.device_put(places)
    return sparse.BCOO(parts, shape=array.shape)


# These are no numbers, or hide what they are: none is taken for a number.
REFUSED = {
    "text": lambda good: "x",
    "bytes": lambda good: b"x",
    "object": lambda good: object(),
    "ragged": lambda good: [[1.0], [1.0, 2.0]],
    "dict": lambda good: {1: 2.0},
    "set": lambda good: {1.0},
    "objects": lambda good: np.array([None, 1.0]),
    "masked": lambda good: np.ma.masked_all_like(np.atleast_1d(like(good))),
    "timedelta": lambda good: np.ones(like(good).shape, "m8[s]"),
    "duration": lambda good: datetime.timedelta(seconds=1),
}
KINDS = REFUSED | {
    "none": lambda good: None,
    "nan": lambda good: np.full(like(good).shape, np.nan),
    "infinite": lambda good: np.inf,
    "negative": lambda good: -1,
    "complex": lambda good: 1j * like(good),
    "huge": lambda good: 10**400,
    "empty": lambda good: [],
    "of a wrong shape": lambda good: np.ones((2, 3, 5)),
    "sparse": lambda good: scipy.sparse.csr_array(in_rows(like(good))),
    "BCOO": lambda good: coordinates(like(good)),
    "big-endian": lambda good: like(good).astype(like(good).dtype.newbyteorder(">")),
    "long double": lambda good: like(good).real.astype(np.longdouble),
    "tensor": lambda good: Tensor(like(good)),
    "whole numbers": lambda good: np.ones(like(good).shape, int),
    "class": lambda good: int,
    "function": lambda good: lambda: None,
    "list of objects": lambda good: [object()],
    "list of texts": lambda good: ["x"],
}
# What a message may call an argument beside its name: what it is part of or becomes.
ALIASES = {
    "instrument": "observe", "R": "R_cos", "delta": "delta_cos",
    "n": "R_cos", "symbol": "hamiltonian", "text": "hamiltonian",
    "constant": "hamiltonian", "term": "hamiltonian", "function": "pulse",
    "one": "states", "other": "states",
}  # fmt: skip
# of spaces, the functions of which they are made
KINDS_OF_FUNCTIONS = {"pulse", "potential", "vector_potential", "magnetic_field"}


def complaint(call, good, argument, kind):
    """What is wrong with the answer, or None."""
    bad = {**good, argument: KINDS[kind](good[argument])}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(**bad)
    except ValueError as error:
        said = re.match(r"Argument `([A-Za-z_0-9]*)[^`\n]*` [^\n]*$", str(error))
        known = {*inspect.signature(call).parameters, *good, ALIASES.get(argument)}
        known |= KINDS_OF_FUNCTIONS if argument == "function" else set()
        if said and said[1] in known:
            return None
        return f"ValueError: {str(error)[:120]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    if kind in REFUSED and is_numeric(good[argument]):
        return "taken for a number"
    return None


def cases(good, first):
    """Every third kind for each argument, others for the next."""
    for i, argument in enumerate(good, first):
        for kind in list(KINDS)[i % 3 :: 3]:
            yield argument, kind
