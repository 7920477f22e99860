"""A symbol of one mode with every monomial of a Fokker-Planck equation."""

from jqd.spaces.symbols import Symbol

MIXED = Symbol.from_terms({
    ((2,), (2,)): 0.4, ((1,), (1,)): -1.0, ((1,), (0,)): 0.25, ((0,), (1,)): 0.25,
    ((2,), (0,)): 0.1 + 0.05j, ((0,), (2,)): 0.1 - 0.05j,
    ((2,), (1,)): 0.05, ((1,), (2,)): 0.05,
})  # fmt: skip
