"""What a section of the configuration is: a frozen, typed dataclass that refuses what it does not know."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pydantic
import pydantic.dataclasses
import typing_extensions

T = TypeVar("T")

_STRICT = pydantic.ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


@typing_extensions.dataclass_transform(frozen_default=True, kw_only_default=True)
def section(cls: type[T]) -> type[T]:
    """Class decorator of a configuration section.

    The class becomes a frozen keyword-only dataclass whose fields are validated; a string literal under a field is
    its description in the JSON Schema.
    """
    return pydantic.dataclasses.dataclass(cls, frozen=True, kw_only=True, config=_STRICT)  # type: ignore[call-overload, return-value]


def to_plain(value: Any) -> Any:
    """A section as plain dicts, lists and scalars."""
    return pydantic.TypeAdapter(type(value)).dump_python(value, mode="json")


def to_json(value: Any) -> str:
    """A section as canonical JSON: sorted keys, no spaces. What components carry as their `config` parameter."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"))


def from_json(cls: type[T], text: str) -> T:
    """The section that `to_json` wrote.

    Raises:
        pydantic.ValidationError: the text does not describe a `cls`.
    """
    return pydantic.TypeAdapter(cls).validate_json(text)
