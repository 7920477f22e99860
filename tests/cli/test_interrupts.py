"""What a run leaves behind when it is stopped halfway."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)]
)
def test_a_stopped_search_keeps_what_it_found(tmp_path, how):
    out = tmp_path / "run"
    code = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["recover", "copying", "--starts", "256", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    kept = out / "search.npz"
    deadline = time.monotonic() + 300
    while not kept.exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(how)
    output, complaint = process.communicate(timeout=300)
    with np.load(kept) as found:
        assert found["starts"].shape == found["ends"].shape == (256, 2)
        assert np.isfinite(found["ends"]).all()
    assert not (out / "summary.json").exists()
    if how == signal.SIGINT:
        last = complaint.strip().splitlines()[-1]
        assert process.returncode == 1
        assert "Traceback" not in complaint
        assert "interrupted" in last
        assert str(out) in last
        assert output == ""
