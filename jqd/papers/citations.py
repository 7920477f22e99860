"""How to cite jqd, and the papers whose laws it holds."""

from typing import NamedTuple

from .._version import __version__


class Reference(NamedTuple):
    """Something to cite.

    Attributes:
        key: its BibTeX key.
        kind: BibTeX's type of entry.
        title: title.
        authors: "Last, First" each; empty where the copy at hand names none.
        year: of publication, None where the copy at hand has none.
        fields: further BibTeX fields.
    """

    key: str
    kind: str
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """In one line, as a list of references has it."""
        names = ", ".join(" ".join(reversed(a.split(", "))) for a in self.authors)
        extra = dict(self.fields)
        place = [extra[f] for f in ("journal", "volume") if f in extra]
        place += [f"version {extra['version']}"] if "version" in extra else []
        where = " ".join(place) + (f", {extra['pages']}" if "pages" in extra else "")
        parts = (names, f'"{self.title}"', where)
        year = "" if self.year is None else f" ({self.year})"
        return ", ".join(part for part in parts if part) + year + "."

    @property
    def bibtex(self) -> str:
        """As an entry of BibTeX."""
        rows = [("title", f"{{{self.title}}}"), *self.fields]
        if self.authors:
            rows.insert(0, ("author", " and ".join(self.authors)))
        if self.year is not None:
            rows.append(("year", str(self.year)))
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in rows)
        return f"@{self.kind}{{{self.key},\n{lines}}}"


SOFTWARE = Reference(
    "jqd",
    "software",
    "jqd: a wind tunnel for theories of quantum motion",
    ("The jqd developers",),
    fields=(("version", __version__), ("license", "Apache-2.0")),
)
PAPERS = {
    "copying": Reference(
        "smolin2012",
        "article",
        "A Real Ensemble Interpretation of Quantum Mechanics",
        ("Smolin, Lee",),
        2012,
        (
            ("journal", "Foundations of Physics"),
            ("volume", "42"),
            ("pages", "1239"),
        ),
    ),
    "husimi": Reference(
        "husimi_stochastic_mechanics",
        "unpublished",
        "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic "
        "Mechanics? Part I: Generalizing the Liouville Equation",
    ),
    "diffusion": Reference(
        "zakir_diffusion",
        "unpublished",
        "Diffusion treatment of quantum theory and gravity. 1. Diffusion quantum "
        "mechanics",
        ("Zakir, Zahid",),
    ),
    "thermalization": Reference(
        "chafin2019",
        "unpublished",
        "Thermalization in Quantum Systems: An Emergent Approach",
        ("Chafin, Clifford",),
        2019,
    ),
}
