"""`jqd simulate`: its commands."""

from .setups import verb_of
from .simulate_husimi import husimi
from .simulate_matter import springs, statistics, temperature, tower
from .simulate_quantum import copying, diffusion, law

simulate_app = verb_of(
    "simulate",
    help="Draw synthetic data, as an experiment would see them, for `jqd recover`.",
    commands={
        copying: "copying --set q=0.45 --shots 2000 --out counts.csv",
        law: 'law "gisin[lam=0.1]" --times 0:2:5 --out gisin.csv',
        husimi: "husimi --set C=0.9 --out samples.npz",
        diffusion: "diffusion --set D=0.45 --times 0:2:3 --out positions.npz",
        statistics: "statistics --set g=0.5 --shots 100 --out draws.csv",
        springs: "springs --springs 3 --time 15 --out chain.npz",
        tower: "tower --levels 20 --photons 5 --times 0.5:10:20 --out tower.zarr",
        temperature: "temperature --set T=1.5 --omega 0.5,2 --out light.csv",
    },
)
