"""`jqd design`: plan an experiment with a set-up; its commands."""

from typing import Any

from ..inference import Study
from ..status import Status
from .design_options import Designing
from .designing import Planned, carry_out
from .followed_classes import Copies, OneLaw
from .followed_mode import OneMode
from .followed_positions import DoubleWell
from .following import Asked, SetUp
from .options import FIT
from .setups import command_of, verb_of


def follow_and_plan(*, setup: SetUp, designing: Designing) -> int:
    """Follow the law of a set-up, and find when it best determines constants."""
    setup = setup.chosen()
    names = setup.names(designing.free)
    asked = Asked(names, designing.priors(names))
    setup.check(asked)
    ts, words = setup.looked("design"), setup.words(asked)

    def prepare() -> Planned:
        made, study = setup.followed(ts, asked), None
        run = made.run(ts, designing.number())
        ended = Status(int(run.status))
        if ended is Status.OK:
            data, shown = setup.data(made, run, ts)
            study = Study(
                made.law, data, psi0=made.psi0, free=names, instrument=shown,
                nuisances=made.priors, method=made.fitted,
            )  # fmt: skip
        return Planned(setup.NAME, made.name, study, ended, words, least=setup.least)

    return carry_out(designing, ",".join(names), prepare)


def _command(setup: type[SetUp], help: str, free: str | None, **shown: str) -> Any:
    """The command of a set-up; `free` are its constants by default."""
    said = "Constants to determine, separated by commas."
    return command_of(
        follow_and_plan, setup, help, free=FIT.option(free, help=said, **shown),
        times=setup.times_of("design", "Candidate times"),
    )  # fmt: skip


design_app = verb_of(
    "design",
    help="Plan an experiment: at which times to measure, and with how many shots.",
    commands={
        _command(
            Copies,
            "Find the times at which counts best determine q and r of copy dynamics.",
            "q,r",
        ): "copying --shots 1e5 --step q=0.01 --out plan.toml",
        _command(
            OneLaw,
            "Find the times at which counts best determine a law, your own for "
            "instance.",
            None, show_default="those declared with jqd.free",
        ): "law my_law.py:MyLaw --set g=0.5 --times 0.5:6:12 --shots 1e5",
        _command(
            OneMode,
            "Find the times at which samples of one mode, or maps, best determine C."
            "\n\nA shot is one sample, or one measurement of a whole map. Samples "
            "count by\ntheir moments, as `jqd recover husimi` compares them.",
            "C",
        ): "husimi --set C=0.9 --nuisance U=1+-0.02 --times 0.5:3:6",
        _command(
            DoubleWell,
            "Find the times at which positions in a double well best determine D.",
            "D",
        ): "diffusion --set D=0.45 --times 1:4:4 --shots 1e4",
    },
)  # fmt: skip
