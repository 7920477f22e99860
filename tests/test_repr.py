"""What `repr` and `print` show of laws and of what is found about them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jqd


def test_a_law_shows_its_numbers():
    H = jnp.array([[0.0, 0.5], [0.5, 0.0]])
    law = jqd.CopyDynamics.from_hamiltonian(H, q=0.1 + 0.2, r=-1 / 3)
    said = repr(law)
    assert "q=0.3" in said
    assert "0.30000000000000004" not in said
    assert "r=-0.333333" in said
    assert "omega=[0, 0]" in said
    assert str(law) == said
    # of many numbers, their kind and shape
    assert "f64[40,40]" in repr(jqd.Schrodinger(jnp.eye(40)))


def test_a_law_within_a_law_does_so_too():
    decay = {"down": jqd.laws.Jump(jnp.array([[0, 1.0], [0, 0]]), 1.054571817e-3)}
    assert "0.00105457" in repr(jqd.Lindblad(jnp.eye(2), decay))


def test_a_law_is_shown_under_jit():
    said = []

    @jax.jit
    def look(q):
        law = jqd.CopyDynamics.from_hamiltonian(jnp.eye(2), q=q)
        said.append(repr(law))
        return law.q

    look(0.5)
    assert "r=" in said[0]


def test_bounds_and_cards_show_what_they_print():
    found = jqd.bounds("N")
    assert repr(found) == str(found)
    assert repr(found.rows[0]) == str(found.rows[0])
    row = jqd.vetting.Row("norm", 1e-16, 1e-15, jqd.vetting.Verdict.HOLDS)
    card = jqd.vetting.Card("law", {"norm": row}, 4, np.pi)
    assert repr(card) == str(card)


def test_a_record_shows_what_it_holds():
    counts = [[6, 4], [5, 5], [4, 6]]
    record = jqd.Record([0.1, 0.2, 0.3], counts, jqd.Multinomial(), t0=0.0)
    assert repr(record).splitlines() == [
        "Record",
        "  times: 3 from 0.1 to 0.3, 0.1 apart",
        "  state at: t0 = 0",
        "  values: 2 at each time, 4 to 6",
        "  shots: 10 at each time",
        "  errors: those of counts of independent shots",
    ]
    assert str(record) == repr(record)
    apart = jqd.instruments.DirichletMultinomial(rho=0.125)
    assert repr(jqd.Record([0.1, 0.2, 0.3], counts, apart)).splitlines()[-2:] == [
        "  shots: 10 at each time",
        "  errors: those of counts whose shots correlate, rho = 0.125",
    ]
    shares = np.array([[0.25], [0.5], [0.75]])
    found = repr(jqd.Record([0, 1, 3], shares, jqd.Gaussian(0.125)))
    assert "times: 3 from 0 to 3, 1 to 2 apart" in found
    assert "values: 1 at each time, 0.25 to 0.75" in found
    assert "errors: 0.125" in found
    assert "errors: not known" in repr(jqd.Record([2.0], [[0.5, 0.5]]))
    # two values a row that are one number
    sums = np.concatenate([shares, 1 - shares], axis=1)
    found = repr(jqd.Record([0, 1, 3], sums, jqd.Gaussian(0.125)))
    assert "errors: 0.125; rows sum to 1, and each counts for one value fewer" in found
    apart = repr(jqd.Record([0, 1, 3], sums + 0.25, jqd.Gaussian(0.125)))
    assert apart.endswith("errors: 0.125")


def test_a_record_that_cannot_be_read_is_shown_as_a_tree():
    """Traced, of several records, without some of its leaves, or with a deleted one."""
    said = []

    @jax.jit
    def look(ts):
        record = jqd.Record(ts, jnp.ones((3, 1)))
        said.append(repr(record))
        return record.ts

    record = jqd.Record([0.0, 1.0, 2.0], np.ones((3, 1)))
    look(record.ts)
    said.append(repr(jax.tree.map(lambda x: jnp.stack([x, x]), record)))
    other = eqx.tree_at(lambda one: one.values, record, np.ones((2, 3, 1)))
    said.append(repr(other))
    other = eqx.tree_at(lambda one: one.t0, record, np.zeros(2))
    said.append(repr(other))
    errors = jqd.Record(record.ts, np.full((3, 1), 0.25), jqd.Gaussian(0.1))
    said.append(repr(eqx.tree_at(lambda one: one.noise.sigma, errors, None)))
    gone = jqd.Record(np.arange(3.0), np.ones((3, 1)))
    gone.values.delete()
    said.append(repr(gone))
    assert all(text.startswith("Record(") for text in said)
    assert len(said) == 6
