"""Derivatives of copy dynamics about quantum mechanics, by linear response.

δψ(t) = U(t) δψ(0) + ∫_0^t U(t - s) N(ψ(s)) ds,   ψ(s) = U(s) ψ(0)

N_q = ψ_a (1/2ρ_a) Σ_b 2 |Im z_ab| ln(ρ_a/ρ_b)
N_r = -i ψ_a (1/ρ_a) Σ_b Re z_ab ln(ρ_a/ρ_b)
N_H = -i δH ψ,   z_ab = ψ_a* H_ab ψ_b,   ħ = 1

The kinks of |Im z| limit the midpoint rule to the square of its step.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ..._math import expi
from ...laws import CopyDynamics
from ...status import Status
from ..sensitivity import RTOL, Sensitivity, apart, sensitivity
from ..study import Study

NODES = 4000


def linear_response(
    H: Complex[Array, "M M"],
    psi0: Complex[Array, " M"],
    ts: Float[Array, " T"],
    dH: Complex[Array, "K M M"],
    nodes: int,
) -> tuple[Complex[Array, "T M"], Complex[Array, "T K+2 M"]]:
    """ψ(t) of quantum mechanics, with its derivatives in q, r and K directions of H.

    Args:
        H: Hermitian, in rates (ħ = 1).
        psi0: ψ at t = 0.
        ts: times from 0 on, in any order.
        dH: directions of H.
        nodes: number of points of the midpoint rule on [0, max t].

    Returns:
        ψ, and δψ for q, r and then the directions.
    """
    energies, basis = jnp.linalg.eigh(H)
    start = basis.conj().T @ psi0
    step = jnp.max(ts) / nodes
    left = step * jnp.arange(nodes)
    turn = expi(-energies[None, :] * (left + step / 2)[:, None])
    psi = (turn * start[None, :]) @ basis.T
    fields = jnp.concatenate(
        [copy_fields(H, psi), -1j * jnp.einsum("kab,nb->nka", dH, psi)], axis=1
    )
    turned = turn.conj()[:, None, :] * (fields @ basis.conj())
    # what each time has covered of each step: smooth in t
    covered = jnp.clip((ts[:, None] - left[None, :]) / step, 0, 1) * step
    flat = jnp.reshape(turned, (nodes, -1))
    summed = jnp.reshape(covered @ flat, (ts.shape[0], *turned.shape[1:]))
    on = expi(-energies[None, :] * ts[:, None])
    return (on * start[None, :]) @ basis.T, (on[:, None, :] * summed) @ basis.T


def copy_fields(
    H: Complex[Array, "M M"], psi: Complex[Array, "n M"]
) -> Complex[Array, "n 2 M"]:
    """N_q and N_r, derivatives of dψ/dt by q and r in quantum mechanics."""
    rho = jnp.real(psi * psi.conj())
    # an empty class has no ratio; its population grows at once
    rho = jnp.maximum(rho, jnp.finfo(rho.dtype).tiny)
    level = jnp.log(rho)
    ratio = level[:, :, None] - level[:, None, :]
    links = jnp.where(jnp.eye(H.shape[0], dtype=bool), 0, H)
    z = psi.conj()[:, :, None] * links[None] * psi[:, None, :]
    unit = psi / rho
    q = unit * jnp.sum(jnp.abs(jnp.imag(z)) * ratio, axis=2)
    r = -1j * unit * jnp.sum(jnp.real(z) * ratio, axis=2)
    return jnp.stack([q, r], axis=1)


def has_response(study: Study, theta: Array) -> bool:
    """Whether linear response is exact: copies at the point of quantum mechanics."""
    law = study.law
    if not isinstance(law, CopyDynamics) or law.literal:
        return False
    if law.harmonics is not None or law.drive is not None:
        return False
    here = study.scene_at(theta).law
    assert isinstance(here, CopyDynamics)
    return bool(np.isclose(here.q, 0.5, 0, 1e-12) & np.isclose(here.r, -0.5, 0, 1e-12))


def response(study: Study, theta: Array, nodes: int = NODES) -> Sensitivity:
    """Derivatives of the expected data of copies, by linear response.

    Args:
        study: of copies, at the point of quantum mechanics.
        theta: constants, (p,).
        nodes: number of points of the midpoint rule.
    """
    mean, slope = _shown(study, theta, nodes)
    return Sensitivity(theta, mean, slope, slope, 0.0, nodes, Status.OK)


def derivatives(study: Study, theta: Array, nodes: int = NODES) -> Sensitivity:
    """By linear response where it is exact; `change` is how far those through the law
    are from them."""
    through = sensitivity(study, theta, RTOL)
    if not has_response(study, theta) or through.status is not Status.OK:
        return through
    linear = response(study, theta, nodes)
    distance = apart(linear.slope, through.slope, np.asarray(study.spans))
    return Sensitivity(
        theta, linear.mean, linear.slope, through.slope, distance, through.steps,
        through.status,
    )  # fmt: skip


@jax.jit(static_argnums=2)
def _shown(study: Study, theta: Array, nodes: int) -> tuple[Array, Array]:
    def parts(theta: Array) -> tuple[Array, Array, Array]:
        scene = study.scene_at(theta)
        law = scene.law
        assert isinstance(law, CopyDynamics)  # `has_response` made sure
        exponents = jnp.stack([law.q, law.r])
        psi0 = law.psi(scene.state0())
        return exponents, law.hamiltonian() / law.hbar, psi0

    _, H, psi0 = parts(theta)
    exponents, dH, dpsi0 = (jnp.moveaxis(x, -1, 0) for x in jax.jacfwd(parts)(theta))
    ts = study.data.ts - study.data.t0
    psi, moved = linear_response(H, psi0, ts, dH, nodes)
    moved = jnp.einsum("pe,tea->tpa", exponents, moved[:, :2]) + moved[:, 2:]
    moved += _carried(H, dpsi0, ts)

    def shown(theta: Array, t: Array, psi: Array) -> Array:
        return study.scene_at(theta).shown(t, psi)

    def along(unit: Array, t: Array, psi: Array, moved: Array) -> Array:
        return jax.jvp(lambda *x: shown(x[0], t, x[1]), (theta, psi), (unit, moved))[1]

    units = jnp.eye(theta.shape[0], dtype=theta.dtype)
    each = jax.vmap(along, (0, None, None, 0), -1)
    slope = jax.vmap(each, (None, 0, 0, 0))(units, study.data.ts, psi, moved)
    mean = jax.vmap(shown, (None, 0, 0))(theta, study.data.ts, psi)
    return mean, slope


def _carried(H: Array, psi: Complex[Array, "p M"], ts: Array) -> Array:
    """U(t) of each vector, (T, p, M)."""
    energies, basis = jnp.linalg.eigh(H)
    on = expi(-energies[None, :] * ts[:, None])
    return (on[:, None, :] * (psi @ basis.conj())[None]) @ basis.T
