"""File formats: what docs/files.md, `--help` and error messages say of them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

CSV, NPZ, STORES = (".csv",), (".npz",), (".zarr", ".nc")
TOML = (".toml",)
ARCHIVES = (*NPZ, *STORES)
# Axes in the meaning of a part, as in [t, class].
_AXES = re.compile(r"\[([^\]]+)\]")
_NONE = MappingProxyType[str, str]({})


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
        """Whether it is among these names; numbered columns go from 0 without gaps."""
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


class Format:
    """The required and optional contents of a kind of file.

    Attributes:
        data: name of the data, in the plural.
        suffixes: suffixes of the files.
        example: a file and a command, or the first lines of a table.
        needed: required parts; the second distinguishes the data from others in files
            with the same suffix.
        optional: optional parts, with the defaults that apply without them.
        axes: axes of arrays by name, in each order and number that they may have.
    """

    def __init__(
        self,
        data: str,
        suffixes: tuple[str, ...],
        example: str,
        needed: Mapping[str, str],
        optional: Mapping[str, str] = _NONE,
        space: Collection[str] = (),
    ):
        """A format, of parts by name with what they mean.

        What a part means has the axes of its first name in brackets; all of `space`
        have those of the points of a grid.
        """
        self.data, self.suffixes, self.example = data, suffixes, example
        self.needed, self.optional = (
            tuple(Part(name, means) for name, means in parts.items())
            for parts in (needed, optional)
        )
        self.axes = {
            re.split("[|,]", part.name)[0]: [
                tuple(axes.split(", ")) for axes in _AXES.findall(part.means)
            ]
            for part in (*self.needed, *self.optional)
        } | {name: [("x", "..")] for name in space}

    def missing(self, names: Collection[str]) -> list[Part]:
        """Required parts that are not among these names."""
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
    """Data that one loader reads.

    Attributes:
        argument: its name in errors.
        loader: the function that loads it.
        options: command-line options that take it.
        formats: formats of its files.
    """

    argument: str
    loader: str
    options: str
    formats: tuple[Format, ...]

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of all its files, each once."""
        each = (suffix for one in self.formats for suffix in one.suffixes)
        return tuple(dict.fromkeys(each))

    def fitting(self, names: Collection[str], suffix: str) -> list[Format]:
        """The formats that the names in a file match; exactly one for a sound file.

        Args:
            suffix: suffix of the file. The columns of a .csv must all be known; an
                archive may hold more.
        """
        return [
            one
            for one in self.formats
            if suffix in one.suffixes
            and not one.missing(names)
            and (suffix not in CSV or one.admits(names))
        ]


_SHARES, _COUNTS = "[t, class], rows of sum 1", "[t, class] whole numbers"
_T = {"t": "[t] times"}
_T0 = {"t0": "time of the state; else 0"}
_FIRST = {"t0": "time of the state; else the first of `t`"}
_SIGMA = {"sigma": "error of the values, in their unit; else none"}
_ROW_SIGMA = {"sigma": "error of the values, in their unit, () or [t]; else none"}
_EACH_SIGMA = {"sigma": "error of the values, (), [t] or [t, class]; else none"}
_OWN_SIGMA = {"sigma": "its standard error; else it is estimated"}
_STATE = {
    "alpha0|psi0|rho0":
        "state at `t0`: amplitude of a coherent state, ket or matrix by numbers",
}  # fmt: skip
_NAMED = {"NAME": "value of a parameter of the Hamiltonian"}
_QUANTUM = _T0 | _SIGMA | _NAMED
_SPACE = {
    "x": "[x] points, evenly spaced; so `y`, `z` of further axes",
    "potential": "[x, ..] V at the points, energy",
}
_MASS = {"mass": "m; else 1"}

KINDS = {
    "populations": Kind(
        "data", "load_record", "`--data` of `jqd recover copying`, `law`, `tower`",
        (
            Format("populations", CSV, "`t,p0,p1` / `0,0.9,0.1`",
                   _T | {"p0,p1,..": _SHARES},
                   {"sigma": "[t] error of the values; else none"}),
            Format("counts", CSV, "`t,n0,n1` / `0,90,10`",
                   _T | {"n0,n1,..": _COUNTS},
                   {"cluster": "[t] its number: rows of one time and cluster are "
                               "added, others are not",
                    "multiplicity": "[t] how many clusters of shots had these counts; "
                                    "instead of `cluster`"}),
            Format("populations", NPZ, '`np.savez("p.npz", t=ts, p=shares)`',
                   _T | {"p": _SHARES}, _FIRST | _EACH_SIGMA),
            Format("counts", NPZ, '`np.savez("n.npz", t=ts, n=counts)`',
                   _T | {"n": _COUNTS}, _FIRST),
            Format("populations", STORES,
                   '`Dataset({"populations": (("t", "a"), p)}, {"t": ts})`',
                   _T | {"populations": _SHARES}, _FIRST | _EACH_SIGMA),
            Format("counts", STORES,
                   '`Dataset({"counts": (("t", "a"), n)}, {"t": ts})`',
                   _T | {"counts": _COUNTS}, _FIRST),
        ),
    ),
    "matrix": Kind(
        "hamiltonian", "load_matrix",
        "`--hamiltonian` of `jqd recover copying`, `law`, `jqd sample copying`",
        (
            Format("Hermitian matrices", (".npy", ".npz", ".csv"),
                   "`0,1-2j` / `1+2j,3`",
                   {"hamiltonian": "[a, b] real or complex, energy over ħ; a lone "
                                   "array may have any name, a .csv has no header"}),
        ),
    ),
    "pulse": Kind(
        "pulse", "load_pulse",
        "`--pulse` of `jqd recover husimi`",
        (
            Format("pulses", CSV, "`t,f` / `0,0.1` / `0.5,0.3`",
                   {"t": "times, increasing",
                    "f": "value at `t`; a cubic spline between, 0 before and after"}),
        ),
    ),
    "state": Kind(
        "psi0", "load_state",
        "`--state` of `jqd recover copying`, `law`, `jqd sample copying`",
        (
            Format("states", (".npy", ".npz", ".csv"), '`np.save("psi0.npy", psi)`',
                   {"psi0": "[a] real or complex, of norm 1, at the first time; names "
                            "as for matrices"}),
        ),
    ),
    "phase space": Kind(
        "data", "load_phase_space", "`--data` of `jqd recover husimi`",
        (
            Format("Husimi functions", ARCHIVES,
                   '`np.savez("q.npz", t=ts, x=x, y=y, husimi=Q, alpha0=1.2)`',
                   _T | {
                       "husimi": "[t, y, x] per dx dy, or [t, P] per d²α",
                       "points|x,y": "[P] or [P, mode] points α; or axes, "
                                     "α = g/2 (x + iy)",
                   } | _STATE,
                   {"g": "QuTiP's convention of `x`, `y`; else √2, 2 or 1, with which "
                         "the record fits its state"} | _T0 | _ROW_SIGMA | _NAMED),
            Format("moments", ARCHIVES,
                   '`np.savez("m.npz", t=ts, moments=M, orders=mn, alpha0=1)`',
                   _T | {
                       "moments": "[t, k] ∫α^m α*^n Q d²α",
                       "orders": "[k, 2] or [k, 2, mode] whole m, n of each",
                   } | _STATE, _QUANTUM),
            Format("samples", ARCHIVES,
                   '`np.savez("s.npz", t=ts, samples=alpha, psi0=ket)`',
                   _T | {"samples": "[t, S] or [t, S, mode] heterodyne outcomes α"}
                   | _STATE,
                   {"shots": "[t] how many of each row are outcomes; else all"}
                   | _QUANTUM),
        ),
    ),
    "density": Kind(
        "data", "load_density", "`--data` of `jqd recover diffusion`",
        (
            Format("densities", ARCHIVES,
                   '`np.savez("d.npz", t=t, x=x, potential=V, density=p, psi0=z)`',
                   _SPACE | _T | {
                       "density": "[t, x, ..] per unit of volume, of norm 1, or whole "
                                  "numbers: positions counted; another name by "
                                  "`--column`",
                   },
                   {
                       "psi0|density0,action0|x0,s0,p0":
                           "state at `t0`: ψ; density and action S; centre, width and "
                           "momentum of a packet; else the first row with its `action`",
                       "action": "[t, x, ..] S, for `--estimator energy`",
                       "action_rate": "[x, ..] ∂S/∂t; for `--estimator residual`",
                   } | _MASS | {"hbar": "ħ of `psi0`; else 1"} | _T0 | _SIGMA
                   | {"noise": "`sigma` of columns whose name ends in `_noisy`"},
                   space=("psi0", "density0", "action0")),
            Format("levels", ARCHIVES,
                   '`np.savez("E.npz", x=x, potential=V, levels=E)`',
                   _SPACE | {"levels": "[n] energies from the lowest up"},
                   _MASS | _SIGMA),
        ),
    ),
    "atoms": Kind(
        "data", "load_atoms", "`--data` of `jqd recover springs`, `anharmonicity`",
        (
            Format("positions of atoms", ARCHIVES,
                   '`np.savez("chain.npz", t=ts, x=x, x0=x[0], v0=v)`',
                   _T | {
                       "x": "[t, k] positions of the atoms that were seen",
                       "x0": "[N] positions of all atoms at `t0`",
                       "v0": "[N] their velocities",
                   },
                   {
                       "atoms": "[k] which ones, from 0 on; else all",
                       "mass": "() or [N]; else 1",
                       "length": "rest length, () or [bond]; else 1",
                       "ends": "0 free, 1 fixed, 2 periodic; else 0",
                   } | _T0 | _SIGMA),
        ),
    ),
    "statistics": Kind(
        "data", "load_statistics", "`--data` of `jqd recover statistics`",
        (
            Format("occupations over energy", CSV, "`E,nbar,sigma` / `0,2,0.1`",
                   {"E": "energy", "nbar": "mean occupation of a state there"},
                   _OWN_SIGMA),
            Format("occupation numbers", CSV, "`n0,n1` / `3,1`",
                   {"n0,n1,..": "whole numbers: particles in each of M > 1 states"}),
        ),
    ),
    "light": Kind(
        "data", "load_photons", "`--data` of `jqd recover temperature`",
        (
            Format("photon counts", CSV, "`omega,n` / `1,3`",
                   {"omega": "frequency of the mode, ħ = 1",
                    "n": "whole numbers: photons counted"},
                   {"n_max": "largest number that the mode can hold; else any"}),
            Format("occupations over frequency", CSV,
                   "`omega,nbar,sigma` / `1,0.6,0.1`",
                   {"omega": "frequency, ħ = 1", "nbar": "mean occupation"},
                   _OWN_SIGMA),
        ),
    ),
    "tables": Kind(
        "table", "load_tables", "`TABLE` of `jqd linear`",
        (
            Format("tables of preparations by measurements", NPZ,
                   '`np.savez("n.npz", counts=n, shots=1000, wait_us=[0, 10])`',
                   {"shots": "of each cell, () or [table] or [wait, run]; or --shots",
                    "counts": "[preparation, measurement] or [table, preparation, "
                              "measurement] or [wait, run, preparation, measurement] "
                              "whole numbers"},
                   {"wait|wait_s|wait_ms|wait_us|wait_ns":
                        "times between the two, [table] or [wait]; else 0, 1, ..",
                    "run": "whole numbers, [table] or [run]; else numbered from 1"}),
            Format("one table of preparations by measurements", CSV,
                   "`310,402,120` / `122,690,155` / `480,501,230`",
                   {"counts": "[preparation, measurement] whole numbers of --shots, or "
                              "frequencies; a .csv has no header"}),
        ),
    ),
    "settings": Kind(
        "settings", "load_settings",
        "`--settings` of `jqd simulate copying`, `husimi`, `diffusion`",
        (
            Format("settings", TOML, "`t = [0.5, 2.0]` / `shots = [300, 700]`",
                   {"t": "times, increasing from 0 on, that of the state",
                    "shots": "number of shots at each of them, whole numbers"},
                   {"law": "`copying`, `husimi` or `diffusion`, that of the command; "
                           "else any",
                    "free": "constants to recover, with commas between",
                    "nuisance": "their priors, as `--nuisance` takes them"}),
        ),
    ),
}  # fmt: skip


def listed(names: Collection[str], last: str = "and") -> str:
    """`a`, `b` and `c`."""
    *first, end = (f"`{name}`" for name in names)
    return f"{', '.join(first)} {last} {end}" if first else end


def help_text(kind: str) -> str:
    """The `--help` text of the option for a kind of data.

    Args:
        kind: one of `KINDS`.
    """
    by_suffix: dict[tuple[str, ...], list[Format]] = {}
    for one in KINDS[kind].formats:
        by_suffix.setdefault(one.suffixes, []).append(one)
    data = " or ".join(dict.fromkeys(one.data for one in KINDS[kind].formats))
    files = "; ".join(
        f"{', '.join(suffixes)} with {_joint(formats)}"
        for suffixes, formats in by_suffix.items()
    )
    return f"{data[:1].upper()}{data[1:]}: {files}."


def _joint(formats: list[Format]) -> str:
    """What files of one ending hold: what all need, and what each needs besides."""
    if len(formats) == len(formats[0].needed) == 1:
        (part,) = formats[0].needed
        return f"an array {part.name}: {part.means}"
    if formats[0].suffixes == CSV:
        return f"columns {' or '.join(one.header for one in formats)}"
    first, *others = (
        [part.name.replace("|", " or ") for part in one.needed] for one in formats
    )
    common = [name for name in first if all(name in other for other in others)]
    own = [
        ", ".join(name for name in names if name not in common)
        for names in (first, *others)
    ]
    if any("," in names for names in own):
        own = [f"({names})" for names in own]
    return ", ".join(common) + f" and {' or '.join(own)}" * bool(others)


def page_sections() -> str:
    """The formats as sections of docs/files.md, in Markdown: one for each kind."""
    return "\n\n".join(_section(of) for of in KINDS.values())


def _section(of: Kind) -> str:
    title = " and ".join(dict.fromkeys(one.data for one in of.formats))
    taken = f"Taken by {of.options}; `{of.loader}`."
    formats = (part for one in of.formats for part in _format(one))
    return "\n\n".join([f"## {title[:1].upper()}{title[1:]}", taken, *formats])


def _format(one: Format) -> tuple[str, str, str]:
    """Data and endings, a table of two columns, which a telephone holds, an example."""
    named = f"**{one.data[:1].upper()}{one.data[1:]}, {' '.join(one.suffixes)}**"
    rows = ["| name | what it holds |", "|---|---|"]
    rows += [f"| {part.shown()} | {part.means} |" for part in one.needed]
    rows += [f"| {part.shown()} (optional) | {part.means} |" for part in one.optional]
    lines = "\n".join(one.example.strip("`").split("` / `"))
    # `python` would be code to run, as it stands
    return named, "\n".join(rows), f"```text\n{lines}\n```"
