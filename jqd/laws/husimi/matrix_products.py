"""Kets of chains as matrix products, moved bond by bond.

NumPy and quimb, an optional dependency: nothing here is traced by JAX.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from ..._math import abs2
from ...spaces.symbols import Symbol, matrix
from ...steppers import s6

# Least number of levels of a site, and how many it has beyond those that it fills, as
# room for quanta that enter within one step.
_LEAST, _SPARE = 6, 2


class Limits(NamedTuple):
    """Limits to which a matrix product may grow.

    Attributes:
        bond: largest bond dimension.
        cutoff: probability that may be left out where two sites are split.
        levels: largest number of levels of a site.
    """

    bond: int
    cutoff: float
    levels: int


def quimb_tensor() -> Any:
    """The module `quimb.tensor`.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import quimb.tensor as found  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            'Matrix products need quimb, which is missing: pip install "jqd[mps]".'
        ) from error
    return found


class Gates:
    """exp(-i H_i x/ħ) of two neighbours, H = Σ_i H_i, kept once computed.

    Attributes:
        sites: M.
    """

    def __init__(self, bonds: Sequence[Symbol], hbar: float):
        """The gates of a chain.

        Args:
            bonds: H_i of sites i and i+1, symbols of two modes, M-1 of them.
            hbar: ħ.
        """
        self.sites, self._bonds, self._hbar = len(bonds) + 1, bonds, hbar
        # equal bonds share their gates
        known: dict[Any, int] = {}
        keys = [(one.powers, np.asarray(one.coefficients).tobytes()) for one in bonds]
        self._first = [known.setdefault(key, i) for i, key in enumerate(keys)]
        self._modes = functools.lru_cache(64)(self._solve)
        self._gates = functools.lru_cache(128)(self._build)

    def __call__(self, bond: int, levels: tuple[int, int], x: float) -> np.ndarray:
        """The gate of sites `bond` and `bond + 1`, (D, D), D = L_i L_{i+1}."""
        return self._gates(self._first[bond], levels, x)

    def _solve(self, bond: int, levels: tuple[int, int]) -> Any:
        whole = np.asarray(matrix(self._bonds[bond], levels, hbar=self._hbar))
        return np.linalg.eigh(whole)

    def _build(self, bond: int, levels: tuple[int, int], x: float) -> np.ndarray:
        energies, vectors = self._modes(bond, levels)
        return (vectors * np.exp(-1j * energies * x / self._hbar)) @ vectors.conj().T


class MatrixProduct:
    """One ket Σ A_1[n_1] .. A_M[n_M] |n_1 .. n_M>, started as a product of modes.

    Two sites that hold no quanta and are entangled with nothing are left as they are:
    a Hamiltonian that conserves quanta changes only their phase.
    """

    def __init__(self, table: Complex[np.ndarray, "M L"], gates: Gates, limits: Limits):
        """A product of one-mode kets.

        Args:
            table: their amplitudes, `limits.levels` each.
            gates: of the Hamiltonian.
            limits: of bonds and levels.
        """
        self._gates, self._limits = gates, limits
        parts = [row[: self._enough(abs2(row))] for row in table]
        self._psi = quimb_tensor().MPS_product_state(parts)
        self._psi.canonicalize_(0)
        self._centre = {"cur_orthog": (0, 0)}

    def advance(self, dt: float, steps: int) -> None:
        """Take steps of dt, of fourth order, on even and odd bonds in turn."""
        # not by `quimb.tensor.TEBD`: the error of its order=4 falls as dt² (1.15.0)
        stages = [(part, fraction) for part, fraction, _, _ in s6.stages()]
        opening = s6.entry()[0]
        self._sweep("outer", opening * dt)
        for k in range(steps):
            for part, fraction in stages[:-1]:
                self._sweep(part, fraction * dt)
            last = k == steps - 1
            part, fraction = stages[-1]
            self._sweep(part, (fraction - opening * last) * dt)
            self._make_room()

    @property
    def bond(self) -> int:
        """The largest bond dimension."""
        return self._psi.max_bond() or 1

    def norm2(self) -> float:
        """<ψ|ψ>, which falls by what splits leave out."""
        return float(np.sum(self._shares(self._centre["cur_orthog"][0])))

    def top_share(self) -> float:
        """The largest share of a site in the highest level kept of it."""
        return max(float(self._shares(i)[-1]) for i in range(self._gates.sites))

    def mean(self, operators: Mapping[int, Symbol], hbar: float) -> complex:
        """<ψ| Π_i O_i |ψ>

        Args:
            operators: O_i by site, symbols of one mode.
            hbar: ħ, of the symbols.
        """
        first, last = min(operators, default=0), max(operators, default=0)
        self._psi.canonicalize_((first, last), info=self._centre)
        tags = [self._psi.site_tag(i) for i in range(first, last + 1)]
        bra = self._psi.select(tags, which="any")
        ket = bra.copy()
        for i, symbol in operators.items():
            whole = np.asarray(matrix(symbol, self._levels(i), hbar=hbar))
            ket.gate_inds_(whole, (self._psi.site_ind(i),), contract=True)
        return complex((bra.H & ket).contract(all, optimize="greedy"))

    def _sweep(self, part: str, x: float) -> None:
        """Gates on every other bond, rightwards on even ones, leftwards on odd ones."""
        right = part == "outer"
        bonds = range(0 if right else 1, self._gates.sites - 1, 2)
        options = {
            "absorb": "right" if right else "left",
            "max_bond": self._limits.bond,
            "cutoff": self._limits.cutoff,
            "cutoff_mode": "sum2",
            "renorm": 0,
        }
        for i in bonds if right else reversed(bonds):
            if self._still(i) and self._still(i + 1):
                continue
            self._psi.canonicalize_((i, i + 1), info=self._centre)
            gate = self._gates(i, (self._levels(i), self._levels(i + 1)), x)
            self._psi.gate_split_(gate, (i, i + 1), **options)
            centre = i + 1 if right else i
            self._centre["cur_orthog"] = (centre, centre)

    def _still(self, i: int) -> bool:
        data = self._psi[i].data
        if data.size != self._levels(i):
            return False
        shares = abs2(data.ravel())
        return bool(np.sum(shares[1:]) <= np.finfo(shares.dtype).eps * shares[0])

    def _make_room(self) -> None:
        """Levels for what is about to fill them."""
        for i in reversed(range(self._gates.sites)):
            if self._still(i):
                continue
            wanted = self._enough(self._shares(i))
            if wanted > self._levels(i):
                self._psi[i].expand_ind(self._psi.site_ind(i), wanted)

    def _enough(self, shares: Float[np.ndarray, " L"]) -> int:
        filled = np.flatnonzero(shares > self._limits.cutoff)
        high = int(filled[-1]) + 1 if filled.size else 0
        return min(max(high + _SPARE, _LEAST), self._limits.levels)

    def _levels(self, i: int) -> int:
        return self._psi.phys_dim(i)

    def _shares(self, i: int) -> Float[np.ndarray, " L"]:
        """Probabilities of the levels of a site."""
        self._psi.canonicalize_(i, info=self._centre)
        tensor = self._psi[i]
        axis = tensor.inds.index(self._psi.site_ind(i))
        squares = abs2(np.moveaxis(tensor.data, axis, 0))
        return squares.reshape(squares.shape[0], -1).sum(axis=1)


class Readings(NamedTuple):
    """Moments and diagnostics of one ket at each time.

    Attributes:
        means: (T, moments), complex.
        bond: largest bond dimension, (T,).
        norm2: <ψ|ψ>, (T,).
        top: largest share in the highest level of a site, (T,).
    """

    means: Complex[np.ndarray, "T moments"]
    bond: np.ndarray
    norm2: np.ndarray
    top: np.ndarray


def follow(
    ket: MatrixProduct,
    ts: Float[np.ndarray, " T"],
    steps: Sequence[int],
    moments: Sequence[Mapping[int, Symbol]],
    hbar: float,
) -> Readings:
    """Moments of a ket at each time.

    Args:
        ket: at the first time; it is moved.
        ts: times.
        steps: number of steps between them, T-1.
        moments: products of symbols of one mode, by site.
        hbar: ħ.
    """

    def states() -> Iterator[MatrixProduct]:
        yield ket
        for length, count in zip(np.diff(ts), steps, strict=True):
            ket.advance(float(length) / count, count)
            yield ket

    rows = [
        ([one.mean(m, hbar) for m in moments], one.bond, one.norm2(), one.top_share())
        for one in states()
    ]
    return Readings(*(np.array(column) for column in zip(*rows, strict=True)))
