"""A page a command, with its --help as a terminal of 78 columns shows it."""

import contextlib
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import typer
from pages import write

from jqd.cli import app as jqd_app
from jqd.cli import main
from jqd.cli.laws import command_for
from jqd.cli.setups import REASONS, SETUPS, VERBS

# Of the terminal; the help is plain text there.
TERMINAL = {"COLUMNS": "78", "NO_COLOR": "1", "TERM": "dumb", "JAX_ENABLE_X64": "1"}


def commands(group=None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups before what is in them."""
    group = group or typer.main.get_command(jqd_app)
    for name in getattr(group, "commands", {}):
        command = group.commands[name]
        yield (*words, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))


def help_of(words: tuple[str, ...]) -> str:
    """What `jqd WORDS --help` prints."""
    file = io.StringIO()
    # What a command logs would reach the root's handlers, which are of the build.
    silent = mock.patch.object(logging.getLogger("jqd"), "propagate", False)
    here = mock.patch.dict(os.environ, TERMINAL)
    with silent, here, contextlib.redirect_stdout(file):
        code = main([*words, "--help"])
    if code:
        raise ValueError(f"jqd {' '.join(words)} --help ended with {code}.")
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")


def shown(words: tuple[str, ...]) -> str:
    return f"```text\n{help_of(words)}\n```"


def page(name: str, all_words: list[tuple[str, ...]]) -> str:
    lines = [f"# jqd {name}", shown((name,))]
    for words in all_words:
        if words[0] == name and len(words) > 1:
            lines += [f"## jqd {' '.join(words)}", shown(words)]
    return "\n\n".join(lines) + "\n"


def verbs_table() -> str:
    """Set-ups by verbs, with links to the commands, and why where there is none."""
    found = dict(typer.main.get_command(jqd_app).commands)
    lines = [f"| set-up | {' | '.join(VERBS)} |", f"|---|{'---|' * len(VERBS)}"]
    for setup in SETUPS:
        words = [command_for(verb, setup, found) for verb in VERBS]
        cells = [f"[yes](/cli/{w.split()[0]}.md)" if w else "-" for w in words]
        lines.append(f"| `{setup}` | {' | '.join(cells)} |")
    lines.append("")
    for verb in VERBS:
        reasons = REASONS.get(verb, {})
        for reason in dict.fromkeys(reasons.values()):
            which = ", ".join(f"`{one}`" for one in reasons if reasons[one] == reason)
            lines.append(f"- {verb}, {which}: {reason}.")
    return "\n".join(lines)


def make(app):
    all_words = list(commands())
    names = [words[0] for words in all_words if len(words) == 1]
    listed = "\n".join(names)
    index = f"""# The command line

What each command says of itself, `jqd COMMAND --help`. `jqd --install-completion`
lets the shell complete commands and options. Exit codes: 0 done; 1 no result (no
convergence, a law that does not describe the record or ends before its last time, a
failed experiment, an interrupt); 2 bad input, in one line.

{shown(())}

```{{toctree}}
:maxdepth: 1

{listed}
```
"""
    pages = {f"{name}.md": page(name, all_words) for name in names}
    write(Path(app.srcdir) / "cli", {"index.md": index, **pages})


def setup(app):
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}
