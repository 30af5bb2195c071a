"""Rules of a user's own: functions of any package, named in the configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from components import own_code
from components.cleaning.config import OwnRule
from components.cleaning.faults import Fault
from schemas.errors import HeadraceError

Rule = Callable[[pa.RecordBatch], list["Fault | None"]]

_KEY, _PARAMETERS = "cleaning.rules", "records, ..."


def load(rule: OwnRule) -> Rule:
    """The function of a rule, with its arguments, checked: what it returns fits the records.

    The function that is returned raises HeadraceError, naming the rule and the record, where the rule fails.

    Raises:
        ConfigError: there is no such module or function, or it does not take such arguments.
    """
    function = own_code.function(rule.function, key=_KEY, parameters=_PARAMETERS)
    own_code.check_call(function, rule.function, rule.arguments, key=_KEY)

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
    return own_code.source_digest(rule.function, key=_KEY, parameters=_PARAMETERS)


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
