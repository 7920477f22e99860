"""Pictures of the gallery from results: `make thumbs`.

    python docs/_ext/thumbs.py [--run] [NAME ...]

takes the newest results/NAME* of each experiment, a full run before a quick one. With
--run an experiment without results is run with --quick first. Nothing of it is part of
the build of the site, which takes what was committed.
"""

import argparse
import io
import json
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
THUMBS = DOCS / "thumbs"
NOTES = THUMBS / "thumbs.json"
# Pixels: of three panels side by side words are read at 960 alone. Bytes of one; all of
# them have 1.5 MB.
WIDTHS, LARGEST = (960, 720, 480), 22_000


def results_of(name: str) -> Path | None:
    """Folder of the newest run that ended, a full one if there is any."""
    folders = [
        folder
        for folder in (ROOT / "results").glob(f"{name}*")
        if folder.name.removeprefix(name).strip("-_0123456789") == ""
        and said_of(folder)
        and any(folder.glob("*.png"))
    ]
    return max(
        folders,
        key=lambda f: (not said_of(f)["quick"], f.stat().st_mtime),
        default=None,
    )


def said_of(folder: Path) -> dict:
    """What a run that ended says of itself: whether it was quick, and its seconds."""
    file = folder / "summary.json"
    said = json.loads(file.read_text())["provenance"] if file.exists() else {}
    return said if "quick" in said else {}


def webp(image: Path) -> bytes:
    """The picture, as wide and as good as its bytes allow."""
    with Image.open(image) as opened:
        picture = opened.convert("RGB")
    for width in WIDTHS:
        height = round(picture.height * width / picture.width)
        small = picture.resize((width, height), Image.Resampling.LANCZOS)
        for quality in range(90, 30 if width > WIDTHS[-1] else 0, -10):
            file = io.BytesIO()
            small.save(file, "webp", quality=quality, method=6)
            if file.tell() <= LARGEST:
                return file.getvalue()
    raise ValueError(f"{image} does not fit into {LARGEST} bytes.")


def run_quick(name: str) -> None:
    """Run an experiment with --quick, and say how it went."""
    jqd = Path(sys.executable).parent / "jqd"
    words = ["run", f"experiments/{name}.py", "--quick", "--out", f"results/{name}"]
    start = time.monotonic()
    done = subprocess.run([jqd, *words], cwd=ROOT, capture_output=True, text=True)
    seconds = time.monotonic() - start
    print(f"{name}: exit code {done.returncode} after {seconds:.0f} s", flush=True)
    if done.returncode:
        print(done.stderr[-400:])


def take(name: str, folder: Path, notes: dict) -> None:
    """Make the picture of one experiment, and note what it shows."""
    chosen = min(folder.glob("*.png"), key=lambda p: (p.stem != name, p.name))
    said = said_of(folder)
    (THUMBS / f"{name}.webp").write_bytes(webp(chosen))
    notes[name] = {
        "figure": chosen.stem, "quick": said["quick"], "seconds": said["seconds"]
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--run", action="store_true")
    asked = parser.parse_args()
    THUMBS.mkdir(exist_ok=True)
    notes = json.loads(NOTES.read_text()) if NOTES.exists() else {}
    names = asked.names or [f.stem for f in sorted((ROOT / "experiments").glob("*.py"))]
    failed = []
    for name in names:
        folder = results_of(name)
        if folder is None and asked.run:
            run_quick(name)
            folder = results_of(name)
        if folder is not None:
            take(name, folder, notes)
        elif name not in notes:
            failed.append(name)
        NOTES.write_text(json.dumps(dict(sorted(notes.items())), indent=1) + "\n")
    if failed:
        print("No figure of:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
