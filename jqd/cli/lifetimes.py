"""T1 and T2 of a qubit, as the rate at which contrast fades beside any law."""

import math
from collections.abc import Collection, Mapping

import numpy as np
import typer

from ..inference import LogNormal, Normal, Prior

LIFETIMES = ("T1", "T2")
# Detuning over the Rabi frequency up to which a drive counts as resonant: the rate
# differs by the square of it.
_RESONANT = 0.01


def with_fading(
    priors: Mapping[str, Prior], H: np.ndarray, own: Collection[str]
) -> dict[str, Prior]:
    """Priors with one of `fading` in place of T1 and T2, said on standard error.

    (1/T1 + 1/T2)/2 for a qubit driven on resonance; T2 = 2 T1 where it is not given.

    Args:
        priors: of nuisances.
        H: over ħ, (M, M).
        own: names of constants that laws have of their own, which stay.

    Raises:
        ValueError: no qubit on resonance, T2 alone or above 2 T1, priors that are not
            of a positive time, `fading` beside them or in a law.
    """
    given = {n: one for n, one in priors.items() if n in LIFETIMES and n not in own}
    if not given:
        return dict(priors)
    names = " and ".join(given)
    enter = "enter" if len(given) > 1 else "enters"
    rule = f"Argument `--nuisance` must not name {names}"
    qubit = np.shape(H) == (2, 2) and H[0, 1] != 0
    if not qubit or abs(H[0, 0] - H[1, 1]) > _RESONANT * 2 * abs(H[0, 1]):
        raise ValueError(
            f"{rule} but for two levels driven on resonance, with equal energies in "
            "--hamiltonian, but does: give the rate at which contrast is lost, "
            "fading=MEAN+-SD, or take a law with jumps, FILE.py:NAME."
        )
    if "fading" in own or any(n.rpartition(".")[2] == "fading" for n in priors):
        raise ValueError(f"{rule} beside fading, which they make, but does.")
    if "T1" not in given:
        raise ValueError(f"{rule} without T1, which loses contrast as well, but does.")
    T1, relative = _time("T1", given["T1"])
    if "T2" in given:
        T2, other = _time("T2", given["T2"])
        if T2 > 2 * T1:
            raise ValueError(
                "Argument `--nuisance` must give T2 no longer than 2 T1, but gives "
                f"{T2:g} and {T1:g}."
            )
        relative = math.hypot(relative / T1, other / T2) / (1 / T1 + 1 / T2)
        more = ""
    else:
        T2, more = 2 * T1, "T2 = 2 T1, without dephasing of its own; "
    rate = (1 / T1 + 1 / T2) / 2
    size = 1 / (2 * abs(H[0, 1]) * T1)
    typer.echo(
        f"{names} {enter} as fading = (1/T1 + 1/T2)/2 = {rate:.4g}, to "
        f"{100 * relative:.2g} %: {more}terms of the size 1/(Omega T1) = {size:.1g} "
        "are left out.",
        err=True,
    )
    rest = {name: one for name, one in priors.items() if name not in given}
    return rest | {"fading": LogNormal(rate, relative)}


def _time(name: str, prior: Prior) -> tuple[float, float]:
    """A time and its relative error."""
    if isinstance(prior, LogNormal):
        return float(prior.median), float(prior.sd)
    if not isinstance(prior, Normal) or not float(prior.mean) > 0:
        raise ValueError(
            f"Argument `--nuisance` must give {name} as a positive time, "
            f"{name}=MEAN+-SD or lognormal(MEDIAN,SD), but does not."
        )
    return float(prior.mean), float(prior.sd) / float(prior.mean)
