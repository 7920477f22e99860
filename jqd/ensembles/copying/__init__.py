"""N systems that copy each other: the process behind `jqd.CopyDynamics`.

`sample` follows the occupations of the classes, `individuals` each system with a phase
of its own, which its class need not share. `linear_noise`, `infidelity` and
`energy_drift` say what finite N does on average, without sampling.
"""

from .copies import Copies as Copies
from .copies import Estimate as Estimate
from .copies import StepBias as StepBias
from .crowd import Individuals as Individuals
from .crowd import individuals as individuals
from .crowd import population as population
from .laws_of_noise import NoiseLaw as NoiseLaw
from .laws_of_noise import energy_drift as energy_drift
from .laws_of_noise import infidelity as infidelity
from .linear_noise import LinearNoise as LinearNoise
from .linear_noise import linear_noise as linear_noise
from .sampler import sample as sample
