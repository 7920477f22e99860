"""`--bath`: T1 and T2 as jumps of a density operator, or as fading without one."""

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import typer

from .. import constants
from ..inference import LogNormal, Normal, Prior
from ..laws import Decay, Law, RandomConstant
from ..laws.rivals.decay import decays
from ..laws.rivals.self_potential import SelfPotential
from .options import LIFETIMES

# Detuning over the Rabi frequency up to which a drive counts as resonant: the rate
# differs by the square of it.
_RESONANT = 0.01


class Bathed(NamedTuple):
    """A law in a bath, and what stands for the bath beside it.

    Attributes:
        law: the law; a `Decay` where it has a density operator.
        priors: of nuisances, those of the bath among them.
        fading: rate at which contrast is lost, where that stands for the bath; else
            None.
        words: how the bath enters; "" without one.
    """

    law: Any
    priors: dict[str, Prior]
    fading: float | None = None
    words: str = ""

    def announce(self) -> None:
        """Say on standard error how the bath enters."""
        if self.words:
            typer.echo(self.words, err=True)


class NoBath(ValueError):
    """A law admits no such bath of lifetimes; another law may.

    Attributes:
        why: the reason, a sentence.
    """

    def __init__(self, law: str, why: str, rule: str = ""):
        """Of the law's name and what follows it in the reason.

        Args:
            rule: what the bath must be and is not; "" where the law takes none.
        """
        self.why = f"{law} {why}"
        rule = rule or "must be left out for this law, but is given"
        super().__init__(f"Argument `--bath` {rule}: {self.why}")


def in_bath(
    law: Law,
    priors: Mapping[str, Prior],
    H: np.ndarray,
    bath: Mapping[str, Any],
) -> Bathed:
    """A law of a matrix in a bath of these lifetimes.

    A law with a density operator becomes a `Decay`, also within a `RandomConstant`. For
    another law of a qubit on resonance contrast is lost at the rate (1/T1 + 1/T2)/2;
    T2 = 2 T1 where it is not given.

    Args:
        law: the law, at its first constants.
        priors: of nuisances.
        H: over ħ, (M, M).
        bath: T1 and T2, as `parse_bath` reads them.

    Raises:
        ValueError: T1 or T2 among the priors, unless the law has them; in a bath, times
            that are not positive, or T2 above 2 T1.
        NoBath: a law that has T1 or T2 itself; one without a density operator, of no
            qubit on resonance, beside `fading`, or with priors that are not of a time
            and its error.
    """
    own = constants.names(law)
    for name in LIFETIMES:
        if name in priors and name not in own:
            raise ValueError(
                f"Argument `--nuisance` must not name {name}, but does; "
                "`--bath T1=20+-1,T2=15+-2` takes it."
            )
    if not bath:
        return Bathed(law, dict(priors))
    if taken := [name for name in LIFETIMES if name in own]:
        raise NoBath(type(law).__name__, f"has a constant {taken[0]} of its own.")
    times = {name: centre(name, one) for name, one in bath.items()}
    if "T2" in times and times["T2"] > 2 * times["T1"]:
        raise ValueError(
            f"Argument `--bath` must give T2 no longer than 2 T1, but gives "
            f"{times['T2']:g} and {times['T1']:g}."
        )
    if isinstance(law, RandomConstant) and decays(law.law):
        inner = in_bath(law.law, priors, H, bath)
        outer = RandomConstant(inner.law, law.name, law.sd, nodes=law.nodes)
        return inner._replace(law=outer)
    if decays(law):
        told = {n: one for n, one in bath.items() if isinstance(one, Prior)}
        decay = Decay(law, **{name: jnp.asarray(time) for name, time in times.items()})
        return Bathed(decay, {**priors, **told}, None, _jumps(law, times))
    return _faded(law, priors, H, bath, own)


def centre(name: str, given: Any) -> float:
    """The time that a prior is about, or the number itself."""
    time = float(np.asarray(given.centre if isinstance(given, Prior) else given))
    if not time > 0:
        raise ValueError(
            f"Argument `--bath` must give {name} as a positive time, but gives "
            f"{time:g}."
        )
    return time


def _jumps(law: Any, times: Collection[str]) -> str:
    """How lifetimes enter a law with a density operator."""
    both = len(times) > 1
    levels = law.yardstick().hamiltonian.shape[0]
    named = "level 1 decays to level 0 at 1/T1"
    if levels > 2:
        named = "level k decays to level k - 1 at k/T1, as those of an oscillator"
    rest = "of levels 0 and 1 at 1/T2" if both else "without pure dephasing"
    own = ""
    if isinstance(law, SelfPotential):
        own = " Its nonlinear term takes the populations of this operator."
    return (
        f"{'T1 and T2 enter' if both else 'T1 enters'} {type(law).__name__} as jumps "
        f"of the density operator: {named}{', coherence' if both else ','} {rest}.{own}"
    )


def _faded(
    law: Law,
    priors: Mapping[str, Prior],
    H: np.ndarray,
    bath: Mapping[str, Any],
    own: Collection[str],
) -> Bathed:
    """A law without a density operator, with a rate of fading for the bath."""
    qubit = np.shape(H) == (2, 2) and H[0, 1] != 0
    if not qubit or abs(H[0, 0] - H[1, 1]) > _RESONANT * 2 * abs(H[0, 1]):
        raise NoBath(
            type(law).__name__,
            "has no density operator, and its T1 and T2 make a rate of fading only "
            "for two levels driven on resonance, with equal energies in --hamiltonian; "
            "give that rate, --nuisance fading=MEAN+-SD.",
        )
    if "fading" in own or any(n.rpartition(".")[2] == "fading" for n in priors):
        raise NoBath(
            type(law).__name__,
            "has no density operator, and its T1 and T2 are a rate of fading.",
            "must not be given beside fading, for which it stands in this law, but is",
        )
    T1, relative = _time("T1", bath["T1"], law)
    if "T2" in bath:
        T2, other = _time("T2", bath["T2"], law)
        relative = math.hypot(relative / T1, other / T2) / (1 / T1 + 1 / T2)
        more = ""
    else:
        T2, more = 2 * T1, "it takes T2 = 2 T1, without pure dephasing, and "
    rate = (1 / T1 + 1 / T2) / 2
    size = 1 / (2 * abs(H[0, 1]) * T1)
    enter = "T1 and T2 enter" if len(bath) > 1 else "T1 enters"
    width = f", known to {100 * relative:.2g} %" if relative > 0 else ""
    words = (
        f"{enter} as fading = (1/T1 + 1/T2)/2 = {rate:.4g}{width}. For this law "
        f"that is an approximation: {more or 'it '}leaves out terms of the size "
        f"1/(Omega T1) = {size:.1g}."
    )
    told = {"fading": LogNormal(rate, relative)} if relative > 0 else {}
    return Bathed(law, {**priors, **told}, rate, words)


def _time(name: str, given: Any, law: Law) -> tuple[float, float]:
    """A time and its relative error, for a rate of fading; 0 for a number."""
    if not isinstance(given, Prior):
        return float(given), 0.0
    if isinstance(given, LogNormal):
        return float(given.median), float(given.sd)
    if not isinstance(given, Normal):
        raise NoBath(
            type(law).__name__,
            f"has no density operator, and {name} enters it by a rate of fading, which "
            f"needs an error: give {name}=MEAN+-SD or lognormal(MEDIAN,SD).",
            f"must give {name} as a time with its error, but does not",
        )
    return float(given.mean), float(given.sd) / float(given.mean)
