"""Run an experiment: a file with a claim and a function `run(context)`."""

import contextlib
import json
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from xarray import Dataset

from .._bars import bars
from .._files import finished_work_in, provenance, to_plain, whole_files, write_json
from ..figures.style import house_style, save_figure
from .store import new_run_folder, write_csv, write_dataset
from .user_code import failures_of, import_folder, load_file

# In the folder of a run with sweeps: its settings, and the stores.
SETTINGS, SWEEPS = "settings.json", "sweeps"


class Context:
    """The context of an experiment: settings, progress, and a folder for results.

    Attributes:
        folder: the folder of this run.
        quick: whether to run a smaller version, which takes seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "",
        quick: bool = False,
        store: str | None = None,
        engine: Any = None,
    ) -> None:
        self.folder = folder
        self.quick = quick
        self._store, self._engine = store, engine
        self._settings = {"experiment": name, "quick": quick, "store": store}
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
            description: label of the progress bar.

        Yields:
            The items.
        """
        items = range(items) if isinstance(items, int) else items
        yield from self._progress.track(items, description=description)

    def sweep(
        self,
        function: Callable[..., Mapping[str, Any]],
        axes: Any,
        name: str = "points",
        **settings: Any,
    ) -> Dataset:
        """Run `jqd.sweep` so that no point is lost if this run is stopped.

        `jqd run FILE --resume FOLDER` continues it, with as many workers as requested.
        Another run of the same file with the same `--store` adds its workers. A store
        in the folder of the run is deleted once the experiment has ended.

        Args:
            function: function of one point; see `jqd.sweep`.
            axes: the points.
            name: name of the store, different for each sweep of the experiment.
            **settings: further arguments of `jqd.sweep`.

        Returns:
            The dataset.

        Raises:
            ValueError: a name that no file can have; arguments that `jqd.sweep`
                refuses.
            SweepError: points without values.
        """
        # the modules that sweeps need take as long to import as JAX
        from ..sweeps import Store, SweepError, sweep
        from ..sweeps.claims import OWN_LEASE
        from ..sweeps.objects import Objects

        if not name or Path(name).name != name:
            raise ValueError(
                f"Argument `name` must be a plain file name, but is {name!r}."
            )
        place = f"{self._store or self.folder / SWEEPS}/{name}.zarr"
        Objects(place)  # an address with credentials is refused, and kept nowhere
        if not (self.folder / SETTINGS).exists():
            write_json(self._settings, self.folder / SETTINGS)
        lease = OWN_LEASE if self._store is None else None
        settings = {"engine": self._engine, "lease": lease, **settings}
        self._progress.stop()  # a sweep has a bar of its own
        try:
            dataset = sweep(function, axes, store=place, **settings)
        finally:
            self._progress.start()
        undone = int((dataset.status < 0).sum())
        if undone:
            said = Store(place).failures(range(Store(place).blocks.count))
            why = next(iter(said.values()), "see `jqd sweep status`")
            raise SweepError(f"{undone} points of {place} have no values: {why}")
        return dataset.load()

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
        """Write a table, with a mapping for each row, as `name`.json and `name`.csv."""
        wanted = [self.folder / f"{name}.{kind}" for kind in ("json", "csv")]
        with whole_files(*wanted) as (as_json, as_csv):
            write_json(list(rows), as_json)
            write_csv(rows, as_csv)


def run_experiment(
    path: str | Path,
    out: str | Path | None = None,
    *,
    quick: bool = False,
    resume: str | Path | None = None,
    store: str | None = None,
    engine: Any = None,
) -> tuple[dict[str, Any], Path]:
    """Run an experiment and keep its results in a new folder.

    Args:
        path: a Python file with a function `run(context)` that returns a dict.
        out: the folder for the results; `results/<name of the file>` by default. An
            earlier run is kept: this one then goes to a numbered folder beside it.
        quick: run the smaller version of the experiment.
        resume: folder of a stopped run of this file, to continue there with the points
            that `Context.sweep` kept. `quick` and `store` are then those of the stopped
            run, and `out` has no effect.
        store: folder or URL for the stores of its sweeps, which several runs may share;
            in its own folder by default.
        engine: the engine that starts the workers of its sweeps; see `jqd.sweep`.

    Returns:
        The summary with its provenance, as written to summary.json, and the folder.
        The provenance states whether the run was quick, and how long it took, counted
        from the resumption of a resumed run.

    Raises:
        ValueError: if the file is not an experiment or returns no summary, or `resume`
            is not a stopped run of it.
        OutputError: if results cannot be written.
        ExperimentError: if the experiment fails. Files that it wrote before remain.
    """
    path, start = Path(path), time.monotonic()
    module = load_file(path, "run", "context")
    if resume is None:
        folder = new_run_folder(out if out is not None else Path("results") / path.stem)
    else:
        folder = Path(resume)
        found = _stopped_run(folder, path.stem)
        quick, store = found["quick"], found["store"]
    with (
        _way_on(folder, path),
        import_folder(path.parent),
        Context(
            folder, name=path.stem, quick=quick, store=store, engine=engine
        ) as context,
        house_style(),
        failures_of(path),
    ):
        summary = module.run(context)
    summary = _checked(summary, path)
    seconds = round(time.monotonic() - start, 1)
    summary["provenance"] = provenance() | {"quick": quick, "seconds": seconds}
    write_json(summary, folder / "summary.json")
    shutil.rmtree(folder / SWEEPS, ignore_errors=True)
    return summary, folder


@contextlib.contextmanager
def _way_on(folder: Path, path: Path) -> Iterator[None]:
    """Let an interruption say where its files are, and how to go on if it can."""
    try:
        yield
    except KeyboardInterrupt:
        begun = (folder / SETTINGS).exists()
        command = f"jqd run {shlex.quote(str(path))} --resume" if begun else ""
        with finished_work_in(folder, command):
            raise


def _stopped_run(folder: Path, experiment: str) -> dict[str, Any]:
    """The settings of a run of an experiment that was stopped.

    Raises:
        ValueError: the folder holds no such run, or one that is done.
    """
    rule = (
        f"Argument `--resume` must be the folder of a stopped run of {experiment}, "
        f"but {folder}"
    )
    if not (folder / SETTINGS).is_file():
        raise ValueError(f"{rule} has no {SETTINGS}.")
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{rule} has settings that cannot be read: {error}.") from None
    if settings.keys() != {"experiment", "quick", "store"}:
        raise ValueError(f"{rule} has other settings.")
    if settings["experiment"] != experiment:
        raise ValueError(f"{rule} is one of {settings['experiment']}.")
    if (folder / "summary.json").exists():
        raise ValueError(f"{rule} has its summary: it is done.")
    return settings


def _checked(summary: Any, path: Path) -> dict[str, Any]:
    """The summary as plain data, or one line that says what it must be."""
    rule = f"Function `run` of {path} must return a dict that JSON can hold, but"
    if not isinstance(summary, Mapping):
        raise ValueError(f"{rule} returned {type(summary).__name__}.")
    try:
        return to_plain(summary)
    except TypeError as error:
        raise ValueError(f"{rule} {error}.") from error
