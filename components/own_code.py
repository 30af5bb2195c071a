"""Code of a user's own that the configuration names as `module:function`: found, imported, and told in words if it fails.

It is looked for in the directory of the project and among what is installed. The directory is the one that the command
was typed in; processes that work elsewhere are told of it by `environment`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
import pathlib
import re
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import ConfigError

VARIABLE = "HEADRACE_PROJECT"
"""The environment variable that holds the directory of the project."""

_QUOTED_LINE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


def environment() -> dict[str, str]:
    """What a process that works in another directory must find in its environment."""
    return {VARIABLE: str(_project())}


def path_of(name: str) -> pathlib.Path:
    """A file that the configuration names; if relative, it is in the directory of the project."""
    return _project() / name


def function(named: str, *, key: str, parameters: str) -> Callable[..., Any]:
    """The function that a key of the configuration names.

    Args:
        named: `module:function`.
        key: of the configuration, for errors.
        parameters: what such a function takes, as it is written in its definition.

    Raises:
        ConfigError: there is no such module or function, or the module cannot be imported.
    """
    imported = _module(named, key)
    name = named.partition(":")[2]
    found = getattr(imported, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    known = [other for other, value in vars(imported).items() if inspect.isfunction(value)]
    raise ConfigError(
        f"{imported.__name__} has no function {name}",
        where=f"{key}: {named}",
        remedy=_did_you_mean(name, known) or f"define `def {name}({parameters})` in {imported.__file__}",
    )


def check_call(called: Callable[..., Any], named: str, arguments: Mapping[str, Any], *, key: str) -> None:
    """Checks that a function takes one argument by its place, and these by their names.

    Raises:
        ConfigError: it does not.
    """
    signature = inspect.signature(called)
    try:
        signature.bind(None, **arguments)
    except TypeError as error:
        names = [name for name, one in signature.parameters.items() if one.kind is not one.VAR_KEYWORD][1:]
        unknown = [name for name in arguments if name not in names]
        hint = _did_you_mean(unknown[0], names) if unknown else ""
        raise ConfigError(
            f"its arguments do not fit: {error}",
            where=f"{key}: {named}",
            remedy=f"{hint + '; ' if hint else ''}it is defined as `{named.partition(':')[2]}{signature}`",
        ) from error


def source_digest(named: str, *, key: str, parameters: str) -> str:
    """The SHA-256 of the source that a function comes from: its module, or every module of its package.

    Args and errors are those of `function`.
    """
    digest = hashlib.sha256()
    for path in _files(named, function(named, key=key, parameters=parameters), key):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def line_of(error: BaseException, named: str, *, key: str) -> str | None:
    """The innermost line of the user's own source that an exception came through, as `FILE, line N`; None if unknown.

    TensorFlow runs a translation of the source, and quotes the lines of the original in the exception's words.
    """
    imported = _module(named, key)
    files = {str(path): path for path in _sources(imported)}
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    quoted = [(found["file"], int(found["line"])) for found in _QUOTED_LINE.finditer(str(error))]
    own = [(files[name], line) for name, line in [*frames, *quoted] if name in files]
    return f"{own[-1][0].name}, line {own[-1][1]}" if own else None


def _project() -> pathlib.Path:
    return pathlib.Path(os.environ.get(VARIABLE) or pathlib.Path.cwd())


def _module(named: str, key: str) -> types.ModuleType:
    name, where = named.partition(":")[0], f"{key}: {named}"
    here = str(_project())
    if here not in sys.path:  # a console script's path begins with its own directory instead
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise _broken(name, where, error) from error
        raise ConfigError(
            f"there is no module {error.name}",
            where=where,
            remedy="run where its file is, install its package, or correct the name",
        ) from error
    except Exception as error:  # whatever the import of a user's module raises
        raise _broken(name, where, error) from error


def _broken(name: str, where: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"its module cannot be imported: {type(error).__name__}: {error}",
        where=where,
        remedy=f"mend it until `python -c 'import {name}'` works",
    )


def _files(named: str, found: Callable[..., Any], key: str) -> list[pathlib.Path]:
    """Of the module that is named and of the one that defines the function."""
    imported = _module(named, key)
    defining = sys.modules.get(getattr(found, "__module__", ""), imported)
    return sorted({path for module in (imported, defining) for path in _sources(module)})


def _sources(module: types.ModuleType) -> list[pathlib.Path]:
    top = sys.modules.get(module.__name__.partition(".")[0], module)
    path = pathlib.Path(top.__file__ or module.__file__ or "")  # a namespace package has no file
    if path.name == "__init__.py":
        return sorted(path.parent.rglob("*.py"))
    return [path] if path.is_file() else []


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else ""
