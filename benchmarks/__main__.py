"""Choose benchmarks, run them, print tables and store the figures.

python -m benchmarks [NAME ...] [--quick] [--out FILE]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from . import machine, output

NAMES = (
    "copy_dynamics",
    "kerr_sweep",
    "bose_hubbard",
    "kerr_gradient",
    "grid_schrodinger",
    "work_precision",
    "reversible_gradient",
    "husimi_maps",
    "husimi_kerr",
    "husimi_bose_hubbard",
    "husimi_kraus",
    "two_slits",
    "grid_3d",
    "link_form",
    "nelson_paths",
    "statistics_sampler",
    "copy_ensembles",
    "hard_discs",
    "solids",
    "photon_tower",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, whether goals are met or not."""
    options = _parser().parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        listed = ", ".join(NAMES)
        print(
            f"No benchmark is called {unknown[0]!r}; there are {listed}.",
            file=sys.stderr,
        )
        return 2
    jax.config.update("jax_enable_x64", True)
    record = machine.describe()
    path = options.out or output.default_path(record, options.quick)
    output.say(
        f"{record['device']}, {record['cores']} cores, load {record['load']}, "
        f"jax {record['versions']['jax']}"
    )
    if options.names and path is not None:
        record["benchmarks"] = output.earlier(path)
    reports = {}
    for name in NAMES:
        if options.names and name not in options.names:
            continue
        folder = None if options.quick else path.parent
        before = machine.load()
        reports[name] = output.run_one(name, options.quick, folder)
        output.show(name, reports[name])
        loads = {"load_before": before, "load_after": machine.load()}
        record["benchmarks"][name] = output.as_dict(reports[name]) | loads
        # after each one, so that a run that is cut short leaves what it measured
        if path is not None:
            output.store(record, path)
    if path is not None:
        output.say(f"Stored in {path.parent}/{path.stem}.json and .csv")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(NAMES)}; all")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: whether it runs, not how fast"
    )
    parser.add_argument(
        "--out", type=Path, help="result file; results/DATE-DEVICE.json, none if quick"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
