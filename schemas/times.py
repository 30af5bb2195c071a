"""Times without an offset: which instant of a time zone they are.

The zones are those of the package `tzdata`, not the machine's: one lock, one answer, and what was read is read anew
when the rules change. Twice a year the clocks of many zones are turned. Times of the hour that comes twice, and of
the one that never comes, are told by PEP 495: there the offset depends on `fold`, in opposite directions.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import functools
import importlib.resources
import zoneinfo
from typing import Literal

import tzdata  # type: ignore[import-untyped]

Ambiguous = Literal["refuse", "earlier", "later"]
Missing = Literal["refuse", "forward"]

_ZONES = importlib.resources.files(tzdata)


class DoubtfulTimeError(ValueError):
    """A time that its zone's clocks show twice or never; says which time, and which zone."""


@dataclasses.dataclass(frozen=True)
class LocalTimes:
    """How times without an offset are read.

    Attributes:
        timezone: an IANA name.
        ambiguous: which of the two instants a time is that comes twice.
        missing: whether a time that never comes is moved forward by as much as the clocks were.
    """

    timezone: str = "UTC"
    ambiguous: Ambiguous = "refuse"
    missing: Missing = "refuse"

    def to_utc(self, local: datetime.datetime) -> datetime.datetime:
        """The instant, with the time zone UTC.

        Args:
            local: without a time zone; its `fold` is not looked at.

        Raises:
            DoubtfulTimeError: the clocks show the time twice or never, and the rule is to refuse.
            OverflowError: the instant is before the year 1 or after the year 9999.
            ValueError: the time zone is unknown.
        """
        zone = _zone(self.timezone)
        offset, other = (_offset(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
        if other < offset:
            if self.ambiguous == "refuse":
                raise DoubtfulTimeError(f"{local.isoformat()} comes twice in {self.timezone}")
            if self.ambiguous == "later":
                offset = other
        elif other > offset and self.missing == "refuse":
            raise DoubtfulTimeError(f"{local.isoformat()} never comes in {self.timezone}")
        return (local - offset).replace(tzinfo=datetime.timezone.utc)


def known_zone(name: str) -> str:
    """The name, if it is that of a time zone.

    Raises:
        ValueError: it is not.
    """
    if name not in _names():
        near = difflib.get_close_matches(name, sorted(_names()), n=1)
        raise ValueError(
            f"`{name[:100]}` is no time zone of the IANA database" + (f"; did you mean `{near[0]}`?" if near else "")
        )
    return name


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(_ZONES.joinpath("zones").read_text("utf-8").split())


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    with _ZONES.joinpath("zoneinfo", *known_zone(name).split("/")).open("rb") as rules:
        return zoneinfo.ZoneInfo.from_file(rules, key=name)


def _offset(time: datetime.datetime) -> datetime.timedelta:
    offset = time.utcoffset()
    assert offset is not None  # zones have one for every time
    return offset
