"""`jqd design`: its commands."""

from .design_husimi import husimi
from .design_quantum import copying, diffusion, law
from .setups import verb_of

design_app = verb_of(
    "design",
    help="Plan an experiment: at which times to measure, and with how many shots.",
    commands={
        copying: "copying --shots 1e5 --step q=0.01 --out plan.toml",
        law: "law my_law.py:MyLaw --set g=0.5 --times 0.5:6:12 --shots 1e5",
        husimi: "husimi --set C=0.9 --nuisance U=1+-0.02 --times 0.5:3:6",
        diffusion: "diffusion --set D=0.45 --times 1:4:4 --shots 1e4",
    },
)
