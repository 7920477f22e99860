"""What others cite and read: one version, one list of papers, forms that parse."""

import tomllib
from pathlib import Path

import pytest
import yaml

import jqd
from jqd.papers.citations import PAPERS, SOFTWARE

ROOT = Path(__file__).resolve().parent.parent


def test_the_citation_file_says_what_the_command_says():
    file = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert file["version"] == jqd.__version__
    assert file["title"] == SOFTWARE.title
    of_paper = {one["title"]: one for one in file["references"]}
    assert set(of_paper) == {paper.title for paper in PAPERS.values()}
    for paper in PAPERS.values():
        assert of_paper[paper.title].get("year") == paper.year
        names = {p.get("family-names") for p in of_paper[paper.title]["authors"]}
        assert names - {None} == {author.split(",")[0] for author in paper.authors}


@pytest.mark.parametrize("form", sorted((ROOT / ".github").rglob("*.yml")), ids=str)
def test_forms_and_workflows_parse(form):
    read = yaml.safe_load(form.read_text())
    if form.parent.name == "workflows":
        # YAML reads the key `on` as true.
        assert {"name", True, "jobs"} <= set(read)
    elif form.name != "config.yml":
        fields = [part["id"] for part in read["body"]]
        assert len(fields) == len(set(fields)) >= 2


def test_workflows_test_every_python_that_is_promised():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = project["requires-python"].removeprefix(">=")
    read = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    assert lowest in read["jobs"]["test"]["strategy"]["matrix"]["python"]
