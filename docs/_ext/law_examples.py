"""One of each public law, small: its constants are read off it, no run is made."""

import dataclasses
import inspect
import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import jqd
from jqd import constants
from jqd.cli.vet import _laws
from jqd.matter import solid

H = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])


def grid():
    return jqd.Grid((-5.0, 5.0), 32)


def on_grid():
    return jqd.Schrodinger.on_grid(grid(), lambda x: 0.5 * x**2)


def bound(name: str):
    """The law of a card."""
    return next(iter(_laws(name, None, ()).values()))


def copies():
    return jqd.CopyDynamics.from_hamiltonian(H)


def lindblad():
    down = jnp.diag(jnp.ones(2), 1)
    return jqd.Lindblad(H, {"decay": jqd.Jump(down, rate=0.1)})


LAWS = {
    "Schrodinger": on_grid,
    "CopyDynamics": copies,
    "Pauli": lambda: jqd.Pauli(
        grid(),
        lambda z: 0 * z,
        jqd.spaces.magnetic_field(lambda z, b: b * z, grid(), b=1.5),
    ),
    "PhaseAlignment": lambda: jqd.PhaseAlignment.of_occupation(
        (3, 2), jnp.zeros(2), jnp.eye(2)[::-1], jnp.zeros((2, 2)), 1.0
    ),
    "HusimiFokkerPlanck": lambda: bound("husimi[C=0.9]"),
    "ConservativeDiffusion": lambda: bound("diffusion[D=0.45]"),
    "Madelung": lambda: bound("madelung"),
    "ClassicalDiffusion": lambda: jqd.ClassicalDiffusion(grid(), 0.5),
    "Logarithmic": lambda: bound("logarithmic[b=0.2]"),
    "GrossPitaevskii": lambda: bound("gross_pitaevskii[g=0.3]"),
    "SchrodingerNewton": lambda: bound("schrodinger_newton[G=0.5]"),
    "Weinberg": lambda: bound("weinberg[eps=0.3]"),
    "DoebnerGoldin": lambda: bound("doebner_goldin[D=0.1]"),
    "DoebnerGoldinLine": lambda: bound("doebner_goldin_line[D=0.1]"),
    "Gisin": lambda: bound("gisin[lam=0.1]"),
    "Beretta": lambda: bound("beretta[kappa=0.2]"),
    "Dephasing": lambda: bound("dephasing[gamma=0.1]"),
    "Lindblad": lindblad,
    "Decay": lambda: jqd.laws.Decay(H, T1=20.0, T2=15.0),
    "QuantumJumps": lambda: jqd.QuantumJumps(lindblad()),
    "Collapse": lambda: jqd.Collapse(H, jnp.array([1.0, 0.0, -1.0]), gamma=0.1),
    "Decoherence": lambda: jqd.Decoherence(
        on_grid(), jqd.laws.GaussianDecay(lam=0.1, r_C=0.5)
    ),
    "QMUPL": lambda: bound("qmupl[lam=0.1]"),
    "CSL": lambda: bound("csl[lam=0.2,r_C=0.5]"),
    "GRW": lambda: bound("grw[lam=0.2,r_C=0.5]"),
    "DiosiPenrose": lambda: bound("diosi_penrose[G_m2=0.2,R0=0.5]"),
    "RandomConstant": lambda: jqd.laws.RandomConstant(
        jqd.Schrodinger(H), "hbar", sd=0.1
    ),
    "RandomFrequencies": lambda: jqd.RandomFrequencies(copies(), sd=0.1),
    "PhaseKicks": lambda: jqd.PhaseKicks(copies(), g=0.1),
    "AtomMotion": lambda: solid.AtomMotion(
        solid.chain(4, solid.FPUT(K=1.0, alpha=0.3, beta=0.6), ends="fixed")
    ),
}


def attributes(kind: type) -> dict[str, str]:
    """What the docstring of a class says of its attributes."""
    text = inspect.getdoc(kind) or ""
    found = re.search(r"^Attributes:\n(.*?)(?=^\S|\Z)", text, re.S | re.M)
    body = inspect.cleandoc("\n" + found[1]) if found else ""
    entries = re.findall(r"^(\w+): (.*?)(?=^\w|\Z)", body, re.S | re.M)
    return {name: " ".join(said.split()) for name, said in entries}


def modules(node):
    """A law and the modules within it, outer ones first."""
    if isinstance(node, dict):
        for value in node.values():
            yield from modules(value)
    elif isinstance(node, eqx.Module):
        yield node
        for field in dataclasses.fields(node):
            yield from modules(getattr(node, field.name, None))


def facts(law) -> list[tuple[str, str, str, str]]:
    """Name, meaning, quantum value and bounds of each constant that a law declares."""
    said: dict[str, str] = {}
    for module in modules(law):
        said = attributes(type(module)) | said
    quantum = constants.quantum_values(law)
    rows = []
    for name in constants.declared(law):
        low, high = constants.bounds(law, name)
        inside = "" if low == -np.inf and high == np.inf else f"from {low:g}"
        if high != np.inf:
            inside += f" to {high:g}"
        value = f"{quantum[name]:g}" if name in quantum else ""
        rows.append((name, said.get(name.rpartition(".")[2], ""), value, inside))
    return rows


def undeclared(law) -> list[str]:
    """Names of further arrays of a law that `free=` may name."""
    return [n for n in constants.names(law) if n not in constants.declared(law)]
