"""Which benchmarks there are."""

from pathlib import Path

_ALL = (
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
    "scaling",
    "sweep",
    "sharded_grid",
)
NAMES = tuple(n for n in _ALL if (Path(__file__).parent / f"{n}.py").is_file())
# Those of `--gpu`: made for a device whose memory or transforms are the limit.
ON_REQUEST = ("accelerator",)
ON_GPU = tuple(n for n in ("accelerator", "sweep") if n in (*NAMES, *ON_REQUEST))
