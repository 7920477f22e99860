"""What jqd computes for the explorers' tests, and the data of the page of cards.

    python docs/_ext/explorer_numbers.py FILE

writes the numbers; a build calls it where jqd or this file is not what it was.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
NUMBERS = DOCS / "_build" / "explorer_numbers.json"
# Off and on quantum mechanics; the last three meet a node.
COPIES = [(0.5, -0.5), (0.4, -0.6), (0.3, -0.8), (0.45, -0.5), (0.5, 0.5), (0.7, -0.3),
          (0.9, -1.2), (0.5, 0.2)]  # fmt: skip
KERR = [(0.37, 1.0, [1.2, 0.5]), (2.1, 0.8, [2.0, 0.0]), (3.3, 1.3, [2.0, 0.0]),
        (7.0, 0.5, [1.5, -0.4])]  # fmt: skip
SLITS = [(0.5, 2.0, 1.0, 3.0), (0.3, 3.0, 0.4, 5.0), (0.8, 1.0, 0.0, 1.0)]
DESIGNS = [(0.5, -0.5), (0.45, -0.6)]


def copying(jqd, jax, jnp):
    """Populations and their slopes of the copy law by Runge and Kutta's steps."""
    H = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    psi0 = jnp.sqrt(jnp.array([0.5, 0.3, 0.2])) + 0j
    law = jqd.CopyDynamics.from_hamiltonian(H)
    ts = jnp.linspace(0.0, 4.0, 21)
    method = jqd.Fixed(jqd.steppers.rk4, 16, estimate_error=False)

    @jax.jit
    def run(q, r):
        there = law_at(jax, law, q, r)
        return jqd.evolve(there, psi0, ts, method=method, observe="density")

    def rows(q, r):
        return run(q, r).values

    slopes = jax.jit(jax.jacfwd(rows, (0, 1)))
    found = []
    for q, r in COPIES:
        trajectory = run(q, r)
        node = float(trajectory.failure_time)
        dq, dr = slopes(q, r)
        found.append({
            "q": q, "r": r, "T": 4.0, "saves": 21, "substeps": 16,
            "rows": plain(trajectory.values), "dq": plain(dq), "dr": plain(dr),
            "node": node if node < float("inf") else None,
        })  # fmt: skip
    return found


def law_at(jax, law, q, r):
    import equinox as eqx

    return eqx.tree_at(lambda one: (one.q, one.r), law, (q, r))


def husimi(jqd, jnp, np):
    """Husimi functions on circles in closed form."""
    found = []
    for t, C, alpha0 in KERR:
        radii, count = [0.0, 0.4, 1.1, 2.2, 3.1, 4.5], 7
        turn = np.exp(2j * np.pi * np.arange(count) / count)
        points = np.array(radii)[:, None] * turn
        values = jqd.exact.husimi.kerr(
            points, t, U=1.0, b=-4.0, alpha0=complex(*alpha0), C=C
        )
        found.append({
            "t": t, "C": C, "alpha0": alpha0, "radii": radii, "count": count,
            "values": plain(values),
        })  # fmt: skip
    return found


def slits(jqd, np):
    """Two free packets with ħ = 2mD, and what they share."""
    x = np.linspace(-6.0, 6.0, 25)
    found = []
    for D, d, eta, t in SLITS:
        one, two = (
            np.asarray(jqd.exact.free_gaussian(x, t, center=c, width=0.3, hbar=2 * D))
            for c in (d / 2, -d / 2)
        )
        shared = 2 * eta * (np.conj(one) * two).real
        norm = 2 + 2 * eta * np.exp(-(d**2) / (8 * 0.3**2))
        P = (np.abs(one) ** 2 + np.abs(two) ** 2 + shared) / norm
        found.append({"D": D, "d": d, "eta": eta, "t": t, "x": plain(x), "P": plain(P)})
    return found


def design(jqd, jax, jnp, np):
    """Information of looks about q, r and the readout, and errors of pairs of looks."""
    H = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    psi0 = jnp.sqrt(jnp.array([0.5, 0.3, 0.2])) + 0j
    law = jqd.CopyDynamics.from_hamiltonian(H)
    ts = jnp.linspace(0.0, 6.0, 61)
    method = jqd.Fixed(jqd.steppers.rk4, 8, estimate_error=False)

    @jax.jit
    def seen(theta):
        see = jqd.instruments.Confusion(readout=theta[2])
        there = law_at(jax, law, theta[0], theta[1])
        look = jax.tree_util.Partial(see.mean, there)
        return jqd.evolve(there, psi0, ts, method=method, observe=look).values

    slopes = jax.jit(jax.jacfwd(seen))
    found = []
    for q, r in DESIGNS:
        theta = jnp.array([q, r, 0.01])
        P, J = np.asarray(seen(theta)), np.asarray(slopes(theta))
        F = np.einsum("tbi,tbj,tb->tij", J, J, 1 / P)
        pairs = []
        for i, j in ((12, 40), (25, 58), (7, 9)):
            whole = 1e4 / 2 * (F[i] + F[j]) + np.diag([0, 0, 1 / 0.002**2])
            errors = np.sqrt(np.diag(np.linalg.inv(whole)))
            pairs.append({"looks": [i, j], "errors": plain(errors)})
        found.append({"q": q, "r": r, "epsilon": 0.01, "shots": 1e4, "sd": 0.002,
                      "F": plain(F.reshape(61, 9)), "pairs": pairs})  # fmt: skip
    return [*found, study(jqd, jnp, np, law, psi0)]


def study(jqd, jnp, np, law, psi0):
    """The errors of one pair by `jqd.fisher`, which halves steps until they settle."""
    ts, counts = np.array([1.2, 4.0]), np.array([[1667, 1667, 1666]] * 2)
    record = jqd.Record(ts, counts, jqd.Multinomial(), t0=0.0)
    asked = jqd.Study(
        law, record, psi0=psi0, free=("q", "r"),
        instrument=jqd.instruments.Confusion(readout=0.01),
        nuisances={"readout": (0.01, 0.002)},
    )  # fmt: skip
    known = jqd.fisher(asked)
    return {"fisher": [known.stderr(name) for name in ("q", "r")], "looks": [12, 40]}


def plain(values):
    """Lists of numbers; what was not reached is null."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list):
        return [plain(v) for v in values]
    return values if values == values else None


def numbers() -> dict:
    import jax
    import jax.numpy as jnp
    import numpy as np

    import jqd

    jax.config.update("jax_enable_x64", True)
    return {
        "copying": copying(jqd, jax, jnp),
        "husimi": husimi(jqd, jnp, np),
        "slits": slits(jqd, np),
        "design": design(jqd, jax, jnp, np),
    }


def state() -> str:
    """What the numbers depend on."""
    from jqd._revision import sources

    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{sources()} {here}"


def make(app):
    known = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    if known.get("state") != state():
        NUMBERS.parent.mkdir(exist_ok=True)
        command = [sys.executable, __file__, str(NUMBERS)]
        subprocess.run(command, check=True, env=os.environ | {"JAX_ENABLE_X64": "1"})


def write_cards(app, error):
    """The cards as a script, since pages from file:// may load no JSON."""
    if error is None and app.builder.format == "html":
        cards = json.loads((DOCS / "cards.json").read_text(encoding="utf-8"))["laws"]
        text = json.dumps(cards, ensure_ascii=False, separators=(",", ":"))
        path = Path(app.outdir) / "_static" / "explorers" / "cards_data.js"
        path.write_text(f"window.jqdCardData = {text};\n", encoding="utf-8")


def setup(app):
    app.connect("builder-inited", make)
    app.connect("build-finished", write_cards)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps({"state": state(), **numbers()}))
