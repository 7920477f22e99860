"""`jqd recover .. --posterior`: the table, the files, and what is refused."""

import sys

import pytest
import xarray as xr

from jqd.cli import main
from jqd.problems import DATA


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["nuts", "laplace"])
def test_counts(tmp_path, capsys, printed, sampler):
    """The first third of the built-in ones, 20 000 shots at each time."""
    lines = (DATA / "four_level_counts.csv").read_text().splitlines()[:22]
    (tmp_path / "counts.csv").write_text("\n".join(lines) + "\n")
    words = ["recover", "copying", "--quick", "--posterior", "--sampler", sampler]
    words += ["--draws", "300", "--out", str(tmp_path / "found")]
    words += ["--data", str(tmp_path / "counts.csv"), "--state"]
    words += [str(DATA / "four_level_psi0.npy"), "--hamiltonian"]
    words += [str(DATA / "four_level_hamiltonian.npy"), "--starts", "2"]
    assert main([*words, "--json"]) == 0
    result = printed("recover copying")
    drawn = result["posterior"]
    assert result["status"] == drawn["status"] == "converged"
    for name in ("q", "r"):
        fit, own = result["constants"][name], drawn["constants"][name]
        # four errors of a mean and of an sd, and the steps of the fit
        assert abs(own["mean"] - fit["value"]) < 4 * own["sd"] / own["ess"] ** 0.5
        assert own["sd"] == pytest.approx(
            fit["stderr"], rel=4 / (2 * own["ess"]) ** 0.5
        )
    files = {path.name for path in (tmp_path / "found").iterdir()}
    assert {"posterior.zarr", "trace.png", "corner.svg", "data.zarr"} <= files
    with xr.open_datatree(tmp_path / "found" / "posterior.zarr", engine="zarr") as tree:
        assert tree["posterior"]["q"].shape == (4, 300)
        assert tree.attrs["law"] == "CopyDynamics"


@pytest.mark.slow
def test_the_table(tmp_path, capsys):
    """Of the built-in counts: without them values without errors would be refused."""
    words = ["recover", "copying", "--quick", "--posterior", "--sampler", "laplace"]
    assert main([*words, "--out", str(tmp_path / "found")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Posterior of CopyDynamics" in out
    assert "laplace: converged." in out
    assert "Independent draws" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["copying", "--posterior", "--noise", "none"], "`--posterior` must not be"),
        (["copying", "--sampler", "gibbs"], "`--sampler` must be one of nuts, smc"),
        (["husimi", "--posterior"], "`--posterior` must not be given without errors"),
        (["husimi", "--posterior", "--length-scales"], "given with `--length-scales`"),
        (["diffusion", "--posterior", "--estimator", "spectrum"],
         "given with `--estimator spectrum`"),
        (["husimi", "--free", "C,gamma"], "`--bath` must give gamma a value to free"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, capsys, words, said):
    assert main(["recover", *words, "--out", str(tmp_path / "found")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize("command", [["recover", "copying"], ["compare"]])
def test_a_sampler_that_is_missing_is_missed_before_the_fit(
    tmp_path, capsys, monkeypatch, command
):
    monkeypatch.setitem(sys.modules, "blackjax", None)
    assert main([*command, "--posterior", "--out", str(tmp_path / "found")]) == 2
    said = capsys.readouterr().err
    assert "Argument `--posterior`: Samplers" in said
    assert "pip install" in said
    assert not (tmp_path / "found").exists()
