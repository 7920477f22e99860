"""What made a result: the command, the revision of jqd's repository, its sources."""

import contextvars
import functools
import hashlib
import os
import subprocess
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# Words of the command that is under way; None where jqd is called from Python.
COMMAND = contextvars.ContextVar[tuple[str, ...] | None]("COMMAND", default=None)


@functools.cache
def revision(package: Path = PACKAGE) -> str | None:
    """The git revision of a package, `-dirty` if its files are not those of it.

    Of the repository that the package belongs to, wherever the user stands; not of one
    around the environment that it is installed in.

    Args:
        package: its folder, at the root of its repository, beside `pyproject.toml`.

    Returns:
        40 hexadecimal digits, or None where it is in no repository of its own.
    """
    root = package.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if project.get("project", {}).get("name") != package.name:
        return None
    top = _git(root, "rev-parse", "--show-toplevel")
    tracked = _git(root, "ls-files", "--", f"{package.name}/__init__.py")
    head = _git(root, "rev-parse", "--verify", "HEAD")
    if not (top and tracked and head) or not os.path.samefile(top, root):
        return None
    return head + (
        "-dirty" if _git(root, "status", "--porcelain", package.name) else ""
    )


@functools.cache
def sources(package: Path = PACKAGE) -> str:
    """SHA-256 of the files of a package, their names and contents, in hexadecimal.

    Args:
        package: its folder; compiled files and caches do not count.
    """
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(
                f"{file.relative_to(package).as_posix()} {content}\n".encode()
            )
    return digest.hexdigest()


def _git(folder: Path, *words: str) -> str | None:
    """What git says of a folder, or None where it says nothing or is not there."""
    # a hook of another repository names that one by such variables
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True, text=True, timeout=10, check=True, env=own,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
