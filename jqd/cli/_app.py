"""The commands together, and how they treat float64, errors and interrupts."""

import contextlib
import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from .._redaction import without_secrets
from .._revision import COMMAND
from .._version import __version__
from .listing import Listed, said_in
from .logs import begin_log, end_log

# Where each command is: imported when it is asked for, since most need JAX.
_HOMES = {
    "info": ("info", "info"),
    "equations": ("equations", "equations"),
    "cite": ("cite", "cite"),
    "laws": ("laws", "laws"),
    "bounds": ("bounds", "bounds"),
    "linear": ("linear", "linear"),
    "new-law": ("new_law", "new_law"),
    "vet": ("vet", "vet"),
    "compare": ("compare", "compare"),
    "design": ("design", "design_app"),
    "run": ("run", "run"),
    "report": ("report", "report"),
    "examples": ("examples", "examples_app"),
    "show": ("show", "show"),
    "recover": ("recover", "recover_app"),
    "simulate": ("simulate", "simulate_app"),
    "sample": ("sample_copying", "sample_app"),
    "sweep": ("sweep", "sweep_app"),
}
# What ends the help of a command; those of a group are where the group is made.
_EXAMPLES = {
    "info": "info",
    "equations": "equations copying --verdict corrected",
    "cite": "cite copying --bibtex",
    "laws": "laws",
    "bounds": "bounds --constant q",
    "linear": "linear tables.npz --json",
    "new-law": "new-law my_law",
    "vet": 'vet "logarithmic[b=0.2]"',
    "compare": 'compare --laws "schrodinger,dephasing[gamma],copying[q]" --starts 2',
    "run": "run copy_nodes.py --quick",
    "report": "report results/copying",
    "show": "show counts.csv",
}
# Addresses that --ray takes; without one it starts Ray on this machine.
_ADDRESS = re.compile(r"auto|local|ray://\S+|\S+:\d+")


class _Commands(Mapping[str, Any]):
    """The commands by name."""

    def __getitem__(self, name: str) -> Any:
        module, attribute = _HOMES[name]
        found = getattr(import_module(f".{module}", __package__), attribute)
        only = typer.Typer()
        if isinstance(found, typer.Typer):
            only.add_typer(found, name=name)
        else:
            only.command(name, epilog=f"Example: jqd {_EXAMPLES[name]}")(found)
        return _verbatim(typer.main.get_group(only).commands[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


def _verbatim(command: Any) -> Any:
    """The command with helps that are shown as written: `copying[q]` is no markup."""
    for one in (command, *command.params):
        one.help = one.help and escape(one.help)
    command.epilog = command.epilog and escape(command.epilog)
    for one in command.params:
        if one.type_descriptor.annotation is int:
            one.process_value = functools.partial(_whole, one.process_value)
    _in_sections(command)
    for inner in getattr(command, "commands", {}).values():
        _verbatim(inner)
    return command


def _whole(process: Callable[..., Any], context: Any, value: Any) -> Any:
    """What `process` makes of a whole number, which may be written as 1e3."""
    with contextlib.suppress(TypeError, ValueError):  # typer says what is no number
        number = float(value)
        if number.is_integer() and abs(number) < 2**53:
            value = str(int(number))
    return process(context, value)


def _in_sections(command: Any) -> None:
    """Sort the options by the sections of the help; a few options need no sections."""
    from .options import FEWEST, PANELS

    options = [one for one in command.params if one.param_type_name == "option"]
    others = [one for one in command.params if one.param_type_name != "option"]
    if len(options) < FEWEST:
        for one in options:
            one.rich_help_panel = None
        return
    # an option without a section comes first, where it is missed
    order = {panel: place for place, panel in enumerate((None, *PANELS))}
    command.params = others + sorted(options, key=lambda o: order[o.rich_help_panel])


class _Jqd(TyperGroup):
    """The command `jqd`, which holds all others."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in order; none is imported."""
        del ctx
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command, which is imported only when it is run."""
        del ctx
        if cmd_name not in _HOMES:
            return None
        load = functools.partial(self.commands.__getitem__, cmd_name)
        return Listed(cmd_name, escape(said_in(*_HOMES[cmd_name])), load)


app = typer.Typer(
    name="jqd",
    cls=_Jqd,
    help="Simulate alternatives to quantum mechanics, and fit their constants to data.",
    epilog="Exit codes: 0 done, 1 no result (no convergence, a failed experiment, an "
    "interrupt), 2 bad input.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit()


@app.callback()
def _before_every_command(
    context: typer.Context,
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Print a log on standard error."
    ),
    log: Path | None = typer.Option(
        None, "--log", metavar="FILE", help="Append a log to this file."
    ),
) -> None:
    del version
    begin_log(context.obj or sys.argv[1:], verbose=verbose, file=log)
    if context.invoked_subcommand in ("equations", "new-law"):  # they compute nothing
        return
    setting = os.environ.get("JAX_ENABLE_X64", "1")
    if setting.lower() in ("0", "f", "false", "n", "no", "off"):
        raise ValueError(
            "Argument `JAX_ENABLE_X64` must be unset or true, but the environment has "
            f"JAX_ENABLE_X64={setting}: jqd's commands compute in float64."
        )
    import jax

    from .cache import use_cache

    jax.config.update("jax_enable_x64", True)
    use_cache()


def main(args: Sequence[str] | None = None) -> int:
    """Run the command `jqd`.

    Args:
        args: the words after `jqd`; those of the process by default.

    Returns:
        The exit code: 0 done, 1 no result, 2 bad input. Whatever goes wrong with the
        user's input is one line on standard error.
    """
    code = _run(with_address(sys.argv[1:] if args is None else args))
    end_log(code)
    return code


def _run(words: list[str]) -> int:
    """The exit code; what is unexpected is raised."""
    command = typer.main.get_command(app)
    if "_JQD_COMPLETE" in os.environ:  # the shell asks what could come next
        command.main(words, "jqd")
    asked = COMMAND.set(tuple(words))
    try:
        # the cache of compiled code changes which of JAX's warnings are shown
        with (
            warnings.catch_warnings(),
            command.make_context("jqd", words, obj=words) as context,
        ):
            code = command.invoke(context)
        sys.stdout.flush()
        return code or 0
    except typer.Exit as error:
        return error.exit_code
    except typer.TyperException as error:
        # A bare `jqd` has printed its help; then the message is empty.
        message = error.format_message()
        return _complain(message, error.exit_code) if message else error.exit_code
    except KeyboardInterrupt as error:
        where = str(error)
        return _complain(f"interrupted; {where}" if where else "interrupted", 1)
    except BrokenPipeError:
        # The reader of a pipe, `head` for instance, has what it wanted. Python would
        # complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _of_the_user(error, words)
    finally:
        COMMAND.reset(asked)


def with_address(words: Sequence[str]) -> list[str]:
    """Let `--ray` without an address be one for this machine."""
    found = []
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        found.append(word)
        if word == "--ray" and not _ADDRESS.fullmatch(after):
            found.append("local")
    return found


def _of_the_user(error: Exception, words: list[str]) -> int:
    """One line on what the user's input or code did; other errors are raised."""
    from ..report.user_code import ExperimentError, user_line
    from ..sweeps.store import SweepError
    from .listing import by_options

    message = str(error) or type(error).__name__
    if isinstance(error, ExperimentError | SweepError):
        return _complain(message, 2 if _refused(error.__cause__) else 1)
    where, bad_input = user_line(error), isinstance(error, ValueError | OSError)
    if where is not None and not _refused(error):
        return _complain(f"{where}: {type(error).__name__}: {message}", 1)
    if bad_input:
        asked = _asked(words)
        known = {option for one in asked for option in one.opts}
        # as `--out STORE`, or an argument STORE
        store = [
            one.opts[0] if one.param_type_name == "option" else one.metavar
            for one in asked
            if one.metavar in ("STORE", "RESULTS")
        ]
        return _complain(by_options(message, known, words, *store), 2)
    raise error


def _asked(words: list[str]) -> list[Any]:
    """What the command takes that was asked for."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
    if hasattr(command, "unnamed"):
        command = command.commands[command.unnamed]
    return command.params


def _refused(error: BaseException | None) -> bool:
    """Whether jqd has refused an argument."""
    known = isinstance(error, ValueError | OSError)
    return known and str(error).startswith("Argument `")


def _complain(message: str, code: int) -> int:
    # in one line; names of files are as they are
    line = " ".join(without_secrets(message).splitlines())
    print("Error:", line, file=sys.stderr)
    return code
