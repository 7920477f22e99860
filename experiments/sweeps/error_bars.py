"""How well noisy populations determine the two exponents of copy dynamics.

Claim: error bars of q and r grow with the noise and shrink with the length of the data,
as the Jacobian at the fit says they do,

    stderr² = diag (J^T J)^-1,   J = ∂ρ_a(t_i)/∂(q, r) / σ,

and the fitted values scatter about the truth by just that much: the mean square of
(value - truth)/stderr is 1. Any other mean square would refute the claim.

    jqd sweep experiments/sweeps/error_bars.py --out results/error_bars.zarr

Four classes, populations at 40 times in (0, length] with normal errors σ; 256 data sets
for each noise and length, each made with the key of its point.
"""

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd import exact

ROWS = 40
H = np.array(
    [
        [0.3, 0.8, 0.1, 0.2],
        [0.8, -0.4, 0.5, 0.1],
        [0.1, 0.5, 0.2, 0.7],
        [0.2, 0.1, 0.7, -0.1],
    ]
)
PSI0 = np.array([0.6, 0.5, 0.4, np.sqrt(0.23)]) + 0j
TRUTH = {"q": 0.5, "r": -0.5}

constants = {"classes": 4, "rows": ROWS, **TRUTH}
units = {"sigma": "1", "length": "1", "q": "1", "r": "1", "chi2": "1"}


def axes(quick: bool) -> dict[str, np.ndarray]:
    """Noise, length and number of the data set."""
    n = 4 if quick else 8
    return {
        "sigma": np.geomspace(1e-3, 3e-2, n),
        "length": np.linspace(2.0, 6.0, n),
        "record": np.arange(8 if quick else 256),
    }


def point(sigma, length, record, key):
    """One data set: fitted q and r with their standard errors."""
    del record  # the key distinguishes data sets
    ts = length * jnp.arange(1, ROWS + 1) / ROWS
    populations = jnp.abs(exact.unitary_orbit(H, PSI0, ts)) ** 2
    noise = sigma * jax.random.normal(key, (ROWS, 4))
    data = jqd.Record(ts, populations + noise, jqd.Gaussian(sigma), t0=0.0)
    law = jqd.CopyDynamics.from_hamiltonian(H, q=0.45, r=-0.55)
    # one initial guess, near: the question is the error bar, not the search
    fit = jqd.recover(
        law,
        data,
        psi0=PSI0,
        free=("q", "r"),
        start={"q": 0.45, "r": -0.55},
        starts=1,
        search=None,
        polish=jqd.inference.Polish(rtol=1e-7, atol=1e-7),
        substeps=4,
        held_out=0.0,
    )
    q, r = fit.constants["q"], fit.constants["r"]
    return {
        "q": q.value,
        "r": r.value,
        "q_stderr": q.stderr,
        "r_stderr": r.stderr,
        "step_bias": jnp.maximum(q.step_bias, r.step_bias),
        "chi2": fit.chi2_per_dof,
        "status": fit.status,
    }
