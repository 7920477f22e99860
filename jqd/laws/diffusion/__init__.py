"""Conservative diffusion and Madelung hydrodynamics.

`ConservativeDiffusion` is the law, `Madelung` the same with ħ for its constant. A form
carries the state: `Amplitude` (default), `Links`, `Window` or `Literal`. Fields,
energies and circulation of ψ are in `jqd.readings`.
"""

from .amplitude import Amplitude as Amplitude
from .classical import ClassicalDiffusion as ClassicalDiffusion
from .form import DiffusionForm as DiffusionForm
from .law import FORMS as FORMS
from .law import ConservativeDiffusion as ConservativeDiffusion
from .links_form import Links as Links
from .log_density import Literal as Literal
from .madelung import Madelung as Madelung
from .state import AmplitudeAction as AmplitudeAction
from .window import Window as Window
from .window import WindowState as WindowState
