"""Exact quantum evolution: the reference that laws are measured against.

Nothing here imports a law.
"""

from ..steppers.eigenbasis import unitary_orbit as unitary_orbit
from . import diffusion as diffusion
from . import gaussian_closure as gaussian_closure
from . import husimi as husimi
from . import liouville as liouville
from . import matrices as matrices
from . import on_grids as on_grids
from .closed_forms import coherent_state as coherent_state
from .closed_forms import free_gaussian as free_gaussian
from .closed_forms import rabi as rabi
from .closed_forms import squeezed_state as squeezed_state
from .eigenstates import eigenstates as eigenstates
from .two_slits import fringe_spacing as fringe_spacing
from .two_slits import slit_amplitudes as slit_amplitudes
from .two_slits import slit_density as slit_density
