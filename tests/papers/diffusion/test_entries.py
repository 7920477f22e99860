"""The registry of the diffusion paper has every numbered equation, in order."""

from jqd.papers import registry


def test_every_equation_of_the_diffusion_paper_is_there():
    numbers = [e.number for e in registry.load("diffusion")]
    printed = [n for n in numbers if not n.startswith("claim-")]
    assert printed == [*map(str, range(1, 61))]
    assert numbers[: len(printed)] == printed  # claims come last


def test_every_section_of_consequences_and_the_appendix_is_there():
    claims = [e.number for e in registry.load("diffusion") if e.number[0] == "c"]
    sections = [f"5.{n}" for n in range(1, 7)] + ["A", "B", "C"]
    for section in sections:
        assert any(claim.startswith(f"claim-{section}-") for claim in claims)
