"""jqd: a wind tunnel for theories of quantum motion.

What stands below is imported when it is first asked for: JAX takes a second, and not
every command needs it.
"""

import logging as _logging
from functools import cache as _cache
from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any
from warnings import warn as _warn

from ._lazy import homes as _homes
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import constants as constants
    from . import ensembles as ensembles
    from . import exact as exact
    from . import inference as inference
    from . import instruments as instruments
    from . import interop as interop
    from . import laws as laws
    from . import matter as matter
    from . import records as records
    from . import spaces as spaces
    from . import states as states
    from . import statistics as statistics
    from . import steppers as steppers
    from . import vetting as vetting
    from ._bars import progress as progress
    from .constants import fixed as fixed
    from .constants import free as free
    from .constants import parts as parts
    from .evolution import Adaptive as Adaptive
    from .evolution import Fixed as Fixed
    from .evolution import Propagator as Propagator
    from .evolution import Trajectory as Trajectory
    from .evolution import evolve as evolve
    from .evolution import ground_state as ground_state
    from .inference import HalfNormal as HalfNormal
    from .inference import LogNormal as LogNormal
    from .inference import Normal as Normal
    from .inference import Study as Study
    from .inference import Uniform as Uniform
    from .inference import compare as compare
    from .inference import design as design
    from .inference import evidence as evidence
    from .inference import fisher as fisher
    from .inference import fit as fit
    from .inference import posterior as posterior
    from .inference import recover as recover
    from .inference.bounds import bounds as bounds
    from .inference.linear import linearity as linearity
    from .instruments import Binomial as Binomial
    from .instruments import Correlated as Correlated
    from .instruments import Gaussian as Gaussian
    from .instruments import Multinomial as Multinomial
    from .laws import ConservativeDiffusion as ConservativeDiffusion
    from .laws import CopyDynamics as CopyDynamics
    from .laws import HusimiFokkerPlanck as HusimiFokkerPlanck
    from .laws import Law as Law
    from .laws import Lindblad as Lindblad
    from .laws import Madelung as Madelung
    from .laws import Motion as Motion
    from .laws import Pauli as Pauli
    from .laws import PhaseAlignment as PhaseAlignment
    from .laws import Schrodinger as Schrodinger
    from .observe import Moments as Moments
    from .observe import Occupations as Occupations
    from .observe import expectation as expectation
    from .observe import fidelity as fidelity
    from .observe import total_variation as total_variation
    from .records import Record as Record
    from .records import Scan as Scan
    from .records import simulate as simulate
    from .report.loading import load as load
    from .spaces import Grid as Grid
    from .spaces import Particles as Particles
    from .spaces import Symbol as Symbol
    from .spaces import driven as driven
    from .spaces import parse_hamiltonian as parse_hamiltonian
    from .spaces import pulse as pulse
    from .status import Status as Status
    from .sweeps import Points as Points
    from .sweeps import open_sweep as open_sweep
    from .sweeps import sweep as sweep
    from .vetting import vet as vet

# Names that are in rooms now. Here they are not listed, work for one more release,
# and warn.
_MOVED = {
    name: room
    for room, names in {
        "laws": (
            "CSL GRW QMUPL AmplitudeAction Beretta ClassicalDiffusion Collapse "
            "Decoherence DensityPhase DiosiPenrose DoebnerGoldin "
            "DoebnerGoldinLine Gisin GrossPitaevskii Harmonics Jump Logarithmic "
            "PhaseKicks QuantumJumps RandomFrequencies "
            "SchrodingerNewton StepNoise Weinberg kaplan_rajendran"
        ),
        "inference": (
            "Apparatus Calibration Comparison Design Evidence Fisher Fit Polish "
            "Posterior Recovery Search Unidentifiable optimal_experiment sbc"
        ),
        "inference.bounds": "bounds_on_copies",
        "inference.estimators": "length_scales",
        "inference.linear": "Linearity",
        "instruments": "NoNoise",
        "interop": "as_array to_qutip",
        "records": "load_density load_matrix load_phase_space load_record load_state",
        "spaces": "impulse named_pulse sampled_pulse",
        "states": "Ensemble",
        "steppers": "Splitting chin4a rk4 srkn11 strang",
        "vetting": "Card",
    }.items()
    for name in names.split()
}

# The library is silent; who wants its log adds a handler.
_logging.getLogger("jqd").addHandler(_logging.NullHandler())


@_cache
def _rooms() -> dict[str, str | None]:
    """Where each name above comes from, None for a room itself."""
    return _homes(__file__)


def __getattr__(name: str) -> _Any:
    if name == "__all__":
        return list(_rooms())
    if name in _MOVED:
        home = f"{__name__}.{_MOVED[name]}"
        _warn(
            f"jqd.{name} is now {home}.{name}; the next release drops the old name.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(_import_module(home), name)
    room = _rooms().get(name)
    try:
        found = _import_module(room or f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
    if room is None:
        return found
    globals()[name] = getattr(found, name)
    return globals()[name]


def __dir__() -> list[str]:
    hidden = {"TYPE_CHECKING"}
    return sorted({*globals(), *_rooms()} - hidden)
