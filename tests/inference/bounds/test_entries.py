"""Published numbers in files: what comes with the library, and damaged ones."""

from importlib.resources import files

import pytest

from jqd.inference.bounds.entries import published, read_entry, read_folder
from jqd.inference.bounds.mappings import MAPPINGS, PRINTED, SILENT

GATE = files("jqd.inference.bounds").joinpath("published/calcium_gate.toml")
FRESNEL = files("jqd.inference.bounds").joinpath("published/neutron_fresnel.toml")
RECOIL = files("jqd.inference.bounds").joinpath("published/rubidium_recoil.toml")


def test_every_file_and_every_mapping_is_used():
    entries = published()
    used = {claim.mapping for entry in entries.values() for claim in entry.claims}
    assert used - {None} == set(MAPPINGS)
    limited = {c.constant for e in entries.values() for c in e.claims if not c.mapping}
    assert limited == set(PRINTED)
    mapped = {link.constant for link in MAPPINGS.values()}
    assert not mapped & set(PRINTED)
    assert not (mapped | set(PRINTED)) & set(SILENT)
    referred = {c.reference for e in entries.values() for c in e.claims} - {None}
    assert all(e.claims or e.name in referred for e in entries.values())
    assert entries["electron_moment"].number == 137.035999166
    assert entries["csl_2024"].cited == "arXiv:2411.17588"
    assert entries["calcium_gate"].cited == (
        "M. C. Smith et al., arXiv:2412.04421 (2024)"
    )


DAMAGE = {
    "a missing key": ("unit = \"1\"\n", "", "key `unit`: must be given"),
    "text for a number": ("= 1.5e-7", '= "1.5e-7"', "key `number`: must be a positive"),
    "nan": ("= 1.5e-7", "= nan", "key `number`: must be a positive"),
    "a negative error": ("0.4e-7", "-0.4e-7", "key `sd`: must be a positive"),
    "a misspelt key": ("source =", "sorce =", "key `sorce`: must be one of"),
    "a word for a flag": (
        "read_in_text = true", 'read_in_text = "yes"',
        "key `read_in_text`: must be true or false",
    ),
    "no authors": ('authors = "M', 'authors = ""#', "key `authors`: must be text"),
    "another mapping": (
        '"q_of_half_pi_pulses"', '"__import__"',
        "bound 1, key `mapping`: must be one of q_of_half_pi_pulses",
    ),
    "a list for a mapping": (
        '"q_of_half_pi_pulses"', '["q"]', "bound 1, key `mapping`: must be one of"
    ),
    "the mapping of another constant": (
        '"q_of_half_pi_pulses"', '"r_of_half_pi_pulses"',
        "bound 1, key `constant`: must be 'r'",
    ),
    "certainty": ("confidence = 0.95", "confidence = 1.0", "key `confidence`: must be"),
    "a reference that is not used": (
        'constant = "q"', 'constant = "q"\nreference = "x"',
        "key `reference`: must not be given",
    ),
    "no table": ("[[bound]]", "[bound]", "must be a TOML file"),
    "no TOML": ("number = 1.5e-7", "number = = 2", "must be a TOML file"),
}  # fmt: skip


LIMITS = {
    "no sense": ('sense = "<"\n', "", "key `sense`: must be given"),
    "a sense that is none": ('sense = "<"', 'sense = "=<"', "must be one of <, <=, >,"),
    "a list for a sense": ('sense = "<"', 'sense = ["<"]', "key `sense`: must be one"),
    "the other side": (
        'sense = "<"', 'sense = ">="', "must be '<' or '<=' for logarithmic.b, but is"
    ),
    "another unit": ('"eV"', '"J"', "key `unit`: must be 'eV', that of logarithmic.b"),
    "a number as well": ("limit =", "number = 1\nlimit =", "key `number`: must be one"),
    "zero": ("3.3e-15\n", "0\n", "key `limit`: must be a positive number"),
    "infinity": ("3.3e-15\n", "inf\n", "key `limit`: must be a positive number"),
    "a flag for a limit": ("3.3e-15\n", "true\n", "key `limit`: must be a positive"),
    "a constant of no law": (
        '"logarithmic.b"', '"b"', "bound 1, key `constant`: must be one of log"
    ),
    "a mapping": (
        "confidence", 'mapping = "q_of_half_pi_pulses"\nconfidence',
        "bound 1, key `mapping`: must be one of constant, confidence, assumptions",
    ),
    "a word for a confidence": (
        '"not stated"', '"high"', "must be a number between 0 and 1 or 'not stated'"
    ),
    "certainty": ('"not stated"', "1", "key `confidence`: must be a number between"),
    "no confidence": ('confidence = "not stated"\n', "", "key `confidence`: must be"),
    "no assumptions": ("assumptions = [", "assumptions = []\n#", "must be a TOML file"),
    "no authors' name": ('"Gaehler, Klein, Zeilinger"', '""', "key `authors`: must be"),
    "no source": ("source =", "# source =", "key `source`: must be given"),
}  # fmt: skip


@pytest.mark.parametrize("case", LIMITS)
def test_a_damaged_limit_is_one_line_with_file_and_key(tmp_path, case):
    _check_damage(tmp_path, FRESNEL, *LIMITS[case])


def test_a_limit_may_have_a_confidence_and_needs_what_it_limits(tmp_path):
    file = tmp_path / "limit.toml"
    text = FRESNEL.read_text(encoding="utf-8")
    file.write_text(text.replace('"not stated"', "0.9").replace('"<"', '"<="'))
    (claim,) = read_entry(file).claims
    assert (claim.confidence, claim.one_sided, claim.mapping) == (0.9, False, None)
    assert read_entry(file).sense == "<="
    head = text.partition("[[bound]]")[0]
    for more, said in (("", "given, but is not"), ("bound = []", "a table, but is")):
        file.write_text(head + more)
        with pytest.raises(ValueError, match=f"key `bound`: must be {said}"):
            read_entry(file)


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_entry_is_one_line_with_file_and_key(tmp_path, case):
    _check_damage(tmp_path, GATE, *DAMAGE[case])


def _check_damage(folder, entry, old, new, part):
    text = entry.read_text(encoding="utf-8")
    assert old in text
    file = folder / "damaged.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"damaged\.toml") as caught:
        read_entry(file)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('reference = "electron_moment"\n', "", "`reference`: must be given"),
        ('"electron_moment"', '"muon"', "`reference`: must be one of recoil, but is"),
        ('"electron_moment"', '"recoil"', ""),
    ],
)
def test_references(tmp_path, old, new, part):
    text = RECOIL.read_text(encoding="utf-8").replace(old, new)
    (tmp_path / "recoil.toml").write_text(text)
    (tmp_path / "notes.md").write_text("not a number")
    if not part:  # itself has its own unit
        assert set(read_folder(tmp_path)) == {"recoil"}
        return
    with pytest.raises(ValueError, match=r"recoil.toml.*" + part):
        read_folder(tmp_path)


def test_a_reference_of_another_unit_is_refused(tmp_path):
    text = RECOIL.read_text(encoding="utf-8")
    (tmp_path / "recoil.toml").write_text(text)
    other = text.partition("[[bound]]")[0].replace('unit = "1"', 'unit = "m"')
    (tmp_path / "electron_moment.toml").write_text(other)
    with pytest.raises(ValueError, match="must have the unit 1, but has m"):
        read_folder(tmp_path)
