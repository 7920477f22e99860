"""`jqd new-law`: files of a law of one's own, that work as they are written."""

import keyword
import re
import shlex
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .._files import OutputError
from .options import AsJson
from .session import conclude

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Names in the templates, of files and of the class.
_FILE, _CLASS = "own_law", "OwnLaw"
_BEFORE = "", "test_", "experiment_"


def new_law(
    name: Annotated[str, typer.Argument(help="Name of the law, such as my_law.")],
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for the files; none is overwritten.")
    ] = Path("."),
    as_json: AsJson = False,
) -> int:
    """Write files to edit: a law of your own, its tests and an experiment."""
    law = _class_of(name)
    texts = {out / f"{before}{name}.py": _text(before, name) for before in _BEFORE}
    for path in texts:
        if path.exists() or path.is_symlink():
            raise ValueError(
                f"Argument `NAME` must be that of new files, but {path} is there "
                "already; nothing was written."
            )
    # a file that hides a library would be imported in its place
    if find_spec(name) is not None:
        raise ValueError(
            f"Argument `NAME` must not be that of a Python library, but is {name!r}."
        )
    _write(texts)
    own, test, experiment = map(str, texts)
    spec = f"{own}:{law}"
    after = [
        ["python", "-m", "pytest", test],
        ["jqd", "vet", f"{spec}[g=0.3]"],
        ["jqd", "run", experiment, "--quick"],
        ["jqd", "simulate", "law", f"{spec}[g=0.3]", "--out", str(out / "counts.csv")],
    ]
    summary = {
        "law": spec,
        "files": [own, test, experiment],
        "next": [shlex.join(words) for words in after],
    }
    if as_json:
        return conclude(summary, [], as_json=True)
    # not folded at the width of a terminal, so that it can be copied
    print(f"Written: {', '.join(summary['files'])}")
    print(f"Change U, E, the equation and its source in {own}. Then:")
    print("\n".join(f"  {line}" for line in summary["next"]))
    return 0


def _class_of(name: str) -> str:
    """The name of the class, MyLaw of my_law."""
    if not _SNAKE.fullmatch(name) or keyword.iskeyword(name):
        raise ValueError(
            "Argument `NAME` must be a Python name of small letters, digits and single "
            f"underscores, as my_law, but is {name!r}."
        )
    return "".join(part.capitalize() for part in name.split("_"))


def _text(before: str, name: str) -> str:
    folder = files("jqd").joinpath("data", "new_law")
    text = folder.joinpath(f"{before}{_FILE}.py").read_text(encoding="utf-8")
    return text.replace(_FILE, name).replace(_CLASS, _class_of(name))


def _write(texts: Mapping[Path, str]) -> None:
    """Write files that are not there yet, all of them or none."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(
                f"Argument `--out` must be a writable folder, but {error.filename}: "
                f"{error.strerror}."
            ) from error
        raise
