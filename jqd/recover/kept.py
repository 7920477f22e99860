"""Programs that a command keeps between starts, past tracing and lowering.

JAX's own cache saves the compiler's work alone; what is left takes most of a start. A
program is found again by the code of jqd, the versions and settings of what it is
built with, the function, and the structure, static values, shapes and dtypes of its
arguments: whatever of these is not known for certain, it is traced as ever.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import io
import math
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock, Thread
from types import BuiltinFunctionType, FunctionType
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar

import jax
import numpy as np

from .. import _checks

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_PACKAGES = ("jax", "jaxlib", "numpy", "equinox", "lineax", "optax", "optimistix")
# What is pickled by name alone must have a known version.
_KNOWN = {"jqd", "builtins", "functools", "collections", *_PACKAGES}
_CHECKSUM = hashlib.sha256().digest_size


class _Keeper:
    """Where programs are kept, or that they are not."""

    folder: Path | None = None
    context: bytes = b""
    used: ClassVar[list[str]] = []
    coming: ClassVar[dict[str, Future[Any]]] = {}


def keep_programs(folder: Path, processor: str) -> None:
    """Keep programs of this process in a folder, from now on.

    Args:
        folder: what lies there is run: it must be the user's own.
        processor: a name for the kind of processor.
    """
    _Keeper.folder, _Keeper.context = folder, processor.encode()
    _Keeper.used, _Keeper.coming = [], {}


def fetch_programs(task: str) -> None:
    """Load the programs that this task took last time, while Python does other things.

    Args:
        task: a name; what the task takes this time is noted under it in the end.
    """
    if not task or not are_kept():
        return
    with contextlib.suppress(OSError, ValueError):
        assert _Keeper.folder is not None
        names = (_Keeper.folder / f"programs-{task}").read_text().split()
        if not set(map(os.path.basename, names)) >= set(names):
            return
        _Keeper.coming = {name: Future() for name in names}
        Thread(target=_fetch, args=(_Keeper.folder, dict(_Keeper.coming))).start()


def _fetch(folder: Path, coming: dict[str, Future[Any]]) -> None:
    for name, program in coming.items():
        if _Keeper.folder != folder:  # the command has ended
            return
        try:
            program.set_result(_load(folder / name))
        except BaseException as error:  # whoever asks for it makes it anew
            program.set_exception(error)


def stop_keeping(task: str = "") -> None:
    """Keep nothing more, and note what the task has taken."""
    folder, used = _Keeper.folder, _Keeper.used
    _Keeper.folder, _Keeper.used, _Keeper.coming = None, [], {}
    if folder is not None and task and used:
        _write(folder / f"programs-{task}", "\n".join(used).encode())


def are_kept() -> bool:
    """Whether programs are kept now, on the one kind of device where that is known to
    work."""
    return _Keeper.folder is not None and jax.default_backend() == "cpu"


class Kept(Generic[P, R]):
    """A jitted function of positional arguments whose programs may be kept.

    Without a folder, and wherever anything is traced, it is the jitted function.
    """

    def __init__(self, fn: Callable[P, R]):
        functools.update_wrapper(self, fn)
        self._jitted = jax.jit(fn)
        self._name = fn.__name__
        self._place = f"{fn.__module__}.{fn.__qualname__}"
        self._programs: dict[tuple[Path | None, bytes], Any] = {}
        self._lock = Lock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result."""
        if kwargs or not are_kept() or not _checks.is_concrete(args):
            return self._jitted(*args, **kwargs)
        program = self._program(args)
        if program is None:
            return self._jitted(*args, **kwargs)
        return program(*args)

    def _program(self, args: Any) -> Any:
        with self._lock:
            try:
                key = self._key(args)
            except (pickle.PicklingError, AttributeError, TypeError):
                return None
            where = (_Keeper.folder, key)
            if where not in self._programs:
                _Keeper.used.append(self._path(key).name)
                self._programs[where] = self._found(key) or self._made(key, args)
            return self._programs[where]

    def _key(self, args: Any) -> bytes:
        leaves, structure = jax.tree.flatten(args)
        shapes = [
            (x.shape, str(x.dtype), bool(getattr(x, "weak_type", False)))
            if isinstance(x, jax.Array | np.ndarray | np.generic)
            else type(x).__name__
            for x in leaves
        ]
        described = _pickled((self._place, _numbered(structure), shapes))
        return hashlib.sha256(_context() + described).digest()

    def _path(self, key: bytes) -> Path:
        assert _Keeper.folder is not None
        return _Keeper.folder / f"program-{self._name}-{key.hex()}-cache"

    def _found(self, key: bytes) -> Any:
        path = self._path(key)
        coming = _Keeper.coming.pop(path.name, None)
        if coming is not None:
            with contextlib.suppress(Exception):
                return coming.result()
        try:
            return _load(path)
        except (OSError, ValueError, pickle.UnpicklingError):
            return None

    def _made(self, key: bytes, args: Any) -> Any:
        """The program, kept if it can be."""
        from jax.experimental import serialize_executable

        # under a name that JAX's cache does not know: what is loaded from there cannot
        # be written again
        named = functools.wraps(self._jitted)(lambda *args: self._jitted(*args))
        named.__name__ = f"{self._name}_{key.hex()[:16]}"
        lowered = jax.jit(named).lower(*args)
        with _nothing_for_jax():
            compiled = lowered.compile()
        # a call back into Python is an address in this process
        if "callback" in lowered.as_text():
            return compiled
        try:
            program, *trees = serialize_executable.serialize(compiled)
            whole = pickle.dumps((program, *map(_numbered, trees)))
        except (pickle.PicklingError, ValueError, NotImplementedError, TypeError):
            return compiled
        _write(self._path(key), hashlib.sha256(whole).digest() + whole)
        return compiled


def kept(fn: Callable[P, R]) -> Kept[P, R]:
    """`jax.jit` of a function whose programs a command may keep."""
    return Kept(fn)


def side_by_side(fn: Callable[[T], R], batch: T) -> R:
    """A batched function of each part of a batch, a part for each processor.

    The parts run one after the other where programs are not kept: only commands let
    JAX compute in the thread that calls it. A batch equals its members bit for bit.

    Args:
        fn: batch -> results, whose leaves all have the first axis of the batch.
        batch: arrays with the same first axis.

    Returns:
        The results of the whole batch.
    """
    size = len(jax.tree.leaves(batch)[0])
    most = min(len(os.sched_getaffinity(0)), size // 8) if are_kept() else 1
    count = max([n for n in range(1, most + 1) if size % n == 0], default=1)
    if count == 1:
        return fn(batch)
    batch = jax.tree.map(np.asarray, batch)
    share = size // count
    parts = [
        jax.tree.map(lambda x, i=i: x[i * share : (i + 1) * share], batch)
        for i in range(count)
    ]
    with ThreadPoolExecutor(count) as pool:
        results = [jax.tree.map(np.asarray, one) for one in pool.map(fn, parts)]
    return jax.tree.map(lambda *xs: np.concatenate(xs), *results)


def _load(path: Path) -> Any:
    """A program from its file.

    Raises:
        OSError: there is none.
        ValueError: the file is damaged.
    """
    from jax.experimental import serialize_executable

    whole = path.read_bytes()
    if hashlib.sha256(whole[_CHECKSUM:]).digest() != whole[:_CHECKSUM]:
        raise ValueError(f"{path} is damaged")
    _load_lapack()
    program, given, result = pickle.loads(whole[_CHECKSUM:])
    return serialize_executable.deserialize_and_load(
        program, jax.tree.structure(given), jax.tree.structure(result),
        execution_devices=jax.devices()[:1],
    )  # fmt: skip


class _Pickler(pickle.Pickler):
    """Refuses what it would name without knowing what is behind the name."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType | BuiltinFunctionType):
            package = (obj.__module__ or "").partition(".")[0]
            if package not in _KNOWN:
                raise pickle.PicklingError(f"{obj} has no known version")
        return NotImplemented


def _numbered(structure: Any) -> Any:
    """A tree of this structure; trees can be pickled, structures of equinox cannot."""
    return jax.tree.unflatten(structure, range(structure.num_leaves))


def _pickled(value: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(value)
    return file.getvalue()


def _context() -> bytes:
    """All that programs depend on but their function and its arguments."""
    if len(_Keeper.context) != _CHECKSUM:
        known = hashlib.sha256(_Keeper.context)
        for package in _PACKAGES:
            known.update(f"{package} {importlib.metadata.version(package)}\n".encode())
        known.update(sys.version.encode())
        settings = sorted(jax.config.values.items(), key=lambda item: item[0])
        known.update(repr(settings).encode())
        for name, value in sorted(os.environ.items()):
            if name.startswith(("JAX_", "XLA_", "EQX_")):
                known.update(f"{name}={value}\n".encode())
        home = Path(__file__).parent.parent
        for path in sorted(home.rglob("*.py")):
            known.update(str(path.relative_to(home)).encode())
            known.update(path.read_bytes())
        _Keeper.context = known.digest()
    return _Keeper.context


@contextlib.contextmanager
def _nothing_for_jax() -> Iterator[None]:
    """Programs that are kept here need not be kept by JAX as well."""
    setting = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, setting)
    jax.config.update(setting, math.inf)
    try:
        yield
    finally:
        jax.config.update(setting, before)


@functools.cache
def _load_lapack() -> None:
    """Let JAX look up LAPACK, which it does where a call of it is lowered.

    A program that is loaded instead would call what is not there.
    """
    one = jax.ShapeDtypeStruct((1, 1), jax.numpy.result_type(float))
    jax.jit(jax.lax.linalg.cholesky).lower(one)


def _write(path: Path, whole: bytes) -> None:
    """All or nothing, and without a word where there is no room."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(whole)
        os.replace(file.name, path)
    except OSError:
        return
