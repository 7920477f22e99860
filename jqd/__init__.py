"""jqd: a wind tunnel for theories of quantum motion.

What stands below is imported when it is first asked for: JAX takes a second, and not
every command needs it.
"""

import logging as _logging
from functools import cache as _cache
from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from ._lazy import homes as _homes
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import constants as constants
    from . import ensembles as ensembles
    from . import exact as exact
    from . import instruments as instruments
    from . import matter as matter
    from . import states as states
    from . import statistics as statistics
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
    from .inference import Apparatus as Apparatus
    from .inference import Calibration as Calibration
    from .inference import Comparison as Comparison
    from .inference import Design as Design
    from .inference import Evidence as Evidence
    from .inference import Fisher as Fisher
    from .inference import Fit as Fit
    from .inference import HalfNormal as HalfNormal
    from .inference import LogNormal as LogNormal
    from .inference import Normal as Normal
    from .inference import Polish as Polish
    from .inference import Posterior as Posterior
    from .inference import Recovery as Recovery
    from .inference import Search as Search
    from .inference import Study as Study
    from .inference import Unidentifiable as Unidentifiable
    from .inference import Uniform as Uniform
    from .inference import compare as compare
    from .inference import design as design
    from .inference import evidence as evidence
    from .inference import fisher as fisher
    from .inference import fit as fit
    from .inference import optimal_experiment as optimal_experiment
    from .inference import posterior as posterior
    from .inference import recover as recover
    from .inference import sbc as sbc
    from .inference.bounds import bounds as bounds
    from .inference.bounds import bounds_on_copies as bounds_on_copies
    from .inference.estimators import length_scales as length_scales
    from .inference.linear import Linearity as Linearity
    from .inference.linear import linearity as linearity
    from .instruments import Binomial as Binomial
    from .instruments import Correlated as Correlated
    from .instruments import Gaussian as Gaussian
    from .instruments import Multinomial as Multinomial
    from .instruments import NoNoise as NoNoise
    from .interop import as_array as as_array
    from .interop import to_qutip as to_qutip
    from .laws import CSL as CSL
    from .laws import GRW as GRW
    from .laws import QMUPL as QMUPL
    from .laws import AmplitudeAction as AmplitudeAction
    from .laws import Beretta as Beretta
    from .laws import ClassicalDiffusion as ClassicalDiffusion
    from .laws import Collapse as Collapse
    from .laws import ConservativeDiffusion as ConservativeDiffusion
    from .laws import CopyDynamics as CopyDynamics
    from .laws import Decoherence as Decoherence
    from .laws import DensityPhase as DensityPhase
    from .laws import DiosiPenrose as DiosiPenrose
    from .laws import DoebnerGoldin as DoebnerGoldin
    from .laws import DoebnerGoldinLine as DoebnerGoldinLine
    from .laws import Gisin as Gisin
    from .laws import GrossPitaevskii as GrossPitaevskii
    from .laws import Harmonics as Harmonics
    from .laws import HusimiFokkerPlanck as HusimiFokkerPlanck
    from .laws import Jump as Jump
    from .laws import Law as Law
    from .laws import Lindblad as Lindblad
    from .laws import Logarithmic as Logarithmic
    from .laws import Madelung as Madelung
    from .laws import Motion as Motion
    from .laws import Pauli as Pauli
    from .laws import PhaseAlignment as PhaseAlignment
    from .laws import PhaseKicks as PhaseKicks
    from .laws import QuantumJumps as QuantumJumps
    from .laws import RandomFrequencies as RandomFrequencies
    from .laws import Schrodinger as Schrodinger
    from .laws import SchrodingerNewton as SchrodingerNewton
    from .laws import StepNoise as StepNoise
    from .laws import Weinberg as Weinberg
    from .laws import kaplan_rajendran as kaplan_rajendran
    from .observe import Moments as Moments
    from .observe import Occupations as Occupations
    from .observe import expectation as expectation
    from .observe import fidelity as fidelity
    from .observe import total_variation as total_variation
    from .records import Record as Record
    from .records import Scan as Scan
    from .records import load_density as load_density
    from .records import load_matrix as load_matrix
    from .records import load_phase_space as load_phase_space
    from .records import load_record as load_record
    from .records import load_state as load_state
    from .records import simulate as simulate
    from .report.trees import load as load
    from .spaces import Grid as Grid
    from .spaces import Particles as Particles
    from .spaces import Symbol as Symbol
    from .spaces import driven as driven
    from .spaces import impulse as impulse
    from .spaces import named_pulse as named_pulse
    from .spaces import parse_hamiltonian as parse_hamiltonian
    from .spaces import pulse as pulse
    from .spaces import sampled_pulse as sampled_pulse
    from .states import Ensemble as Ensemble
    from .status import Status as Status
    from .steppers import Splitting as Splitting
    from .steppers import chin4a as chin4a
    from .steppers import rk4 as rk4
    from .steppers import srkn11 as srkn11
    from .steppers import strang as strang
    from .sweeps import Points as Points
    from .sweeps import open_sweep as open_sweep
    from .sweeps import sweep as sweep
    from .vetting import Card as Card
    from .vetting import vet as vet


# The library is silent; who wants its log adds a handler.
_logging.getLogger("jqd").addHandler(_logging.NullHandler())


@_cache
def _rooms() -> dict[str, str | None]:
    """Room of each name above, None for a room itself."""
    return _homes(__file__)


def __getattr__(name: str) -> _Any:
    if name == "__all__":
        return list(_rooms())
    room = _rooms().get(name)
    try:
        found = _import_module(f".{room or name}", __name__)
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
