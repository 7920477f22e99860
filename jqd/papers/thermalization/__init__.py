"""C. Chafin, "Thermalization in Quantum Systems: An Emergent Approach" (2019)."""

from .plane_waves import energy_density as energy_density
from .plane_waves import norm_density as norm_density
from .plane_waves import photon_norm as photon_norm
from .plane_waves import photon_number as photon_number
from .plane_waves import plane_wave as plane_wave
from .symmetrise import symmetrised as symmetrised
from .tower_energy import dirac_adjoint as dirac_adjoint
from .tower_energy import level_energy as level_energy
