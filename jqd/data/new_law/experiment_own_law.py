"""Claim: the densities of three levels distinguish OwnLaw from quantum mechanics.

    jqd run experiment_own_law.py

vets the law at one strength g and follows it over many. Change the claim, the
set-up and the condition for "ok" to yours.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import jqd
from jqd.report import load_law, subplots

make = load_law(Path(__file__).with_name("own_law.py"), "OwnLaw")
matrix = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
psi0 = np.sqrt([0.5, 0.3, 0.2]) + 0j
ts = np.linspace(0.0, 4.0, 41)
vetted = ("norm", "quantum limit", "homogeneity", "superposition", "energy")


def axes(quick):
    return {"g": np.linspace(0.0, 0.5, 6 if quick else 101)}


def point(g):
    """Populations at one strength, and how far they are from quantum mechanics."""
    law, quantum = make(matrix, g), jqd.Schrodinger(matrix)
    run = jqd.evolve(law, law.prepare(psi0), ts, observe="density")
    exact = jqd.evolve(quantum, quantum.prepare(psi0), ts, observe="density")
    distance = jnp.max(jqd.total_variation(run.values, exact.values))
    return {"populations": run.values, "distance": distance, "status": run.status}


def run(context):
    card = jqd.vet(make(matrix, 0.3), rows=vetted, steps=200, tries=1)
    rows = card.plain()["rows"].values()
    context.save_table(list(rows), "card")
    data = jqd.sweep(
        point, axes(context.quick), store=context.folder / "sweep.zarr",
        dims={"populations": ("t", "class")}, coords={"t": ts}, progress=False,
    ).load()  # fmt: skip
    figure, ((axis,),) = subplots(1, 1, size=(5, 3.5))
    axis.plot(data.g, data.distance)
    axis.set(xlabel="g", ylabel="largest total variation")
    context.save_figure(figure, "distance")
    told = float(data.distance[0]) < 1e-6 < float(data.distance[-1])
    return {
        "status": "ok"
        if told
        else "the densities do not distinguish the law from quantum mechanics",
        "largest distance": float(data.distance.max()),
        **{f"{row['name']}": row["verdict"] for row in rows},
    }
