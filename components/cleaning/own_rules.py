"""Rules of a user's own: functions of any package, named in the configuration."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import pathlib
import sys
import types
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from components.cleaning.config import OwnRule
from components.cleaning.faults import Fault
from schemas.errors import ConfigError, HeadraceError

Rule = Callable[[pa.RecordBatch], list["Fault | None"]]


def load(rule: OwnRule) -> Rule:
    """The function of a rule, with its arguments, checked: what it returns fits the records.

    The function that is returned raises HeadraceError, naming the rule and the record, where the rule fails.

    Raises:
        ConfigError: there is no such module or function, or it does not take such arguments.
    """
    function = _function(rule)
    _check_signature(function, rule)

    def apply(records: pa.RecordBatch) -> list[Fault | None]:
        try:
            faults = function(records, **rule.arguments)
        except HeadraceError:
            raise
        except Exception as error:  # whatever a user's code raises
            culprit = _culprit(function, rule, records)
            raise HeadraceError(
                f"the rule raised {type(error).__name__}: {error}",
                where=f"cleaning rule {rule.function}, {culprit}",
                remedy="mend the rule; a rule rejects by returning a Fault",
            ) from error
        return _checked(faults, rule, records)

    return apply


def source_digest(rule: OwnRule) -> str:
    """The SHA-256 of the source that a rule comes from: its module, or every module of its package.

    Raises:
        ConfigError: there is no such module or function.
    """
    named = _module(rule)
    defining = sys.modules.get(getattr(_function(rule), "__module__", ""), named)
    digest = hashlib.sha256()
    for path in sorted({path for module in (named, defining) for path in _sources(module)}):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _module(rule: OwnRule) -> types.ModuleType:
    name = rule.function.partition(":")[0]
    here = str(pathlib.Path.cwd())
    if here not in sys.path:  # a console script's path begins with its own directory instead
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise _broken(rule, error) from error
        raise ConfigError(
            f"there is no module {error.name}",
            where=f"cleaning.rules: {rule.function}",
            remedy="run where its file is, install its package, or correct the name",
        ) from error
    except Exception as error:  # whatever the import of a user's module raises
        raise _broken(rule, error) from error


def _broken(rule: OwnRule, error: Exception) -> ConfigError:
    return ConfigError(
        f"its module cannot be imported: {type(error).__name__}: {error}",
        where=f"cleaning.rules: {rule.function}",
        remedy=f"mend it until `python -c 'import {rule.function.partition(':')[0]}'` works",
    )


def _function(rule: OwnRule) -> Callable[..., Any]:
    module = _module(rule)
    name = rule.function.partition(":")[2]
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    known = [other for other, value in vars(module).items() if inspect.isfunction(value)]
    raise ConfigError(
        f"{module.__name__} has no function {name}",
        where=f"cleaning.rules: {rule.function}",
        remedy=_did_you_mean(name, known) or f"define `def {name}(records, ...)` in {module.__file__}",
    )


def _check_signature(function: Callable[..., Any], rule: OwnRule) -> None:
    signature = inspect.signature(function)
    try:
        signature.bind(None, **rule.arguments)
    except TypeError as error:
        names = [name for name, one in signature.parameters.items() if one.kind is not one.VAR_KEYWORD][1:]
        unknown = [name for name in rule.arguments if name not in names]
        hint = _did_you_mean(unknown[0], names) if unknown else ""
        raise ConfigError(
            f"its arguments do not fit: {error}",
            where=f"cleaning.rules: {rule.function}",
            remedy=f"{hint + '; ' if hint else ''}it is defined as `{rule.function.partition(':')[2]}{signature}`",
        ) from error


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else ""


def _culprit(function: Callable[..., Any], rule: OwnRule, records: pa.RecordBatch) -> str:
    """The first record on which the rule fails by itself."""
    for row, name in enumerate(records["record_id"].to_pylist()):
        try:
            function(records.slice(row, 1), **rule.arguments)
        except Exception:  # the same, or another, failure
            return f"record {name}"
    return f"a batch of {records.num_rows} records, none of them alone"


def _checked(faults: Any, rule: OwnRule, records: pa.RecordBatch) -> list[Fault | None]:
    where = f"cleaning rule {rule.function}"
    if not isinstance(faults, (list, tuple)):
        raise HeadraceError(
            f"the rule returned {type(faults).__name__}, not a list",
            where=where,
            remedy="return a list with a Fault or None for each record",
        )
    if len(faults) != records.num_rows:
        raise HeadraceError(
            f"the rule returned {len(faults)} answers to {records.num_rows} records",
            where=where,
            remedy="return a list with a Fault or None for each record",
        )
    for name, fault in zip(records["record_id"].to_pylist(), faults, strict=True):
        if fault is not None and not isinstance(fault, Fault):
            raise HeadraceError(
                f"the rule returned {type(fault).__name__}, neither a Fault nor None",
                where=f"{where}, record {name}",
                remedy="return a list with a Fault or None for each record",
            )
    return list(faults)


def _sources(module: types.ModuleType) -> list[pathlib.Path]:
    top = sys.modules.get(module.__name__.partition(".")[0], module)
    path = pathlib.Path(top.__file__ or module.__file__ or "")  # a namespace package has no file
    if path.name == "__init__.py":
        return sorted(path.parent.rglob("*.py"))
    return [path] if path.is_file() else []
