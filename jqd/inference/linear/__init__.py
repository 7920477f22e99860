"""Tests of linearity that need no law: the rank of tables of counts."""

from .linearity import linearity as linearity
from .outcome import JointTest as JointTest
from .outcome import Linearity as Linearity
from .outcome import RankTest as RankTest
from .power import Power as Power
from .shots import Scatter as Scatter
