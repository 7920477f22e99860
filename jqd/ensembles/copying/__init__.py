"""N systems that copy each other: the process behind `jqd.CopyDynamics`."""

from .copies import Copies as Copies
from .copies import CopyStatus as CopyStatus
from .sampler import sample as sample
