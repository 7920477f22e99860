"""Options: each declared once, by a command or among the shared ones, and read once."""

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, get_origin, get_type_hints

import typer

from .._revision import COMMAND
from .._words import did_you_mean


class HelpSection(str):
    """A section of the help of a command."""

    def option(self, *words: Any, **settings: Any) -> Any:
        """An option in this section, as `typer.Option` makes it."""
        return typer.Option(*words, rich_help_panel=self, **settings)


# The sections of a help, in their order, and the fewest options that have sections.
DATA, MODEL, FIT, WORKERS, OUTPUT = map(
    HelpSection, ("Data", "Model", "Fit", "Workers", "Output")
)
PANELS = (DATA, MODEL, FIT, WORKERS, OUTPUT)
FEWEST = 5


def seed_in(panel: HelpSection) -> Any:
    """The option `--seed`, in this section of the help."""
    return panel.option(min=0, help="Seed of all random numbers.")


def quick_in(panel: HelpSection) -> Any:
    """The option `--quick`, in this section of the help."""
    return panel.option("--quick", help="Run a smaller version, which takes less time.")


def start_like(example: str) -> Any:
    """The option `--start`, with an example of what it takes."""
    return FIT.option(help=f"First initial guess, e.g. {example}.")


AsJson = Annotated[
    bool, OUTPUT.option("--json", help="Print the result as JSON and nothing else.")
]
Out = Annotated[
    Path,
    OUTPUT.option(
        help="Folder for the results; if it holds files, FOLDER-2, FOLDER-3, .."
    ),
]
MaybeOut = Annotated[
    Path | None,
    OUTPUT.option(
        help="Write summary.json and the figure to this folder; if it holds files, to "
        "FOLDER-2, FOLDER-3, .."
    ),
]
Free = Annotated[str, FIT.option(help="Constants to recover, separated by commas.")]
Starts = Annotated[int, FIT.option(min=1, help="Number of initial guesses.")]
T0 = Annotated[
    float | None,
    DATA.option(
        "--t0",
        help="Time at which the system is in --state, for data that begin later.",
        show_default="that of the data, or their first time",
    ),
]
Columns = Annotated[
    str,
    DATA.option(
        help="Which columns of a .csv hold what, e.g. t=time_us,n1=ones or t=time_us,"
        "p1=up,sigma=err: t, n0, n1, .. or p0, p1, .., sigma, shots, cluster, "
        "multiplicity, or NAME.NAME of a constant that each row sets; all others are "
        "left out. Of two classes one is enough; counts then need --shots."
    ),
]
Shots = Annotated[
    int | None,
    DATA.option(
        min=1, help="Number of shots of each row of a .csv, where no column gives it."
    ),
]
Sigma = Annotated[
    float | None,
    DATA.option(
        help="Standard error of the data; by default that of the file, if it has one."
    ),
]
Levels = Annotated[
    int | None, FIT.option(min=2, help="Number of levels kept of each mode.")
]
Points = Annotated[
    int,
    FIT.option(min=9, help="Largest number of points of a map that the fit compares."),
]
# Priors of `jqd.inference` that are written like calls of their names in small letters:
# their numbers, and what a help says of them besides.
_CALLS = {
    "LogNormal": (("MEDIAN", "SD"), ", where SD is that of the logarithm"),
    "HalfNormal": (("SD",), ", from 0 on"),
    "Uniform": (("LOW", "HIGH"), ""),
}
_WRITTEN = "; ".join(
    f"NAME={name.lower()}({','.join(numbers)}){besides}"
    for name, (numbers, besides) in _CALLS.items()
)
PRIORS = (
    "Priors of nuisance parameters, which are fitted together with the free constants, "
    f"separated by commas: NAME=MEAN+-SD; {_WRITTEN}. E.g. "
    "omega=0.4+-0.01. `flip` is the probability to read another class, `readout` the "
    "share of shots that show a random class: twice that of a flip for two classes. "
    "`fading` is the rate at which contrast is lost beside any law of a matrix; T1 and "
    "T2 are given by --bath. "
    "`rho`, as in rho=uniform(0,0.1), is the correlation of two shots of one row, for "
    "counts that scatter more than independent shots: by 1 + (N - 1) rho in variance."
)
Nuisance = Annotated[str, MODEL.option(help=PRIORS)]
Bath = Annotated[
    str,
    MODEL.option(
        help="Lifetimes of levels, in the unit of the times, beside a law of a matrix: "
        "T1=20+-1,T2=15+-2, fitted with these priors, or T1=20 where it is known. For "
        "a law with a density operator they are its jumps; for others, of a qubit "
        "driven on resonance, they are approximated by a rate of fading."
    ),
]

NOISE = ("auto", "none", "gaussian", "multinomial", "ensemble")
# A comma, but not the one in R[0,1] or in uniform(0,1).
_COMMA = re.compile(r",(?![^\[]*\])(?![^(]*\))")
_CALL = re.compile(r"(\w+)\s*\((.*)\)")
# A number as it is written; what is none may still be a prior.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LIFETIMES = ("T1", "T2")


@dataclasses.dataclass(frozen=True)
class Common:
    """What every command that recovers or samples takes, and when it began."""

    out: Out
    seed: Annotated[int, seed_in(FIT)] = 0
    as_json: AsJson = False
    quick: Annotated[bool, quick_in(FIT)] = False
    began: float = dataclasses.field(init=False, default_factory=perf_counter)

    def seconds(self) -> float:
        """Time since the command began."""
        return round(perf_counter() - self.began, 3)


@dataclasses.dataclass(frozen=True)
class Sampling:
    """What every command that can draw from a posterior takes."""

    posterior: Annotated[
        bool,
        FIT.option(
            "--posterior",
            help="After the fit, also draw constants from their posterior.",
        ),
    ] = False
    sampler: Annotated[
        str, FIT.option(help="Sampler for --posterior: nuts, smc or laplace.")
    ] = "nuts"
    draws: Annotated[
        int,
        FIT.option(
            min=4,
            help="Number of draws in each of 4 chains (populations for smc), for "
            "--posterior.",
        ),
    ] = 1000


def with_options(**defaults: Any) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Let a command take the options that the fields of its dataclasses declare.

    typer reads options from a signature: there, a parameter whose type is a dataclass
    is replaced by those fields of it that are annotated as options, or that the command
    makes options.

    Args:
        **defaults: of these fields, where the command has its own; of a field that is
            not annotated as an option, the option.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        shown: list[inspect.Parameter] = []
        groups: dict[str, tuple[Any, list[str]]] = {}
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            kind: Any = parameter.annotation
            if not dataclasses.is_dataclass(kind):
                shown.append(parameter)
                continue
            hints = get_type_hints(kind, include_extras=True)
            fields = [
                parameter.replace(
                    name=field.name,
                    default=defaults.get(field.name, _default(field)),
                    annotation=hints[field.name],
                )
                for field in dataclasses.fields(kind)
                if get_origin(hints[field.name]) is Annotated or field.name in defaults
            ]
            groups[parameter.name] = kind, [field.name for field in fields]
            shown += fields

        @functools.wraps(command)
        def run(**values: Any) -> int:
            for name, (kind, fields) in groups.items():
                values[name] = kind(**{field: values.pop(field) for field in fields})
            return command(**values)

        run.__signature__ = inspect.Signature(shown)  # pyright: ignore
        return run

    return decorate


def _default(field: "dataclasses.Field[Any]") -> Any:
    """Of an option; one without a default must be given."""
    missing = field.default is dataclasses.MISSING
    return inspect.Parameter.empty if missing else field.default


def parse_free(text: str, valid: Sequence[str] | None = None) -> tuple[str, ...]:
    """Read the option `--free`: names with commas between them, e.g. `q,r`.

    Args:
        valid: the constants of the law; None where it is not known yet.
    """
    names = tuple(part.strip() for part in text.split(","))
    twice = len(set(names)) < len(names)
    if valid is None:
        if "" in names or twice:
            raise ValueError(
                "Argument `--free` must name each constant once, with commas between, "
                f"but {text!r} was given."
            )
        return names
    unknown = [name for name in names if name not in valid]
    rule = f"Argument `--free` must name constants out of {', '.join(valid)}, but"
    if unknown:
        near = did_you_mean(unknown[0], valid)
        raise ValueError(f"{rule} {unknown[0]!r} was given{near}")
    if twice:
        raise ValueError(f"{rule} one is named twice in {text!r}.")
    return names


def parse_columns(text: str) -> dict[str, str] | None:
    """Read the option `--columns`: names in a file by what they hold; None for none.

    Args:
        text: e.g. `t=time_us,n1=ones`; `t` is short for `t=t`. May be empty.
    """
    found: dict[str, str] = {}
    for part in text.split(",") if text.strip() else ():
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not name or (equals and not column) or name in found:
            raise ValueError(
                "Argument `--columns` must look like t=time_us,n1=ones, each name "
                f"once, but {text!r} was given."
            )
        found[name] = column or name
    return found or None


def parse_start(text: str, free: Sequence[str]) -> dict[str, float]:
    """Read the option `--start`: the values by name.

    Args:
        text: e.g. `q=0.2,r=-1.1`, or `R[0,1]=0.3` for an entry of an array; may be
            empty.
    """
    parts = _COMMA.split(text) if text.strip() else []
    values = assignments(parts, "start", "q=0.2,r=-1.1")
    for name in values:
        if name.partition("[")[0] not in free:
            raise ValueError(
                "Argument `--start` must set constants that are free "
                f"({', '.join(free)}), but {name!r} was given"
                f"{did_you_mean(name, free)}"
            )
    return values


def parse_nuisances(text: str, free: Sequence[str]) -> dict[str, Any]:
    """Read the option `--nuisance`: priors by name.

    Args:
        text: e.g. `readout=0.01+-0.002,V=uniform(0.9,1)`; may be empty.
    """
    found: dict[str, Any] = {}
    for name, said, part in _assigned(text, "nuisance"):
        if name in found or name in free:
            raise ValueError(
                "Argument `--nuisance` must name each constant once, and none that is "
                f"free, but {name!r} comes twice."
            )
        found[name] = _prior(name, said, part, "nuisance")
    return found


def parse_bath(text: str) -> dict[str, Any]:
    """Read the option `--bath`: priors of lifetimes by name, numbers of known ones.

    Args:
        text: e.g. `T1=20+-1,T2=15`; may be empty.
    """
    found: dict[str, Any] = {}
    for name, said, part in _assigned(text, "bath"):
        if name not in LIFETIMES or name in found:
            raise ValueError(
                "Argument `--bath` must name T1 and T2, each once, as in "
                f"T1=20+-1,T2=15+-2, but {part.strip()!r} was given."
            )
        known = _NUMBER.fullmatch(said) is not None
        found[name] = float(said) if known else _prior(name, said, part, "bath")
    if "T2" in found and "T1" not in found:
        raise ValueError(
            "Argument `--bath` must not name T2 without T1, which limits it, but does."
        )
    return found


def with_errors(text: str) -> str:
    """The option `--bath` with an error of a tenth of each lifetime that has none, as
    a calibration would find it."""
    parts = []
    for name, said, part in _assigned(text, "bath"):
        known = _NUMBER.fullmatch(said) is not None
        parts.append(f"{name}={said}+-{float(said) / 10:g}" if known else part.strip())
    return ",".join(parts)


def _assigned(text: str, option: str) -> Iterator[tuple[str, str, str]]:
    """Each name, what is said behind it, and both as they were given."""
    for part in _COMMA.split(text) if text.strip() else []:
        name, equals, said = (piece.strip() for piece in part.partition("="))
        if not (name and equals and said):
            raise _unlike(part, option)
        yield name, said, part


def _prior(name: str, said: str, part: str, option: str) -> Any:
    """One prior, of what is said behind its name."""
    # JAX, which takes a second
    from .. import inference

    call, rule = _CALL.fullmatch(said), f"`--{option}` must give {name}"
    if call is not None:
        texts = [piece.strip() for piece in call[2].split(",")]
        known = {
            kind.lower(): kind
            for kind, (names, _) in _CALLS.items()
            if len(names) == len(texts)
        }
        if call[1] not in known:
            raise _unlike(part, option)
        numbers = [finite_number(piece, f"{rule} numbers") for piece in texts]
        try:
            return getattr(inference, known[call[1]])(*numbers)
        except ValueError as error:
            raise ValueError(f"Argument {rule} a prior, but: {error}") from None
    mean, between, width = (piece.strip() for piece in said.partition("+-"))
    if not (mean and between and width):
        raise _unlike(part, option)
    sd = finite_number(width, f"{rule} a number as width")
    if not sd > 0:
        raise ValueError(f"Argument {rule} a positive width, but {width!r} was given.")
    return inference.Normal(finite_number(mean, f"{rule} a number as mean"), sd)


_LIKE = {
    "nuisance": "readout=0.01+-0.002, lognormal(1,0.01), halfnormal(0.01) or "
    "uniform(0,1)",
    "bath": "T1=20+-1,T2=15+-2, T1=20 or T1=lognormal(20,0.05)",
}


def _unlike(part: str, option: str) -> ValueError:
    return ValueError(
        f"Argument `--{option}` must look like {_LIKE[option]}, but {part.strip()!r} "
        "was given."
    )


def parse_hamiltonian_share(text: str) -> tuple[float | None, str]:
    """Read `H=1%` out of the option `--nuisance`.

    Args:
        text: e.g. `H=1%,readout=0.01+-0.002`.

    Returns:
        The share, 0.01, or None where there is none; and the other priors.
    """
    parts = _COMMA.split(text) if text.strip() else []
    own = [part for part in parts if part.partition("=")[0].strip() == "H"]
    if not own:
        return None, text
    said = own[0].partition("=")[2].strip()
    rule = "`--nuisance` must give H once, in per cent, as H=1%"
    if len(own) > 1 or not said.endswith("%"):
        raise ValueError(f"Argument {rule}, but {','.join(own)!r} was given.")
    share = finite_number(said[:-1].strip(), rule) / 100
    if not share > 0:
        raise ValueError(f"Argument {rule}, but {said!r} was given.")
    return share, ",".join(part for part in parts if part not in own)


def only_with(option: str, needed: str, *, given: bool, there: bool) -> None:
    """Raise ValueError for an option that would do nothing without another one."""
    if given and not there:
        raise ValueError(
            f"Argument `{option}` must be given only with {needed}, but is given "
            "without."
        )


def typed(option: str) -> bool:
    """Whether an option was given, with its default value or another one."""
    return any(word.partition("=")[0] == option for word in COMMAND.get() or ())


def refuse_beside(mode: str, *options: str) -> None:
    """Raise ValueError for the first of these options that was given beside a mode."""
    for option in filter(typed, options):
        raise ValueError(
            f"Argument `{option}` must not be given with `{mode}`, but is: it would "
            "change nothing."
        )


def refuse_nuisances(text: str, option: str) -> None:
    """Raise ValueError for priors beside an option whose answer takes none."""
    if text.strip():
        raise ValueError(
            f"Argument `--nuisance` must not be given with `{option}`, but is: it "
            "takes no priors."
        )


def parse_set(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Read the option `--set`, which may come more than once: the values by name."""
    values = assignments(texts, "set", "U=0.63")
    for name in values:
        if name not in names:
            raise ValueError(
                "Argument `--set` must set parameters that --hamiltonian names "
                f"({', '.join(names) or 'none'}), but {name!r} was given"
                f"{did_you_mean(name, names)}"
            )
    return values


def parse_noise(text: str) -> tuple[str, float | None]:
    """Read the option `--noise`.

    Returns:
        The noise model, and its standard error if one was given.
    """
    kind, colon, number = text.partition(":")
    if kind not in NOISE or (colon and kind != "gaussian"):
        raise ValueError(
            f"Argument `--noise` must be one of {', '.join(NOISE)} or gaussian:SIGMA, "
            f"but {text!r} was given{did_you_mean(kind, NOISE)}"
        )
    if not colon:
        return kind, None
    rule = "`--noise` must have a positive number as SIGMA"
    sigma = finite_number(number, rule)
    if sigma <= 0:
        raise ValueError(f"Argument {rule}, but {number!r} was given.")
    return kind, sigma


def check_word(name: str, value: str, known: Sequence[str]) -> None:
    """Raise ValueError unless the option `--name` is one of the words it knows."""
    if value not in known:
        raise ValueError(
            f"Argument `--{name}` must be one of {', '.join(known)}, but {value!r} "
            f"was given{did_you_mean(value, known)}"
        )


def check_sigma(sigma: float | None) -> None:
    """Raise ValueError for a standard error that is not positive."""
    if sigma is not None and not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"Argument `--sigma` must be positive, but is {sigma}.")


def assignments(parts: Sequence[str], option: str, example: str) -> dict[str, float]:
    """Values by name.

    Args:
        parts: each like `q=0.2`.
    """
    values: dict[str, float] = {}
    for part in parts:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                f"Argument `--{option}` must look like {example}, but "
                f"{part.strip()!r} was given."
            )
        if name in values:
            raise ValueError(
                f"Argument `--{option}` must set a constant once, but {name!r} comes "
                "twice."
            )
        values[name] = finite_number(number, f"`--{option}` must give {name} a number")
    return values


def finite_number(text: str, rule: str) -> float:
    """A finite number; else ValueError says that the argument breaks this rule."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"Argument {rule}, but {text!r} was given.")
    return value
