"""Tests of linearity that need no law: the rank of tables of counts."""

from .linearity import JointTest as JointTest
from .linearity import Linearity as Linearity
from .linearity import RankTest as RankTest
from .linearity import linearity as linearity
from .power import Power as Power
from .shots import Scatter as Scatter
