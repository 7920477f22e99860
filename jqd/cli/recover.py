"""`jqd recover`: its commands."""

from .recover_atoms import anharmonicity, springs
from .recover_copying import copying
from .recover_diffusion import diffusion
from .recover_husimi import husimi
from .recover_law import law
from .recover_statistics import statistics
from .recover_temperature import temperature
from .recover_tower import tower
from .setups import verb_of

OF_COUNTS = "--hamiltonian counts_hamiltonian.npy --state counts_psi0.npy"
# Each but `anharmonicity` reads what the example of `jqd simulate` has written; that of
# `law` the counts of docs/own_law.md.
recover_app = verb_of(
    "recover",
    help="Recover the free constants of a law from data, with their errors.",
    commands={
        copying: f"copying --data counts.csv {OF_COUNTS}",
        law: f"law my_law.py:MyLaw --data counts.npz {OF_COUNTS} --starts 4",
        husimi: "husimi --data samples.npz",
        diffusion: "diffusion --data positions.npz",
        statistics: "statistics --data draws.csv",
        springs: "springs --data chain.npz",
        anharmonicity: "anharmonicity --quick",
        tower: "tower --data tower.zarr --levels 20 --photons 5",
        temperature: "temperature --data light.csv",
    },
)
