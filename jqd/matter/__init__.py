"""Matter: solids, packets, gases, photons, the photon tower and temperature."""

from . import gas as gas
from . import packets as packets
from . import photons as photons
from . import solid as solid
from . import temperature as temperature
from . import tower as tower
