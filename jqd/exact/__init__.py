"""Exact quantum evolution: the reference with which laws are compared.

No module here imports a law.
"""

from ..steppers.eigenbasis import unitary_orbit as unitary_orbit
from . import diffusion as diffusion
from . import husimi as husimi
from . import matrices as matrices
from . import on_grids as on_grids
from . import rivals as rivals
from .closed_forms import coherent_state as coherent_state
from .closed_forms import free_gaussian as free_gaussian
from .closed_forms import rabi as rabi
from .closed_forms import squeezed_state as squeezed_state
from .eigenstates import eigenstates as eigenstates
from .open_kerr import open_kerr as open_kerr
from .open_kerr import open_kerr_amplitude as open_kerr_amplitude
from .quadratic import GaussianMoments as GaussianMoments
from .quadratic import gaussian_paths as gaussian_paths
from .quadratic import impulse_map as impulse_map
from .quadratic import quadratic_hamiltonian as quadratic_hamiltonian
from .schrodinger_newton import (
    schrodinger_newton_ground_state as schrodinger_newton_ground_state,
)
