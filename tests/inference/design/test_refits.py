"""The errors that a design predicts, beside the scatter of full refits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.inference.design.apparatus import Apparatus, Experiment
from jqd.inference.design.continuous import study_of_experiment

APPARATUS = Apparatus(
    levels=3, span=5.0, energy=1.0, coupling=1.2, hamiltonian_sd=0.01, readout=0.01,
    readout_sd=0.002,
)  # fmt: skip
SHOTS, REFITS = 1.2e5, 200
# rk4 with 0.03 between steps: slopes by q and r are good to a percent
SUBSTEPS = 48
EXACT = np.array([0.5, -0.5])
# constants to 1e-4 of their standard errors
POLISH = jqd.inference.Polish(rtol=1e-7, atol=1e-7, max_steps=25)


def planned() -> Experiment:
    """What `optimal_experiment` finds for this apparatus, to two decimals."""
    H = np.diag([0, 0.24, 0.31]).astype(complex)
    H[np.triu_indices(3, 1)] = -0.82 + 0.81j, -1.12 - 0.07j, -0.7 + 0.85j
    psi0 = np.sqrt([0.653, 0.034, 0.313]) * np.exp(1j * np.array([0.69, 2.37, 0]))
    ts = np.array([1.09, 1.83, 2.05, 3.08, 3.4, 4.5, 4.99])
    shares = np.array([0.01, 0.01, 0.13, 0.4, 0.26, 0.01, 0.18])
    upper = H + np.triu(H, 1).conj().T
    return Experiment(*map(jnp.asarray, (upper, psi0, ts, shares)))


def drawn(done: Experiment, key: jax.Array) -> jax.Array:
    """Counts of exact quantum mechanics, H and the readout drawn from their priors."""
    to_H, to_readout, to_counts = jax.random.split(key, 3)
    directions = jnp.asarray(APPARATUS.directions())
    offsets = APPARATUS.hamiltonian_sd * jax.random.normal(to_H, directions.shape[:1])
    H = done.hamiltonian + jnp.einsum("k,kab->ab", offsets, directions)
    more = APPARATUS.readout_sd * jax.random.normal(to_readout)
    readout = APPARATUS.readout + more
    energies, vectors = jnp.linalg.eigh(H)
    turned = jnp.exp(-1j * energies[None, :] * done.ts[:, None])
    psi = (turned * (vectors.conj().T @ done.psi0)[None, :]) @ vectors.T
    p = (1 - readout) * jnp.abs(psi) ** 2 + readout / APPARATUS.levels
    shots = jnp.round(SHOTS * done.shares)
    return jax.random.multinomial(to_counts, shots, jnp.maximum(p, 0))


@jax.jit
def refitted(study, done, keys):
    """q and r of full fits to records of their own, with errors and status."""

    def one(key):
        own = eqx.tree_at(lambda study: study.data.values, study, drawn(done, key))
        found = jqd.fit(
            own, start={"q": 0.5, "r": -0.5}, starts=1, search=None, polish=POLISH,
            substeps=SUBSTEPS,
        )  # fmt: skip
        both = [found.constants[name] for name in ("q", "r")]
        values = jnp.stack([constant.value for constant in both])
        return values, jnp.stack([constant.stderr for constant in both]), found.status

    return jax.vmap(one)(keys)


@pytest.mark.slow
def test_refits_scatter_as_a_design_says():
    """200 records with H and the readout drawn, each fitted from the planned values."""
    done = planned()
    study = study_of_experiment(APPARATUS, done, SHOTS)
    plan = jqd.design(study, shots=SHOTS, shares=done.shares)
    predicted = np.array([plan.stderr("q"), plan.stderr("r")])
    keys = jax.random.split(jax.random.key(7), REFITS)
    parts = [refitted(study, done, some) for some in jnp.split(keys, 2)]
    values, errors, status = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    # a misfit is chance here: its numbers count as all others do
    settled = np.isin(status, [jqd.Status.OK.value, jqd.Status.MISFIT.value])
    assert settled.sum() >= 0.95 * REFITS
    away = values[settled] - EXACT
    # the scatter of 200 has an error of 5 %: 2.8 of these
    np.testing.assert_allclose(away.std(axis=0, ddof=1), predicted, rtol=0.14)
    # a mean beyond 3 of its errors would be a bias
    assert np.all(np.abs(away.mean(axis=0)) < 3 * predicted / np.sqrt(settled.sum()))
    # 95 % of 200 are hit with an error of 1.54 %: 2.75 of these
    covered = np.mean(np.abs(away) < 1.96 * errors[settled], axis=0)
    assert np.all((covered > 0.907) & (covered < 0.993))
