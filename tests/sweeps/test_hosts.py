"""Processes that share a store under `jax.distributed`, on one machine."""

import socket
import subprocess
import sys
import textwrap

import pytest

from jqd.sweeps import Store, connect

from .conftest import bits

SCRIPT = textwrap.dedent(
    """
    import os, signal, sys, time, warnings

    warnings.filterwarnings("ignore")  # of fork: JAX has started nothing yet
    import jax

    jax.config.update("jax_enable_x64", True)
    import jqd
    import numpy as np
    from jqd.sweeps import connect
    from jqd.sweeps.hosts import Lost, _leave


    def point(q, key):
        x = jax.random.normal(key, (50,))
        return {"x": q * x, "mean": x.mean()}


    def tell(*words):
        # to a file: what JAX's network code prints is in the way elsewhere
        with open(sys.argv[4], "a") as file:
            print(*words, file=file)


    def begin(store, index, processes, port):
        child = os.fork()
        if child == 0:
            if processes > 1:
                connect(f"localhost:{port},{processes},{index}")
            try:
                dataset = jqd.sweep(
                    point, {"q": np.arange(3000.0)}, store=store, tile=16, chunk=16,
                    progress=False,
                )
                code = int((dataset.status == -1).any())
            except Lost as error:
                tell(error)
                code = 9
            if code == 0:
                _leave()  # in order, as at an exit that is not so abrupt
            os._exit(code)
        return child


    def marks(store):
        try:
            return [f for f in os.listdir(store + "/commits") if f[0] != "."]
        except FileNotFoundError:
            return []


    def both(store, port):
        return [begin(store, index, 2, port) for index in (0, 1)]


    def codes(children):
        # from exit codes to numbers, in the order of the children
        return [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]


    alone, shared, broken = sys.argv[1:4]
    ports = map(int, sys.argv[5:])
    assert codes([begin(alone, 0, 1, 0)]) == [0]
    assert codes(both(shared, next(ports))) == [0, 0]
    first, second = both(broken, next(ports))
    while len(marks(broken)) < 20:
        time.sleep(0.01)
    os.kill(second, signal.SIGKILL)
    assert codes([second]) == [-signal.SIGKILL]
    tell(*codes([first]))
    tell(len(marks(broken)))
    # without process 0 the other is ended by JAX
    done = len(marks(broken))
    first, second = both(broken, next(ports))
    while len(marks(broken)) < done + 5:
        time.sleep(0.01)
    os.kill(first, signal.SIGKILL)
    tell(*(code != 0 for code in codes([first, second])))
    before = {m: os.stat(f"{broken}/commits/{m}").st_mtime_ns for m in marks(broken)}
    assert codes(both(broken, next(ports))) == [0, 0]
    for mark, when in before.items():
        assert os.stat(f"{broken}/commits/{mark}").st_mtime_ns == when
    """
)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return map(str, ports)


@pytest.mark.slow
def test_two_processes_share_a_store_and_a_lost_one_is_made_up_for(tmp_path):
    stores = [tmp_path / name for name in ("alone", "shared", "broken")]
    told = tmp_path / "told"
    words = [*map(str, stores), str(told), *free_ports(4)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    chunks = Store(stores[0]).blocks.count
    lines = told.read_text().splitlines()
    assert lines[0].startswith("another process is gone; ")
    assert lines[1] == "9"
    # the process that stayed did its own share, at least
    assert chunks // 2 <= int(lines[2]) < chunks
    assert lines[3] == "True True"
    assert bits(stores[1]) == bits(stores[0])
    assert bits(stores[2]) == bits(stores[0])


OUTLIVE = textwrap.dedent(
    """
    import sys, time

    import jax
    import jqd
    import numpy as np
    from jqd.sweeps import connect

    port, index, store = sys.argv[1:]
    connect(f"localhost:{port},2,{index}")
    jqd.sweep(lambda q: {"x": 2 * q}, {"q": np.arange(4.0)}, store=store, chunk=1,
              progress=False)
    if index == "1":
        # longer than JAX takes to see that process 0 is gone
        time.sleep(2)
    """
)


def test_a_process_that_outlives_process_0_ends_well(tmp_path):
    """Without an order it is aborted, with the exit code 134, after a sound sweep."""
    (port,) = free_ports(1)
    words = [sys.executable, "-c", OUTLIVE, port]
    both = [
        subprocess.Popen(
            [*words, index, str(tmp_path / "store")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for index in ("0", "1")
    ]
    assert [each.wait(timeout=200) for each in both] == [0, 0]
    opened = Store(tmp_path / "store")
    assert len(opened.committed()) == opened.blocks.count


@pytest.mark.parametrize(
    "hosts", ["here", "localhost:1234", "localhost:1234,2", "localhost:1234,2,2"]
)
def test_hosts_that_make_no_sense_are_refused(hosts):
    with pytest.raises(ValueError, match=r"^Argument `--hosts` must be 'auto'"):
        connect(hosts)
