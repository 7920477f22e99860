"""Objects by key, in a folder or in a bucket, through one interface, obstore's.

A sweep needs two things of its store: an object exists whole or not at all, and of two
workers that create one only the first succeeds. Folders, S3, Google Cloud Storage and
Azure guarantee both.
"""

import contextlib
import datetime
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from .._files import OutputError, as_path

ARGUMENT = "store"
BUCKETS = ("s3", "gs", "az")
# Seconds for which a request to a service that does not answer is repeated.
PATIENCE = datetime.timedelta(seconds=60)
_RETRY: Any = {"max_retries": 10, "retry_timeout": PATIENCE}


class Objects:
    """The objects of one store.

    Attributes:
        place: its name for the user: a path or a URL.
        folder: its folder, if it is in one.
    """

    def __init__(self, place: str | Path):
        """Name a store; nothing is read or written yet.

        Args:
            place: a path, or a URL: file://, s3://, gs://, az://. Credentials come from
                the environment, as for the provider's own programs.

        Raises:
            ValueError: a URL of another kind, or one that holds credentials.
        """
        as_path(place, ARGUMENT)  # or a URL, which is text as well
        self.place = str(place)
        self.folder: Path | None = None
        self._store: Any = None
        scheme, between, _ = self.place.partition("://")
        if not between or isinstance(place, Path):
            self.folder = Path(place)
        elif scheme == "file":
            self.folder = Path(url2pathname(urlsplit(self.place).path))
        else:
            _check_url(self.place, scheme)
            with self.trouble():
                self._store = from_url(self.place, retry_config=_RETRY)

    @property
    def store(self) -> Any:
        """The obstore store; a folder is made at the first write."""
        if self._store is None:
            self._store = LocalStore(self.folder, mkdir=True)
        return self._store

    def is_there(self) -> bool:
        """Whether anything is stored here."""
        if self.folder is not None and self._store is None:
            if not self.folder.exists():
                return False
            if not self.folder.is_dir():
                raise OutputError(
                    f"Argument `{ARGUMENT}` must be a folder, but {self.place} is not."
                )
        return any(True for _ in self.keys())

    def keys(self) -> Iterator[str]:
        """All keys, in no order."""
        with self.trouble():
            for page in obstore.list(self.store):
                yield from (entry["path"] for entry in page)

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing an old one if there is any."""
        with self.trouble():
            obstore.put(self.store, key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        """Create an object; False where one exists, which then stays as it is."""
        with self.trouble():
            try:
                obstore.put(self.store, key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes | None:
        """Read an object; None where there is none."""
        with self.trouble(), _or_nothing():
            return bytes(obstore.get(self.store, key).bytes())
        return None

    def changed(self, key: str) -> datetime.datetime | None:
        """When an object was last written, by the store's clock; None for no object."""
        with self.trouble(), _or_nothing():
            return obstore.head(self.store, key)["last_modified"]
        return None

    def list(self, folder: str) -> dict[str, datetime.datetime]:
        """Names of the objects of a folder, and when each was last written."""
        with self.trouble():
            pages = obstore.list(self.store, folder)
            return {
                entry["path"].rpartition("/")[2]: entry["last_modified"]
                for page in pages
                for entry in page
            }

    def delete(self, keys: Iterable[str]) -> None:
        """Remove those of the objects that exist."""
        with self.trouble():
            for key in keys:
                with _or_nothing():
                    obstore.delete(self.store, key)

    def remove_drafts(self, before: datetime.datetime) -> None:
        """Remove the unfinished files of killed processes from a folder."""
        if self.folder is None:
            return
        with self.trouble():
            for path in self.folder.rglob("*#*"):
                # as obstore calls them; it does not list them
                draft = re.search(r"#\d+$", path.name) is not None
                if draft and path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)

    def settle(self, keys: Iterable[str]) -> None:
        """Wait until objects would survive a crash of the machine, as in buckets."""
        if self.folder is None:
            return
        with self.trouble():
            files = [self.folder / key for key in keys]
            for path in (*files, *{file.parent for file in files}):
                _flush(path)

    @contextlib.contextmanager
    def trouble(self) -> Iterator[None]:
        """Turn an error of the store into one line."""
        try:
            yield
        except (BaseError, OSError) as error:
            # obstore's message may contain the whole request: it is not passed on
            kind = "bucket" if self.folder is None else "folder"
            raise OutputError(
                f"Argument `{ARGUMENT}` must be a writable {kind}, but {self.place}: "
                f"{_reason(error)}."
            ) from None

    def zarr(self, *, read_only: bool = False) -> Any:
        """The same store for zarr."""
        from zarr.storage import ObjectStore

        return ObjectStore(self.store, read_only=read_only)


@contextlib.contextmanager
def _or_nothing() -> Iterator[None]:
    """Go on where an object is not there; a bucket must be."""
    try:
        yield
    except FileNotFoundError as error:
        if re.search(r"NoSuchBucket|ContainerNotFound|bucket does not ex", str(error)):
            raise


def _reason(error: Exception) -> str:
    """What went wrong, in words, without addresses or keys."""
    text = str(error)
    if number := re.search(r"\(os error (\d+)\)", text):
        return os.strerror(int(number[1]))
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    code = re.search(r"<Code>(\w+)</Code>", text)
    status = re.search(r"status code: (\d+ [A-Z][A-Za-z ]+\w)", text)
    said = " ".join(match[1] for match in (status, code) if match)
    if "403" in said or "401" in said or "credential" in text.lower():
        said = said or "no credentials"
        return f"access is refused ({said}); credentials are read from the environment"
    return said or re.sub(r"\S*://\S*", "the service", text.splitlines()[0])


def _check_url(url: str, scheme: str) -> None:
    parts = urlsplit(url)
    rule = f"Argument `{ARGUMENT}` must be a path or a URL"
    if scheme not in BUCKETS:
        raise ValueError(
            f"{rule} that begins with file, {', '.join(BUCKETS)} and ://, but begins "
            f"with {scheme}://."
        )
    mixed = not parts.netloc or {"@", ":"} & set(parts.netloc)
    if mixed or parts.query or parts.fragment:
        raise ValueError(
            f"{rule} like {scheme}://BUCKET/PREFIX, but has other parts; credentials "
            "are read from the environment alone."
        )


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # not every file system can flush a folder
        if not path.is_dir():
            raise
    finally:
        os.close(handle)
