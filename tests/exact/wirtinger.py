"""The derivative ∂ = (∂ₓ - i∂ᵧ)/2, by autodiff."""

import jax
import jax.numpy as jnp


def d(f):
    """Of a complex function of x and y."""

    def derivative(x, y):
        def parts(x, y):
            value = jnp.asarray(f(x, y), complex)
            return jnp.stack((value.real, value.imag))

        fx, fy = jax.jacfwd(parts, (0, 1))(x, y)
        return (fx[0] + fy[1] + 1j * (fx[1] - fy[0])) / 2

    return derivative
