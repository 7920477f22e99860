"""Eight virtual devices give the bits of one."""

import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import sys

    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 8)
    import jax.numpy as jnp
    import jqd
    import numpy as np

    TS = jnp.linspace(0.0, 2.0, 3)
    GRID = jqd.Grid((-8, 8), 64)
    H = np.diag([0.3, -0.2, 0.1, 0.0]) + 0.5


    def copying(a, b):
        law = jqd.CopyDynamics.from_hamiltonian(H, q=0.5 + a, r=-0.5 + b)
        state = law.prepare(jnp.array([0.8, 0.4, 0.4, 0.2]) + 0j)
        method = jqd.Fixed(jqd.steppers.rk4, 10, estimate_error=False)
        run = jqd.evolve(law, state, TS, method=method, observe="density")
        return {"density": run.values, "status": run.status}


    def grid(a, b):
        law = jqd.Schrodinger.on_grid(GRID, lambda x, k: 0.5 * k * x**2, k=1 + a)
        psi = GRID.normalise(jnp.exp(-((GRID.x + b) ** 2) / 2) + 0j)
        method = jqd.Fixed(jqd.steppers.strang, 10, estimate_error=False)
        run = jqd.evolve(law, psi, TS, method=method, observe="density")
        return {"density": run.values[-1], "status": run.status}


    axes = {"a": np.linspace(-0.1, 0.1, 20), "b": np.linspace(-0.1, 0.1, 15)}
    for function in (copying, grid):
        bits = set()
        for number, devices in enumerate((1, 8)):
            dataset = jqd.sweep(
                function, axes, store=f"{sys.argv[1]}/{function.__name__}{devices}",
                devices=jax.local_devices()[:devices], progress=False,
                batch=(64, 300)[number],
            )
            assert (dataset.status == 0).all()
            bits.add(dataset.density.values.tobytes())
        # the same numbers from a tile of another width may differ in rounding alone
        other = jqd.sweep(
            function, axes, store=f"{sys.argv[1]}/{function.__name__}", tile=16,
            progress=False,
        )
        np.testing.assert_allclose(other.density, dataset.density, atol=1e-13)
        print(function.__name__, len(bits))
    """
)


@pytest.mark.bits
def test_devices_do_not_change_a_bit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["copying", "1", "grid", "1"]
