"""Records of apparatus that no page describes, made by QuTiP, through the commands.

What a laboratory leaves: a table, a Hamiltonian and a state as it believes them to be.
What jqd says of them is right, or it refuses with the right reason: no limit and no
standard error where the law does not describe the data.
"""

import json

import numpy as np
import pytest
import qutip

from jqd.cli import main

SHOTS = 1000
MISFIT = "The residuals are larger than the stated errors allow"
TIP = np.pi / 3  # of the first pulse: no class runs empty, as a node of copies would
# angular frequencies, per µs: of the detuning, of a pulse, and what the third level is
# lower by than twice the second
DETUNED, DRIVEN, ANHARMONIC = 2 * np.pi * 0.5, 2 * np.pi * 2.0, -2 * np.pi * 7.3


def written(folder, ts, counts, columns, H, psi):
    """The files, and the words that hand them over; H/ħ in radians per µs."""
    rows = [",".join(["run", "delay_us", *columns])]
    for k, (t, row) in enumerate(zip(ts.tolist(), counts.tolist(), strict=True)):
        rows.append(",".join([str(k + 1), repr(t), *map(str, row)]))
    (folder / "scan.csv").write_text("\n".join(rows) + "\n")
    for name, array in {"H": H, "psi0": psi.reshape(-1, 1)}.items():
        lines = [",".join(f"{z!r}".strip("()") for z in row) for row in array.tolist()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    named = ",".join(f"{column}={column}" for column in columns if column != "ones")
    return [
        "--data", str(folder / "scan.csv"), "--t0", "0", "--columns",
        "t=delay_us," + (named or "n1=ones"), "--shots", str(SHOTS), "--hamiltonian",
        str(folder / "H.csv"), "--state", str(folder / "psi0.csv"),
    ]  # fmt: skip


def told(folder, words, capsys):
    """Exit code, summary, and all that the command printed."""
    code = main([*words, "--out", str(folder / "run")])
    said = capsys.readouterr()
    summary = json.loads((folder / "run" / "summary.json").read_text())
    return code, summary, said.out + said.err


def refused(code, summary, printed):
    """A misfit: no limit, no error, no deviation in errors."""
    assert code == 1
    assert summary["p_value"] < 1e-3
    assert summary["status"] != "converged"
    assert MISFIT in summary["message"]
    assert summary["answers"] == []
    assert summary["errors_hold"] is False
    assert all(one["stderr"] is None for one in summary["constants"].values())
    assert set(summary["deviation_sigmas"].values()) == {None}
    assert "(95 %" not in printed


def pulsed(levels):
    """H/ħ between pulses, in the frame of the drive, and the two pulses."""
    a = qutip.destroy(levels)
    H = DETUNED * a.dag() * a + ANHARMONIC / 2 * a.dag() ** 2 * a**2

    def pulse(angle):
        return (-1j * (H + DRIVEN / 2 * (a + a.dag())) * angle / DRIVEN).expm()

    return H, pulse(TIP), pulse(np.pi / 2)


def ramsey(levels):
    """Populations after two pulses with a gap, (T, levels), and gaps in µs; H/ħ and the
    state at gap 0 with which these are populations without a second pulse."""
    H, first, second = pulsed(levels)
    ts, ground = np.linspace(0.1, 4, 40), qutip.basis(levels, 0)
    ends = [second * (-1j * H * t).expm() * first * ground for t in ts.tolist()]
    p = np.array([np.abs(end.full()[:, 0]) ** 2 for end in ends])
    turned = (second * H * second.dag()).full()
    return ts, p, (turned + turned.conj().T) / 2, (second * first * ground).full()


def leaked():
    """Counts of the three levels of a qutrit, (T, 3), whose third is up to .1 full."""
    ts, p, H, psi = ramsey(3)
    assert 0.05 < p[:, 2].max() < 0.15
    counts = np.random.default_rng(11).multinomial(SHOTS, p / p.sum(1, keepdims=True))
    return ts, counts, H, psi


@pytest.mark.slow
@pytest.mark.parametrize(
    "law", [["law", "weinberg", "--start", "eps=0.1"], ["copying", "--free", "q"]]
)
def test_a_ramsey_scan_whose_third_level_nobody_saw(tmp_path, capsys, law):
    """The readout takes the third level for the second, and the laboratory's qubit has
    none: chi-square per row is some 27, and any sinusoid would leave 4."""
    ts, counts, _, _ = leaked()
    _, _, H, psi = ramsey(2)
    ones = counts[:, 1:].sum(axis=1, keepdims=True)
    files = written(tmp_path, ts, ones, ["ones"], H, psi)
    refused(*told(tmp_path, ["recover", *law, *files, "--starts", "2"], capsys))


@pytest.mark.slow
def test_a_ramsey_scan_of_all_three_levels(tmp_path, capsys):
    """With the third level in the Hamiltonian and in the table the bound is right.

    The law's observable is the share of the last class, which here is the second level.
    """
    ts, counts, H, psi = leaked()
    order = [0, 2, 1]
    files = written(
        tmp_path, ts, counts[:, order], ["n0", "n1", "n2"], H[np.ix_(order, order)],
        psi[order],
    )  # fmt: skip
    words = ["recover", "law", "weinberg", *files, "--start", "eps=0.1", "--starts"]
    code, summary, printed = told(tmp_path, [*words, "2"], capsys)
    assert code == 0
    assert summary["p_value"] > 1e-3
    eps = summary["constants"]["eps"]
    # quantum mechanics made it: beyond 4 standard errors once in 1e4 times
    assert abs(eps["value"]) < 4 * eps["stderr"]
    (answer,) = summary["answers"]
    assert answer["bound"].startswith("abs(eps) < ")
    assert answer["bound"] in " ".join(printed.split())


def echoed():
    """An echo whose detuning has a spectrum 1/f, and whose last pulse turns with time.

    Each of 100 courses of the detuning and its mirror image is eight waves of one
    amplitude, at frequencies of one ratio: as much in each octave. The contrast falls
    to a half as a Gaussian does, not as an exponential.
    """
    rng, ts, turning = np.random.default_rng(5), np.linspace(0.25, 12, 48), np.pi
    waves = 2 * np.pi * np.geomspace(0.02, 1, 8)
    times = np.unique(np.concatenate([[0.0], ts, ts / 2]))
    X, Z = qutip.sigmax(), qutip.sigmaz()
    last = (-0.25j * np.pi * X).expm()
    begun = (-0.5j * TIP * X).expm() * qutip.basis(2, 0)
    p = np.zeros(len(ts))
    for phases in rng.uniform(0, 2 * np.pi, (100, 8)):

        def detuning(t, phases=phases):
            return 0.1 * np.sqrt(2) * np.sum(np.cos(waves * t + phases))

        course = qutip.propagator([[Z / 2, detuning]], times)
        for k, t in enumerate(ts.tolist()):
            half, whole = (course[np.searchsorted(times, x)] for x in (t / 2, t))
            for U, V in ((half, whole), (half.conj(), whole.conj())):
                turn = (-0.5j * turning * t * Z).expm()
                end = last * turn * (V * U.dag()) * X * U * begun
                p[k] += np.abs(end.full()[1, 0]) ** 2 / 200
    ones = np.random.default_rng(12).binomial(SHOTS, p)[:, None]
    turned = (last * (turning / 2 * Z) * last.dag()).full()
    return ts, ones, (turned + turned.conj().T) / 2, (last * X * begun).full()


@pytest.fixture(scope="module")
def echo():
    return echoed()


@pytest.mark.slow
def test_an_echo_without_its_decay(tmp_path, capsys, echo):
    """The laboratory trusts the echo: nothing is left of the detuning, so it thinks."""
    ts, ones, H, psi = echo
    files = written(tmp_path, ts, ones, ["ones"], H, psi)
    words = ["recover", "law", "weinberg", *files, "--start", "eps=0.1"]
    code, summary, printed = told(tmp_path, [*words, "--starts", "2"], capsys)
    refused(code, summary, printed)
    assert "fades with time, relative to the law" in summary["pattern"]
    assert "a prior of `fading`" in summary["pattern"]


@pytest.mark.slow
def test_an_echo_with_a_decay_of_another_form(tmp_path, capsys, echo):
    """Contrast that fades at one rate, as an exponential: either it is refused as well,
    or the bound that is stated has no deviation in it."""
    ts, ones, H, psi = echo
    files = written(tmp_path, ts, ones, ["ones"], H, psi)
    words = ["recover", "law", "weinberg", *files, "--start", "eps=0.1", "--nuisance"]
    code, summary, printed = told(
        tmp_path, [*words, "fading=0.06+-0.03", "--starts", "2"], capsys
    )
    if summary["p_value"] < 1e-3:
        refused(code, summary, printed)
    else:
        eps = summary["constants"]["eps"]
        assert abs(eps["value"]) < 4 * eps["stderr"]
        assert len(summary["answers"]) == 1
