"""Laws in a file of the user: found by name, checked, built from a Hamiltonian."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Array

from .. import constants
from .._words import did_you_mean
from ..laws import Law, Schrodinger
from ..spaces.hamiltonians import ParticleOnGrid
from .user_code import ExperimentError, failures_of, load_module


def load_law(
    path: str | Path, name: str | None = None, argument: str = "FILE"
) -> Callable[..., Law]:
    """Load a law from a file of the user: a class, or a function of H that makes one.

    A class counts if it is defined in this file, derives from `jqd.Law` through
    abstract classes only, and leaves no method or field abstract. Loading a file runs
    it.

    Args:
        path: a Python file.
        name: name of the class or function; None for the only class in the file.
        argument: the argument that named it, for error messages.

    Returns:
        The class or function, to be called with H and constants by name.

    Raises:
        ValueError: no such file, no such law, several laws and no name, an abstract
            method or field, a law derived from one that is not abstract.
        ExperimentError: the file fails while it is loaded.
    """
    path = Path(path)
    module: Any = load_module(path)
    laws = _laws_in(module)
    if name is None:
        if len(laws) != 1:
            raise _missed(argument, path, laws, "no name was given")
        (name,) = laws
    made: Any = getattr(module, name, None)
    if name not in laws:
        if callable(made) and not isinstance(made, type):
            return cast(Callable[..., Law], made)  # checked once it has made one
        raise _missed(argument, path, laws, _why_not(module, name, made))
    left = _left(made)
    if left:
        raise ValueError(
            f"Argument `{argument}` must name a law with all its methods and fields, "
            "but "
            f"{path.name}:{name} leaves `{left[0]}` abstract."
        )
    return laws[name]


def _laws_in(module: ModuleType) -> dict[str, type[Law]]:
    """Classes of laws that a module defines and does not import, in their order.

    Laws that others are built on and that are abstract are no laws to choose from.
    """
    own = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Law)
        and value.__module__ == module.__name__
        and not any(_final(base) for base in value.__mro__[1:])
    }
    bases = {base for value in own.values() for base in value.__mro__[1:]}
    return {name: value for name, value in own.items() if value not in bases}


def _final(kind: type) -> bool:
    """Whether it is a law that nothing is left to say of."""
    return issubclass(kind, Law) and not _left(kind)


def _left(kind: type) -> list[str]:
    """The methods and fields that a class leaves abstract, in order."""
    methods: Iterable[str] = getattr(kind, "__abstractmethods__", ())
    # such as the Hamiltonian of `jqd.laws.linear.LinearLaw`, which has all its methods
    fields: Iterable[str] = getattr(kind, "__abstractvars__", ())
    return sorted(methods) + sorted(fields)


def _why_not(module: Any, name: str, made: Any) -> str:
    """Why what has this name is no law of the file."""
    if isinstance(made, type) and made.__module__ != module.__name__:
        return f"{name!r} is imported there"
    for base in made.__mro__[1:] if isinstance(made, type) else ():
        if _final(base):
            return f"{name!r} is built on {base.__name__}, which leaves nothing open"
    return f"{name!r} is none of these"


def _missed(
    argument: str, path: Path, laws: Mapping[str, Any], found: str
) -> ValueError:
    if not laws:
        more = f" ({found})" if "'" in found else ""
        return ValueError(
            f"Argument `{argument}` must name a law of {path.name}, but that defines "
            f"none{more}: a class of jqd.Law, or of one that leaves methods abstract, "
            "as jqd.laws.SelfPotential does."
        )
    names = " or ".join(f"{path.name}:{name}" for name in laws)
    return ValueError(f"Argument `{argument}` must be {names}, but {found}.")


def make_law(
    path: Path,
    name: str | None,
    H: Array | Schrodinger,
    values: Mapping[str, float],
    argument: str = "FILE",
) -> Law:
    """The law that a file makes from a Hamiltonian and the values of constants.

    Constants of a class that are not given, and have no default, take their values in
    quantum mechanics.

    Raises:
        ValueError: see `load_law`; a constructor that does not take H or these
            constants, or refuses them; no law; a law that holds anything but arrays.
        ExperimentError: the file fails.
    """
    make = load_law(path, name, argument)
    spec = f"{path.name}:{getattr(make, '__name__', name)}"
    _check_call(make, spec, values, argument)
    kept = _kept(make)
    given = {
        name: constants.constant(value) if name in kept else value
        for name, value in {**_begun(make), **values}.items()
    }
    law = _called(path, make, H, **given)
    if not isinstance(law, Law):
        raise ValueError(
            f"Argument `{argument}` must name what makes a jqd.Law, but {spec} makes a "
            f"{type(law).__name__}."
        )
    _check_leaves(law, spec, argument)
    return law


def load_ground(
    path: str | Path, argument: str = "FILE"
) -> tuple[Schrodinger, Array] | None:
    """Where a file tries its laws: quantum mechanics on a grid, and the state at t0.

    A file says so by a function `ground()` that returns both. One that needs arguments
    is another function. Loading a file runs it.

    Returns:
        The `Schrodinger` and its state; None for a file without such a function.

    Raises:
        ValueError: no such file; not a particle of one mass on a grid, at rest in time
            and without an absorber; a state that is not its own.
        ExperimentError: the file fails.
    """
    path = Path(path)
    made: Any = getattr(load_module(path), "ground", None)
    if not inspect.isroutine(made) or not _needs_nothing(made):
        return None
    found = _called(path, made)
    rule = f"Argument `{argument}` must be a file whose `ground()`"
    if not (isinstance(found, tuple) and len(found) == 2):
        raise ValueError(
            f"{rule} returns a jqd.Schrodinger on a grid and a state, but that of "
            f"{path.name} returns a {type(found).__name__}."
        )
    quantum, psi0 = found
    H = quantum.hamiltonian if isinstance(quantum, Schrodinger) else None
    whole = isinstance(H, ParticleOnGrid) and H.absorber is None and H.autonomous
    if not whole:
        kind = type(quantum if H is None else H).__name__
        raise ValueError(
            f"{rule} returns a jqd.Schrodinger of one mass on a grid, at rest in time "
            f"and without an absorber, but that of {path.name} returns another {kind}."
        )
    try:
        return quantum, quantum.prepare(quantum.admit(psi0))
    except ValueError as error:
        raise ValueError(
            f"{rule} returns a state of its grid, but that of {path.name}: {error}"
        ) from None


def _needs_nothing(made: Callable[..., Any]) -> bool:
    """Whether a function may be called without arguments."""
    try:
        inspect.signature(made).bind()
    except (TypeError, ValueError):
        return False
    return True


def _called(path: Path, make: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What the code of a file makes.

    Raises:
        ValueError: it refuses what it was given.
        ExperimentError: it fails otherwise.
    """
    try:
        with failures_of(path):
            return make(*given, **named)
    except ExperimentError as error:
        if isinstance(error.__cause__, ValueError):
            raise ValueError(str(error)) from error
        raise


def _begun(make: Any) -> dict[str, float]:
    """Quantum values of the constants of a class of laws, of those that it takes."""
    if not (isinstance(make, type) and issubclass(make, Law)):
        return {}
    begun = {one.name: constants.quantum_of(one) for one in fields(make)}
    taken = inspect.signature(make).parameters
    return {
        name: value
        for name, value in begun.items()
        if value is not None
        and name in taken
        and taken[name].default is inspect.Parameter.empty
    }


def _kept(make: Any) -> set[str]:
    """Names of the fields of a class of laws that hold arrays."""
    if not (isinstance(make, type) and issubclass(make, Law)):
        return set()
    return {one.name for one in fields(make) if not one.metadata.get("static", False)}


def _check_call(make: Any, spec: str, values: Mapping[str, float], argument: str):
    """Raise unless it takes H first, and these constants by name."""
    signature = inspect.signature(make)
    kinds = {name: one.kind for name, one in signature.parameters.items()}
    by_name = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    known = [name for name, kind in list(kinds.items())[1:] if kind in by_name]
    open_ended = inspect.Parameter.VAR_KEYWORD in kinds.values()
    for name in values:
        if name not in known and not open_ended:
            raise ValueError(
                f"Argument `{argument}` must name constants of {spec}, out of "
                f"{', '.join(known) or 'none'}, but {name!r} was given"
                f"{did_you_mean(name, known)}"
            )
    try:
        signature.bind(None, **dict.fromkeys({**_begun(make), **values}))
    except TypeError as error:
        raise ValueError(
            f"Argument `{argument}` must name what takes a Hamiltonian first, and "
            f"constants that have values, but {spec}{signature} does not: {error}."
        ) from None


def _check_leaves(law: Law, spec: str, argument: str) -> None:
    """Raise where a field holds neither arrays nor what is declared static."""
    for where, leaf in jax.tree_util.tree_leaves_with_path(law):
        if isinstance(leaf, jax.Array | np.ndarray | np.generic):
            continue
        name = jax.tree_util.keystr(where).lstrip(".")
        cure = "declare the field with equinox.field(static=True)"
        if isinstance(leaf, int | float | complex) and not isinstance(leaf, bool):
            cure = "keep jqd.constants.constant(value) there, or declare the field free"
        raise ValueError(
            f"Argument `{argument}` must name a law whose constants are arrays, but "
            f"`{name}` of {spec} is a Python {type(leaf).__name__}: {cure}."
        )
