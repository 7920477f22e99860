"""Named set-ups with known answers, shared by tests, benchmarks and experiments."""

from .matter import TowerRecord as TowerRecord
from .matter import fput_chain as fput_chain
from .matter import spring_chain as spring_chain
from .matter import tower_record as tower_record
from .matter import unlike_springs as unlike_springs
from .quantum import DATA as DATA
from .quantum import BoxOfModes as BoxOfModes
from .quantum import FourLevel as FourLevel
from .quantum import box_of_modes as box_of_modes
from .quantum import double_well as double_well
from .quantum import four_level as four_level
from .quantum import golden as golden
from .quantum import kerr_husimi as kerr_husimi
from .quantum import two_classes as two_classes
