"""What others cite and read: one version, one list of papers, forms that parse."""

import re
import subprocess
import sys
import tomllib
import zipfile
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


def test_the_wheel_has_a_readme_that_renders_elsewhere_and_the_experiments(tmp_path):
    """An index shows the text alone: no picture or page of the repository is linked."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        (metadata,) = (name for name in names if name.endswith("dist-info/METADATA"))
        text = files.read(metadata).decode()
    fields, _, page = text.partition("\n\n")
    assert f"\nVersion: {jqd.__version__}\n" in fields
    assert "Description-Content-Type: text/markdown" in fields
    assert re.findall(r"\]\((?!https?:)[^)]*\)", page) == []
    assert page.startswith("# jqd\n")
    # the sentences are there all the same
    assert "start (`docs/start.md`)" in page
    assert "jqd.recover(copying" in page
    experiments = {path.name for path in (ROOT / "experiments").glob("*.py")}
    assert experiments <= {Path(n).name for n in names if "_experiments/" in n}
    assert max(info.file_size for info in zipfile.ZipFile(wheel).infolist()) < 2**20
    assert wheel.stat().st_size < 2 * 2**20


def test_the_changelog_has_the_version_and_its_date():
    file = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    heading = f"## [{jqd.__version__}] - {file['date-released']}"
    assert heading in (ROOT / "CHANGELOG.md").read_text().splitlines()
