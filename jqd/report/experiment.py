"""Run an experiment: one file with a claim, and a function `run(context)`."""

import contextlib
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from xarray import Dataset

from .._bars import bars
from .._files import (
    finished_work_in,
    provenance,
    to_plain,
    write_json,
)
from .parts import PARTS, SETTINGS, Parts, stopped_run
from .store import new_run_folder, write_csv, write_dataset
from .style import house_style, save_figure
from .user_code import failures_of, import_folder, load_file


class Context:
    """What an experiment is given: settings, progress, and a folder for its results.

    Attributes:
        folder: the folder of this run.
        quick: whether a smaller version is asked for, that takes seconds.
    """

    def __init__(self, folder: Path, *, name: str = "", quick: bool = False) -> None:
        self.folder = folder
        self.quick = quick
        self._settings = {"experiment": name, "quick": quick}
        self._progress = bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            transient=True,
        )

    def __enter__(self) -> "Context":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def progress(
        self, items: Iterable[Any] | int, description: str = ""
    ) -> Iterator[Any]:
        """Show a progress bar while a loop runs.

        Args:
            items: what to loop over, or a number n for `range(n)`.
            description: what is being done.

        Yields:
            The items.
        """
        items = range(items) if isinstance(items, int) else items
        yield from self._progress.track(items, description=description)

    def part(
        self,
        name: str,
        function: Callable[[], Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> dict[str, np.ndarray]:
        """Do a part of the work, unless this run has done it before it was stopped.

        A part is kept whole or not at all; `jqd run FILE --resume FOLDER` reads it
        instead of doing it again. Kept parts go once the experiment has ended.

        Args:
            name: of the part, a plain file name of its own.
            function: does it: no arguments, returns arrays by name.
            parameters: all that the part depends on; a kept part with others is
                refused.

        Returns:
            The arrays, read back from the file, the same after a resumption.

        Raises:
            ValueError: see `Parts.once`.
        """
        if not (self.folder / SETTINGS).exists():
            write_json(self._settings, self.folder / SETTINGS)
        return Parts(self.folder).once(name, function, parameters)

    def log(self, text: str) -> None:
        """Print a line on standard error, above the progress bars."""
        console = self._progress.console
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    def save_figure(self, figure: Figure, name: str) -> None:
        """Write a figure as `name`.png and `name`.svg."""
        save_figure(figure, self.folder, name)

    def save_dataset(self, dataset: Dataset, name: str = "data") -> None:
        """Write an xarray Dataset as `name`.zarr, with the provenance added."""
        dataset = dataset.assign_attrs(provenance() | dataset.attrs)
        write_dataset(dataset, self.folder / f"{name}.zarr")

    def save_table(self, rows: Sequence[Mapping[str, Any]], name: str) -> None:
        """Write a table, a mapping a row, as `name`.json and `name`.csv."""
        write_json(list(rows), self.folder / f"{name}.json")
        write_csv(rows, self.folder / f"{name}.csv")


def run_experiment(
    path: str | Path,
    out: str | Path | None = None,
    *,
    quick: bool = False,
    resume: str | Path | None = None,
) -> tuple[dict[str, Any], Path]:
    """Run an experiment and keep its results in a new folder.

    Args:
        path: a Python file with a function `run(context)` that returns a dict.
        out: the folder for the results; `results/<name of the file>` by custom. An
            earlier run is kept: this one then goes to a numbered folder beside it.
        quick: ask the experiment for its smaller version.
        resume: folder of a run of this file that was stopped, to go on there with what
            `Context.part` kept; it is quick if that was. `out` has no use then.

    Returns:
        The summary with its provenance, as written to summary.json, and the folder.
        The provenance says whether the run was quick, and how long it took: since it
        was resumed, if it was.

    Raises:
        ValueError: if the file is no experiment or returns no summary, or `resume` is
            no stopped run of it.
        OutputError: if results cannot be written.
        ExperimentError: if the experiment fails. What it wrote before remains.
    """
    path, start = Path(path), time.monotonic()
    module = load_file(path, "run", "context")
    if resume is None:
        folder = new_run_folder(out if out is not None else Path("results") / path.stem)
    else:
        folder = Path(resume)
        quick = stopped_run(folder, path.stem)["quick"]
    with (
        _way_on(folder, path),
        import_folder(path.parent),
        Context(folder, name=path.stem, quick=quick) as context,
        house_style(),
        failures_of(path),
    ):
        summary = module.run(context)
    summary = _checked(summary, path)
    seconds = round(time.monotonic() - start, 1)
    summary["provenance"] = provenance() | {"quick": quick, "seconds": seconds}
    write_json(summary, folder / "summary.json")
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    return summary, folder


@contextlib.contextmanager
def _way_on(folder: Path, path: Path) -> Iterator[None]:
    """Let an interruption say where its files are, and how to go on if it can."""
    try:
        yield
    except KeyboardInterrupt:
        in_parts = (folder / SETTINGS).exists()
        command = f"jqd run {shlex.quote(str(path))} --resume" if in_parts else ""
        with finished_work_in(folder, command):
            raise


def _checked(summary: Any, path: Path) -> dict[str, Any]:
    """The summary as plain data, or one line that says what it must be."""
    rule = f"Function `run` of {path} must return a dict that JSON can hold, but"
    if not isinstance(summary, Mapping):
        raise ValueError(f"{rule} returned {type(summary).__name__}.")
    try:
        return to_plain(summary)
    except TypeError as error:
        raise ValueError(f"{rule} {error}.") from error
