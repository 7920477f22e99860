"""Settings of an experiment that measure the constants of a law best."""

from .answer import Design as Design
from .apparatus import Apparatus as Apparatus
from .apparatus import Experiment as Experiment
from .continuous import Found as Found
from .continuous import optimal_experiment as optimal_experiment
from .design import design as design
from .response import linear_response as linear_response
from .settings import Setting as Setting
from .shots import Shots as Shots
from .signals import SignalSetting as SignalSetting
from .signals import strongest_signal as strongest_signal
