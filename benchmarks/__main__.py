"""Choose benchmarks, run them, print tables and store the figures.

python -m benchmarks [NAME ...] [--gpu] [--quick] [--out FILE] [--table]
"""

import argparse
import contextlib
import inspect
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

import jax

from . import NAMES, ON_GPU, ON_REQUEST, function_of, machine, readme, store
from .tables import say, show
from .timing import Report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, whether goals are met or not, 1 where a benchmark failed."""
    options = _parser().parse_args(arguments)
    # before any benchmark is imported: some make arrays then
    jax.config.update("jax_enable_x64", True)
    if options.table:
        readme.write()
        return 0
    known = (*NAMES, *ON_REQUEST)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        listed = ", ".join(known)
        print(
            f"No benchmark is called {unknown[0]!r}; there are {listed}.",
            file=sys.stderr,
        )
        return 2
    # a device for each core: some rows spread a batch over them, all others use one
    with contextlib.suppress(RuntimeError):  # JAX runs already, in a test
        jax.config.update("jax_num_cpu_devices", machine.cores())
    record = machine.describe()
    path = options.out or store.default_path(record, options.quick)
    say(
        f"{record['device']}, {record['cores']} cores, load {record['load']}, "
        f"jax {record['versions']['jax']}"
    )
    chosen = options.names or (ON_GPU if options.gpu else NAMES)
    if path is not None:
        record["benchmarks"] = store.earlier(path)
    failed = []
    for name in (name for name in known if name in chosen):
        folder = None if options.quick else path.parent
        before, report = machine.load(), None
        try:
            for each in _run(name, options.quick, folder):
                report = store.as_dict(each)
                # of its own: another benchmark may be run again later that day
                origin = {"load_before": before, "load_after": machine.load()}
                origin["jqd_revision"] = record["jqd_revision"]
                record["benchmarks"][name] = report | origin
                # each time, so that a run that is cut short leaves what it measured
                if path is not None:
                    store.save(record, path)
        except Exception:
            # hours of the others are not to be lost
            traceback.print_exc()
            failed.append(name)
        if report is not None:
            show(name, report, readme.source(name).shown)
    if path is not None:
        say(f"Stored in {path}")
    if path is not None and path.parent == store.RESULTS:
        readme.write()
        say(f"Tables in {readme.README}")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, quick: bool, folder: Path | None) -> Iterable[Report]:
    """Reports of one benchmark, each with all that it has measured so far.

    Figures, where it draws any, go to `folder`.
    """
    run = function_of(name)
    draws = "folder" in inspect.signature(run).parameters
    found = run(quick, folder) if draws else run(quick)
    return [found] if isinstance(found, Report) else found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    listed = ", ".join((*NAMES, *ON_REQUEST))
    parser.add_argument("names", nargs="*", help=f"which of {listed}")
    parser.add_argument(
        "--gpu", action="store_true", help="only those that are made for a GPU"
    )
    parser.add_argument(
        "--table", action="store_true", help="only write README.md from stored results"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: whether it runs, not how fast"
    )
    parser.add_argument(
        "--out", type=Path, help="JSON file; results/DATE-DEVICE.json, none if quick"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
