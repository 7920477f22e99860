"""Equations of the experiments' docstrings as TeX: nothing is lost, nothing unknown."""

import html
import re
import unicodedata
from collections import Counter

import gallery
import pytest
from docstrings import is_boxed, paragraphs
from katex_math import render
from linear_tex import tex

# Written by hand.
TEX = {
    "α = 2πφ, φ = qΦ/h": r"α = 2πφ, φ = qΦ/h",
    "dX = √(2ν) dW": r"dX = \sqrt{2ν} dW",
    "y = √ρ_b δφ": r"y = \sqrt{ρ_{b}} δφ",
    "s = √[J^-1]_nn": r"s = \sqrt{[J^{-1}]_{nn}}",
    "D^aa_ij = C ∂²H/∂α_i*": r"D_{ij}^{aa} = C ∂^{2}H/∂α_{i}^{*}",
    "∂ₜQ = Σ_{|m|≥1} ħ^|m|/m!": r"∂_{t}Q = \sum _{|m|≥1} \hbar ^{|m|}/m!",
    "π̇_I = -f² U''": r"\dot{π}_{I} = -f^{2} U''",
    "2<KE>/N = e^(λt)": r"2⟨\mathrm{KE}⟩/N = e^{λt}",
    "F = |<ψ|φ>|² <= 1": r"F = |⟨ψ|φ⟩|^{2} ≤ 1",
    "d_eff = (J^T J)^-1": r"d_{\text{eff}} = (J^{T} J)^{-1}",
    "α̂†² = ½ sin ωt": r"\hat{α}^{\dagger 2} = \tfrac12  \operatorname{sin} ωt",
    "P_ab(t) ≠ N,   for all x_0": r"P_{ab}(t) ≠ N, \quad \text{ for all } x_{0}",
}


@pytest.mark.parametrize("text", TEX)
def test_what_is_written_in_a_line(text):
    assert tex([text]) == TEX[text]


@pytest.mark.parametrize(
    "lines",
    [
        ["classes die out; it is gone where every class keeps many copies"],
        ["dx/√2π = 1"],  # √(2π), or √2 times π
        ["e^(λt = 1"],
        ["jqd sweep experiments/sweeps/error_bars.py --out results/error_bars.zarr"],
    ],
)
def test_what_stays_as_it_is(lines):
    assert tex(lines) is None


# Signs that TeX sets otherwise.
SET = {
    "<=": "≤", ">=": "≥", "->": "→", "...": "…", "⁄": "", "ħ": "ℏ", "Σ": "∑",
    "Π": "∏", "~": "∼", "-": "−", "'": "′", "*": "∗", "sqrt": "", "⟨": "<", "⟩": ">",
    "″": "′′", "|": "∣", "·": "⋅",
}  # fmt: skip


def characters(text):
    """How often each stands there, but for brackets, spaces, and signs of position."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text))
    for sign, other in SET.items():
        text = text.replace(sign, other)
    plain = "".join(
        c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)
    )
    return Counter(re.sub(r"[\s_^√()\[\]{}\u2061˙ˉ^]", "", plain))


def test_no_character_of_an_equation_is_lost():
    """KaTeX's MathML, without its tags, has the characters of the docstring."""
    formulas = 0
    for name, one in gallery.experiments().items():
        for block in paragraphs(one.text.splitlines()):
            if not is_boxed(block) or gallery.HEAD.match(block[0]):
                continue
            if (found := tex(block)) is None:
                continue
            formulas += 1
            shown = re.sub(
                r"(?s)<annotation.*?</annotation>", "", render(found, True, "mathml")
            )
            said = html.unescape(re.sub(r"<[^>]*>", "", shown))
            assert characters(said) == characters("".join(block)), name
    assert formulas > 40
