"""Functions and docstrings of the running interpreter's standard library."""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import pathlib
import sysconfig
import textwrap
import tokenize
from collections.abc import Iterator, Sequence

from components.ingestion import parameters
from components.ingestion.items import Document, Item, Reason, Rejection

_LICENSE = "PSF-2.0"
_NOT_LIBRARY = frozenset({"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "lib2to3"})


def standard_library() -> pathlib.Path:
    """Where the standard library of this Python is."""
    return pathlib.Path(sysconfig.get_path("stdlib"))


def read_python(root: pathlib.Path, *, max_file_bytes: int, limit: int | None) -> Iterator[Item]:
    """For each function or method with a docstring: the docstring as text, the source without it as code.

    Both say where its parameters are: `components.ingestion.parameters`.

    Args:
        root: the folder that module names start from.
        max_file_bytes: larger modules are rejected.
        limit: at most so many functions, by the hash of their key.
    """
    rejections: list[Rejection] = []
    functions: dict[str, list[Document]] = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if _NOT_LIBRARY.isdisjoint(relative.parts):
            read = _read_module(path, relative, max_file_bytes)
            if isinstance(read, Rejection):
                rejections.append(read)
            else:
                functions |= read
    yield from rejections
    for key in sorted(sorted(functions, key=lambda key: hashlib.sha256(key.encode()).digest())[:limit]):
        yield from functions[key]


def _read_module(
    path: pathlib.Path, relative: pathlib.Path, max_file_bytes: int
) -> dict[str, list[Document]] | Rejection:
    size = path.stat().st_size
    if size > max_file_bytes:
        return Rejection(relative.as_posix(), Reason.TOO_LARGE, f"{size} bytes", f"{max_file_bytes} bytes", "code")
    try:
        with tokenize.open(path) as file:
            source = file.read()
        tree = ast.parse(source)
    except (SyntaxError, ValueError, OSError) as error:
        return Rejection(relative.as_posix(), Reason.UNREADABLE, str(error), "Python source", "code")
    module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    lines = source.splitlines(keepends=True)
    functions: dict[str, list[Document]] = {}
    for qualified_name, function in _functions(tree, ""):
        docstring = ast.get_docstring(function)
        places = _around_docstring(function, lines)
        if not docstring or not places:
            continue
        first, resumes = places
        kept = [*lines[first - 1 : function.body[0].lineno - 1], *lines[resumes - 1 : function.end_lineno]]
        code = textwrap.dedent("".join(kept)).rstrip() + "\n"
        of_text, of_code = parameters.regions(function, docstring, first, resumes)
        key = base = f"python:{module}:{qualified_name}"
        count = 1
        while key in functions:  # defined twice, for instance one a platform
            count += 1
            key = f"{base}#{count}"
        document = functools.partial(
            Document, key=key, cluster=base, license=_LICENSE, attributes={"line": str(function.lineno)}
        )
        position = f"{relative.as_posix()}:{key.removeprefix(f'python:{module}:')}"
        functions[key] = [
            document(
                position=f"{position}:docstring",
                modality="text",
                media_type="text/plain",
                content=docstring.encode("utf-8", "replace"),
                language="en",
                regions=of_text,
            ),
            document(
                position=position,
                modality="code",
                media_type="text/x-python",
                content=code.encode("utf-8", "replace"),
                language="python",
                regions=of_code,
            ),
        ]
    return functions


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, parameters.Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def _around_docstring(function: parameters.Function, lines: Sequence[str]) -> tuple[int, int] | None:
    """The line that the function begins with, and the first one after its docstring that is not blank.

    None if nothing or no whole lines are left without it.
    """
    if len(function.body) < 2:
        return None
    docstring, following = function.body[0], function.body[1]
    last = docstring.end_lineno or docstring.lineno
    if docstring.lineno == function.lineno or following.lineno <= last:
        return None
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    blank = itertools.takewhile(lambda line: not line.strip(), lines[last : function.end_lineno])
    return first, last + 1 + sum(1 for _ in blank)
