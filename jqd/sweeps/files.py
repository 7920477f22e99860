"""What other processes need: a function's place, its digest, and JAX's settings."""

import ast
import functools
import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from .._files import processor, to_plain
from .program import use_processors

# JAX settings that the workers of an engine share with the process that starts them;
# those of compiled code only where their processors are of one kind.
SHARED = ("jax_enable_x64",)
COMPILED = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


class Place(NamedTuple):
    """Where a function is defined, so that other processes can find it.

    Attributes:
        module: its module, if that is in a package; else "".
        path: its file.
        name: its name there.
        bound: arguments bound by `functools.partial`, plain data by name.
    """

    module: str
    path: str
    name: str
    bound: dict[str, Any]

    def load(self) -> Callable[..., Any]:
        """Load the function from its file."""
        sys.path.insert(0, str(self._root()))
        if self.module:
            module = importlib.import_module(self.module)
        else:
            spec = importlib.util.spec_from_file_location("jqd_swept", self.path)
            assert spec is not None  # it is a .py file
            assert spec.loader is not None
            module = sys.modules["jqd_swept"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        function = getattr(module, self.name)
        return functools.partial(function, **self.bound) if self.bound else function

    def digest(self) -> str:
        """Hash of the function's text and of all in its file that it names.

        Comments do not matter, nor does the rest of the file. Modules that it imports
        from the file's own folder or package count with their whole text, and so do
        the modules that these import; installed modules count by name only.
        """
        tree = ast.parse(Path(self.path).read_bytes())
        root, helpers = self._root(), {}
        nodes: dict[str, list[ast.stmt]] = {}
        for node in tree.body:
            for name in _defined(node):
                nodes.setdefault(name, []).append(node)
        everything = nodes.pop("*", [])
        bound = json.dumps(to_plain(self.bound))
        text, waiting, seen = [self.name, bound], [self.name], set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for node in nodes.get(name, ()):
                text.append(ast.dump(node))
                _add_helpers(node, self.module, root, helpers)
                named = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
                waiting += sorted(named)
        for node in everything:  # nobody knows which names come with it
            text.append(ast.dump(node))
            _add_helpers(node, self.module, root, helpers)
        text += [f"{name} {helpers[name]}" for name in sorted(helpers)]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()

    def _root(self) -> Path:
        """The folder from which the file, or its package, is imported."""
        return Path(self.path).resolve().parents[self.module.count(".")]


def _add_helpers(node: ast.AST, module: str, root: Path, found: dict[str, str]) -> None:
    """Add the text of each module below a folder that is imported, and of theirs.

    Args:
        node: in which statements import.
        module: name of the module that it is in.
        root: of modules elsewhere, and of jqd, nothing is added: they have versions.
        found: texts by name, without comments.
    """
    for name in _imported(node, module):
        file = None if name in found else _source(name, root)
        if file is not None:
            tree = ast.parse(file.read_bytes())
            found[name] = ast.dump(tree)
            inside = f"{name}.__init__" if file.name == "__init__.py" else name
            _add_helpers(tree, inside, root, found)


def _imported(node: ast.AST, module: str) -> Iterator[str]:
    """Full names of all that may be a module among what is imported."""
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            for alias in one.names:
                parts = alias.name.split(".")
                yield from (".".join(parts[: i + 1]) for i in range(len(parts)))
        elif isinstance(one, ast.ImportFrom):
            above = module.split(".")[: -one.level] if one.level else []
            base = ".".join([*above, *([one.module] if one.module else [])])
            yield from filter(None, [base, *(f"{base}.{a.name}" for a in one.names)])


def _source(name: str, root: Path) -> Path | None:
    """The file of a module below a folder; None where there is none, or it is jqd's."""
    parts = name.split(".")
    if parts[0] == "jqd" or {"site-packages", "dist-packages"} & set(root.parts):
        return None
    whole = root.joinpath(*parts)
    for file in (whole / "__init__.py", whole.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def place_of(function: Callable[..., Any]) -> Place:
    """Find where a function is defined.

    Args:
        function: defined at the top of a file, or `functools.partial` of such a
            function with numbers, texts, arrays and collections of these bound by name.

    Raises:
        ValueError: any other function, since no other process could find it.
    """
    inner, bound, plain = function, {}, True
    if isinstance(function, functools.partial):
        inner, bound, plain = function.func, function.keywords, not function.args
    name = getattr(inner, "__qualname__", "")
    try:
        path = inspect.getsourcefile(inner) or ""
        to_plain(bound)
    except TypeError:
        path = ""
    if not (path.endswith(".py") and name.isidentifier() and plain):
        raise ValueError(
            "Argument `function` must be defined at the top of a file, from which "
            "other processes import it, with plain data bound by name if any, but is "
            f"{name or function!r}."
        )
    module = inner.__module__ if "." in inner.__module__ else ""
    return Place(module, os.path.abspath(path), name, bound)


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement at the top of a file gives a meaning, or changes.

    Those within `try`, `if` and `with` too; "*" where a module is imported whole.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(a.asname or a.name).partition(".")[0] for a in node.names]
    if isinstance(node, ast.If) and "__name__" in ast.dump(node.test):
        return []  # run as a script, not by a worker
    inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
    inner += [n for h in ast.iter_child_nodes(node)
              if isinstance(h, ast.ExceptHandler) for n in h.body]  # fmt: skip
    if inner:
        # `with open(file) as x`, `for x in rows`
        heads = [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]
        names = [name for n in heads for name in _stored(n)]
        names += [name for n in inner for name in _defined(n)]
        return list(dict.fromkeys(names))
    names = _stored(node)
    # P["k"] = 2, P.k = 2, del P["k"], P.append(2)
    for part in ast.walk(node):
        changes = isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(
            part.ctx, ast.Load
        )
        called = isinstance(node, ast.Expr) and isinstance(part, ast.Call)
        root: ast.AST = part.func if called and isinstance(part, ast.Call) else part
        while isinstance(root, ast.Subscript | ast.Attribute) and (changes or called):
            root = root.value
            if isinstance(root, ast.Name):
                names.append(root.id)
    return list(dict.fromkeys(names))


def _stored(node: ast.AST) -> list[str]:
    """Names to which something is assigned."""
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return [n.id for n in names if isinstance(n.ctx, ast.Store)]


def settings_of_jax() -> dict[str, Any]:
    """The JAX settings that the workers of an engine share with this process."""
    found = {name: jax.config.values[name] for name in (*SHARED, *COMPILED)}
    many = jax.config.values["jax_num_cpu_devices"] > 1
    return found | {"processor": processor(), "many devices": many}


def use_settings(settings: Mapping[str, Any]) -> None:
    """Apply the settings of `settings_of_jax` in a worker."""
    alike = settings["processor"] == processor()
    for name in (*SHARED, *(COMPILED if alike else ())):
        jax.config.update(name, settings[name])
    if settings["many devices"]:  # one alone would round otherwise
        use_processors()
