"""Phase alignment: does anything bring the phases of a class together?

`PhaseAlignment` is the Hamiltonian model of N individuals with fixed beables, equations
(42)-(55) of Smolin (2012), with options that the paper leaves open. `AlignedClasses`
and `ClassSpread` follow a class as a whole, and the spread within it, while copying
goes on. `spectrum`, `hill`, `tongues`, `lyapunov_exponents`, `align_from_random` say
whether alignment is attracting, neutral or unstable. The equations themselves are
functions, one each.
"""

from .action import alignment_lagrangian as alignment_lagrangian
from .action import alignment_lagrangian_circle as alignment_lagrangian_circle
from .action import poisson_bracket as poisson_bracket
from .basin import Alignment as Alignment
from .basin import align_from_random as align_from_random
from .classes import AlignedClasses as AlignedClasses
from .classes import ClassState as ClassState
from .classes import momentum_generator as momentum_generator
from .equations import NORMS as NORMS
from .equations import POTENTIALS as POTENTIALS
from .equations import alignment_energy as alignment_energy
from .equations import alignment_force as alignment_force
from .equations import alignment_potential as alignment_potential
from .equations import drift_force as drift_force
from .equations import phase_velocity as phase_velocity
from .equations import same_class as same_class
from .equations import strength as strength
from .floquet import Floquet as Floquet
from .floquet import hill as hill
from .floquet import hill_generator as hill_generator
from .floquet import monodromy as monodromy
from .floquet import tongues as tongues
from .individuals import PhaseAlignment as PhaseAlignment
from .individuals import PhaseState as PhaseState
from .lyapunov import Lyapunov as Lyapunov
from .lyapunov import lyapunov_exponents as lyapunov_exponents
from .small import class_mean_phase as class_mean_phase
from .small import small_energy as small_energy
from .small import small_force as small_force
from .spread import ClassSpread as ClassSpread
from .spread import SpreadState as SpreadState
from .stability import flow_jacobian as flow_jacobian
from .stability import spectrum as spectrum
from .stability import symplectic_defect as symplectic_defect
