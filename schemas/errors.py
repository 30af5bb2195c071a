"""The one family of errors: what is wrong, where, and what to do about it."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the process answers to its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    INTERRUPTED = 130


class HeadraceError(Exception):
    """A failure that a person can act on.

    Args:
        what: what is wrong, one plain sentence.
        where: the file, record, field or node it concerns, if there is one.
        remedy: what to do next, if something can be done.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None):
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  -> {self.remedy}" if self.remedy else text


class ConfigError(HeadraceError):
    """The configuration or the command line is wrong; nothing has run."""

    exit_code = ExitCode.USAGE


class SourceError(HeadraceError):
    """A source of data is missing, empty or unreadable as a whole."""


class IntegrityError(HeadraceError):
    """Bytes on disk are not the bytes that were written: a digest or checksum differs."""


class StorageError(HeadraceError):
    """The disk is full, or a directory cannot be written."""


class BusyError(HeadraceError):
    """Another process holds what this one needs."""


class GateRefused(HeadraceError):
    """A gate said no: an anomaly in the data, a model that is not blessed."""

    exit_code = ExitCode.REFUSED
