"""Claim: the energy of N copying systems decays to 0, in a time that grows as N.

    E<H>(t) ≈ H₀ exp[-(t/T) κ/N] at first,   κ = (1/4) ∫ dp/(p²(1-p)²) over the orbit

Two classes of equal energy have <H> = 2R √(p(1-p)) cos x and the period T. Since <H> is
a concave function of the density p, the noise of copying lowers it on average: the
orbit widens until it meets a node (an empty class), where <H> = 0 and the ensemble
stays. The formula holds while the orbit is still the first one. After that,
w = (<H>/R)² obeys, with s = t/(NT),

    dw = -8 w artanh A ds + 4 √[w (A - w artanh A)] dW,   A = √(1 - w),

without N in it: all ensembles follow one curve of t/(NT). Means off that curve by more
than their errors and 3/N would refute it, and so would a half-life of the energy that
does not grow as N.

Control: in an eigenstate, w = 1, nothing copies, and the energy must stay.

Verdict: it holds. The means for N = 25, 50 and 100 collapse on the curve of the
diffusion, to which the exponential is tangent. Only N -> ∞ conserves energy, as quantum
mechanics does. Near w = 0 the law is critical branching; near w = 1 nothing moves.

Context: L. Smolin, Found. Phys. 42, 1239 (2012), sec. 3.4, asks: "could there be real
observable effects coming from corrections to quantum physics that will depend on the
size of the ensemble?" Random copying ends in the loss of a class as random genetic
drift ends in the loss of an allele, in times that grow as the number of copies: M.
Kimura, Proc. Natl. Acad. Sci. USA 41, 144 (1955). Models of collapse change the energy
as well, by heating: G. C. Ghirardi, A. Rimini and T. Weber, Phys. Rev. D 34, 470
(1986).

Source: Smolin (2012), eqs. (39), (40); section 3.4 asks for effects of the size of the
ensemble. The laws here follow from linear noise, averaged over an orbit.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import MARKERS
from _support.statistics import mean_error
from jaxtyping import Array, ArrayLike, Float
from scipy.linalg import expm

from jqd import problems
from jqd.ensembles import copying
from jqd.figures.style import BLUE, GREEN, INK, VERMILLION, subplots
from jqd.report.tables import plus_minus

# --- Parameters (R = 1: the period of densities is π) -----------------------------

NUMBERS = (25, 50, 100)
COLORS = (VERMILLION, GREEN, BLUE)
LOW = 0.2  # orbit between 0.2 and 0.8, H₀ = 0.8
PERIOD = np.pi
SAVED = 12

# --- Laws -------------------------------------------------------------------------


def rabi_energy_loss(p_min: ArrayLike, p_max: ArrayLike) -> Float[Array, "..."]:
    """N times the share of the energy that two classes of equal ω lose in each period.

    E⟨H⟩ ≈ H_0 (1 - g κ/N) after g ≪ N/κ periods,  κ = ¼ ∫ dp/(p²(1-p)²)

    Later more is lost than exp(-g κ/N) says, since orbits spread towards the nodes.

    Args:
        p_min: least density of the first class, in (0, 1).
        p_max: greatest density of it.

    Returns:
        κ.
    """
    low, high = jnp.asarray(p_min), jnp.asarray(p_max)

    def primitive(p: Array) -> Array:
        return 2 * _logit(p) + (2 * p - 1) / (p * (1 - p))

    return (primitive(high) - primitive(low)) / 4


def _logit(p: Array) -> Array:
    return jnp.log(p) - jnp.log1p(-p)


def diffusion(start, s, cells=400):
    """E<H>/H₀ by the equation above, backward in time on a grid of e = <H>/R.

    du/ds = -2(e artanh A + A/e) u' + 2(A - e² artanh A) u'',  u(e, 0) = e, u(0) = 0
    """
    e = np.linspace(0, 1, cells + 1)
    inner = e[1:-1]
    A = np.sqrt(1 - inner**2)
    pull = -2 * (inner * np.arctanh(A) + A / inner)
    spread = 2 * (A - inner**2 * np.arctanh(A))
    h = e[1]
    generator = np.zeros((cells + 1, cells + 1))
    rows = np.arange(1, cells)
    generator[rows, rows - 1] = spread / h**2 - pull / (2 * h)
    generator[rows, rows] = -2 * spread / h**2
    generator[rows, rows + 1] = spread / h**2 + pull / (2 * h)
    step = expm(generator * s[1])
    u = [e]
    for _ in s[1:]:
        u.append(step @ u[-1])
    return np.array([np.interp(start, e, row) for row in u]) / start


# --- Comparison -------------------------------------------------------------------


def sampled(law, psi, copies, s, count):
    """<H>/H₀, each ensemble at each time; share that lost a class."""

    def energy(t, occupation, psi):
        del t, occupation
        return 2 * (psi[0].conj() * psi[1]).real

    result = copying.sample(
        law, psi, s * copies * PERIOD, jax.random.key(copies), copies=copies,
        trajectories=count, observe=energy, method="exact",
    )  # fmt: skip
    values = np.asarray(result.values)
    return values / values[0, 0], np.mean(result.extinction_time < np.inf)


def half_time(s, mean, error, fine, curve):
    """t/(NT) at which a mean first is 1/2, and its error, by the slope of the curve."""
    after = int(np.argmax(mean < 0.5))
    part = (mean[after - 1] - 0.5) / (mean[after - 1] - mean[after])
    slope = np.gradient(curve, fine)[np.argmin(np.abs(curve - 0.5))]
    return s[after - 1] + part * (s[after] - s[after - 1]), -error[after] / slope


def growth(numbers, half, error):
    """Exponent k of a time to lose half of the energy ∝ N^k, and its error."""
    fit, cov = np.polyfit(
        np.log(numbers), np.log(numbers * half), 1, w=half / error, cov="unscaled"
    )
    return float(fit[0]), float(np.sqrt(cov[0, 0]))


def run(context):
    numbers, count = (NUMBERS[:2], 200) if context.quick else (NUMBERS, 600)
    s = np.linspace(0, 0.24, SAVED + 1)
    law, psi = problems.two_classes(LOW, 0.0)
    start = 2 * np.sqrt(LOW * (1 - LOW))
    kappa = float(rabi_energy_loss(LOW, 1 - LOW))
    fine = np.linspace(0, s[-1], 121)
    curve = diffusion(start, fine)
    coarse = np.abs(diffusion(start, fine, cells=200) - curve).max()
    found = [
        sampled(law, psi, number, s, count)
        for number in context.progress(numbers, "numbers of systems")
    ]
    means, errors = np.moveaxis([mean_error(values) for values, _ in found], 1, 0)
    lost = [gone for _, gone in found]
    # An even number, so that both classes have as many; a quarter of the time will do.
    still, _ = sampled(law, np.sqrt([0.5, 0.5]) + 0j, numbers[0] + 1, s / 4, count)
    control = float(np.abs(still - 1).max())
    halves = [
        half_time(s, *each, fine, curve) for each in zip(means, errors, strict=True)
    ]
    half, half_error = np.array(halves).T
    exponent, its_error = growth(np.array(numbers), half, half_error)

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(numbers, s, means, errors, fine, curve, kappa), "energy")
    data = {"energy": (("N", "s"), means), "error": (("N", "s"), errors)}
    data |= {"diffusion": ("fine", curve), "extinct": ("N", lost)}
    at = {"N": list(numbers), "s": s, "fine": fine}
    about = {"units": "energy in H_0, s = t/(N T)", "runs": count, "kappa": kappa}
    context.save_dataset(xr.Dataset(data, at, about))
    expected = np.interp(s, fine, curve)
    sigmas = (means - expected)[:, 1:] / errors[:, 1:]
    # Corrections of relative order 1/N.
    allowed = 4 * errors[:, 1:] + 3 / np.array(numbers)[:, None]
    holds = (
        (np.abs(means - expected)[:, 1:] < allowed).all()
        and abs(exponent - 1) < 4 * its_error + 0.05
        and control < 1e-9  # rounding
    )
    return {
        "status": "ok" if holds else "The energy does not decay as the law says.",
        "verdict": (
            "Half of the energy is lost after a time that grows as N to the power "
            f"{plus_minus(exponent, its_error)}: {plus_minus(half[-1], half_error[-1])}"
            f" N periods for N = {numbers[-1]}, where the diffusion has "
            f"{np.interp(-0.5, -curve, fine):.3f}."
        ),
        "half_time_over_N_periods": half,
        "half_time_error": half_error,
        "exponent_of_half_time": exponent,
        "exponent_error": its_error,
        "largest_change_of_an_eigenstate": control,
        "diffusion_on_half_the_cells_minus_all": coarse,
        "runs": count,
        "kappa": kappa,
        "slope_of_diffusion_at_0": (curve[1] - 1) / fine[1],
        "numbers": numbers,
        "energy_at_the_end": means[:, -1],
        "its_error": errors[:, -1],
        "diffusion_at_the_end": curve[-1],
        "exponential_at_the_end": np.exp(-kappa * s[-1]),
        "extinct": lost,
        "rms_deviation_in_standard_errors": np.sqrt(np.mean(sigmas**2, axis=1)),
    }


def figure(numbers, s, means, errors, fine, curve, kappa):
    fig, axes = subplots(1, 2, size=(10.4, 4.2), sharey=True)
    left, right = axes[0]
    for k, number in enumerate(numbers):
        mean, error, color = means[k], errors[k], COLORS[k]
        left.plot(fine * number, np.exp(-kappa * fine), "--", color=color, lw=1)
        left.fill_between(s * number, mean - 2 * error, mean + 2 * error, lw=0,
                          color=color, alpha=0.25)  # fmt: skip
        form, label = MARKERS[k], f"N = {number}"
        left.plot(s * number, mean, f"{form}-", color=color, lw=1, label=label)
        right.errorbar(s, mean, 2 * error, fmt=form, color=color, lw=1, capsize=2,
                       label=label)  # fmt: skip
    left.axhline(1, color=INK, lw=0.8)
    left.annotate("quantum mechanics", (0.98, 1.01), color=INK, ha="right",
                  xycoords=("axes fraction", "data"), fontsize=9)  # fmt: skip
    left.set(xlim=(0, None), ylim=(0, 1.08), xlabel="time in periods, t/T")
    left.set_ylabel(r"mean energy  E⟨H⟩ / H$_0$")
    left.set_title("Mean energy of finite ensembles (band: 2 standard\n"
                   "errors; dashed: exponential law)")  # fmt: skip
    right.plot(fine, curve, color=INK, lw=1.4, label="averaged diffusion")
    right.plot(fine, np.exp(-kappa * fine), "--", color=INK, lw=1,
               label=f"exp(-{kappa:.2f} t/NT)")  # fmt: skip
    right.set(xlim=(0, None), xlabel="time in N periods, t/(NT)")
    right.set_title("The same over time in units of N periods (bars:\n2 standard "
                    "errors; points of one N share its runs)")  # fmt: skip
    for axis in axes[0]:
        axis.legend(fontsize=9, loc="upper right", bbox_to_anchor=(1, 0.93))
    return fig
