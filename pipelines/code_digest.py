"""The digest of the code a node runs.

TFX's cache key holds the text of a `module_file` alone, so an edited model would silently reuse the
old one. A node's digest is taken over the sources of the modules it names and of everything of ours
that these import, found by reading the sources; nothing is imported for it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from pathlib import Path

OUR_PACKAGES = ("components", "pipelines", "schemas")
STACK = ("tfx", "tensorflow", "keras")


def code_digest(*modules: str, files: Iterable[Path] = ()) -> str:
    """sha256 over the versions of the stack, the sources of `modules` and all of ours they import.

    Args:
        modules: Dotted names of modules of ours.
        files: Further files whose contents count, for example a schema.

    Returns:
        64 hexadecimal digits; independent of where the project is installed.
    """
    digest = hashlib.sha256()
    for package in STACK:
        digest.update(f"{package} {importlib.metadata.version(package)}\0".encode())
    for name in sorted(_closure(modules)):
        digest.update(name.encode() + b"\0" + _source(name) + b"\0")
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _closure(modules: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return found


@functools.cache
def _path(name: str) -> Path | None:
    """The file of a module of ours; looked up as a path, since `find_spec` imports the parents."""
    package, *inner = name.split(".")
    if package not in OUR_PACKAGES:
        return None
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    base = Path(spec.submodule_search_locations[0]).joinpath(*inner)
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _source(name: str) -> bytes:
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"no module of ours is called {name}")
    return path.read_bytes()


@functools.cache
def _imports(name: str) -> tuple[str, ...]:
    """Our modules that a module imports, wherever in its text the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(found for found in names if _path(found) is not None))
