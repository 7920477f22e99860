"""Data of moving atoms, for fits of springs and of anharmonicity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..instruments import Gaussian, NoNoise
from ..matter import solid
from .contents import Contents, errors_in_file
from .file import naming
from .formats import ARCHIVES, SIGMA, T0, Format, Kind, T
from .parts import Part, described
from .reading import opened
from .record import Record, between, spaced


class AtomPositions(eqx.Module):
    """The positions of some atoms of a chain, for `jqd.evolve` and `recover`.

    Attributes:
        atoms: indices of the atoms (static).
    """

    atoms: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, t: Array, state: solid.Point) -> Float[Array, " k"]:
        """The positions x of these atoms."""
        del t
        return state.x[jnp.asarray(self.atoms), 0]


@described
@dataclass(frozen=True)
class AtomRecord:
    """Measured positions of atoms of a chain.

    `truth` has the constants, by name, from which the data were computed, or None. It
    is in no file.
    """

    ts: Annotated[np.ndarray, Part("t", T["t"])]
    x: Annotated[np.ndarray, "[t, k] positions of the atoms that were seen"]
    atoms: Annotated[
        np.ndarray, Part("atoms", "[k] which ones, from 0 on; else all", optional=True)
    ]
    x0: Annotated[np.ndarray, "[N] positions of all atoms at `t0`"]
    v0: Annotated[np.ndarray, "[N] their velocities"]
    ends: Annotated[str, "free, fixed or periodic, in files 0, 1 or 2; else free"] = (
        "free"
    )
    mass: Annotated[np.ndarray | float, "() or [N]; else 1"] = 1.0
    length: Annotated[np.ndarray | float, "rest length, () or [bond]; else 1"] = 1.0
    sigma: Annotated[float | None, SIGMA["sigma"]] = None
    t0: Annotated[float, T0["t0"]] = 0.0
    truth: dict[str, np.ndarray] | None = None

    def data(self) -> tuple[Record, AtomPositions]:
        """The record for `recover`, and the observable that a law must predict."""
        noise = NoNoise() if self.sigma is None else Gaussian(self.sigma)
        observe = AtomPositions(tuple(self.atoms.tolist()))
        return Record(self.ts, self.x, noise, t0=self.t0), observe

    def state(self) -> solid.Point:
        """Positions and velocities of all atoms at t0."""
        return solid.Point(jnp.asarray(self.x0)[:, None], jnp.asarray(self.v0)[:, None])

    def law(
        self, K: ArrayLike, alpha: ArrayLike = 0.0, beta: ArrayLike = 0.0
    ) -> solid.AtomMotion:
        """AtomMotion of the chain with these constants in its bonds.

        Args:
            K: stiffness, () or one for each bond.
            alpha: cubic constant.
            beta: quartic constant.

        Returns:
            The law, whose constants are the initial guess of a fit.
        """
        potential = solid.FPUT(K, alpha, beta, self.length)
        chain = solid.chain(len(self.x0), potential, ends=self.ends, mass=self.mass)
        return solid.AtomMotion(chain)

    @property
    def bonds(self) -> int:
        """Number of bonds."""
        return len(self.x0) + {"free": -1, "fixed": 1, "periodic": 0}[self.ends]


def load_atoms(path: str | Path, sigma: float | None = None) -> AtomRecord:
    """Load data of the atoms of a chain from .npz, Zarr or netCDF.

    Args:
        path: the file; docs/files.md lists its contents.
        sigma: standard deviation of the positions; None for that in the file.

    Raises:
        ValueError: unreadable file, arrays missing or of wrong shape, atoms that do not
            exist, masses or sigma not positive.
    """
    file, _ = opened(path, ATOMS)
    ts, t0 = file.times()
    x, x0, v0 = (file.real(name) for name in ("x", "x0", "v0"))
    sigma, code = file.sigma(sigma), file.scalar("ends", 0.0)
    if code not in range(len(solid.ENDS)):
        raise ValueError(
            "Argument `ends` must be 0 (free), 1 (fixed) or 2 (periodic), but is "
            f"{code:g} (in {file.path.name})."
        )
    with naming(path):
        _checks.check_shape(x0, "x0", (None,))
        _checks.check_shape(v0, "v0", x0.shape)
        if len(x0) < 2:
            raise ValueError(
                f"Argument `x0` must hold at least two atoms, but holds {len(x0)}."
            )
        atoms = file.arrays.get("atoms", np.arange(len(x0)))
        _checks.check_shape(atoms, "atoms", (None,))
        _checks.check_shape(x, "x", (len(ts), len(atoms)))
        there = atoms.dtype.kind in "iu" and np.all((atoms >= 0) & (atoms < len(x0)))
        if not there or not len(atoms) or len(set(atoms.tolist())) < len(atoms):
            raise ValueError(
                f"Argument `atoms` must name atoms from 0 to {len(x0) - 1}, each once, "
                f"but holds {atoms.tolist()}."
            )
        mass, length = (
            np.asarray(file.arrays.get(name, 1.0)) for name in ("mass", "length")
        )
        _checks.check_positive(mass, "mass")
        _checks.check_real(length, "length")
        record = AtomRecord(
            ts, x, atoms, x0, v0, solid.ENDS[int(code)], mass.astype(float),
            length.astype(float), sigma, t0,
        )  # fmt: skip
        for name, sizes in {"mass": len(x0), "length": record.bonds}.items():
            shape = np.shape(getattr(record, name))
            if shape not in ((), (sizes,)):
                raise ValueError(
                    f"Argument `{name}` must be a number or {sizes} of them, but its "
                    f"shape is {shape}."
                )
    return record


def _show(record: AtomRecord) -> Contents:
    lines = {
        "times": spaced(record.ts),
        "state at": f"t0 = {record.t0:.6g}",
        "atoms": f"{len(record.x0)}, of which {len(record.atoms)} were seen",
        "ends": record.ends,
        "mass": between(record.mass),
        "rest length": between(record.length),
        "errors": errors_in_file(record.sigma),
    }
    names = [f"x of atom {k}" for k in record.atoms]
    columns = dict(zip(names, record.x.T, strict=True))
    sigma = None if record.sigma is None else np.full(record.x.shape, record.sigma)
    return Contents(_FORMAT.data, lines, ("t", record.ts), columns, sigma)


def _held(record: AtomRecord, _: Path) -> tuple[str, dict[str, Any]]:
    ends = solid.ENDS.index(record.ends)
    return _FORMAT.data, _FORMAT.held(record) | {"ends": ends}


_FORMAT = Format(
    "positions of atoms", ARCHIVES, '`np.savez("chain.npz", t=ts, x=x, x0=x[0], v0=v)`',
    AtomRecord,
)  # fmt: skip
ATOMS = Kind(
    "atoms", "data", "`--data` of `jqd recover springs`, `anharmonicity`", (_FORMAT,),
    load_atoms, AtomRecord, _show, _held,
)  # fmt: skip
