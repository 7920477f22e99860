"""N individuals that copy each other, each with its own phase."""

from .result import Individuals as Individuals
from .sampler import individuals as individuals
from .sampler import population as population
