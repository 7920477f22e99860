"""N systems that copy each other: the process behind `jqd.CopyDynamics`.

`sample` follows the occupations of the classes, `individuals` every system with its own
phase. `linear_noise`, `infidelity`, `energy_drift`, `extinction_probability` and
`bell_chain` say what finite N does on average, without sampling.
"""

from .bell_chain import BellChain as BellChain
from .bell_chain import bell_chain as bell_chain
from .copies import Copies as Copies
from .copies import Estimate as Estimate
from .copies import StepBias as StepBias
from .individual_result import Individuals as Individuals
from .individual_sampler import individuals as individuals
from .individual_sampler import population as population
from .laws_of_noise import NoiseLaw as NoiseLaw
from .laws_of_noise import approach as approach
from .laws_of_noise import energy_drift as energy_drift
from .laws_of_noise import extinction_probability as extinction_probability
from .laws_of_noise import infidelity as infidelity
from .laws_of_noise import rabi_contraction as rabi_contraction
from .laws_of_noise import rabi_energy_loss as rabi_energy_loss
from .laws_of_noise import rabi_infidelity as rabi_infidelity
from .linear_noise import LinearNoise as LinearNoise
from .linear_noise import linear_noise as linear_noise
from .sampler import sample as sample
