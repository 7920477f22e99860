"""A function of one point, traced for a tile of points; its factorisations."""

import copy
import hashlib
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from .points import STATUS, Lattice

FACTORISATIONS = {
    "cholesky", "cholesky_update", "eig", "eigh", "geqp3", "geqrf", "hessenberg",
    "householder_product", "lu", "ormqr", "qr", "schur", "svd", "triangular_solve",
    "tridiagonal", "tridiagonal_solve",
}  # fmt: skip
# Axes of the first operand that are no batch.
OF_VECTORS = {"tridiagonal_solve"}


def one_by_one(program: Any) -> Any:
    """Rewrite a program, or a primitive's parameter, without batched factorisations."""
    # from JAX 0.11 on both are one class
    if isinstance(program, core.Jaxpr):
        return program.replace(eqns=[_rewritten(one) for one in program.eqns])
    if isinstance(program, core.ClosedJaxpr):
        return program.replace(jaxpr=one_by_one(program.jaxpr))
    if isinstance(program, tuple):
        inner = [one_by_one(one) for one in program]
        return type(program)(*inner) if hasattr(program, "_fields") else tuple(inner)
    return program


def _rewritten(equation: core.JaxprEqn) -> core.JaxprEqn:
    name = equation.primitive.name
    if name not in FACTORISATIONS:
        params = {key: one_by_one(value) for key, value in equation.params.items()}
        return equation.replace(params=params)
    avals: list[Any] = [var.aval for var in equation.invars]
    first, *_ = specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals]
    batch = first.shape[: len(first.shape) - (1 if name in OF_VECTORS else 2)]
    size = math.prod(batch)
    if size <= 1:
        return equation

    @jax.jit
    def mapped(*operands: Array) -> Any:
        rows = [x.reshape(size, *x.shape[len(batch) :]) for x in operands]
        call = partial(equation.primitive.bind, **equation.params)
        results = jax.lax.map(lambda row: call(*row), rows)
        return jax.tree.map(lambda y: y.reshape(*batch, *y.shape[1:]), results)

    called = jax.make_jaxpr(mapped)(*specs).eqns[0]
    return called.replace(invars=equation.invars, outvars=equation.outvars)


ARRAYS = jax.Array | np.ndarray | np.generic | int | float | complex


class Traced:
    """A function of one point as a program for a tile of points.

    Attributes:
        name: of the function.
        tile: points that are computed together.
        program: the traced program: leaves of the points, then their indices.
        outputs: shape and dtype of each result of one point, by name.
    """

    def __init__(self, function: Callable[..., Any], lattice: Lattice, seed: int, tile):
        """Trace the function.

        Args:
            function: takes the coordinates of a point by name, and `key` if it has an
                argument of that name; returns a dict of arrays.
            lattice: the points.
            seed: of the keys.
            tile: number of points.

        Raises:
            ValueError: arguments that are not the axes, or results that are not a dict
                of arrays.
        """
        self.name = name_of(function)
        self.tile = tile
        takes_key = takes_key_of(function, lattice)

        def one(point: dict[str, Array], index: Array) -> dict[str, Array]:
            if takes_key:
                # of the point, whatever tile or host computes it
                point = point | {"key": jax.random.fold_in(jax.random.key(seed), index)}
            return checked(function(**point), lattice)

        def lone(point: dict[str, Array], index: Array) -> dict[str, Array]:
            # unbatched: in a batch a branch that is not taken would be computed too
            results = one(*jax.tree.map(lambda leaf: leaf[0], (point, index)))
            return {name: value[None] for name, value in results.items()}

        specs = {
            name: jax.ShapeDtypeStruct(
                (tile, *values.shape[1:]), jax.dtypes.canonicalize_dtype(values.dtype)
            )
            for name, values in lattice.values.items()
        }
        indices = jax.ShapeDtypeStruct((tile,), jnp.uint32)
        many = lone if tile == 1 else jax.vmap(one)
        self.program, shapes = jax.make_jaxpr(many, return_shape=True)(specs, indices)
        self._structure = jax.tree.structure(shapes)
        self.outputs = {
            name: jax.ShapeDtypeStruct(spec.shape[1:], spec.dtype)
            for name, spec in shapes.items()
        }

    def __call__(self, points: Mapping[str, Array], indices: Array) -> dict[str, Array]:
        """The results of a tile, (tile, ...) each."""
        leaves = jax.tree.leaves((dict(points), indices))
        results = core.jaxpr_as_fun(self.program)(*leaves)
        return jax.tree.unflatten(self._structure, results)

    @property
    def bytes_per_point(self) -> int:
        """Bytes of the largest result of one point."""
        return max(
            math.prod(spec.shape) * spec.dtype.itemsize
            for spec in self.outputs.values()
        )

    @property
    def fft_bytes(self) -> int:
        """Bytes of the largest input or output of a Fourier transform of a tile."""
        return max(self._sizes("fft"), default=0)

    @property
    def widest_bytes(self) -> int:
        """Bytes of the largest array of a tile."""
        return max(self._sizes(), default=0)

    def one_by_one(self) -> "Traced":
        """The same function, with factorisations of one matrix after the other."""
        changed = copy.copy(self)
        changed.program = one_by_one(self.program)
        return changed

    def _sizes(self, primitive: str | None = None) -> Iterator[int]:
        for equation in _equations(self.program.jaxpr):
            if primitive in (None, equation.primitive.name):
                for var in (*equation.invars, *equation.outvars):
                    if hasattr(var.aval, "shape"):
                        yield math.prod(var.aval.shape) * var.aval.dtype.itemsize

    def digest(self) -> str:
        """Hash of what the function computes: its lowered program and constants.

        Comments, names and the place of the file do not affect it.
        """

        def body(constants: list[Array], *leaves: Array) -> list[Array]:
            # with its constants as arguments: large ones would swell the text
            program = self.program.replace(consts=constants)
            return core.jaxpr_as_fun(program)(*leaves)

        leaves = [
            jax.ShapeDtypeStruct(aval.shape, aval.dtype)
            for aval in self.program.in_avals
        ]
        constants = [jnp.asarray(constant) for constant in self.program.consts]
        text = jax.jit(body).lower(constants, *leaves).as_text()
        digest = hashlib.sha256(text.encode())
        for constant in constants:
            digest.update(_bytes(constant))
        return digest.hexdigest()


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function, with or without bound arguments."""
    inner = getattr(function, "func", function)
    return getattr(inner, "__qualname__", type(inner).__name__)


def takes_key_of(function: Callable[..., Any], lattice: Lattice) -> bool:
    """Whether the function has a `key`; its other arguments must be the axes."""
    parameters = inspect.signature(function).parameters.values()
    named = {
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    open_ended = any(p.kind == p.VAR_KEYWORD for p in parameters)
    needed = {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }
    axes = set(lattice.values)
    unknown = [] if open_ended else sorted(axes - named)
    missing = sorted(needed - axes - {"key"})
    if unknown or missing:
        found = " and ".join(
            [f"it has no {name!r}" for name in unknown]
            + [f"no axis is called {name!r}" for name in missing]
        )
        raise ValueError(
            "Argument `axes` must name the arguments of `function`, but " + found + "."
        )
    return "key" in named


def checked(results: Any, lattice: Lattice) -> dict[str, Array]:
    """The results of a function of one point as arrays.

    Raises:
        ValueError: they are not a dict of arrays, or have names that are not allowed.
    """
    rule = "Argument `function` must return a dict of arrays by name, but"
    if not isinstance(results, Mapping) or not results:
        raise ValueError(f"{rule} returned {type(results).__name__}.")
    arrays = {}
    for name, value in results.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"{rule} has the name {name!r}.")
        if name in lattice.values or name == "point":
            raise ValueError(f"{rule} has {name!r}, which is the name of an axis.")
        if not isinstance(value, ARRAYS):
            raise ValueError(f"{rule} {name!r} is a {type(value).__name__}.")
        array = jnp.asarray(value)
        if getattr(array.dtype, "kind", None) not in tuple("biufc"):
            raise ValueError(f"{rule} {name!r} holds {array.dtype}.")
        if name == STATUS and (array.ndim or array.dtype.kind not in "iu"):
            raise ValueError(
                f"{rule} {name!r} is no whole number: it has shape {array.shape} and "
                f"dtype {array.dtype}."
            )
        arrays[name] = array
    return arrays


def _equations(jaxpr: core.Jaxpr) -> Iterator[Any]:
    yield from jaxpr.eqns
    for inner in core.subjaxprs(jaxpr):
        yield from _equations(inner)


def _bytes(constant: Array) -> bytes:
    if jnp.issubdtype(constant.dtype, jax.dtypes.prng_key):
        constant = jax.random.key_data(constant)
    array = np.asarray(constant)
    return str((array.shape, array.dtype.str)).encode() + array.tobytes()
