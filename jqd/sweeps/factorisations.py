"""Factorisations of a program, one matrix after the other.

On CPUs jaxlib spreads a batch of matrices over XLA's threads, and the thread that does
so waits for the others. If as many batches begin at once as there are threads, on
several devices or in one program, they deadlock. A single matrix does not wait.
"""

import math
from functools import partial
from typing import Any

import jax
from jax.extend import core
from jaxtyping import Array

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
