"""Time of a step of each law over its size, its batch and the devices that share it.

python -m benchmarks.scaling LAW ... prints the rows of several devices as JSON, in a
process of its own: how many devices there are is settled before JAX starts.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax

from .floors import bandwidth, bytes_moved
from .scaling_laws import LAWS, Law, program
from .timing import Goal, Report, Timing, race, round_to, unit_seconds

ROOT = Path(__file__).resolve().parent.parent
VIRTUAL = 2
ROUNDS = 3
SHOWN = ("batch", "devices", "share_of_bandwidth")
FIGURES = {f"figures/{name}.png": law.title for name, law in LAWS.items()}
FLAG = f"--xla_force_host_platform_device_count={VIRTUAL}"
# laws whose batch must not cost more a member than one alone
BATCHED = ("schrodinger_grid", "copy_dynamics", "copies", "chains")
Row = dict[str, Any]


def run(quick: bool = False, folder: Path | None = None) -> Report:
    """Rows of all laws; a figure of each goes to `folder`/figures."""
    rows = [row for name in LAWS for row in _sizes(name, quick) + _batches(name, quick)]
    rows += _over_devices(quick)
    rows.sort(key=lambda row: list(LAWS).index(row["law"]))
    if folder is not None:
        for name in LAWS:
            draw(name, [row for row in rows if row["law"] == name], folder / "figures")
    return Report(
        "Scaling of each law in size, batch and devices",
        rows,
        [] if quick else _goals(rows),
        [
            "Time of a unit of work of one member: of one member alone over the size "
            "(16 trajectories of copies), and of a batch by vmap. share_of_bandwidth: "
            "bytes that the compiled step reads and writes, by XLA's count, over its "
            "time, over the copy bandwidth for a working set of that size; above 1 "
            "where a step stays in the nearest cache.",
            "Devices: the largest batch shared out by jax.sharding. On a CPU "
            f"{VIRTUAL} virtual devices share its cores, which one device also uses "
            "where XLA has threads for an operation.",
        ],
    )


# -- rows -----------------------------------------------------------------------


def _sizes(name: str, quick: bool) -> list[Row]:
    law = LAWS[name]
    sizes = law.sizes[:1] if quick else law.sizes
    at = 1 if quick else law.at
    return [_alone(name, f"{law.size}: {n}", n, at) for n in sizes]


def _batches(name: str, quick: bool) -> list[Row]:
    law = LAWS[name]
    size = law.sizes[0] if quick else law.small
    batches = (2,) if quick else law.batches
    return [_alone(name, f"batch: {b}", size, b) for b in batches]


def _devices(name: str, quick: bool) -> list[Row]:
    """One device, two, four and so on, as far as there are."""
    law, devices = LAWS[name], jax.devices()
    size, batch = (law.sizes[0], 2) if quick else (law.small, law.batches[-1])
    numbers = [2**i for i in range(len(devices).bit_length()) if 2**i <= len(devices)]
    found = {n: program(law, size, batch, devices[:n]) for n in numbers}
    # in turns: a machine that drifts is not to look like a device
    timings = race({str(n): call for n, (call, _) in found.items()}, ROUNDS)
    return [
        _row(name, f"devices: {n}", size, batch, n, *found[n], timings[str(n)])
        for n in numbers
    ]


def _alone(name: str, case: str, size: int, batch: int) -> Row:
    call, work = program(LAWS[name], size, batch, jax.devices()[:1])
    timing = race({"jqd": call}, ROUNDS)["jqd"]
    return _row(name, case, size, batch, 1, call, work, timing)


def _row(
    name: str, case: str, size: int, batch: int, devices: int, call: Any, work: Any,
    timing: Timing,
) -> Row:  # fmt: skip
    law: Law = LAWS[name]
    total = work(timing.result) if callable(work) else work * batch
    row: Row = {"case": f"{name}, {case}", "program": "jqd", "law": name}
    row |= {"size": size, "batch": batch, "devices": devices}
    row |= timing.row(total, law.unit)
    if law.stepped:
        state = sum(leaf.nbytes for leaf in jax.tree.leaves(timing.result))
        moved = (bytes_moved(call) or math.nan) * total / batch * devices
        row["share_of_bandwidth"] = round_to(moved / timing.median / bandwidth(state))
    return row


def _over_devices(quick: bool) -> list[Row]:
    """Rows of several devices: of this process, or of one with virtual devices."""
    names = list(LAWS)[:1] if quick else list(LAWS)
    if jax.default_backend() != "cpu":
        several = len(jax.devices()) > 1
        return [row for name in names for row in _devices(name, quick) if several]
    flags = f"{os.environ.get('XLA_FLAGS', '')} {FLAG}".strip()
    command = [sys.executable, "-m", "benchmarks.scaling", *names]
    done = subprocess.run(
        [*command, "--quick"] if quick else command,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The run on virtual devices failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _goals(rows: list[Row]) -> list[Goal]:
    """What a member of the largest batch costs, over one alone."""
    goals = []
    for name in BATCHED:
        found = [row for row in rows if row["case"].startswith(f"{name}, batch")]
        cost = unit_seconds(found[-1]) / unit_seconds(found[0])
        text = f"{name}: a member of {found[-1]['batch']}, over one alone"
        goals.append(Goal(text, cost, 1, at_least=False))
    return goals


# -- figures --------------------------------------------------------------------


def draw(name: str, rows: list[Row], folder: Path) -> None:
    """Time over the size, over the batch, and speed over the devices."""
    from jqd.report import house_style, subplots

    law = LAWS[name]
    with house_style():
        figure, axes = subplots(1, 3, size=(9.0, 3.2))
        figure.suptitle(law.title, x=0.01, ha="left", fontsize=11)
        size, batch, devices = axes[0]
        _line(size, [r for r in rows if r["case"].startswith(f"{name}, {law.size}")])
        size.set(xlabel=law.size, ylabel=f"µs a {law.unit}")
        size.set_title("one member" if law.at == 1 else f"{law.at} members")
        found = [row for row in rows if row["case"].startswith(f"{name}, batch")]
        _line(batch, found, "batch")
        batch.set(xlabel="members of a batch", ylabel="µs, of one member")
        batch.set_title(f"{law.small} {law.size}")
        _speed_up(
            devices, [r for r in rows if r["case"].startswith(f"{name}, devices")]
        )
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=100)


def _line(axes: Any, rows: list[Row], key: str = "size") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    x, y = [row[key] for row in rows], [1e6 * unit_seconds(row) for row in rows]
    axes.loglog(x, y, "o-")
    axes.set_xticks(x, [f"{value:,}".replace(",", " ") for value in x])
    # a range of 6 holds two of the ticks 1, 2, 5, 10 at least
    low, high = min(y) / 1.2, max(y) * 1.2
    wider = max(1.0, (6 * low / high) ** 0.5)
    axes.set_ylim(low / wider, high * wider)
    few = high / low > 100
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    if len(x) > 4:
        axes.tick_params(axis="x", labelrotation=30)


def _speed_up(axes: Any, rows: list[Row]) -> None:
    x = [row["devices"] for row in rows]
    if not x:
        axes.set_axis_off()
        return
    alone = unit_seconds(rows[0])
    axes.plot(x, x, color="0.6", lw=0.8, ls=":", label="ideal")
    axes.plot(x, [alone / unit_seconds(row) for row in rows], "o-", label="measured")
    axes.set_xticks(x)
    axes.set(xlabel="devices", ylabel="speed", ylim=(0, None))
    axes.set_title(f"batch of {rows[0]['batch']}")
    axes.legend()


def main(arguments: list[str]) -> None:
    """Print the rows of several devices, of the laws that are named."""
    jax.config.update("jax_enable_x64", True)
    quick = "--quick" in arguments
    names = [name for name in arguments if name in LAWS]
    print(json.dumps([row for name in names for row in _devices(name, quick)]))


if __name__ == "__main__":
    main(sys.argv[1:])
