"""The experiments that come with jqd: their files and their claims."""

import ast
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from .._files import whole_files, writing

PACKAGE = Path(__file__).resolve().parent.parent
# Folders of files that several experiments share.
SHARED = ("_support", "sweeps")
_PARTS = re.compile(r"^(Claim|Source|Control|Result|Verdict): ", re.MULTILINE)


class Example(NamedTuple):
    """An experiment: a claim, and its outcome.

    Attributes:
        name: name of its file, without `.py`.
        file: its path.
        claim: the claim in words, without its equations.
        text: its docstring.
    """

    name: str
    file: Path
    claim: str
    text: str

    @property
    def parts(self) -> dict[str, str]:
        """The text of the docstring under Claim, Source, Verdict, ..., unchanged."""
        pieces = _PARTS.split(self.text)[1:]
        return dict(zip(pieces[::2], map(str.strip, pieces[1::2]), strict=True))


def examples_folder() -> Path:
    """The folder of the experiments: in the package, or beside it in a checkout."""
    for folder in (PACKAGE / "_experiments", PACKAGE.parent / "experiments"):
        if all((folder / name).is_dir() for name in SHARED):
            return folder
    raise ValueError(
        "Argument `examples` must be of a jqd that has its experiments, but this one, "
        f"in {PACKAGE}, came without."
    )


def examples() -> dict[str, Example]:
    """All experiments, by name; their files are read, not run."""
    files = sorted(examples_folder().glob("[!_]*.py"))
    return {file.stem: _read(file) for file in files}


def copy_example(name: str, out: Path) -> Path:
    """Copy an experiment, with the files that it shares with others, to change it."""
    known = examples()
    if name not in known:
        raise ValueError(
            f"Argument `name` must be one of {', '.join(known)}, but {name!r} was "
            "given."
        )
    copy = out / f"{name}.py"
    if copy.exists():
        raise ValueError(
            f"Argument `out` must be a folder without {name}.py, but {copy} is there."
        )
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    beside = [out / shared for shared in SHARED if not (out / shared).exists()]
    with whole_files(copy, *beside) as (draft, *folders):
        for place, folder in zip(beside, folders, strict=True):
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(examples_folder() / place.name, folder, ignore=leave)
        shutil.copyfile(known[name].file, draft)
    return copy


def _read(file: Path) -> Example:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = text.partition("\n\n")[0].removeprefix("Claim: ")
    return Example(file.stem, file, " ".join(first.split()), text)
