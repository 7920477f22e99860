"""Phase alignment: does anything bring the phases of a class together?

`PhaseAlignment` is the Hamiltonian model of N individuals with fixed beables, equations
(42)-(55) of Smolin (2012), with options that the paper leaves open. `AlignedClasses`
and `ClassSpread` follow a class as a whole, and the spread within it, while copying
goes on. `spectrum`, `hill`, `tongues`, `lyapunov_exponents`, `align_from_random` say
whether alignment is attracting, neutral or unstable. The equations themselves are in
`jqd.papers.copying`.
"""

from .basin import Alignment as Alignment
from .basin import align_from_random as align_from_random
from .classes import AlignedClasses as AlignedClasses
from .classes import ClassState as ClassState
from .classes import momentum_generator as momentum_generator
from .couplings import NORMS as NORMS
from .couplings import POTENTIALS as POTENTIALS
from .couplings import strength as strength
from .floquet import Floquet as Floquet
from .floquet import hill as hill
from .floquet import hill_generator as hill_generator
from .floquet import monodromy as monodromy
from .floquet import tongues as tongues
from .individuals import PhaseAlignment as PhaseAlignment
from .individuals import PhaseState as PhaseState
from .lyapunov import Lyapunov as Lyapunov
from .lyapunov import lyapunov_exponents as lyapunov_exponents
from .spread import ClassSpread as ClassSpread
from .spread import SpreadState as SpreadState
from .stability import flow_jacobian as flow_jacobian
from .stability import spectrum as spectrum
from .stability import symplectic_defect as symplectic_defect
