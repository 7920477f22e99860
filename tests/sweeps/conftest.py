"""A function of one point that rounding would show in, a store's bits, a bucket."""

import hashlib
import subprocess
import sys
import urllib.request
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest


def kicked(q, r, key):
    """Twenty steps of a kicked wave: transforms, products, exponentials, a key."""
    psi = jnp.exp(-((jnp.arange(16) - 8 + r) ** 2) / 8 + 0j)
    kick = jnp.exp(-1j * q * jnp.cos(jnp.arange(16)))

    def step(psi, _):
        return jnp.fft.ifft(kick * jnp.fft.fft(kick * psi)), None

    psi, _ = jax.lax.scan(step, psi, length=20)
    density = jnp.abs(psi) ** 2
    return {
        "density": density / density.sum(),
        "mean": jnp.tanh(q) * (density @ jnp.arange(16.0)),
        "noise": jax.random.normal(key),
        "count": jnp.argmax(density),
    }


def bits(store: Path) -> dict[str, str]:
    """Hash of every file of a store but the root's, whose attributes have a date."""
    return {
        str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file != store / "zarr.json"
    }


def values(dataset) -> dict[str, bytes]:
    """All bytes of a dataset, wherever it is stored."""
    return {name: dataset[name].values.tobytes() for name in dataset.variables}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store may be."""
    return tmp_path / "store.zarr"


SECRET = "not-to-be-seen-anywhere"


# In a process of its own: it ends with its standard input, whatever becomes of us.
SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def service():
    """An S3 on loopback: its address."""
    pytest.importorskip("moto.server", reason="the tests' own S3, moto, is not here")
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        host, port = running.stdout.readline().split()
        yield f"http://{host}:{port}"
        running.stdin.close()


@pytest.fixture
def bucket(service, monkeypatch, request):
    """An empty bucket of that service, with what the environment says of it."""
    for name, value in {
        "AWS_ENDPOINT_URL": service,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    name = "bucket-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    ask(service, "PUT", name)
    return f"s3://{name}"


def ask(service: str, method: str, path: str, data: bytes | None = None) -> bytes:
    """One request to the service."""
    made = urllib.request.Request(f"{service}/{path}", data=data, method=method)
    made.add_header("Content-Type", "text/plain")
    with urllib.request.urlopen(made) as answer:
        return answer.read()
