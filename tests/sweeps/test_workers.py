"""Real workers on one store: killed, late, at once, and ended by what they compute."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import jqd
from jqd.cli import main
from jqd.sweeps import Store
from jqd.sweeps.leases import given_up

from .conftest import values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9"),
]

# Workers are forks of a process that has imported JAX but not started it, nor obstore.
WORKERS = textwrap.dedent(
    """
    import json, os, random, re, signal, sys, time, warnings
    import urllib.error, urllib.request

    warnings.filterwarnings("ignore")
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import jqd
    import numpy as np

    CHUNKS, LEASE = 100, 5.0


    def point(q, key):
        x = jax.random.normal(key, (50,))

        def step(x, _):
            return jnp.sin(x) + 1e-3 * q, None

        # a tile takes some hundredths of a second
        return {"x": q * x, "mean": jax.lax.scan(step, x, length=3000)[0].mean()}


    def begin(store, **options):
        child = os.fork()
        if child == 0:
            try:
                jqd.sweep(
                    point, {"q": np.arange(16.0 * CHUNKS)}, store=store, tile=16,
                    chunk=16, progress=False, lease=LEASE, **options,
                )
                os._exit(0)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        return child


    def committed(store):
        if "://" not in store:
            try:
                return sum(n.endswith(".json") for n in os.listdir(store + "/commits"))
            except FileNotFoundError:
                return 0
        bucket = store.partition("://")[2]
        address = f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}"
        listed = f"{address}?list-type=2&prefix=commits/&max-keys=1000"
        try:
            with urllib.request.urlopen(listed) as answer:
                return answer.read().count(b"<Key>commits/")
        except urllib.error.HTTPError as error:
            # the test's own server, hurried by a worker that was killed: ask again
            assert error.code == 500
            return 0
    """
)
KILLS = WORKERS + textwrap.dedent(
    """
    store, kills, late = sys.argv[1], *map(int, sys.argv[2:])
    random.seed(1)
    alive = [begin(store) for _ in range(4)]
    killed = joined = 0
    while killed < kills:
        # spread over most of the sweep, at no particular moment of a chunk
        while committed(store) < (killed + 0.5) * CHUNKS / (kills + 8):
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.1))
        lost = alive.pop(random.randrange(len(alive)))
        os.kill(lost, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(lost, 0)[1])
        assert code == -signal.SIGKILL, "it had ended before"
        killed += 1
        alive.append(begin(store))
        if killed % (kills // late) == 0:
            alive.append(begin(store))
            joined += 1
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in alive]
    print(killed, joined, *codes)
    """
)


def script(text, *words, **environment):
    return subprocess.run(
        [sys.executable, "-c", text, *map(str, words)],
        capture_output=True, text=True, check=False, timeout=550,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """All values of one undisturbed worker."""
    store = tmp_path_factory.mktemp("alone") / "store"
    text = WORKERS + "assert os.waitpid(begin(sys.argv[1]), 0)[1] == 0"
    done = script(text, store)
    assert done.returncode == 0, done.stderr
    return values(jqd.open_sweep(store))


# What is asked of a bucket takes several times as long: of that there is less.
@pytest.mark.parametrize(
    ("kind", "kills", "late"), [("folder", 20, 5), ("bucket", 8, 2)]
)
def test_kills_and_late_workers_leave_the_bits_of_one(
    kind, kills, late, alone, tmp_path, request
):
    """Four workers at any time; a killed one is followed by another."""
    place = request.getfixturevalue("bucket") if kind == "bucket" else tmp_path / "s"
    done = script(KILLS, place, kills, late)
    assert done.returncode == 0, done.stderr
    killed, joined, *codes = map(int, done.stdout.split())
    assert (killed, joined) == (kills, late)
    assert codes == [0] * (4 + late)
    opened = Store(place)
    if given_up(opened):
        # three of the kills met one chunk, which is then left until somebody asks
        again = "assert os.waitpid(begin(sys.argv[1], retry_failed=True), 0)[1] == 0"
        done = script(WORKERS + again, place)
        assert done.returncode == 0, done.stderr
    assert len(opened.committed()) == opened.blocks.count
    assert values(jqd.open_sweep(place)) == alone
    left = {name for name in opened.objects.list("leases") if name[0] != "c"}
    assert left == {"finished"}


def test_four_workers_leave_the_bits_of_one(alone, tmp_path):
    text = WORKERS + textwrap.dedent(
        """
        children = [begin(sys.argv[1]) for _ in range(4)]
        print(*(os.waitpid(child, 0)[1] for child in children))
        """
    )
    done = script(text, tmp_path / "s")
    assert done.stdout.split() == ["0"] * 4, done.stderr
    assert values(jqd.open_sweep(tmp_path / "s")) == alone


@pytest.mark.parametrize(("kind", "times"), [("folder", 20), ("bucket", 8)])
def test_two_workers_that_find_no_store_make_one(kind, times, tmp_path, request):
    """So many times, at the same moment."""
    base = request.getfixturevalue("bucket") if kind == "bucket" else tmp_path
    text = WORKERS + textwrap.dedent(
        """
        import multiprocessing

        together = multiprocessing.get_context("fork").Barrier(2)


        def begun():
            for i in range(int(sys.argv[2])):
                together.wait(60)
                jqd.sweep(
                    lambda q: {"x": 2 * q}, {"q": np.arange(64.0)}, tile=16, chunk=16,
                    store=f"{sys.argv[1]}/{i}", progress=False,
                )


        children = []
        for _ in range(2):
            children.append(os.fork())
            if children[-1] == 0:
                try:
                    begun()
                    os._exit(0)
                except BaseException as error:
                    print(repr(error), file=sys.stderr, flush=True)
                    os._exit(1)
        print(*(os.waitpid(child, 0)[1] for child in children))
        """
    )
    done = script(text, base, times)
    assert done.stdout.split() == ["0"] * 2, done.stderr
    first = values(jqd.open_sweep(f"{base}/0"))
    for i in range(times):
        opened = Store(f"{base}/{i}")
        assert opened.committed() == list(range(4))
        assert values(jqd.open_sweep(f"{base}/{i}")) == first


def test_two_functions_on_one_store_at_the_same_moment(tmp_path):
    """One of them gets it, whole; the other is refused in one line."""
    text = WORKERS + textwrap.dedent(
        """
        CHUNKS = 4
        first = begin(sys.argv[1])
        point = lambda q: {"x": q, "more": 2 * q}
        second = begin(sys.argv[1])
        print(*(os.waitstatus_to_exitcode(os.waitpid(c, 0)[1])
                for c in (first, second)))
        """
    )
    for i in range(4):
        done = script(text, tmp_path / str(i))
        assert sorted(done.stdout.split()) == ["0", "1"], done.stderr
        told = [line for line in done.stderr.splitlines() if "Argument `store`" in line]
        assert len(told) == 1
        opened = Store(tmp_path / str(i))
        assert opened.committed() == list(range(4))
        assert opened.damage() == {}


POISON = """
import os, signal
import jax
import numpy as np

axes = {"q": np.arange(40.0)}


def kill(q):
    if q == 13.0:
        os.kill(os.getpid(), signal.SIGKILL)
    return q


def point(q):
    same = jax.pure_callback(kill, jax.ShapeDtypeStruct((), q.dtype), q,
                             vmap_method="sequential")
    return {"x": 2 * same}
"""


def jqd_command(*words, **options):
    code = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True,
        check=False, timeout=300, **options,
    )  # fmt: skip


def test_a_chunk_that_kills_its_worker_ends_as_failed_and_all_others_are_done(
    tmp_path, capsys
):
    file, store = tmp_path / "poison.py", tmp_path / "store"
    file.write_text(POISON)
    words = ["sweep", file, "--out", store, "--tile", 4, "--chunk", 4, "--lease", 2,
             "--devices", 1]  # fmt: skip
    codes = [jqd_command(*words).returncode for _ in range(3)]
    assert codes == [-signal.SIGKILL] * 3
    last = jqd_command(*words, "--json")
    assert last.returncode == 1, last.stderr
    said = json.loads(last.stdout)
    reason = said["failed chunks"]["3"]
    assert reason.startswith("each of 3 workers that computed it was lost (")
    assert said["status"] == {"pending": 4, "ok": 36}
    assert "Note: Chunk 3 of " in last.stderr
    assert main(["sweep", "status", str(store), "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failed chunks"] == {"3": reason}
    # when what it was is mended, it is tried again
    file.write_text(POISON.replace("13.0", "-1.0"))
    mended = jqd_command(*words, "--retry-failed", "--json")
    assert given_up(Store(store)) == {}
    assert mended.returncode == 0, mended.stderr
    np.testing.assert_array_equal(jqd.open_sweep(store).x, 2 * np.arange(40.0))


def test_a_worker_that_is_told_to_end_gives_its_chunk_back(tmp_path):
    text = WORKERS + textwrap.dedent(
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        child = begin(sys.argv[1])
        while committed(sys.argv[1]) < 5:
            time.sleep(0.01)
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        print(os.listdir(sys.argv[1] + "/leases"))
        """
    )
    done = script(text, tmp_path / "s")
    assert done.stdout.strip() == "[]", done.stderr
    assert "Interrupted" in done.stderr
