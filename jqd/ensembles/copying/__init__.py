"""N systems that copy each other: the process behind `jqd.CopyDynamics`.

`sample` follows the occupations of the classes. `individuals` follows each system with
its own phase, which may differ within a class. `linear_noise`, `infidelity` and
`energy_drift` compute the mean effects of finite N, without sampling.
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
