"""The registry of the Husimi paper has every numbered equation, in order."""

from jqd.papers import registry


def test_every_equation_of_the_husimi_paper_is_there():
    numbers = [e.number for e in registry.load("husimi")]
    printed = [n for n in numbers if not n.startswith("claim-")]
    appendix = [f"A{n}" for n in range(1, 18)]
    assert printed == [*map(str, range(1, 76)), *appendix]
    assert numbers[: len(printed)] == printed  # claims come last
