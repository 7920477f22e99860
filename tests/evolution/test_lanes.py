"""Batches of small laws as one kernel, done here operation by operation."""

import contextlib
import operator
import re
import time
from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

import jqd
from benchmarks import set_ups
from jqd import laws
from jqd.evolution import fixed, lanes
from jqd.evolution.evolution import in_precision
from jqd.evolution.lanes import kernels
from jqd.evolution.lanes.arrays import flat, given
from jqd.evolution.lanes.numbers import COST, Graph, Node, NotInLanes
from jqd.evolution.lanes.order import in_order, most_held
from jqd.evolution.lanes.programs import evaluated
from jqd.status import Status

# of `set_ups.CASES`; the others have transforms, random numbers, loops of unknown
# length or a splitting whose steps are merged
IN_LANES = {
    "Schrodinger, steps", "Schrodinger", "CopyDynamics", "ClassicalDiffusion",
    "Lindblad", "AtomMotion", "ThawedGaussian", "ClassicalMotion", "Tower", "Decay",
    "Gisin", "Logarithmic", "Weinberg",
}  # fmt: skip
TOO_MANY = {"RandomConstant"}
FEW = kernels.LANES + 3  # a whole block and a part of one


@contextlib.contextmanager
def interpreted():
    """Within, batches take the kernels of a GPU, interpreted. Gives their loops."""
    found = []

    def by_device(kernel, plain):
        del plain
        found.append(kernel.args[0])
        return partial(kernel, interpret=True)

    forget()
    try:
        with (
            mock.patch.object(jax, "default_backend", return_value="gpu"),
            mock.patch.object(lanes, "_by_device", by_device),
        ):
            yield found
    finally:
        forget()


def forget():
    """What was traced for one device; all else that the process compiled is kept."""
    for traced in (fixed._run, fixed._step):
        traced.clear_cache()


def anew(fn):
    """The function, compiled for this call alone: JAX finds traces by the function."""
    return jax.jit(lambda *given: fn(*given))


def members(state, many):
    """A batch in which every member has another first array."""
    leaves, structure = jax.tree.flatten(state)
    leaves = [
        jnp.broadcast_to(jnp.asarray(x)[None], (many, *jnp.shape(x))) for x in leaves
    ]
    scale = jnp.linspace(0.98, 1.0, many, dtype=leaves[0].real.dtype)
    leaves[0] = leaves[0] * scale.reshape(-1, *[1] * (leaves[0].ndim - 1))
    return structure.unflatten(leaves)


def same(one, other, atol):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


# -- laws ------------------------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("name", [n for n in set_ups.CASES if n in IN_LANES])
def test_a_batch_of_a_law_in_lanes_is_the_batch(name, single):
    """To rounding: products and sums are those of the law, in the order of a graph."""
    one = set_ups.program(name, substeps=4, judged=False, single=single)
    state = members(one.state, 3)
    run = jax.vmap(one.run, (None, 0))
    expected = anew(run)(one.law, state)
    with interpreted() as loops:
        found = anew(run)(one.law, state)
    assert loops
    assert loops[0].turns == 4
    same(found, expected, 1e-5 if single else 1e-13)
    # Negative control: members differ by more
    spread = [np.ptp(np.asarray(x), axis=0).max() for x in jax.tree.leaves(expected[0])]
    assert max(spread) > 1e-3


@pytest.mark.parametrize("name", [n for n in set_ups.CASES if n not in IN_LANES])
@pytest.mark.slow
def test_other_laws_have_no_kernel(name):
    one = set_ups.program(name, judged=False)
    with interpreted() as loops:
        batch = set_ups.batch_of(one.state, 3)
        jax.jit(jax.vmap(one.run, (None, 0))).trace(one.law, batch)
    assert not loops


def copying(q=0.45, r=-0.55, M=3):
    H = np.diag(np.arange(M) / M) + 0.3 * (np.eye(M, k=1) + np.eye(M, k=-1))
    return jqd.CopyDynamics.from_hamiltonian(H, q=q, r=r)


PSI = np.array([0.6, 0.64j, 0.48])
METHOD = jqd.Fixed(jqd.steppers.rk4, 8, estimate_error=False)
TS = np.array([0.0, 0.5, 1.0])


def followed(law, psi, method=METHOD):
    run = jqd.evolve(law, psi, TS, method=method)
    return run.values, run.status, run.failure_time


def of_exponents(theta, psi=PSI):
    return followed(copying(*theta), psi)


def test_members_of_their_own_laws_and_more_of_them_than_lanes():
    rng = np.random.default_rng(0)
    theta = jnp.asarray([0.5, -0.5] + 0.1 * rng.normal(size=(FEW, 2)))
    expected = anew(jax.vmap(of_exponents))(theta)
    with interpreted() as loops:
        found = anew(jax.vmap(of_exponents))(theta)
    assert len(set(loops)) == 1
    same(found, expected, 1e-13)


def test_a_batch_of_nobody_is_empty():
    theta = jnp.zeros((0, 2))
    with interpreted() as loops:
        values, status, _ = anew(jax.vmap(of_exponents))(theta)
    assert values.shape == (0, 3, 3)
    assert status.shape == (0,)
    assert not loops


def test_batches_of_batches_are_one_batch():
    """Laws along one axis and states along another."""
    theta = jnp.array([[0.45, -0.55], [0.5, -0.5]])
    psi = jnp.asarray(jnp.stack([PSI, PSI[::-1], 1j * PSI]))
    for axes in (((0, None), (None, 0)), ((None, 0), (0, None)), ((0, 0), (0, 0))):
        pairs = (theta, psi) if axes[0] != (0, 0) else (
            jnp.stack([theta] * 4, axis=1), jnp.stack([psi[:2]] * 4, axis=1),
        )  # fmt: skip
        run = jax.vmap(jax.vmap(of_exponents, axes[1]), axes[0])
        expected = anew(run)(*pairs)
        with interpreted() as loops:
            found = anew(run)(*pairs)
        assert loops
        same(found, expected, 1e-13)


def test_a_member_that_ends_does_not_touch_the_others():
    """At q = 0.9, r = -0.4 this one meets a node at three quarters of the time."""
    theta = jnp.array([[0.45, -0.55], [0.9, -0.4], [0.5, -0.5]])
    psi = np.array([-0.044 + 0.054j, -0.489 - 0.236j, -0.365 + 0.753j])
    psi /= np.linalg.norm(psi)
    run = jax.vmap(partial(of_exponents, psi=psi))
    expected = anew(run)(theta)
    with interpreted() as loops:
        found = anew(run)(theta)
    assert loops
    same(found, expected, 1e-13)
    assert expected[1].tolist() == [Status.OK, Status.NODE, Status.OK]
    assert TS[1] < expected[2][1] < TS[2]


@pytest.mark.parametrize("transformed", [jax.jacfwd, jax.jacrev])
@pytest.mark.parametrize("outside", [True, False])
def test_derivatives_are_those_of_whole_arrays(transformed, outside):
    """By a constant of a law and a start, whether members are within or around it."""

    def values(theta):
        law = laws.Weinberg(set_ups.H, theta[0])
        psi = jnp.array([jnp.cos(theta[1]), 0.6j * jnp.sin(theta[1]), 0.8])
        return jnp.abs(followed(law, psi / jnp.linalg.norm(psi))[0][-1]) ** 2

    theta = jnp.array([[0.4, 0.3], [0.5, 0.7]])
    if outside:
        of = transformed(lambda theta: jnp.sum(jax.vmap(values)(theta), axis=0))
    else:
        of = jax.vmap(transformed(values))
    expected = anew(of)(theta)
    with interpreted():
        found = anew(of)(theta)
    same(found, expected, 1e-13)
    assert np.max(np.abs(expected)) > 1e-3


def test_the_error_of_steps_is_estimated_in_lanes():
    method = jqd.Fixed(jqd.steppers.rk4, 4)
    psi = jnp.stack([PSI, PSI[::-1]])
    run = jax.vmap(lambda psi: jqd.evolve(copying(), psi, TS, method=method).error)
    expected = anew(run)(psi)
    with interpreted() as loops:
        found = anew(run)(psi)
    assert {loop.turns for loop in loops} == {4, 8}
    same(found, expected, 1e-13)


def test_a_sweep_over_devices_takes_the_kernel():
    """Within `shard_map`, by which `jqd.sweep` spreads tiles."""
    mesh = Mesh(np.array(jax.devices()[:1]), ("device",))
    theta = jnp.array([[0.45, -0.55], [0.5, -0.5]])
    run = jax.shard_map(
        jax.vmap(of_exponents), mesh=mesh, in_specs=P("device"), out_specs=P("device"),
        check_vma=False,
    )  # fmt: skip
    expected = anew(run)(theta)
    with interpreted() as loops:
        found = anew(run)(theta)
    assert loops
    same(found, expected, 1e-13)


# -- where there is no kernel ----------------------------------------------------------


def lowered(platform, batch=True):
    one = jax.vmap(of_exponents) if batch else of_exponents
    theta = jnp.array([[0.45, -0.55]] * 3) if batch else jnp.array([0.45, -0.55])
    with set_ups.traced_for_a_gpu():
        return jax.jit(one).trace(theta).lower(lowering_platforms=(platform,)).as_text()


def test_only_batches_on_cuda_have_a_kernel():
    assert "triton" in lowered("cuda")
    assert "triton" not in lowered("rocm")
    assert "triton" not in lowered("cuda", batch=False)
    theta = jnp.array([[0.45, -0.55]] * 3)
    here = jax.jit(jax.vmap(of_exponents)).trace(theta)
    assert "pallas" not in str(here.jaxpr)  # of a processor not even the choice


def test_without_triton_batches_are_whole_arrays():
    with mock.patch.object(kernels, "find_spec", return_value=None):
        assert "triton" not in lowered("cuda")


@pytest.mark.parametrize(
    ("capability", "kernel"),
    [("7.5", False), ("8.0", True), ("9.0", True), ("gfx90a", True)],
)
def test_cards_that_triton_refuses_have_no_kernel(capability, kernel):
    """XLA ends with an error there; of other makers' cards `lowered` says enough."""
    cards = [
        mock.Mock(compute_capability="9.0"),
        mock.Mock(compute_capability=capability),
    ]
    with mock.patch.object(jax, "local_devices", return_value=cards):
        assert kernels.has_kernels() == kernel


def test_large_systems_are_not_looked_at_number_by_number():
    """Of 300 levels a product with H alone has 10⁵ terms of complex numbers."""
    H = np.diag(np.arange(300.0))
    law = jqd.laws.Weinberg(H + np.eye(300, k=1) + np.eye(300, k=-1), 0.1)
    small = mock.patch("jqd.evolution.lanes.arrays.LARGEST", 10**6)
    for limited in (contextlib.nullcontext(), small):
        with limited, interpreted() as loops:
            psi = jnp.eye(2, 300, dtype=complex)
            began = time.perf_counter()
            run = jax.vmap(lambda psi: followed(law, psi)[0])
            jax.jit(run).trace(psi)
        assert not loops
        assert time.perf_counter() - began < 60  # seconds; minutes without limits


@pytest.mark.parametrize("limit", ["MOST_OPERATIONS", "MOST_WORDS"])
def test_large_turns_have_no_kernel(limit):
    with mock.patch.object(kernels, limit, 100):
        assert "triton" not in lowered("cuda")


# -- numbers ---------------------------------------------------------------------------

Z = np.array([0.3 - 1.2j, -2.0 + 0.1j, 1e-3j, -0.7])
X = np.array([0.3, -1.2, 0.0, 2.5])
A = np.arange(12.0).reshape(3, 4) - 5.5
PROGRAMS = {
    "complex division": (lambda z, w: z / w, Z, Z[::-1]),
    "division out of range": (lambda z, w: z / w, 1e200 * Z, 1e200 * Z[::-1]),
    "exponential, logarithm": (lambda z: jnp.exp(z) + jnp.log(z), Z),
    "modulus": (jnp.abs, 1e200 * Z),
    "powers": (lambda z: z**3 + z**-2 + z**0, Z),
    "equal": (lambda z, w: jnp.where((z == w) | (z != 2 * w), z, w), Z, Z),
    "conjugate, parts": (lambda z: jnp.conj(z) * z.real + 1j * z.imag, Z),
    "angles": (lambda x, y: jnp.arctan2(x, y) + jnp.sinh(x) - jnp.tanh(y), X, X[::-1]),
    "finite": (lambda x: jnp.isfinite(1 / x), jnp.asarray(X)),
    "comparisons": (lambda x: jnp.where((x > 0) & ~(x <= 1), x, jnp.sign(x)), X),
    "product of matrices": (lambda a: a @ a.T, A),
    "batch of products": (lambda a: jnp.einsum("ij,ij->i", a, a), A),
    "complex product": (lambda a, z: a @ z, A, Z),
    "sums": (lambda a: a.sum(0) + a.max(0) * a.min(0) - a.prod(0), A),
    "any, all": (lambda a: jnp.any(a > 4, axis=1) ^ jnp.all(a > 0, axis=1), A),
    "moved": (
        lambda a: jnp.concatenate([a[::-1, 1:], a[:, :1]], axis=1).T.reshape(2, 6), A,
    ),
    "padded, rolled": (lambda a: jnp.pad(jnp.roll(a, 1, 0), 1, constant_values=2.0), A),
    "taken": (lambda a: jnp.take(a, np.array([2, 0]), axis=0) + a[:2], A),
    "split": (lambda a: sum(jnp.split(a, 2, axis=1)), A),
    "diagonal": (lambda a: jnp.diagonal(a) + jnp.trace(a[:, :3]), A[:, :3]),
    "a form for each platform": (
        lambda x: jax.lax.platform_dependent(
            x, tpu=jnp.sin, cuda=jnp.cos, cpu=jnp.cos, default=jnp.tan
        ), X,
    ),
    "an array of nothing": (lambda x, y: x + jnp.concatenate([y, y]).size, X, X[:0]),
    "branches": (lambda x: jax.lax.cond(x[0] > x[1], jnp.cos, jnp.sin, x), X),
    "known branch": (lambda x: jax.lax.cond(True, jnp.cos, jnp.sin, x), X),
    "switch at a whole number": (
        lambda n, x: jax.lax.switch(n, [jnp.cos, jnp.sin], x), np.array(1), X,
    ),
    "converted": (lambda x: jnp.floor(x * 10).astype(int) // 3 + 1j * x, X),
    "identity": (lambda a: jnp.where(jnp.eye(3, 4, dtype=bool), 0, a), A),
    "jit, checkpoint": (jax.checkpoint(jax.jit(lambda x: jnp.cos(x) * x)), X),
    "whole numbers": (lambda n: n * 7 % 5 - n // 2, np.array([3, -4])),
}  # fmt: skip


NO_NUMBER = np.array([0.3, np.nan, -2.0, np.inf])
PROGRAMS["what is not a number"] = (
    lambda x: jnp.stack([
        jnp.maximum(x, 0), jnp.maximum(0, x), jnp.minimum(x, 1), jnp.clip(x, -1, 1),
        jnp.sign(x), jnp.broadcast_to(jnp.max(x), 4), jnp.broadcast_to(jnp.min(x), 4),
    ]), NO_NUMBER,
)  # fmt: skip


def one_turn(of, *arguments):
    """The result by a kernel that changes nothing but the result, once."""

    def turn(constants, i, state):
        del i, state
        return of(*constants)

    plain = lambda _, constants, start: turn(constants, 0, start)  # noqa: E731
    start = jnp.zeros_like(of(*arguments))
    batch = [jnp.stack([x, x]) for x in map(jnp.asarray, arguments)]
    with interpreted() as loops:
        run = lambda *each: lanes.in_lanes(turn, plain, 1, each, start)  # noqa: E731
        return loops, jax.vmap(run)(*batch)


@pytest.mark.parametrize("name", PROGRAMS)
def test_operations_on_numbers_are_those_on_arrays(name):
    of, *arguments = PROGRAMS[name]
    expected = np.asarray(of(*map(jnp.asarray, arguments)))
    loops, found = one_turn(of, *arguments)
    assert len(set(loops)) == 1
    assert found.shape == (2, *expected.shape)
    assert found.dtype == expected.dtype
    for one in found:
        # by one operation in another order, such as a division by the larger part
        np.testing.assert_allclose(one, expected, rtol=4e-15, atol=1e-300)


def test_a_kernel_takes_no_extremes_of_triton():
    """Of a number and what is none Triton takes the number, and nothing would tell."""
    of, x = PROGRAMS["what is not a number"]

    def run(x):
        plain = lambda turns, constants, start: of(constants)  # noqa: E731
        turn = lambda constants, i, state: of(constants)  # noqa: E731
        return lanes.in_lanes(turn, plain, 1, x, jnp.zeros((7, 4)))

    with interpreted() as loops:
        text = str(jax.make_jaxpr(jax.vmap(run))(jnp.stack([jnp.asarray(x)] * 2)))
    assert loops
    assert "select_n" in text
    assert not re.search(r"= (max|min|clamp|reduce_max|reduce_min)\b", text)


REFUSED = {
    "a power with a whole number": lambda x: jax.lax.pow(x, jnp.array([1, 2, 3, 2])),
    "sort": lambda x: jnp.sort(x),
    "a loop over rows": lambda x: jnp.cumsum(x),
    "a loop of unknown length": lambda x: jax.lax.while_loop(
        lambda x: x[0] < 9, lambda x: x + 1, x
    ),
    "an index that is computed": lambda x: x[jnp.argmax(x)] + x,
    "a sum of nothing": lambda x: x + jnp.sum(x[:0]),
    "solve": lambda x: jnp.linalg.solve(jnp.diag(x + 3), x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_operation_on_numbers_keeps_its_form(name):
    of = REFUSED[name]
    loops, found = one_turn(of, X)
    assert not loops
    np.testing.assert_allclose(found[0], of(jnp.asarray(X)), rtol=1e-14)


def test_random_keys_are_refused():
    with pytest.raises(NotInLanes, match="random key"):
        given(jax.random.key(0).aval)


def test_what_no_turn_changes_is_done_once_and_repeated_operations_too():
    """Of exp(k) Σ x² twice, one exponential is left, and it is not in the turn."""

    def turn(k, i, x):
        del i
        return x + jnp.exp(k) * jnp.sum(x**2) - jnp.exp(k) * jnp.sum(x**2) / 3

    program = jax.make_jaxpr(turn)(1.0, 0, jnp.ones(2))
    loop = kernels.Loop(program, 5, 1)
    # two squares, their sum, a product, a division, two sums and two differences
    assert loop.operations == 2 + 1 + 1 + COST["div"] + 2 + 2


def test_few_numbers_are_held():
    """The field of all classes at once holds M² products, class by class M of them."""
    for M, frugal in ((3, False), (16, True)):
        graph = Graph(10**6)
        a, x = (
            given(jax.core.ShapedArray(s, np.dtype(float)), True)
            for s in ((M, M), (M,))
        )
        of = lambda a, x: jnp.sum(jnp.sin(a) * x[None], axis=1) ** 2  # noqa: E731
        program = jax.make_jaxpr(of)(jnp.zeros((M, M)), jnp.zeros(M))
        wanted = flat(evaluated(graph, program, [a, x]))
        _, order = in_order(wanted)
        places = {id(node): i for i, node in enumerate(order)}
        for node in order:
            for operand in node.operands:
                if isinstance(operand, Node):
                    assert places[id(operand)] < places[id(node)]
        written = sorted(order, key=operator.attrgetter("place"))
        assert (order != written) == frugal
        if frugal:  # all M² entries are given; of what is made few are held
            assert most_held(order, wanted) < most_held(written, wanted)


def test_wide_members_go_to_and_from_memory_in_tiles():
    """Of 70 constants and 40 numbers: in one tile they fit into no smaller card."""
    rng = np.random.default_rng(0)
    c, x = rng.normal(size=(FEW, 70)), rng.normal(size=(FEW, 40))

    def turn(c, i, x):
        return x * c[:40] + c[30:] * i

    def plain(turns, c, x):
        return jax.lax.fori_loop(0, turns, partial(turn, c), x)

    run = jax.vmap(partial(lanes.in_lanes, turn, plain, 2))
    expected = c[:, 30:] + c[:, :40] * (c[:, :40] * x)
    with interpreted() as loops:
        found = run(c, x)
        text = str(jax.make_jaxpr(run)(c, x))
    assert loops
    # a sum of two numbers below ten, which may cancel
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-15)
    assert f"f64[{kernels.LANES},{kernels.TILE}]" in text
    assert not re.search(rf"f64\[{kernels.LANES},(64|96|128)\]", text)


def test_a_driven_law_is_followed_in_lanes():
    """Its rates change from step to step, its operators do not."""
    pulse = jqd.pulse(lambda t, w: jnp.cos(w * t), w=1.7)
    V = 0.2 * (np.eye(3, k=1) + np.eye(3, k=-1))

    def run(q):
        H = jqd.driven(set_ups.H.real, (V, pulse))
        return followed(jqd.CopyDynamics.from_hamiltonian(H, q=q, r=-0.5), PSI)

    q = jnp.array([0.45, 0.5])
    expected = anew(jax.vmap(run))(q)
    with interpreted() as loops:
        found = anew(jax.vmap(run))(q)
    assert loops
    same(found, expected, 1e-13)


def test_single_precision_stays_single():
    law = in_precision(copying(), jnp.float32)
    psi = jnp.stack([PSI, PSI[::-1]]).astype(jnp.complex64)
    with interpreted() as loops:
        values = jax.jit(jax.vmap(lambda psi: followed(law, psi)[0]))(psi)
    assert loops
    assert values.dtype == jnp.complex64


def test_numbers_of_steps_that_are_no_constants():
    """Of the run and of its check; members with numbers of their own have no kernel."""
    psi = jnp.stack([PSI, PSI[::-1]])

    def run(counts, psi):
        method = jqd.Fixed(jqd.steppers.rk4, counts=counts)
        found = jqd.evolve(copying(), psi, TS, method=method)
        return found.values, found.error, found.status

    for counts, axis in ((jnp.asarray(3), None), (jnp.array([3, 5]), 0)):
        batch = jax.vmap(run, (axis, 0))
        expected = anew(batch)(counts, psi)
        with interpreted() as loops:
            found = anew(batch)(counts, psi)
        assert bool(loops) == (axis is None)
        assert all(loop.turns is None for loop in loops)
        same(found, expected, 1e-13)


def test_steps_that_end_at_a_jump_are_taken_in_lanes():
    """A pulse jumps within the second interval, of which two legs share the steps."""
    pulse = jqd.pulse(lambda t, w: jnp.where(t < 0.7, 1.0, w), w=0.2, jumps=[0.7])
    V = 0.2 * (np.eye(3, k=1) + np.eye(3, k=-1))

    def run(b):
        law = laws.Weinberg(jqd.driven(set_ups.H.real, (V, pulse)), b)
        found = jqd.evolve(law, PSI, TS, method=jqd.Fixed(jqd.steppers.rk4, 6))
        return found.values, found.error

    b = jnp.array([0.1, 0.4])
    expected = anew(jax.vmap(run))(b)
    with interpreted() as loops:
        found = anew(jax.vmap(run))(b)
    assert loops
    same(found, expected, 1e-13)
