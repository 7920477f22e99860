"""Writing files that the loaders read: whole or not at all, never over another file.

The loader reads each file back before it takes its final name.
"""

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .._files import as_path, whole_files
from ..instruments import EnsembleNoise, Gaussian, Multinomial, Noise, NoNoise
from ..matter import solid
from .atoms import AtomRecord, load_atoms
from .clusters import Clusters
from .density import AXES, DensityRecord, load_density
from .formats import KINDS, Format
from .occupations import (
    CountsRecord,
    CurveRecord,
    PhotonCounts,
    PhotonCurve,
    load_photons,
    load_statistics,
)
from .phase_space import PhaseSpaceRecord, load_phase_space
from .populations import load_record
from .reading import load_matrix, load_state
from .record import Record
from .scan import Scan

# Names with their axes and values, as xarray takes variables.
Variables = Mapping[str, tuple[tuple[str, ...], Any]]


def write_record(path: str | Path, record: Record) -> Path:
    """Write populations or counts over time, for `load_record`.

    Args:
        path: a new file: .csv, .npz, .zarr or .nc.
        record: values (T, M), counts where its noise is that of counts. Errors of
            `Gaussian` go with the values; `EnsembleNoise` is asked of `load_record`
            again, by noise="ensemble".

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, a record for a .csv that does not
            begin at its t0 (a table cannot hold t0) or has several errors in a row,
            clusters of shots for another file, a scan, noise that no file holds, such
            as `DirichletMultinomial`, or a record that `load_record` refuses.
    """
    if isinstance(record, Scan):
        raise ValueError(
            "Argument `record` must have rows over time, but is a Scan; write a table "
            "with a column for each of its settings."
        )
    if not record.from_start and as_path(path).suffix == ".csv":
        raise ValueError(
            "Argument `record` must have its t0 as first time, which is all that a "
            ".csv can say of it, but has another; write a .npz, .zarr or .nc."
        )
    clusters = isinstance(record, Clusters)
    if clusters and as_path(path).suffix != ".csv":
        raise ValueError(
            "Argument `path` must be a .csv for clusters of shots, which a table alone "
            f"can number, but is {path}."
        )
    counted = isinstance(record.noise, Multinomial | EnsembleNoise)
    _check_held(record.noise)
    one = _format(path, "populations", "counts" if counted else "populations")
    values = np.asarray(record.values)
    if counted:
        values = values.astype(int)
    part, classes = one.needed[1], range(values.shape[1])
    variables: dict[str, Any] = {"t": (("t",), record.ts)}
    if part.stem:
        variables |= {f"{part.stem}{i}": (("t",), values[:, i]) for i in classes}
    else:
        variables[part.name] = ("t", "class"), values
        if not record.from_start:
            variables["t0"] = (), record.t0
    if clusters:
        variables["cluster"] = ("t",), np.arange(len(values))
    if isinstance(record.noise, Gaussian):
        variables["sigma"] = _sigma(record.noise, values, table=bool(part.stem))
    return _write(path, one, variables, load_record)


def _check_held(noise: Noise) -> None:
    """Raise ValueError for noise that would be lost: a file holds values, errors of
    each, and counts."""
    held = NoNoise, Gaussian, Multinomial, EnsembleNoise
    if type(noise) in held:
        return
    as_counts = isinstance(noise, Multinomial)
    raise ValueError(
        "Argument `record` must have noise that a file holds, "
        f"{', '.join(one.__name__ for one in held)}, but has a {type(noise).__name__}, "
        "which would be lost; write a record of the same values with "
        f"{'Multinomial' if as_counts else 'Gaussian'}, and give this noise to the "
        "record that is read."
    )


def _sigma(
    noise: Gaussian, values: np.ndarray, *, table: bool
) -> tuple[tuple[str, ...], np.ndarray]:
    """Errors of values with their axes: of a table, one for each time."""
    sigma = np.asarray(noise.sigma)
    each = np.broadcast_to(sigma, values.shape)
    if not table:
        return ((), sigma) if sigma.ndim == 0 else (("t", "class"), each)
    if np.any(each != each[:, :1]):
        raise ValueError(
            "Argument `record` must have one error for each time, which is all that a "
            ".csv can say of them, but has several; write a .npz, .zarr or .nc."
        )
    return ("t",), each[:, 0]


def write_phase_space(path: str | Path, record: PhaseSpaceRecord) -> Path:
    """Write data in phase space, for `load_phase_space`.

    Axes are written with QuTiP's g = 2, which leaves points and values unchanged.

    Args:
        path: a new file: .npz, .zarr or .nc.
        record: a Husimi function, moments or samples.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or a record that
            `load_phase_space` refuses.
    """
    data = {"husimi": "Husimi functions"}.get(record.kind, record.kind)
    one = _format(path, "phase space", data)
    variables: dict[str, Any] = {"t": (("t",), record.ts), "t0": ((), record.t0)}
    values = record.values
    if record.axes is not None:
        x, y = record.axes
        variables |= {"x": (("x",), x), "y": (("y",), y), "g": ((), 2.0)}
        variables["husimi"] = ("t", "y", "x"), values.reshape(-1, len(y), len(x))
    elif record.points is not None:
        variables["points"] = _axes("point", record.points)
        variables["husimi"] = ("t", "point"), values
    elif record.orders is not None:
        variables["orders"] = _axes("order", np.asarray(record.orders))
        variables["moments"] = ("t", "order"), values
    else:
        variables["samples"] = ("t", *_axes("shot", values[0])[0]), values
        if record.shots is not None:
            variables["shots"] = ("t",), record.shots
    variables |= {k: _axes(k, np.asarray(v)) for k, v in record.initial.items()}
    variables |= {name: ((), value) for name, value in record.parameters.items()}
    if record.sigma is not None:
        variables["sigma"] = _axes("t", np.asarray(record.sigma))
    return _write(path, one, variables, load_phase_space)


def write_density(path: str | Path, record: DensityRecord) -> Path:
    """Write densities, counted positions, or levels, for `load_density`.

    Args:
        path: a new file: .npz, .zarr or .nc.
        record: data of a particle in a potential.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or a record that `load_density`
            refuses.
    """
    one = _format(path, "density", "densities" if len(record.ts) else "levels")
    axes = AXES[: record.grid.ndim]
    points = (np.ravel(x) for x in record.grid.coordinates)
    variables: dict[str, Any] = {
        name: ((name,), x) for name, x in zip(axes, points, strict=True)
    }
    variables |= {"potential": (axes, record.potential), "mass": ((), record.mass)}
    if len(record.ts):
        seen = record.density
        if record.counts is not None:
            seen = record.counts.astype(int)
        variables |= {"t": (("t",), record.ts), "density": (("t", *axes), seen)}
        variables |= {"t0": ((), record.t0), "hbar": ((), record.hbar)}
    if isinstance(record.initial, tuple):
        names = zip(("density0", "action0"), record.initial, strict=True)
        variables |= {name: (axes, values) for name, values in names}
    elif record.initial is not None:
        variables["psi0"] = axes, record.initial
    for name, own, values in (
        ("action", ("t", *axes), record.action),
        ("action_rate", axes, record.action_rate),
        ("levels", ("level",), record.levels),
        ("sigma", (), record.sigma),
    ):
        if values is not None:
            variables[name] = own, values
    return _write(path, one, variables, load_density)


def write_atoms(path: str | Path, record: AtomRecord) -> Path:
    """Write positions of the atoms of a chain, for `load_atoms`, without `truth`.

    Args:
        path: a new file: .npz, .zarr or .nc.
        record: positions of the atoms.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or a record that `load_atoms`
            refuses.
    """
    one = _format(path, "atoms", "positions of atoms")
    variables: dict[str, Any] = {
        "t": (("t",), record.ts),
        "x": (("t", "seen"), record.x),
        "atoms": (("seen",), record.atoms),
        "x0": (("atom",), record.x0),
        "v0": (("atom",), record.v0),
        "mass": _axes("atom", np.asarray(record.mass)),
        "length": _axes("bond", np.asarray(record.length)),
        "ends": ((), solid.ENDS.index(record.ends)),
        "t0": ((), record.t0),
    }
    if record.sigma is not None:
        variables["sigma"] = (), record.sigma
    return _write(path, one, variables, load_atoms)


def write_statistics(path: str | Path, record: CountsRecord | CurveRecord) -> Path:
    """Write occupation numbers, or a curve of occupations, for `load_statistics`.

    Args:
        path: a new .csv file.
        record: draws, or mean occupations by energy.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or a record that
            `load_statistics` refuses.
    """
    if isinstance(record, CurveRecord):
        one = _format(path, "statistics", "occupations over energy")
        return _write(path, one, _columns(record), load_statistics)
    one = _format(path, "statistics", "occupation numbers")
    columns = {f"n{i}": (("draw",), n) for i, n in enumerate(record.counts.T)}
    return _write(path, one, columns, load_statistics)


def write_photons(path: str | Path, record: PhotonCounts | PhotonCurve) -> Path:
    """Write photon counts, or a curve of occupations, for `load_photons`.

    Args:
        path: a new .csv file.
        record: counts, or mean occupations by frequency.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or a record that `load_photons`
            refuses.
    """
    counted = isinstance(record, PhotonCounts)
    data = "photon counts" if counted else "occupations over frequency"
    one = _format(path, "light", data)
    return _write(path, one, _columns(record), load_photons)


def write_matrix(path: str | Path, matrix: ArrayLike) -> Path:
    """Write a matrix, for `load_matrix`.

    Args:
        path: a new file: .npy, .npz or .csv.
        matrix: real or complex, shape (n, n).

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or not a matrix of numbers.
    """
    one = _format(path, "matrix", "Hermitian matrices")
    variables = {"hamiltonian": (("a", "b"), matrix)}
    return _write(path, one, variables, load_matrix)


def write_state(path: str | Path, psi0: ArrayLike) -> Path:
    """Write a state, for `load_state`.

    Args:
        path: a new file: .npy, .npz or .csv.
        psi0: real or complex, shape (n,).

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or not a vector of numbers.
    """
    one = _format(path, "state", "states")
    return _write(path, one, {"psi0": (("a",), psi0)}, load_state)


def check_new(path: str | Path, kind: str, argument: str = "path") -> None:
    """Raise unless a file of this kind can be written at this path.

    Args:
        path: the file to write.
        kind: one of `formats.KINDS`.
        argument: its name in the user's call.

    Raises:
        ValueError: another suffix, or a path that exists already.
    """
    path, suffixes = as_path(path), KINDS[kind].suffixes
    if path.suffix not in suffixes:
        raise ValueError(
            f"Argument `{argument}` must be a file ending in {', '.join(suffixes)}, "
            f"but is {path}."
        )
    if path.exists():
        raise ValueError(
            f"Argument `{argument}` must be a new file, but {path} is there already."
        )


def _format(path: str | Path, kind: str, data: str) -> Format:
    """The format of these data in files that end so."""
    check_new(path, kind)
    suffix, formats = Path(path).suffix, KINDS[kind].formats
    (one,) = (o for o in formats if o.data == data and suffix in o.suffixes)
    return one


def _axes(name: str, values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Values with names for their axes: `name`, then numbered ones."""
    names = (name, *(f"{name}_{i}" for i in range(1, values.ndim)))
    return names[: values.ndim], values


def _columns(record: Any) -> Variables:
    """The fields of a table that are there."""
    fields = record._asdict().items()
    return {name: (("row",), v) for name, v in fields if v is not None}


def _write(
    path: str | Path, one: Format, variables: Variables, load: Callable[[Path], Any]
) -> Path:
    """Write variables; `load` reads them before the file takes its name."""
    path = Path(path)
    known = {name: (axes, np.asarray(values)) for name, (axes, values) in
             variables.items()}  # fmt: skip
    assert not one.missing(known), one.data
    with whole_files(path, argument="path") as (draft,):
        _WRITERS[path.suffix](draft, known)
        load(draft)
    return path


def _write_csv(path: Path, variables: Variables) -> None:
    """A table with a header; a lone array of one or two axes without."""
    arrays = [values for _, values in variables.values()]
    if len(arrays) == 1:
        lines, rows = [], arrays[0]
    else:
        lines, rows = [",".join(variables)], np.stack(arrays, axis=-1, dtype=object)
    rows = rows[:, None] if rows.ndim == 1 else rows
    lines += [",".join(map(_digits, row)) for row in rows.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _digits(number: Any) -> str:
    """All digits that a number needs; complex ones as `1+2j`."""
    return repr(number).strip("()")


def _write_npz(path: Path, variables: Variables) -> None:
    arrays: dict[str, Any] = {name: values for name, (_, values) in variables.items()}
    np.savez(path, **arrays)


def _write_npy(path: Path, variables: Variables) -> None:
    ((_, values),) = variables.values()
    np.save(path, values)


def _write_zarr(path: Path, variables: Variables) -> None:
    _dataset(variables).to_zarr(path, zarr_format=3, consolidated=False)


def _write_netcdf(path: Path, variables: Variables) -> None:
    """netCDF 4, or 3 without h5netcdf; complex numbers as h5netcdf keeps them."""
    dataset = _dataset(variables)
    split = any(np.iscomplexobj(variable) for variable in dataset.variables.values())
    if importlib.util.find_spec("h5netcdf") is None:
        if split:
            raise ValueError(
                "Argument `path` must not be netCDF without h5netcdf for complex "
                "numbers, but is; `pip install h5netcdf`, or take .npz or .zarr."
            )
        dataset.to_netcdf(path, engine="scipy")
        return
    with warnings.catch_warnings():
        # that complex numbers are no part of netCDF's own standard, which is known
        warnings.simplefilter("ignore")
        dataset.to_netcdf(path, engine="h5netcdf", invalid_netcdf=split)


def _dataset(variables: Variables) -> Any:
    import xarray as xr

    return xr.Dataset(dict(variables))


_WRITERS = {
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".zarr": _write_zarr,
    ".nc": _write_netcdf,
}
