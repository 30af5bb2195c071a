"""What an exception means to the person who started the run: cause, place, remedy, and whether to try again."""

from __future__ import annotations

import errno
import linecache
import os
import pathlib
import shutil
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from types import FrameType, TracebackType

from pipeline.runs import Failure, NodeResult, Outcome
from schemas.errors import GateRefused, HeadraceError, StorageError
from schemas.home import Home

_BLOCK_LINES = 22
_MESSAGE_LINES = 6
_MESSAGE_CHARACTERS = 600

_TRANSIENT_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
_TRANSIENT_NAMES = frozenset({"UnavailableError", "AbortedError", "DeadlineExceededError", "Unavailable"})
"""By name: TensorFlow's, ML Metadata's and gRPC's classes are not imported here."""

_STORAGE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG})
_FULL = ("No space left on device", "database or disk is full")

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} - {None})
_RUNNER = str(pathlib.Path(__file__).resolve().parent)


def transient(error: BaseException) -> bool:
    """Whether the same work may well succeed if it is tried again: the network, a lock, a busy device.

    A HeadraceError never is: whoever raised it knows what is wrong.
    """
    chain = list(_chain(error))
    if any(isinstance(link, HeadraceError) for link in chain):
        return False
    return any(
        isinstance(link, (ConnectionError, TimeoutError))
        or (isinstance(link, OSError) and link.errno in _TRANSIENT_ERRNOS)
        or type(link).__name__ in _TRANSIENT_NAMES
        for link in chain
    )


def outcome(error: BaseException) -> Outcome:
    """Failed, or refused if a gate said no."""
    return Outcome.REFUSED if any(isinstance(link, GateRefused) for link in _chain(error)) else Outcome.FAILED


def describe(error: BaseException) -> Failure:
    """The failure that an exception stands for.

    Beam and TFX wrap exceptions: the HeadraceError that is the cause, if there is one, speaks.
    """
    chain = list(_chain(error))
    known = next((link for link in chain if isinstance(link, HeadraceError)), None) or _storage_error(chain)
    frame = _own_frame(chain)
    if known is not None:
        return Failure(_shorten(known.what), known.where, known.remedy, frame, type(known).__name__)
    text = _shorten(str(error)) or "no message"
    return Failure(f"{type(error).__name__}: {text}", frame=frame, kind=type(error).__name__)


def block(home: Home, results: tuple[NodeResult, ...]) -> list[str]:
    """The one block that a run ends with where a node failed or was refused: at most 22 lines, none if none did."""
    bad = [result for result in results if result.failure]
    if not bad:
        return []
    first = next((result for result in bad if result.outcome is Outcome.FAILED), bad[0])
    failure = first.failure
    assert failure is not None
    what = failure.what.splitlines()
    lines = [f"{first.node} {first.outcome.value}: {what[0]}", *(f"  {line}" for line in what[1:])]
    lines += _field("where", failure.where)
    lines += _field("code", failure.frame)
    lines += _field("log", relative(first.log) if first.log else None)
    for other in bad:
        if other is not first:
            lines += _field("also", f"{other.node} {other.outcome.value}: {other.reason}")
    end = [*_field("what to do", failure.remedy), *_field("go on with", resume_command(home))]
    return [*lines[: _BLOCK_LINES - len(end)], *end]


def resume_command(home: Home) -> str:
    """The literal command that goes on from where a run stopped."""
    default = home.root == pathlib.Path(".headrace").absolute()
    return f"{_program()} resume" if default else f"{_program()} --home {relative(home.root)} resume"


def _program() -> str:
    """How to type `headrace` here: by its name where that is found, else by its path."""
    typed = pathlib.Path(sys.argv[0])
    found = shutil.which("headrace")
    if typed.name != "headrace" or (found and pathlib.Path(found).resolve() == typed.resolve()):
        return "headrace"
    return relative(typed.absolute())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, then what caused it, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _storage_error(chain: list[BaseException]) -> StorageError | None:
    for link in chain:
        if isinstance(link, OSError) and link.errno in _STORAGE_ERRNOS:
            place = os.fsdecode(link.filename) if isinstance(link.filename, (str, bytes)) else None
            if link.errno in (errno.ENOSPC, errno.EDQUOT):
                return _disk_full(place)
            words = (link.strerror or "refused").lower()
            return StorageError(f"a file cannot be read or written: {words}", where=place, remedy="fix its permissions")
    return _disk_full(None) if any(words in str(link) for link in chain for words in _FULL) else None


def _disk_full(place: str | None) -> StorageError:
    return StorageError("the disk is full", where=place, remedy="free space, then go on")


def _own_frame(chain: list[BaseException]) -> str | None:
    """The deepest line that is neither a library's nor the runner's, of the innermost exception that has one."""
    for link in reversed(chain):
        for frame, line in reversed(list(_frames(link.__traceback__))):
            file = frame.f_code.co_filename
            if (
                file.startswith("<")
                or file.startswith(_LIBRARIES)
                or str(pathlib.Path(file).resolve()).startswith(_RUNNER)
            ):
                continue
            text = linecache.getline(file, line).strip()
            place = f"{relative(pathlib.Path(file))}:{line} in {frame.f_code.co_name}"
            return f"{place}\n{text}" if text else place
    return None


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    yield from traceback.walk_tb(trace)


def _field(name: str, value: str | None) -> list[str]:
    if not value:
        return []
    first, *others = value.splitlines()
    return [f"  {name:<10}  {first}", *(f"  {'':<10}    {line}" for line in others)]


def _shorten(text: str) -> str:
    lines = [line for line in text.strip()[:_MESSAGE_CHARACTERS].splitlines() if line.strip()]
    return "\n".join(lines[:_MESSAGE_LINES])


def relative(path: pathlib.Path) -> str:
    """A path as one would type it here."""
    try:
        return str(path.relative_to(pathlib.Path.cwd()))
    except ValueError:
        return str(path)
