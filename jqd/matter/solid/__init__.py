"""Solids: atoms that interact in pairs, their motion, modes and phonons."""

from .body import Solid as Solid
from .cells import Cells as Cells
from .cells import cells_for as cells_for
from .chains import chain as chain
from .motion import Motion as Motion
from .motion import Point as Point
from .pair_potentials import FPUT as FPUT
from .pair_potentials import Harmonic as Harmonic
from .pair_potentials import LennardJones as LennardJones
from .pair_potentials import Morse as Morse
from .pair_potentials import PairFunction as PairFunction
from .pair_potentials import PairPotential as PairPotential
