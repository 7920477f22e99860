"""The commands together, and how they treat float64, errors and interrupts."""

import os
import sys
import warnings
from collections.abc import Sequence

import jax
import typer

from .._version import __version__
from ..report.user_code import ExperimentError
from ..sweeps.hosts import Lost
from .cache import use_cache
from .equations import equations
from .info import info
from .recover import recover_app
from .run import run
from .sample import sample_app
from .sweep import sweep_app

app = typer.Typer(
    name="jqd",
    help="A wind tunnel for theories of quantum motion.",
    epilog="Exit codes: 0 done, 1 no result (no convergence, a failed experiment, an "
    "interrupt), 2 bad input.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(info)
app.command()(equations)
app.command()(run)
app.add_typer(recover_app, name="recover")
app.add_typer(sample_app, name="sample")
app.add_typer(sweep_app, name="sweep")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit()


@app.callback()
def _before_every_command(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and leave.",
    ),
) -> None:
    del version
    setting = os.environ.get("JAX_ENABLE_X64", "1")
    if setting.lower() in ("0", "f", "false", "n", "no", "off"):
        raise ValueError(
            "Argument `JAX_ENABLE_X64` must be unset or true, but the environment has "
            f"JAX_ENABLE_X64={setting}: jqd's commands compute in float64."
        )
    jax.config.update("jax_enable_x64", True)
    use_cache()


def main(args: Sequence[str] | None = None) -> int:
    """Run the command `jqd`.

    Args:
        args: the words after `jqd`; those of the process by custom.

    Returns:
        The exit code: 0 done, 1 no result, 2 bad input. Whatever goes wrong with the
        user's input is one line on standard error.
    """
    words = list(sys.argv[1:] if args is None else args)
    command = typer.main.get_command(app)
    if "_JQD_COMPLETE" in os.environ:  # the shell asks what could come next
        command.main(words, "jqd")
    try:
        # the cache of compiled code changes which of JAX's warnings are shown
        with (
            warnings.catch_warnings(),
            command.make_context("jqd", words) as context,
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
    except (ExperimentError, Lost) as error:
        return _complain(str(error), 1)
    except (ValueError, OSError) as error:
        return _complain(str(error) or type(error).__name__, 2)


def _complain(message: str, code: int) -> int:
    # in one line; names of files are as they are
    print("Error:", " ".join(message.splitlines()), file=sys.stderr)
    return code
