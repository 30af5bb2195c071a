"""The fingerprint of a component's code: what TFX's own cache key lacks.

TFX keys its cache by the executor's class path, so an edit goes unnoticed. The fingerprint covers the source of a
module and of every module of this project that it imports, however far, and the versions of the libraries those name.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import pathlib
import sys

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_PROJECT = ("components", "lineage", "schemas", "serving")


@functools.cache
def fingerprint(module: str) -> str:
    """The fingerprint of a module of this project, hexadecimal.

    Args:
        module: dotted name, for instance `components.cleaning.executor`.
    """
    files, libraries = _closure(module)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for library in sorted(libraries):
        digest.update(f"{library}={_version(library)}\0".encode())
    return digest.hexdigest()[:16]


def _closure(module: str) -> tuple[set[pathlib.Path], set[str]]:
    files: set[pathlib.Path] = set()
    libraries: set[str] = set()
    todo = [module]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name)
        if path is None:
            continue
        files.add(path)
        for imported in _imports(path):
            top = imported.split(".")[0]
            if top in _PROJECT:
                todo.append(imported)
            elif top not in sys.stdlib_module_names:
                libraries.add(top)
    return files, libraries


def _file_of(name: str) -> pathlib.Path | None:
    base = _ROOT.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _imports(path: pathlib.Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _version(library: str) -> str:
    return ",".join(sorted(importlib.metadata.version(name) for name in set(_distributions().get(library, []))))
