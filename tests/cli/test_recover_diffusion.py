"""`jqd recover diffusion`: what it recovers, writes and refuses."""

import numpy as np
import pytest

from jqd import constants, problems
from jqd.cli import main
from jqd.cli.recover_diffusion import _told_of_guesses
from jqd.laws import ConservativeDiffusion
from jqd.spaces.grids import Grid

X = np.linspace(-6.0, 5.9, 120)
V = X**2 / 2
GRID = Grid((-6.0, 6.0), 120)


def write(path, **changes):
    """A file with a squeezed packet in a well at three times."""
    from jqd.exact import squeezed_state

    ts = np.array([0.0, 0.4, 0.8])
    density = np.stack(
        [np.abs(squeezed_state(X, t, center=0.5, width=0.6)) ** 2 for t in ts]
    )
    arrays = {
        "t": ts, "x": X, "density": density, "potential": V, "mass": 1.0,
        "x0": 0.5, "s0": 0.6, "p0": 0.0,
    }  # fmt: skip
    arrays |= changes
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return str(path)


def run(capsys, *words):
    code = main(["recover", "diffusion", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.slow
def test_built_in_double_well(tmp_path, printed):
    code = main(
        ["recover", "diffusion", "--start", "D=0.3", "--starts", "2", "--json", "--out",
        str(tmp_path / "run")]
    )  # fmt: skip
    assert code == 0
    result = printed("recover diffusion")
    # asked for; the step bias is kept below 1e-10
    assert abs(result["constants"]["D"]["value"] - 0.5) < 1e-8
    assert result["constants"]["D"]["reference"] == 0.5
    for name in ("profiles.png", "loss.png", "summary.json", "data.zarr"):
        assert (tmp_path / "run" / name).exists()


def test_shared_file_is_the_built_in_record(shared_data):
    record = problems.double_well()
    with np.load(shared_data / "double_well_density.npz") as file:
        np.testing.assert_array_equal(record.density, file["density"])
    noisy = problems.double_well("density_noisy")
    assert noisy.sigma == pytest.approx(0.00796328, rel=1e-5)
    assert record.sigma is None


def test_estimators_without_a_run(tmp_path, printed):
    path = write(tmp_path / "levels.npz", levels=np.arange(4) + 0.5)
    words = ["--data", path, "--estimator", "spectrum", "--json"]
    assert main(["recover", "diffusion", *words]) == 0
    found = printed("recover diffusion")["constants"]["D"]["value"]
    # levels of the oscillator on a box of 12 widths
    assert abs(found - 0.5) < 1e-6


def test_guesses_that_explicit_steps_need_not_follow_are_said():
    """The first values and half of D more, where the length of the record allows it."""
    law = ConservativeDiffusion(
        GRID, V, 0.4, classical_diffusion=0.1, form="window", friction=0.05
    )
    said = _told_of_guesses(law, ("D", "friction", "classical_diffusion"))
    assert said is not None
    assert "have D at most 0.4 and classical_diffusion at most 0.3: time steps" in said
    assert _told_of_guesses(law, ("friction",)) is None
    # the search begins there
    scales = constants.Scales(time=0.05, hbar=1.0, length=1.5)
    assert np.allclose(constants.span(law, "D", scales), [[0.1], [0.4]])
    ends = constants.span(law, "classical_diffusion", scales)
    assert np.allclose(ends, [[0.0], [0.3]])
    # by the record where that is narrower: 0.2 (length)²/time
    slow = constants.Scales(time=45.0, hbar=1.0, length=1.5)
    ends = constants.span(law, "classical_diffusion", slow)
    assert np.allclose(ends, [[0.0], [0.11]])
    # split steps follow any D
    split = ConservativeDiffusion(GRID, V, 0.4)
    assert np.allclose(constants.span(split, "D", scales), [[0.1], [1.6]])


BAD = {
    "no such file": ({}, ["--data", "nowhere.npz"], "does not exist"),
    "unknown constant": ({}, ["--free", "q"], "`--free` must name constants"),
    "hbar": ({}, ["--free", "D,hbar"], "hbar enters the law only as D"),
    "potential": ({}, ["--free", "V"], "only as V/m"),
    "twice": ({}, ["--free", "D,D"], "name each constant once"),
    "negative start": ({}, ["--start", "D=-0.3"], "`D` must be positive"),
    "unknown form": ({}, ["--form", "psi"], "`--form` must be one of"),
    "unknown estimator": ({}, ["--estimator", "guess"], "`--estimator` must be one of"),
    "sigma": ({}, ["--sigma", "-1"], "`--sigma` must be positive"),
    "missing column": ({}, ["--column", "rho"], "must hold `rho`"),
    "missing potential": ({"potential": None}, [], "must hold `potential`"),
    "short potential": ({"potential": V[:-1]}, [], "must hold `potential`"),
    "uneven points": ({"x": X**3}, [], "evenly spaced"),
    "no state": ({"x0": None}, [], "must hold the state at t0"),
    "not finite": ({"mass": np.nan}, [], "must be finite"),
    "no norm": ({"s0": 0.6, "density": np.ones((3, 120))}, [], "norm 1"),
    "negative": ({"density": -np.ones((3, 120))}, [], "not negative"),
    "wrong shape": ({"density": np.ones((3, 119))}, [], "of shape"),
    "no width": ({"s0": -0.6}, [], "positive width"),
    "no levels": ({}, ["--estimator", "spectrum"], "must hold `levels`"),
    "no action": ({}, ["--estimator", "energy"], "must hold `action`"),
    "no rate": ({}, ["--estimator", "residual"], "must hold `action_rate`"),
    "no mass": ({"mass": 0.0}, [], "`mass` must be positive"),
    "negative hbar": ({"hbar": -1.0}, [], "`hbar` must be positive"),
    "masses": ({"mass": np.ones(2)}, [], "one number as `mass`"),
    "infinite sigma": ({"sigma": np.inf}, [], "must be finite"),
    "complex": ({"density": np.ones((3, 120)) + 1j}, [], "must hold real `density`"),
    "late start": ({"t0": 0.2}, [], "must hold times from `t0` on"),
    "another state": ({"x0": 0.7}, [], "must begin with the state at t0"),
    "friction of psi": (
        {}, ["--free", "D,friction", "--form", "amplitude"], "not linear in ψ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, tmp_path, capsys):
    changes, words, message = BAD[name]
    if "--data" not in words:
        words = ["--data", write(tmp_path / "data.npz", **changes), *words]
    code, out, err = run(capsys, *words, "--out", str(tmp_path / "run"))
    assert code == 2
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "run").exists()
