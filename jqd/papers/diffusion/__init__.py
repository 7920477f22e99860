"""Z. Zakir, "Diffusion treatment of quantum theory and gravity. 1"."""

from . import brackets as brackets
from . import closed_forms as closed_forms
from . import weights as weights
from .rules import antisymmetric_amplitude as antisymmetric_amplitude
from .rules import clock_and_length as clock_and_length
from .rules import diffusion_kernel as diffusion_kernel
from .rules import maxwell_density as maxwell_density
from .rules import plane_wave as plane_wave
from .rules import rest_temperature as rest_temperature
from .rules import thermal_energy as thermal_energy
from .rules import thermal_speed as thermal_speed
