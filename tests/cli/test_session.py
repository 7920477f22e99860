"""What commands share."""

from jqd.cli.options import Common
from jqd.cli.session import Outcome, carry_out, table_of


def test_names_of_the_user_are_printed_as_they_are(tmp_path, monkeypatch, capsys):
    """rich would take [/b] for the end of something bold, and raise."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r[").mkdir()
    printed = [table_of("[/t]", ["[/h]"], [["[/c]"]]), "a sentence on [/b] :smile:"]
    out = tmp_path / "r[/b]"
    found = Outcome({"status": "ok"}, printed, lambda: ({}, None))
    assert carry_out(Common(out=out.relative_to(tmp_path)), lambda session: found) == 0
    shown = capsys.readouterr().out
    for part in ("[/t]", "[/h]", "[/c]", "on [/b] :smile:", "Results in r[/b]"):
        assert part in shown
    assert (out / "summary.json").exists()
