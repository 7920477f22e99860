"""Report cards: tests of which properties a law of motion has."""

from .all_rows import ROWS as ROWS
from .all_rows import vet as vet
from .card import Card as Card
from .card import Row as Row
from .card import Verdict as Verdict
