"""Secrets of addresses, wherever they would be printed or kept."""

import logging

import pytest

from jqd._files import provenance
from jqd._redaction import without_secrets
from jqd._revision import COMMAND
from jqd.cli import main

# A secret key of AWS may hold / and +; this one is from their documentation.
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ADDRESS = f"s3://AKIAIOSFODNN7EXAMPLE:{SECRET}@bucket/sweep"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"to {ADDRESS}, or not", "to s3://***@bucket/sweep, or not"),
        (f"'{ADDRESS}?X-Amz-Signature=abc'", "'s3://***@bucket/sweep?***'"),
        ("az://a/b?sig=x#y z", "az://a/b?*** z"),
        ("s3:/me:pw@bucket", "s3:/***@bucket"),
        ("gs://bucket/sweep and me@home.org", "gs://bucket/sweep and me@home.org"),
        ("Argument `x` must be: 1/2 @ 3", "Argument `x` must be: 1/2 @ 3"),
    ],
)
def test_addresses_lose_their_secrets(text, shown):
    assert without_secrets(text) == shown


def test_a_refused_address_leaves_no_secret(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.py").write_text("axes = {'x': [1.0]}\ndef point(x): return {'y': x}")
    assert main(["-v", "--log", "log", "sweep", "f.py", "--out", ADDRESS]) == 2
    kept = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    said = "".join(capsys.readouterr()) + kept
    assert "s3://***@bucket/sweep" in kept
    assert SECRET not in said
    assert "AKIAIOSFODNN7EXAMPLE" not in said


def test_an_experiment_keeps_no_address_that_is_refused(tmp_path, capsys):
    file = tmp_path / "e.py"
    file.write_text(
        "def point(x): return {'y': x}\n"
        "def run(context): return {'n': context.sweep(point, {'x': [1.0]}).sizes}\n"
    )
    out = tmp_path / "out"
    assert main(["run", str(file), "--out", str(out), "--store", ADDRESS]) == 2
    kept = "".join(p.read_text() for p in tmp_path.rglob("*") if p.suffix != ".py"
                   and p.is_file())  # fmt: skip
    assert SECRET not in kept + "".join(capsys.readouterr())


def test_provenance_and_tracebacks_lose_them_too(tmp_path):
    token = COMMAND.set(("sweep", "f.py", "--out", ADDRESS))
    try:
        command = provenance()["command"]
    finally:
        COMMAND.reset(token)
    assert command == "jqd sweep f.py --out s3://***@bucket/sweep"
    from jqd.cli.logs import begin_log, end_log

    begin_log(["info"], verbose=False, file=tmp_path / "log")
    try:
        raise OSError(f"no answer from {ADDRESS}")
    except OSError:
        logging.getLogger("jqd.sweeps").exception("trouble")
    finally:
        end_log()
    assert SECRET not in (tmp_path / "log").read_text()
