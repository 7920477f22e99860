"""Which settings of an experiment tell most of the constants of a law."""

from .answer import Design as Design
from .design import design as design
from .response import linear_response as linear_response
from .settings import Setting as Setting
from .shots import Shots as Shots
