"""Few threads are no reason to wait for ever."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import sys

    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", int(sys.argv[1]))
    import jax.numpy as jnp
    import jqd
    import numpy as np


    def several(q):
        matrix = jnp.cos(jnp.arange(3600.0).reshape(60, 60) * q)
        matrix = matrix + matrix.T
        first = jnp.linalg.eigh(matrix)[1][:, 0]
        return {"x": jnp.linalg.inv(matrix + 5 * jnp.eye(60)) @ first}


    dataset = jqd.sweep(
        several, {"q": np.linspace(0.9, 1.1, 640)}, store=sys.argv[2], batch=64,
        progress=False,
    )
    assert (dataset.status == 0).all()
    assert np.isfinite(dataset.x).all()
    """
)


@pytest.mark.bits
@pytest.mark.parametrize("devices", [1, 2])
def test_factorisations_side_by_side_end_on_two_threads(devices, tmp_path):
    """As one program of XLA they wait for each other (with jaxlib 0.10.2)."""
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(devices), str(tmp_path / "store")],
        env={**os.environ, "NPROC": "2"},
        check=True,
        # some 5 s on an idle machine
        timeout=240,
    )
