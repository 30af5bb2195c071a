"""One run a home: a lock that says who holds it and that no crash can leave behind."""

from __future__ import annotations

import dataclasses
import datetime
import fcntl
import json
import os
import shlex
from types import TracebackType
from typing import Any

from pipeline import processes
from schemas.errors import BusyError, StorageError
from schemas.home import Home


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who runs a pipeline on a home.

    Attributes:
        since: ISO time of when it began.
        command: what was typed.
    """

    pid: int
    host: str
    since: str
    command: str


class HomeLock:
    """The lock of a home, as a context manager.

    The kernel keeps it (a POSIX record lock), so that it goes with its process, whatever ends that, and no child that
    outlives it inherits it. Such a lock is also dropped when its process closes any descriptor of the file: within
    the process that holds it, the file is opened once.

    Raises:
        BusyError: on entering, when another process holds it.
        StorageError: on entering, when the file cannot be made.
    """

    _held: dict[str, HomeLock] = {}

    def __init__(self, home: Home, argv: tuple[str, ...]):
        self._path = home.lock
        self.holder = Holder(
            pid=os.getpid(),
            host=processes.HOST,
            since=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            command=shlex.join(argv),
        )
        self._file: Any = None

    def __enter__(self) -> HomeLock:
        mine = HomeLock._held.get(str(self._path))
        if mine:
            raise _busy(mine.holder, str(self._path))
        try:
            self._file = self._path.open("a+")
        except OSError as error:
            raise StorageError(
                f"cannot be written: {error.strerror}", where=str(self._path), remedy="fix permissions"
            ) from error
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _read(self._file)
            self._file.close()
            raise _busy(holder, str(self._path)) from error
        self._file.truncate(0)
        self._file.write(json.dumps(dataclasses.asdict(self.holder)))
        self._file.flush()
        HomeLock._held[str(self._path)] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        HomeLock._held.pop(str(self._path), None)
        self._file.truncate(0)
        self._file.close()


def refuse_if_busy(home: Home) -> None:
    """Says no before anything slow is done, where a run would be refused.

    Raises:
        BusyError: a pipeline runs on this home.
    """
    found = holder(home)
    if found:
        raise _busy(found, str(home.lock))


def holder(home: Home) -> Holder | None:
    """Who runs a pipeline on the home now; None if nobody does."""
    mine = HomeLock._held.get(str(home.lock))
    if mine:
        return mine.holder
    try:
        with home.lock.open("r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return _read(file) or Holder(0, "", "", "")
    except OSError:
        return None
    return None


def _read(file: Any) -> Holder | None:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):
        return None  # caught between the lock and the writing of its holder


def _busy(holder: Holder | None, path: str) -> BusyError:
    who = f"process {holder.pid} on {holder.host} since {holder.since} ({holder.command})" if holder else "a process"
    remedy = "wait for it (`headrace status` shows how far it is), end it, or use another HEADRACE_HOME"
    return BusyError(f"a pipeline already runs on this home: {who}", where=path, remedy=remedy)
