"""One-step methods: functions (law, t, state, dt) -> state with an `order`."""

from .commutator_free import CommutatorFree4 as CommutatorFree4
from .commutator_free import ExponentialMidpoint as ExponentialMidpoint
from .commutator_free import cf4 as cf4
from .commutator_free import exponential_midpoint as exponential_midpoint
from .flows import DampedFlow as DampedFlow
from .flows import Flows as Flows
from .flows import GeneralFlow as GeneralFlow
from .flows import PhaseFlow as PhaseFlow
from .runge_kutta import RungeKutta4 as RungeKutta4
from .runge_kutta import rk4 as rk4
from .spin import EachComponent as EachComponent
from .spin import SpinFlow as SpinFlow
from .splitting import Splitting as Splitting
from .splitting import chin4a as chin4a
from .splitting import kahan_li6 as kahan_li6
from .splitting import kahan_li8 as kahan_li8
from .splitting import pefrl as pefrl
from .splitting import s6 as s6
from .splitting import srkn6 as srkn6
from .splitting import srkn11 as srkn11
from .splitting import strang as strang
from .splitting import suzuki4 as suzuki4
from .splitting import yoshida4 as yoshida4
from .taylor import Taylor as Taylor
from .taylor import exponential as exponential
from .taylor import taylor18 as taylor18
