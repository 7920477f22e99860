"""Formulas that analyse a law or a state, shared by experiments; no law needs them.

- Copies (Smolin): `lattice`, `stability` of alignment, `signals` between two parties.
- Husimi functions: `phase_space`, `conditions`, `forms` and `generators` of the law,
  `truncation`, `chains`, `path_weights`.
- Conservative diffusion (Zakir): `fields`, `energies`, `circulation`, `observables` and
  their `brackets`, `packets`, `slits`, `cold_spots`.
- Thermalization (Chafin): `gases`, `time_scales`.

Equation numbers are those of the paper named, see `jqd equations`.
"""

from . import brackets as brackets
from . import chains as chains
from . import circulation as circulation
from . import cold_spots as cold_spots
from . import conditions as conditions
from . import energies as energies
from . import fields as fields
from . import forms as forms
from . import gases as gases
from . import generators as generators
from . import lattice as lattice
from . import observables as observables
from . import packets as packets
from . import path_weights as path_weights
from . import phase_space as phase_space
from . import signals as signals
from . import slits as slits
from . import stability as stability
from . import time_scales as time_scales
from . import truncation as truncation
