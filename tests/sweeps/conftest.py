"""A function of one point that rounding would show in, and a store's bits."""

import hashlib
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest


def kicked(q, r, key):
    """Twenty steps of a kicked wave: transforms, products, exponentials, a key."""
    psi = jnp.exp(-((jnp.arange(16) - 8 + r) ** 2) / 8 + 0j)
    kick = jnp.exp(-1j * q * jnp.cos(jnp.arange(16)))

    def step(psi, _):
        return jnp.fft.ifft(kick * jnp.fft.fft(kick * psi)), None

    psi, _ = jax.lax.scan(step, psi, length=20)
    density = jnp.abs(psi) ** 2
    return {
        "density": density / density.sum(),
        "mean": jnp.tanh(q) * (density @ jnp.arange(16.0)),
        "noise": jax.random.normal(key),
        "count": jnp.argmax(density),
    }


def bits(store: Path) -> dict[str, str]:
    """Hash of every file of a store but the root's, whose attributes have a date."""
    return {
        str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file != store / "zarr.json"
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store may be."""
    return tmp_path / "store.zarr"
