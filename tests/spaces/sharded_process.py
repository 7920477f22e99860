"""One of two processes that share a grid, `python sharded_process.py NUMBER PORT`."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

import jqd

jax.config.update("jax_enable_x64", True)


def run(grid):
    law = jqd.Schrodinger.on_grid(grid, lambda x, y: x**2 / 2 + y**4 / 50)
    psi = grid.sample(lambda x, y: jnp.exp(-((x - 0.3) ** 2) - y**2 / 2 + 1j * x))
    psi = law.prepare(grid.normalise(psi))

    def x2(t, psi):
        return grid.integrate(law.density(psi) * grid.coordinates[0] ** 2)

    return jqd.evolve(
        law, psi, [0.0, 0.2], method=jqd.Fixed(jqd.steppers.chin4a, 4),
        observe={"x2": x2, "psi": lambda t, psi: psi},
    ).values  # fmt: skip


if __name__ == "__main__":
    number, port = sys.argv[1:]
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, int(number))
    grid = jqd.Grid([(-5.0, 5.0), (-4.0, 6.0)], (16, 24))
    many, one = run(grid.sharded(jax.make_mesh((8,), ("a",)))), run(grid)
    whole = np.asarray(one["psi"])
    gaps = [
        np.abs(np.asarray(piece.data) - whole[piece.index]).max()
        for piece in many["psi"].addressable_shards
    ]
    report = {
        "devices": [len(gaps), len(jax.devices())],
        "x2": np.asarray(many["x2"]).tolist(), "gap": float(max(gaps)),
    }  # fmt: skip
    print(json.dumps(report))
