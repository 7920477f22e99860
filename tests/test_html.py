"""What notebooks show: words, escaped, of what is there, and never a failure."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import _html
from jqd.ensembles.copying import Copies
from jqd.inference.constant import Constant
from jqd.vetting.card import Card, judged

from .report.pages import Page

PSI = np.sqrt([0.7, 0.2, 0.1]) * np.exp([0, 0.4j, 1j])
H = np.array([[0.0, 0.5, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.6]])
TS = np.linspace(0, 2, 9)


def law(q=0.5):
    return jqd.CopyDynamics.from_hamiltonian(H, q)


def shown(value):
    """The words of the card, and its tags."""
    said = Page(value._repr_html_())
    classes = [attrs.get("class", "") for _, attrs in said.tags]
    assert classes[0] == "jqd-card", said.words
    # no rule of the card reaches out of it
    rules = said.style.split("}")[:-1]
    selectors = [s for rule in rules for s in rule.split("{")[0].split(",")]
    assert all(s.startswith(".jqd-card") for s in selectors)
    # text in the colours of the notebook, whatever they are
    assert "color:#fff" in said.style
    assert said.style.count("#") == 3
    return said


@pytest.fixture(scope="module")
def run():
    return jqd.evolve(law(), PSI, TS, method=jqd.Fixed(jqd.steppers.rk4, 4))


def test_a_trajectory(run):
    said = shown(run)
    assert "ok" in said.words
    assert "The run reached its last time." in said.words
    assert "9 from 0 to 2" in said.words
    assert f"{run.diagnostics['norm_drift']:.3g}" in said.cells
    assert "Integration error" in said.words
    lines = [attrs["points"] for tag, attrs in said.tags if tag == "polyline"]
    assert len(lines) == 3
    # |ψ|² of the class that varies most goes from bottom to top
    heights = [float(p.partition(",")[2]) for line in lines for p in line.split()]
    assert (min(heights), max(heights)) == (2.0, 30.0)
    p = np.abs(np.asarray(run.values)) ** 2
    assert f"between {p.min():.3g} and {p.max():.3g}" in said.words


def test_a_status_is_said_in_words_and_by_colour(run):
    ended = jqd.Trajectory(
        run.ts, run.values, None, jnp.asarray(jqd.Status.NODE), jnp.asarray(1.25), {}
    )
    said = shown(ended)
    assert "node" in said.words
    assert "reached zero (a node); the law ends there. (t = 1.25)" in said.words
    (badge,) = (a for _, a in said.tags if "jqd-card-status" in a.get("class", ""))
    assert badge["class"] == "jqd-card-status"
    good = [a["class"] for _, a in shown(run).tags if "status" in a.get("class", "")]
    assert good == ["jqd-card-status jqd-card-ok"]


def test_a_batch_counts(run):
    three = jax.tree.map(lambda x: jnp.stack([x, x, x]), run)
    codes = jnp.asarray([0, int(jqd.Status.NODE), 0])
    said = shown(eqx_replace(three, status=codes))
    assert "1 of 3 not ok" in said.words
    assert "2 of 3: The run reached" in said.words


def eqx_replace(run, **changes):
    fields = {name: getattr(run, name) for name in run.__dataclass_fields__}
    return type(run)(**fields | changes)


def test_curves_differ_without_colour(run):
    """Each of six curves has dashes of its own, named with the number of its column."""
    still, moving = np.zeros((9, 1)), np.outer(np.linspace(0, 1, 9), np.arange(1, 7))
    said = shown(eqx_replace(run, values=np.hstack([still, moving]), error=None))
    dashes = [a["stroke-dasharray"] for tag, a in said.tags if tag == "polyline"]
    assert len(set(dashes)) == len(dashes) == 6
    assert "6 of 7 curves" in said.words
    assert "(1 solid, 2 dashed, 3 dotted, 4 dash-dot, " in said.words
    # one curve needs no name
    one = shown(eqx_replace(run, values=moving[:, :1], error=None))
    assert "solid" not in one.words


def test_a_curve_has_gaps_where_values_are_missing(run):
    values = np.abs(np.asarray(run.values)) ** 2
    values[4] = np.nan
    said = shown(eqx_replace(run, values=values, error=None))
    lines = [attrs["points"] for tag, attrs in said.tags if tag == "polyline"]
    assert [len(line.split()) for line in lines] == [4, 4] * 3
    assert "nan" not in "".join(lines)
    nothing = shown(eqx_replace(run, values=values * np.nan, error=None))
    assert "polyline" not in {tag for tag, _ in nothing.tags}


def test_traced_values_fall_back_to_repr(run):
    seen = []

    @jax.jit
    def look(run, q):
        seen.append(run._repr_html_())
        seen.append(law(q)._repr_html_())
        return q

    look(run, jnp.asarray(0.5))
    assert seen[0].startswith("<pre>Trajectory(")
    assert seen[1].startswith("<pre>CopyDynamics(")
    assert "&lt;" in seen[0] or "<" not in seen[0][5:-6]


def test_what_cannot_be_read_does_not_fail(run):
    gone = jnp.arange(3.0)
    gone.delete()
    html = eqx_replace(run, values=gone)._repr_html_()
    assert html.startswith("<pre>")
    html = eqx_replace(run, ts=None, status="<b>")._repr_html_()
    assert "<b>" not in html


def test_large_values_are_not_looked_at(run, monkeypatch):
    class Kept:
        """An array that nobody may read."""

        dtype, shape, ndim, size = np.dtype(float), (9, 200_000), 2, 1_800_000

        def __array__(self, *_, **__):
            raise AssertionError("it was read")

    said = shown(eqx_replace(run, values=Kept(), error=Kept()))
    assert "(9, 200000)" in said.words
    assert "Too many to look at." in said.words
    big = eqx_replace(run, values=np.ones((9, 3_000_000)), error=None)
    began = time.process_time()
    shown(big)
    took = time.process_time() - began
    began = time.process_time()
    np.isfinite(big.values).all()  # to look at all of them, once
    assert took < time.process_time() - began


def test_a_law_shows_its_constants():
    said = shown(law(0.4))
    assert "CopyDynamics" in said.words
    # q and r beside their values in quantum mechanics
    assert {("0.4", "0.5"), ("-0.5", "-0.5")} <= set(
        zip(said.cells[:-1], said.cells[1:], strict=True)
    )
    assert "float64 (3, 3)" in said.words
    # a law of a batch has no numbers to show
    many = shown(jax.vmap(law)(jnp.linspace(0.3, 0.5, 8)))
    assert "float64 (8,)" in many.words


def test_a_fit():
    one = Constant("q", 0.50012, 1e-4, 1e-9, 0.5)
    parts = (np.eye(1), np.ones(1), 1.0, None, None, None, np.ones((2, 1)), np.ones(2))
    said = shown(jqd.inference.Fit({"q": one}, *parts, np.asarray(0)))
    assert said.cells == ["0.50012", "0.0001", "0.5", "1.2 errors"]
    assert "The fit converged." in said.words
    lost = shown(
        jqd.inference.Fit({"q": one}, *parts, np.asarray(int(jqd.Status.MISFIT)))
    )
    assert "misfit" in lost.words
    two = Constant("q", np.zeros(2), np.ones(2), np.ones(2), 0.5)
    said = shown(jqd.inference.Fit({"q": two}, *parts, np.zeros(2, int)))
    assert "Fits (2,)" in said.words
    assert said.cells == ["(2,)"]


def test_an_ensemble():
    occupation = np.stack([[[10.0, 0], [6, 4]], [[10, 0], [8, 2]]])
    none, two = np.zeros(2, int), np.ones(2)
    copies = Copies(
        np.asarray([0.0, 2.0]), np.asarray(10.0), occupation, np.sqrt(occupation / 10),
        None, None, none, two * np.inf, none, none, two, None,
    )  # fmt: skip
    said = shown(copies)
    assert "2 of 2: The trajectory reached" in said.words
    assert "mean occupation over time: 2 curves between 0 and 10" in said.words
    lines = [attrs["points"] for tag, attrs in said.tags if tag == "polyline"]
    # the mean of 6 and 8 is 7, three tenths below the top
    assert lines[0] == f"0.0,2.0 100.0,{30 - 28 * 0.7:.1f}"


@pytest.mark.slow
def test_what_functions_return():
    p = np.abs(np.asarray(jqd.evolve(law(), PSI, TS).values)) ** 2
    found = jqd.recover(law(0.45), (TS, p), psi0=PSI, free=("q",), starts=2)
    said = shown(found)
    q = found.constants["q"]
    assert said.cells[:2] == [_html.with_error(q.value, q.stderr), f"{q.stderr:.2g}"]
    assert found.message in said.words
    assert "polyline" in {tag for tag, _ in said.tags}
    copies = jqd.ensembles.copying.sample(
        law(), PSI, TS[:3], jax.random.key(0), copies=1000, trajectories=4,
        error_trajectories=0,
    )  # fmt: skip
    assert copies.describe() in shown(copies).words


def test_texts_are_escaped():
    row = judged("<i>norm</i>", 1e-9, 1e-9, note="<script>")
    said = shown(Card("<b>law", {"norm": row}, 10, 2.0))
    assert "<b>law" in said.words
    assert "<i>norm</i>" in said.words
    assert {"i", "script"}.isdisjoint(tag for tag, _ in said.tags)
    assert len([tag for tag, _ in said.tags if tag == "b"]) == 1
