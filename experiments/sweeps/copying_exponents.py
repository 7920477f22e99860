"""How far copy dynamics is from quantum mechanics, over its two exponents.

Claim: of all exponents q of the copy rate and r of the phase rate, only (1/2, -1/2)
gives quantum mechanics.

    jqd sweep experiments/sweeps/copying_exponents.py --out results/exponents.zarr

Four classes with a Hamiltonian of spectral radius about 2 run from t = 0 to 10. Each
point gives three numbers over 200 times: the largest and the mean total variation from
quantum evolution, and the least density that any class had. Another pair of exponents
at distance 0 would refute the claim; the verdict on the map is in copy_exponents.py.

Source: Smolin (2012), section 3.1.1, eqs. (39), (40).
"""

import jax.numpy as jnp
import numpy as np

import jqd
from jqd import exact

T = jnp.linspace(0.0, 10.0, 200)
H = np.array(
    [
        [0.3, 0.8, 0.1, 0.2],
        [0.8, -0.4, 0.5, 0.1],
        [0.1, 0.5, 0.2, 0.7],
        [0.2, 0.1, 0.7, -0.1],
    ]
)
PSI0 = np.array([0.6, 0.5, 0.4, np.sqrt(0.23)]) + 0j

constants = {"classes": 4, "time": 10.0}
units = {"worst": "1", "mean": "1", "least": "1"}


def axes(quick: bool) -> dict[str, np.ndarray]:
    """1000 x 1000 pairs of exponents, 32 x 32 for a quick look; (1/2, -1/2) is one."""
    n = 32 if quick else 1000
    return {
        "q": np.linspace(0.3, 0.7, n, endpoint=False),
        "r": np.linspace(-0.7, -0.3, n, endpoint=False),
    }


# |psi|^2 at the 200 times
EXACT = np.abs(exact.unitary_orbit(H, PSI0, T)) ** 2


def point(q, r):
    """One pair of exponents: the distance of the law from quantum mechanics."""
    law = jqd.CopyDynamics.from_hamiltonian(H, q=q, r=r)
    run = jqd.evolve(
        law,
        law.prepare(PSI0),
        T,
        # the integration error is 1e-7 at (1/2, -1/2), far below the differences
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
        observe="density",
    )
    distance = jqd.total_variation(run.values, EXACT)
    return {
        "worst": distance.max(),
        "mean": distance.mean(),
        "least": run.diagnostics["min_density"],
        "status": run.status,
    }
