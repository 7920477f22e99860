"""What each file holds: the one table behind README, `--help` and every refusal."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from .file import File

ARCHIVES = (".npz", ".zarr", ".nc")
STORES = (".zarr", ".nc")
_SAME = MappingProxyType[str, str]({})


@dataclass(frozen=True)
class Part:
    """An array of an archive, or a column of a table.

    Attributes:
        name: its name; `x,y` of names that go together, `a|b` of those of which one is
            enough, `p0,p1,..` of columns that are numbered from 0.
        means: shape, meaning and unit.
    """

    name: str
    means: str

    @property
    def stem(self) -> str:
        """The letter before the numbers of numbered columns, else ""."""
        return self.name[0] if self.name.endswith(",..") else ""

    def there(self, names: Collection[str]) -> bool:
        """Whether it is among these names; numbered columns from 0 without a gap."""
        if self.stem:
            count = sum(self.numbers(name) for name in names)
            return count > 0 and all(f"{self.stem}{i}" in names for i in range(count))
        return any(
            set(choice.split(",")) <= set(names) for choice in self.name.split("|")
        )

    def numbers(self, name: str) -> bool:
        """Whether a name is one of these numbered columns."""
        return bool(self.stem) and name[:1] == self.stem and name[1:].isdigit()

    def shown(self) -> str:
        """The names in words: one of `a` and `b`; `points`, or `x` and `y`."""
        if self.stem:
            return f"`{self.name}`"
        choices = [listed(choice.split(",")) for choice in self.name.split("|")]
        if len(choices) > 1 and "," not in self.name:
            return f"one of {', '.join(choices[:-1])} and {choices[-1]}"
        return ", or ".join(choices)


@dataclass(frozen=True)
class Format:
    """What a kind of file must and may hold of some data.

    Attributes:
        data: what it is, in the plural.
        suffixes: of the files.
        needed: parts without which there is no record; the second tells the data from
            others in files that end alike.
        optional: parts that may be there, with what holds where they are not.
        example: a file and a command, or the first lines of a table.
    """

    data: str
    suffixes: tuple[str, ...]
    needed: tuple[Part, ...]
    optional: tuple[Part, ...] = ()
    example: str = ""

    def missing(self, names: Collection[str]) -> list[Part]:
        """Needed parts that are not among these names."""
        return [part for part in self.needed if not part.there(names)]

    def admits(self, names: Collection[str]) -> bool:
        """Whether every name is one of its parts."""
        parts = (*self.needed, *self.optional)
        return all(
            any(name == part.name or part.numbers(name) for part in parts)
            for name in names
        )

    @property
    def header(self) -> str:
        """The columns of a table, as in `E,nbar[,sigma]`."""
        needed = ",".join(part.name for part in self.needed)
        return needed + "".join(f"[,{part.name}]" for part in self.optional)


@dataclass(frozen=True)
class Kind:
    """Record that one loader reads.

    Attributes:
        argument: what errors call it.
        loader: the function.
        options: options of the command line that take it.
        formats: of its files.
    """

    argument: str
    loader: str
    options: str
    formats: tuple[Format, ...]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of all its files, each once."""
        each = (suffix for one in self.formats for suffix in one.suffixes)
        return tuple(dict.fromkeys(each))


_T = Part("t", "[t] times")
_T0 = Part("t0", "time of the state; else 0")
_SHARES = "[t, class], rows of sum 1"
_COUNTS = "[t, class] whole numbers"
_SIGMA = Part("sigma", "error of the values, in their unit; else none")
_STATE = Part(
    "alpha0|psi0|rho0",
    "state at `t0`: amplitude of a coherent state, ket or matrix by numbers",
)
_QUANTUM = (
    _T0, _SIGMA, Part("NAME", "value of a parameter of the Hamiltonian"),
)  # fmt: skip
_SPACE = Part("x", "[x] points, evenly spaced; so `y`, `z` of further axes")
_POTENTIAL = Part("potential", "[x, ..] V at the points, energy")
_MASS = Part("mass", "m; else 1")

KINDS = {
    "populations": Kind(
        "data", "load_record", "`--data` of `jqd recover copying`, `tower`",
        (
            Format(
                "populations", (".csv",), (_T, Part("p0,p1,..", _SHARES)),
                example="`t,p0,p1` / `0,0.9,0.1`",
            ),
            Format(
                "counts", (".csv",), (_T, Part("n0,n1,..", _COUNTS)),
                example="`t,n0,n1` / `0,90,10`",
            ),
            Format(
                "populations", (".npz",), (_T, Part("p", _SHARES)),
                example='`np.savez("p.npz", t=ts, p=shares)`',
            ),
            Format(
                "counts", (".npz",), (_T, Part("n", _COUNTS)),
                example='`np.savez("n.npz", t=ts, n=counts)`',
            ),
            Format(
                "populations", STORES, (_T, Part("populations", _SHARES)),
                example='`Dataset({"populations": (("t", "a"), p)}, {"t": ts})`',
            ),
            Format(
                "counts", STORES, (_T, Part("counts", _COUNTS)),
                example='`Dataset({"counts": (("t", "a"), n)}, {"t": ts})`',
            ),
        ),
    ),
    "matrix": Kind(
        "hamiltonian", "load_matrix",
        "`--hamiltonian` of `jqd recover copying`, `jqd sample copying`",
        (
            Format(
                "Hermitian matrices", (".npy", ".npz", ".csv"),
                (
                    Part(
                        "hamiltonian",
                        "[a, b] real or complex, energy over ħ; a lone array may have "
                        "any name, a .csv has no header",
                    ),
                ),
                example="`0,1-2j` / `1+2j,3`",
            ),
        ),
    ),
    "state": Kind(
        "psi0",
        "load_state",
        "`--state` of `jqd recover copying`, `jqd sample copying`",
        (
            Format(
                "states", (".npy", ".npz", ".csv"),
                (
                    Part(
                        "psi0",
                        "[a] real or complex, of norm 1, at the first time; names as "
                        "for matrices",
                    ),
                ),
                example='`np.save("psi0.npy", psi)`',
            ),
        ),
    ),
    "phase space": Kind(
        "data", "load_phase_space", "`--data` of `jqd recover husimi`",
        (
            Format(
                "Husimi functions", ARCHIVES,
                (
                    _T,
                    Part("husimi", "[t, y, x] per dx dy, or [t, P] per d²α"),
                    Part(
                        "points|x,y",
                        "[P] or [P, mode] points α; or axes, α = g/2 (x + iy)",
                    ),
                    _STATE,
                ),
                (
                    Part(
                        "g", "QuTiP's convention of `x`, `y`; else √2, 2 or 1, with "
                        "which the record fits its state",
                    ),
                    *_QUANTUM,
                ),
                example='`np.savez("q.npz", t=ts, x=x, y=y, husimi=Q, alpha0=1.2)`',
            ),
            Format(
                "moments", ARCHIVES,
                (
                    _T,
                    Part("moments", "[t, k] ∫α^m α*^n Q d²α"),
                    Part("orders", "[k, 2] or [k, 2, mode] whole m, n of each"),
                    _STATE,
                ),
                _QUANTUM,
                example='`np.savez("m.npz", t=ts, moments=M, orders=mn, alpha0=1)`',
            ),
            Format(
                "samples", ARCHIVES,
                (
                    _T,
                    Part("samples", "[t, S] or [t, S, mode] heterodyne outcomes α"),
                    _STATE,
                ),
                _QUANTUM,
                example='`np.savez("s.npz", t=ts, samples=alpha, psi0=ket)`',
            ),
        ),
    ),
    "density": Kind(
        "data", "load_density", "`--data` of `jqd recover diffusion`",
        (
            Format(
                "densities", ARCHIVES,
                (
                    _SPACE,
                    _POTENTIAL,
                    _T,
                    Part(
                        "density", "[t, x, ..] per unit of volume, of norm 1, or whole "
                        "numbers: positions counted; another name by `--column`",
                    ),
                ),
                (
                    Part(
                        "psi0|density0,action0|x0,s0,p0",
                        "state at `t0`: ψ; density and action S; centre, width and "
                        "momentum of a packet; else the first row with its `action`",
                    ),
                    Part("action", "[t, x, ..] S, for `--estimator energy`"),
                    Part("action_rate", "[x, ..] ∂S/∂t; for `--estimator residual`"),
                    _MASS,
                    Part("hbar", "ħ of `psi0`; else 1"),
                    _T0,
                    _SIGMA,
                    Part("noise", "`sigma` of columns whose name ends in `_noisy`"),
                ),
                example='`np.savez("d.npz", t=t, x=x, potential=V, density=p, psi0=z)`',
            ),
            Format(
                "levels", ARCHIVES,
                (_SPACE, _POTENTIAL, Part("levels", "[n] energies from the lowest up")),
                (_MASS, _SIGMA),
                example='`np.savez("E.npz", x=x, potential=V, levels=E)`',
            ),
        ),
    ),
    "atoms": Kind(
        "data", "load_atoms", "`--data` of `jqd recover springs`, `anharmonicity`",
        (
            Format(
                "positions of atoms", ARCHIVES,
                (
                    _T,
                    Part("x", "[t, k] positions of the atoms that were seen"),
                    Part("x0", "[N] positions of all atoms at `t0`"),
                    Part("v0", "[N] their velocities"),
                ),
                (
                    Part("atoms", "[k] which ones, from 0 on; else all"),
                    Part("mass", "() or [N]; else 1"),
                    Part("length", "rest length, () or [bond]; else 1"),
                    Part("ends", "0 free, 1 fixed, 2 periodic; else 0"),
                    _T0,
                    _SIGMA,
                ),
                example='`np.savez("chain.npz", t=ts, x=x, x0=x[0], v0=v)`',
            ),
        ),
    ),
    "statistics": Kind(
        "data", "load_statistics", "`--data` of `jqd recover statistics`",
        (
            Format(
                "occupations over energy", (".csv",),
                (Part("E", "energy"), Part("nbar", "mean occupation of a state there")),
                (Part("sigma", "its standard error; else it is estimated"),),
                example="`E,nbar,sigma` / `0,2,0.1`",
            ),
            Format(
                "occupation numbers", (".csv",),
                (Part("n0,n1,..", "whole numbers: particles in each of M > 1 states"),),
                example="`n0,n1` / `3,1`",
            ),
        ),
    ),
    "light": Kind(
        "data", "load_photons", "`--data` of `jqd recover temperature`",
        (
            Format(
                "photon counts", (".csv",),
                (
                    Part("omega", "frequency of the mode, ħ = 1"),
                    Part("n", "whole numbers: photons counted"),
                ),
                (Part("n_max", "largest number that the mode can hold; else any"),),
                example="`omega,n` / `1,3`",
            ),
            Format(
                "occupations over frequency", (".csv",),
                (Part("omega", "frequency, ħ = 1"), Part("nbar", "mean occupation")),
                (Part("sigma", "its standard error; else it is estimated"),),
                example="`omega,nbar,sigma` / `1,0.6,0.1`",
            ),
        ),
    ),
}  # fmt: skip


def listed(names: Collection[str], last: str = "and") -> str:
    """`a`, `b` and `c`."""
    *first, end = (f"`{name}`" for name in names)
    return f"{', '.join(first)} {last} {end}" if first else end


def format_of(kind: str, file: File, suffix: str) -> Format:
    """The format that a file has, by the names in it.

    Args:
        kind: one of `KINDS`.
        file: what was read.
        suffix: the columns of a .csv must all be known; an archive may hold more.

    Raises:
        ValueError: what the nearest format lacks, or names of two formats.
    """
    names = list(file.arrays)
    formats = [one for one in KINDS[kind].formats if suffix in one.suffixes]
    found = [one for one in formats if not one.missing(names)]
    if suffix == ".csv":
        found = [one for one in found if one.admits(names)]
        if len(found) != 1:
            wanted = listed([one.header for one in formats], "or")
            raise file.complaint(f"have columns {wanted}", f"has {','.join(names)}")
    if len(found) > 1:
        both = " and ".join(one.data for one in found)
        raise file.complaint("hold data of one kind", f"holds {both}")
    if not found:
        told = [one for one in formats if one.needed[1].there(names)]
        check_parts((told or formats)[0], file)
    return found[0]


def check_parts(one: Format, file: File, renamed: Mapping[str, str] = _SAME) -> None:
    """Raise where a part of a format is missing.

    Args:
        one: the format.
        file: what was read.
        renamed: names in this file of names of the table.

    Raises:
        ValueError: what is missing, and what there is.
    """
    needed = [replace(p, name=renamed.get(p.name, p.name)) for p in one.needed]
    lacking = [part.shown() for part in needed if not part.there(file.arrays)]
    if lacking:
        raise file.complaint(
            f"hold {' and '.join(lacking)} for {one.data}",
            f"has {', '.join(sorted(file.arrays)) or 'none'}",
        )


def help_text(kind: str) -> str:
    """What the option of a kind of data takes, for `--help`.

    Args:
        kind: one of `KINDS`.
    """
    of = KINDS[kind]
    by_suffix: dict[tuple[str, ...], list[Format]] = {}
    for one in of.formats:
        by_suffix.setdefault(one.suffixes, []).append(one)
    data = " or ".join(dict.fromkeys(one.data for one in of.formats))
    files = "; ".join(
        f"{', '.join(suffixes)} with {_joint(formats)}"
        for suffixes, formats in by_suffix.items()
    )
    return f"{data[:1].upper()}{data[1:]}: {files}."


def _joint(formats: list[Format]) -> str:
    """What files of one ending hold: what all need, and what each needs besides."""
    if formats[0].suffixes == (".csv",):
        return " or ".join(one.header for one in formats)
    first, *others = (
        [part.name.replace("|", " or ") for part in one.needed] for one in formats
    )
    common = [name for name in first if all(name in other for other in others)]
    own = [
        ", ".join(name for name in names if name not in common)
        for names in (first, *others)
    ]
    return ", ".join(common) + f", and {'; or '.join(own)}" * bool(others)


def readme_table() -> str:
    """The formats as the table of the README, in Markdown."""
    rows = [
        "| data | files | must hold | may hold | example | taken by |",
        "|---|---|---|---|---|---|",
    ]
    for of in KINDS.values():
        for one in of.formats:
            needed, optional = (
                "; ".join(f"{part.shown()}: {part.means}" for part in parts)
                for parts in (one.needed, one.optional)
            )
            files, taken = " ".join(one.suffixes), f"{of.options}; `{of.loader}`"
            cells = (one.data, files, needed, optional, one.example, taken)
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
