"""One step of a path: dX = b(t, X) dt + dW, b = 2D Im L + 2ν Re L + c, L = ∇ψ/ψ.

Every scheme takes the same arguments and gives the position at t + dt:

    middle: the `Pull` as a function of x at t + dt/2; None unless the scheme is in
        `HALVED`.
    later: the pull as a function of x at t + dt.
    x: positions at t, (n, d).
    here: the pull at (t, x).
    noise: √(2ν) (W(t + dt) - W(t)), (n, d).
    dt: the step.
    D: ħ/2m along each axis, length² over time, (1, d); 0 where the mass is infinite.
    nu: ν along each axis, the same unit, (1, d).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..._math import divisor, safe_divide, safe_sqrt


class Pull(NamedTuple):
    """The quantities that move a path at a position.

    Attributes:
        log_gradient: L = ∇ψ/ψ, for spinors ψ†∇ψ/ψ†ψ, (n, d); per unit of length.
        carried: c, the velocity that a vector potential or a coupling to a pointer
            adds, (n, d); None for none.
    """

    log_gradient: Complex[Array, "n d"]
    carried: Float[Array, "n d"] | None


# A move longer than this share of the distance to the node takes the implicit step.
NEAR = 0.5
# A node is real where it is off the line by less than this share of the move.
REAL = 0.1
# Number of updates of the pole's place: from two widths away it is found to 1e-3.
POLES = 3


def velocity(pull: Pull, D: Array) -> Float[Array, "n d"]:
    """v = ∇S/m, with the contribution of a vector potential or a coupling."""
    v = 2 * D * jnp.imag(pull.log_gradient)
    return v if pull.carried is None else v + pull.carried


def drift(pull: Pull, D: Array, nu: Array) -> Float[Array, "n d"]:
    """b = v + ν∇ln ρ; with ν = D Nelson's forward drift v - u."""
    return velocity(pull, D) + 2 * nu * jnp.real(pull.log_gradient)


def euler(middle, later, x, here, noise, dt, D, nu):
    """x + b dt + dW: weak order 1."""
    del middle, later
    return x + drift(here, D, nu) * dt + noise


def heun(middle, later, x, here, noise, dt, D, nu):
    """x + (b + b(t + dt, x + b dt + dW)) dt/2 + dW: weak order 2 (additive noise)."""
    del middle
    b = drift(here, D, nu)
    return x + (b + drift(later(x + b * dt + noise), D, nu)) * (dt / 2) + noise


def implicit(middle, later, x, here, noise, dt, D, nu):
    """Heun's step, but drift-implicit near a node (zero of ψ).

    At a node b = 2ν/(x - node) jumps from -∞ to ∞, and an explicit step throws paths
    far away or across. There x' = x + b(t + dt, x') dt + dW is solved along the line
    on which the drift acts; the root stays on its side of the node. A node is near
    where the explicit move is longer than half its apparent distance 1/|∇ln|ψ||, seen
    from either end of the move. Where ν differs from axis to axis, lines and distances
    are those of x/√ν, in which the noise is isotropic.
    """
    del middle
    b = drift(here, D, nu)
    tried = x + b * dt + noise
    there = later(tried)
    explicit = x + (b + drift(there, D, nu)) * (dt / 2) + noise
    unit = _Unit.of(nu)
    L_here, L_there = unit.slope(here), unit.slope(there)
    steep_here, steep_there = _length(jnp.real(L_here)), _length(jnp.real(L_there))
    steep = jnp.maximum(steep_here, steep_there)
    # Carried along by the current, so that a node that moves stays behind.
    start = x + velocity(here, D) * dt
    # The end with the steeper slope gives the node's direction and a first guess.
    L = jnp.where(steep_there > steep_here, L_there, L_here)
    near = (_length(unit.shrink(tried - x)) * steep > NEAR) & (unit.nu > 0)
    # No division by zero where there is no node; those lanes are not used.
    along = safe_divide(jnp.real(L), steep, near)
    move = _dot(unit.shrink(tried - start), along)
    near &= _is_wall(move, _dot(L_here, along), _dot(L_there, along))
    seen = jnp.where(steep_there > steep_here, move, 0)

    def solved():
        root = _pole_step(later, start, noise, unit, dt, along, seen, L)
        return jnp.where(near, root, explicit)

    return jax.lax.cond(jnp.any(near), solved, lambda: explicit)


class _Unit(NamedTuple):
    """Coordinates y = x/s, s = √(ν/ν_max), in which the noise is that of ν_max.

    Along an axis without noise s is 0, and y stays.

    Attributes:
        nu: ν_max, scalar.
        scale: s, (1, d).
        inverse: 1/s, 0 where s is, (1, d).
    """

    nu: Array
    scale: Array
    inverse: Array

    @classmethod
    def of(cls, nu: Array) -> "_Unit":
        largest = jnp.max(nu)
        noisy = nu > 0
        share = divisor(nu) / divisor(largest)
        scale = jnp.where(noisy, jnp.sqrt(share), 0)
        return cls(largest, scale, jnp.where(noisy, 1 / jnp.sqrt(share), 0))

    def slope(self, pull: Pull) -> Array:
        """∇ψ/ψ per unit of y."""
        return self.scale * pull.log_gradient

    def shrink(self, x: Array) -> Array:
        """A distance of x in y."""
        return self.inverse * x

    def grow(self, y: Array) -> Array:
        """A distance of y in x."""
        return self.scale * y


def rk4(middle, later, x, here, noise, dt, D, nu):
    """The classical Runge-Kutta step: order 4 without noise (Bohm's paths)."""
    k1 = drift(here, D, nu)
    k2 = drift(middle(x + k1 * (dt / 2)), D, nu)
    k3 = drift(middle(x + k2 * (dt / 2)), D, nu)
    k4 = drift(later(x + k3 * dt), D, nu)
    return x + (k1 + 2 * k2 + 2 * k3 + k4) * (dt / 6) + noise


def _is_wall(move, here, there):
    """Whether the node is real. Where two packets meet, ψ has deep minima instead,
    zeros at complex places z, through which the current carries the paths.

    From L = 1/(s - z) + const. at s = 0 and s = move: z (z - move) = move/(L₀ - L₁).
    Where Im L is small against Re L, z is real without further ado.
    """
    move, here, there = jax.lax.stop_gradient((move, here, there))
    change = here - there
    square = move**2 / 4 + move / jnp.where(change == 0, 1, change)
    off = jnp.abs(jnp.imag(jnp.sqrt(square)))
    plain = [jnp.abs(jnp.imag(L)) < REAL * jnp.abs(jnp.real(L)) for L in (here, there)]
    return (off < REAL * jnp.abs(move)) | (plain[0] & plain[1])


def _pole_step(later, start, noise, unit, dt, along, seen, L):
    """x' = start + noise + ν∇ln ρ(t + dt, x') dt, solved along the unit vectors e.

    With x' = start + (noise across e) + s e this is s = e·noise + 2ν dt e·Re L. At each
    s the drift is read as that of a pole, e·Re L = 1/(s - node); the next s is that
    root of a quadratic equation which lies, with the start, on one side of the node.
    Its fixed point solves the implicit equation itself.

    Args:
        later: the pull at t + dt as a function of x.
        start: the positions, carried along by the current, (n, d).
        noise: (n, d).
        unit: the coordinates in which e, s and L are.
        dt: the step.
        along: e, (n, d).
        seen, L: an s, (n, 1), and L there, (n, d), from which the node is placed first.
    """
    nu_dt = unit.nu * dt
    pushed = _dot(unit.shrink(noise), along)
    base = start + noise - unit.grow(pushed * along)
    tiny = jnp.finfo(start.dtype).tiny ** 0.5

    def solve(s, L):
        rise = _dot(jnp.real(L), along)
        away = jnp.where(rise < 0, -1, 1) / jnp.maximum(jnp.abs(rise), tiny)
        # The node is at s - away, the start at 0.
        side = jnp.where(away < s, -1, 1).astype(start.dtype)
        ahead = side * (pushed - s + away)
        root = safe_sqrt(ahead**2 + 8 * nu_dt)
        # Either form of the root is free of cancellation on its own side.
        total = jnp.where(ahead > 0, ahead + root, 1)
        push = jnp.where(ahead > 0, 4 * nu_dt / total, (root - ahead) / 2)
        return pushed + side * push

    def again(_, s):
        return solve(s, unit.slope(later(base + unit.grow(s * along))))

    guess = solve(seen, L)
    return base + unit.grow(jax.lax.fori_loop(0, POLES, again, guess) * along)


def _length(vector: Array) -> Array:
    """Lengths (n, 1) of (n, d), with finite slope at 0."""
    square = jnp.sum(vector**2, axis=1, keepdims=True)
    return safe_sqrt(square)


def _dot(a: Array, b: Array) -> Array:
    return jnp.sum(a * b, axis=1, keepdims=True)


SCHEMES = {"euler": euler, "heun": heun, "implicit": implicit, "rk4": rk4}
# Schemes that also read the wave half way; weak orders.
HALVED = ("rk4",)
ORDERS = {"euler": 1, "heun": 2, "implicit": 2, "rk4": 4}
