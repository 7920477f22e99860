"""The open Kerr oscillator in closed form, beside other programs."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import qutip
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.special import gammaln

from jqd import exact
from jqd.exact import open_kerr, open_kerr_amplitude
from jqd.states import coherent, husimi, phase_grid

from .wirtinger import d

KERR = {"U": 1.0, "b": -4.0, "alpha0": 1.2 + 0.5j}
BATH = {"loss": 0.36, "gain": 0.06, "dephasing": 0.1}
POINTS = np.array([0.7 - 0.3j, 0.2 + 0.5j])


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("C", "rates", "expected", "mean", "tolerance"),
    [
        (
            0.8, BATH, [0.184902851365, 0.136640451155],
            0.496872994897 - 0.343654612462j, 1e-10,
        ),
        (
            1.2, BATH, [0.210888715943, 0.092182629903],
            0.566426197406 - 0.607606340924j, 1e-10,
        ),
        # no master equation of a state, yet well posed
        (1.5, {"loss": 0.4}, [0.203385754586, 0.070184969670], None, 1e-9),
        (
            0.8, {"loss": 0.2, "gain": 0.35}, [0.131747293505, 0.097085424252],
            0.381111364963 - 0.454218615799j, 1e-10,
        ),
    ],
)  # fmt: skip
def test_known_values(C, rates, expected, mean, tolerance):
    values = open_kerr(POINTS, 0.8, C=C, **KERR, **rates)
    # two independent integrations agree to 1e-14; twelve digits are kept
    np.testing.assert_allclose(values, expected, atol=tolerance, rtol=0)
    # Negative control: C off by 1e-6.
    off = open_kerr(POINTS, 0.8, C=C + 1e-6, **KERR, **rates)
    assert np.max(np.abs(off - np.array(expected))) > 5e-9
    if mean is not None:
        amplitude = open_kerr_amplitude(0.8, C=C, **KERR, **rates)
        assert abs(amplitude - mean) < tolerance


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.8, 1.2])
def test_moments(C):
    """The norm, <α> of the other function, and <|α|²>, which no C changes."""
    axis = np.linspace(-8, 8, 65)
    grid = phase_grid(axis, axis)
    values = open_kerr(grid, 0.8, C=C, **KERR, **BATH) * (axis[1] - axis[0]) ** 2
    mean = open_kerr_amplitude(0.8, C=C, **KERR, **BATH)
    # trapezoidal rule of what falls as a Gaussian, cut at 1e-14
    assert abs(np.sum(values) - 1) < 1e-10
    assert abs(np.sum(values * grid) - mean) < 1e-10
    # known to twelve digits
    assert abs(np.sum(values * np.abs(grid) ** 2) - 2.37207551299) < 1e-9


@pytest.mark.sampled
@pytest.mark.parametrize(("C", "alpha0"), [(0.6, 1.3), (1.2, 4.0), (1.7, 1.3)])
def test_closed_oscillator(C, alpha0):
    ts = np.array([0.0, 0.37, 1.1, 4.0, 30.0])[:, None]
    points = np.array([0.0, 0.7 - 0.3j, -alpha0, 1j * alpha0])
    kwargs = {"U": 0.9, "b": -1.7, "alpha0": alpha0, "C": C, "hbar": 0.9}
    closed = exact.husimi.kerr(points, ts, **kwargs)
    # rounding of phases, times the cancellation of exp(2 r₀² (C-1)/(2-C)) = 7e3
    np.testing.assert_allclose(open_kerr(points, ts, **kwargs), closed, atol=1e-12)


# --- Independent programs ---------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("hbar", [1.0, 0.5])
def test_quantum_mechanics_at_one(hbar):
    levels, t, U, b, alpha0 = 30, 0.8, 0.9, -2.0, 0.9 + 0.3j
    n = np.arange(levels)
    energies = U / 2 * (hbar**2 * (n + 1) * (n + 2) + b * hbar * (n + 1))
    a = qutip.destroy(levels)
    jumps = [
        np.sqrt(BATH["loss"]) * a,
        np.sqrt(BATH["gain"]) * a.dag(),
        np.sqrt(BATH["dephasing"]) * a.dag() * a,
    ]
    start = qutip.Qobj(np.asarray(coherent(alpha0 / np.sqrt(hbar), levels)))
    run = qutip.mesolve(
        qutip.qdiags(energies / hbar, 0), start, [0.0, t], c_ops=jumps,
        options={"atol": 1e-13, "rtol": 1e-11, "nsteps": 100_000},
    )  # fmt: skip
    rho = run.states[-1].full()
    kwargs = {"U": U, "b": b, "alpha0": alpha0, "hbar": hbar, **BATH}
    # the integrator's tolerance, and 1e-12 of the state above 30 levels
    np.testing.assert_allclose(
        open_kerr(POINTS, t, **kwargs), husimi(rho, POINTS, hbar=hbar), atol=1e-8
    )
    mean = np.sqrt(hbar) * np.trace(a.full() @ rho)
    assert abs(open_kerr_amplitude(t, **kwargs) - mean) < 1e-8


def effective_start(alpha0, C, levels):
    """Operator whose Husimi function, read with Cħ for ħ, is that of |α₀>."""
    n = np.arange(levels)
    factorials = gammaln(n + 1)
    ket = np.exp(n * np.log(alpha0) - abs(alpha0) ** 2 / 2 - factorials / 2)
    scaled = np.outer(ket, ket.conj()) * C ** ((n[:, None] + n) / 2 + 1)
    rho = np.zeros((levels, levels), complex)
    for k in range(levels):
        low = n[: levels - k]
        roots = np.exp((factorials[low + k] - factorials[k] - factorials[low]) / 2)
        term = (
            np.outer(roots, roots) * (1 - C) ** k * scaled[: levels - k, : levels - k]
        )
        rho[k:, k:] += term
    return rho


def effective_rates(C, loss, gain, dephasing=0.0):
    return loss / C, gain + loss * (1 / C - 1), dephasing


def effective_energies(C, levels):
    n = np.arange(levels)
    return KERR["U"] / 2 * (C * (n + 1) * (n + 2) + KERR["b"] * (n + 1))


def read(rho, points, C):
    """Q of the operator read with Cħ, and <α>."""
    n = np.arange(len(rho))
    a = np.asarray(points)[:, None] / np.sqrt(C)
    bras = np.exp(n * np.log(a + 0j) - np.abs(a) ** 2 / 2 - gammaln(n + 1) / 2).conj()
    values = np.einsum("pn,nm,pm->p", bras, rho, bras.conj()).real / (np.pi * C)
    return values, np.sqrt(C) * np.sum(np.sqrt(n[1:]) * np.diag(rho, -1))


def test_master_equation_of_other_rates():
    """C = 0.8 as a Lindblad equation: loss D/C and gain G + D(1/C - 1)."""
    C, t, levels = 0.8, 0.8, 44
    down, up, dephasing = effective_rates(C, **BATH)
    energies, n = effective_energies(C, levels), np.arange(levels)
    roots = np.sqrt(np.outer(n[1:], n[1:]))
    rate = -1j * np.subtract.outer(energies, energies)
    rate = rate - down / 2 * np.add.outer(n, n) - up / 2 * np.add.outer(n + 1, n + 1)
    rate = rate - dephasing / 2 * np.subtract.outer(n, n) ** 2

    def slope(_, flat):
        rho = flat.reshape(levels, levels)
        out = rate * rho
        out[:-1, :-1] += down * roots * rho[1:, 1:]
        out[1:, 1:] += up * roots * rho[:-1, :-1]
        return out.ravel()

    start = effective_start(KERR["alpha0"], C, levels)
    run = solve_ivp(
        slope, (0, t), start.ravel(), method="DOP853", rtol=1e-11, atol=1e-14
    )
    values, mean = read(run.y[:, -1].reshape(levels, levels), POINTS, C)
    closed = open_kerr(POINTS, t, C=C, **KERR, **BATH)
    # the integrator's tolerance
    np.testing.assert_allclose(closed, values, atol=1e-9)
    assert abs(open_kerr_amplitude(t, C=C, **KERR, **BATH) - mean) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.8, 1.2])
@pytest.mark.parametrize(
    ("t", "rates"),
    [
        (0.8, (0.36, 0.06, 0.1)),
        (0.8, (0.02, 0.15, 0.0)),
        (12.0, (0.1, 0.0, 0.0)),
        (12.0, (1e-4, 0.0, 0.0)),
    ],
)
def test_large_amplitude(C, t, rates):
    """Each band ρ_(n, n+k) by a matrix exponential of its own."""
    alpha0, levels = 4.0, 90
    loss, gain, dephasing = rates
    down, up, _ = effective_rates(C, loss, gain)
    energies = effective_energies(C, levels)
    start, rho = effective_start(alpha0, C, levels), np.zeros((levels,) * 2, complex)
    for k in range(levels):
        i = np.arange(levels - k)
        j = i + k
        rate = -1j * (energies[i] - energies[j]) - dephasing / 2 * k**2
        generator = np.diag(rate - down / 2 * (i + j) - up / 2 * (i + j + 2))
        generator += np.diag(down * np.sqrt(i[1:] * j[1:]), 1)
        generator += np.diag(up * np.sqrt(i[1:] * j[1:]), -1)
        rho[i, j] = expm(t * generator) @ np.diag(start, k)
        rho[j, i] = rho[i, j].conj()
    points = np.array([4.0, -4.0 + 0.1j, 0.5j, 4.0j])
    values, mean = read(rho, points, C)
    kwargs = {"U": 1.0, "b": -4.0, "alpha0": alpha0, "C": C}
    kwargs |= {"loss": loss, "gain": gain, "dephasing": dephasing}
    # cancellation of exp(2 r₀² (C-1)/(2-C)) = 3e3 here and more in the start of `rho`
    np.testing.assert_allclose(open_kerr(points, t, **kwargs), values, atol=1e-11)
    assert abs(open_kerr_amplitude(t, **kwargs) - mean) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.6, 1.0, 1.3])
def test_solves_its_equation(C):
    """Right side by autodiff in α = x + iy, at ħ = 0.7."""
    U, b, hbar, t = 0.9, -1.7, 0.7, 0.6
    rates = {"loss": 0.3, "gain": 0.12, "dephasing": 0.2}

    def q(x, y, t):
        kwargs = {"U": U, "b": b, "alpha0": 0.8 + 0.2j, "C": C, "hbar": hbar}
        return open_kerr(x + 1j * y, t, **kwargs, **rates)

    def flow(x, y):
        alpha, kappa = x + 1j * y, rates["loss"] - rates["gain"]
        slope = U * alpha * (jnp.abs(alpha) ** 2 + b / 2)  # ∂*H
        down = (1j * slope + kappa / 2 * alpha) * q(x, y, t)
        across = rates["loss"] * hbar / 2 * jnp.conj(d(lambda x, y: q(x, y, t))(x, y))
        return down + across

    def spread(x, y):
        return U * (x + 1j * y) ** 2 * q(x, y, t)

    def turned(x, y):
        qx, qy = jax.grad(q, (0, 1))(x, y, t)
        return x * qy - y * qx

    @jax.jit
    def residual(x, y):
        right = 2 * (d(flow)(x, y) + 1j * hbar * C / 2 * d(d(spread))(x, y)).real
        tx, ty = jax.grad(turned, (0, 1))(x, y)
        right = right + rates["dephasing"] / 2 * (x * ty - y * tx)
        return jax.jacfwd(lambda t: q(x, y, t))(t) - right, right

    gap, size = residual(0.7, -0.4)
    assert abs(gap) < 1e-12 * max(1, abs(size))  # rounding
    assert abs(size) > 1e-3


# --- Limits and derivatives -------------------------------------------------------


def values_of(constants):
    """Q at the points, and <α>, of C, U, loss, gain, dephasing."""
    C, U, loss, gain, dephasing = constants
    kwargs = {"U": U, "b": -1.3, "alpha0": 0.9 - 0.2j, "C": C}
    kwargs |= {"loss": loss, "gain": gain, "dephasing": dephasing}
    mean = open_kerr_amplitude(0.7, **kwargs)
    density = open_kerr(POINTS, 0.7, levels=50, **kwargs)
    return jnp.concatenate([density, jnp.stack((mean.real, mean.imag))])


@pytest.fixture(scope="module")
def compiled():
    return (
        jax.jit(jax.vmap(values_of)),
        jax.jit(jax.jacfwd(values_of)),
        jax.jit(jax.grad(lambda constants: jnp.sum(values_of(constants)))),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "constants",
    [
        [0.85, 1.1, 0.3, 0.12, 0.2],
        [1.0, 1.1, 0.4, 0.0, 0.0],
        [1.0, 0.8, 0.0, 0.0, 0.0],
        [1.2, 1.1, 0.3, 0.3, 0.1],  # Δ = 0 of the harmonic 0
        [0.9, 0.0, 0.3, 0.3, 0.0],  # Δ = 0 of every harmonic
        [1.3, 1.1, 0.3, 0.5, 0.0],
    ],
)
def test_derivatives(compiled, constants):
    values, jacobian, gradient = compiled
    constants, h = np.array(constants), 1e-3
    # Six-point central differences of an analytic function: error h⁶.
    weights = np.array([-1, 9, -45, 45, -9, 1]) / 60
    shifts = h * np.array([-3, -2, -1, 1, 2, 3])[:, None, None] * np.eye(5)
    around = values((constants + shifts).reshape(-1, 5)).reshape(6, 5, -1)
    expected = np.einsum("s,spv->vp", weights, around) / h
    found = jacobian(constants)
    gap = np.max(np.abs(found - expected), axis=0)
    # 1e-11: rounding of the differences, where U = 0 leaves no trace of C
    assert np.all(gap < 1e-6 * np.max(np.abs(expected), axis=0) + 1e-11)
    # rounding of both modes
    total = found.sum(axis=0)
    np.testing.assert_allclose(gradient(constants), total, rtol=1e-10, atol=1e-14)


@pytest.mark.slow
def test_derivatives_by_place_and_start():
    def value(x, y, r):
        return open_kerr(
            x + 1j * y, 0.4, U=1.0, b=-4.0, alpha0=r, C=0.9, levels=40, **BATH
        )

    # also at the pole of polar coordinates, of the point and of the start
    for point in ((0.0, 0.0, 1.0), (0.5, -0.3, 0.0)):
        jax.test_util.check_grads(value, point, order=1, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("C", [0.8, 1.1])
def test_steady_state_hides_C(C):
    """exp(-|α|²/(n + 1))/π(n + 1) of a bath of n = 1/2, in the end at every C."""
    points = np.array([0.0, 0.7 - 0.3j, 2.0])
    thermal = np.exp(-(np.abs(points) ** 2) / 1.5) / (1.5 * np.pi)
    bath = {"loss": 0.45, "gain": 0.15}
    for t in (150.0, 1e5):
        values = open_kerr(points, t, C=C, **KERR, **bath)
        # e^(-κt/2) = 3e-10 of <α> times 1e-8 of its turn; κt ε at 1e5
        np.testing.assert_allclose(values, thermal, rtol=1e-10)
    early = open_kerr(points, 1.0, C=C, **KERR, **bath)
    assert np.max(np.abs(early - thermal)) > 1e-2


@pytest.mark.parametrize("growth", [0.5, 20.0, 290.0])
def test_growth_keeps_its_digits(growth):
    """Without U a Gaussian of mean α₀e^(κt/2) and variance e^(Gt), whatever C is."""
    scale, reach = np.exp(growth / 2), np.array([0.0, 0.4 - 0.3j, 2.0])
    kwargs = {"U": 0.0, "b": -4.0, "alpha0": 0.9, "C": 1.2, "gain": 0.5}
    values = open_kerr(scale * reach, growth / 0.5, **kwargs)
    expected = np.exp(-(np.abs(reach - 0.9) ** 2)) / np.pi / scale**2
    # an exponent of `growth` ε
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    mean = open_kerr_amplitude(growth / 0.5, **kwargs)
    np.testing.assert_allclose(mean, 0.9 * scale, rtol=1e-12)


@pytest.mark.slow
def test_nothing_overflows():
    """Over long times and for extreme rates, values and derivatives are finite."""

    def value(loss, gain, U, t):
        kwargs = {"U": U, "b": 1.0, "alpha0": 1.0, "C": 1.1, "loss": loss, "gain": gain}
        density = open_kerr(0.3 + 0.1j, t, levels=52, **kwargs)
        return density + jnp.abs(open_kerr_amplitude(t, **kwargs)) ** 2

    cases = [
        (0.0, 0.0, 0.0, 0.0), (1e6, 0.0, 1.0, 10.0), (1.0, 1.0, 1.0, 1e6),
        (0.0, 0.0, 1e3, 1e3), (0.0, 250.0, 1.0, 1.0), (1e-12, 1e-14, 1.0, 50.0),
        (1e-9, 0.0, 1e-9, 1.0), (1.0, 0.5, 1e6, 1e3),
    ]  # fmt: skip
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(value, (0, 1, 2))))(
        *np.array(cases).T
    )
    assert np.all(np.isfinite(values))
    assert np.all(np.isfinite(slopes))
    assert np.all(np.asarray(values) > -1e-15)


# --- Refusals ---------------------------------------------------------------------


KINDS = {
    "points": "number", "t": "real negative", "U": "scalar", "b": "scalar",
    "alpha0": "amplitude", "C": "positive", "hbar": "positive", "loss": "rate",
    "gain": "rate", "dephasing": "rate",
}  # fmt: skip


@pytest.mark.parametrize("argument", KINDS)
def test_nonsense_is_refused(complaints, argument):
    good = {"t": 0.0, "U": 1.0, "b": 0.0, "alpha0": 0.5}
    both = [(open_kerr, good | {"points": 0.0}), (open_kerr_amplitude, good)]
    for call, arguments in both[: 1 if argument == "points" else None]:
        assert complaints(call, arguments, argument, KINDS[argument]) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"C": 2.0}, r"`C` must be below 2, .* bath is inf\), but it is 2.0"),
        ({"C": 2.0, "loss": 0.3}, r"`C` must be below 2, .* bath is 2\)"),
        ({"C": 2.2, "loss": 0.6, "gain": 0.1}, r"bath is 2.4\), but it is 2.2"),
        ({"C": 1.6, "alpha0": 4.0}, r"`C` must be at most 1.418 at this alpha0"),
        ({"gain": 4.0, "t": 80.0}, r"`t` must keep .* below 300, but it reaches 320"),
        ({"alpha0": 1e8}, r"`alpha0` must be below"),
    ],
)
def test_refusals(changes, message):
    kwargs = {"t": 0.8, **KERR, **changes}
    with pytest.raises(ValueError, match=message):
        open_kerr(0.3, **kwargs)
    assert np.isfinite(open_kerr(0.3, 0.8, C=1.41, **KERR | {"alpha0": 4.0}))
