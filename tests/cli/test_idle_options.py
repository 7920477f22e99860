"""Options that would change nothing are refused by name."""

import json

import numpy as np
import pytest

from jqd.cli import main
from jqd.cli.fit import tell
from jqd.cli.options import Common


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("recover copying --sampler nuts", "`--sampler` must be given only with --po"),
        ("recover copying --draws 100", "`--draws` must be given only with --posteri"),
        ("compare --draws=100", "`--draws` must be given only with --posterior"),
        (
            "recover diffusion --estimator energy --starts 3",
            "`--starts` must not be given with `--estimator energy`",
        ),
        (
            "recover diffusion --estimator residual --sigma 0.1",
            "`--sigma` must not be given with `--estimator residual`",
        ),
        (
            "recover husimi --length-scales --points 9",
            "`--points` must not be given with `--length-scales`",
        ),
        (
            "recover husimi --loss likelihood --starts 4",
            "`--starts` must not be given with `--loss likelihood`",
        ),
        ("recover husimi --kappa 2", "`--kappa` must be given only with --length-sca"),
        (
            "vet husimi[C=0.9] --hamiltonian H.npy",
            "`--hamiltonian` must be given only with laws of a matrix",
        ),
    ],
)
def test_an_option_without_effect(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("H.npy", np.eye(2))
    assert main(words.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["H.npy"]


def test_what_is_found_without_a_fit_goes_where_it_was_told(tmp_path, monkeypatch):
    result, folder = {"D": 0.5, "status": "converged"}, tmp_path / "run"
    common = Common(out=folder, as_json=True)
    monkeypatch.setattr("jqd.cli.fit.typed", lambda option: False)
    assert tell(common, result, "D") == 0
    assert not folder.exists()
    monkeypatch.setattr("jqd.cli.fit.typed", lambda option: option == "--out")
    assert tell(common, result, "D") == 0
    kept = json.loads((folder / "summary.json").read_text())
    assert {name: kept[name] for name in result} == result
    assert "provenance" in kept
