"""Immutable versions of a served model: written aside, renamed into place, never changed again.

    served/MODEL/1/            a version: the exported model's files, read-only
    served/MODEL/1.sig         its signature, if it is signed; beside, since it covers all that is in there
    served/MODEL/digests/1.json   the SHA-256 of each of them; outside, since a model server may frown at it inside
    served/MODEL/.pushing-PID/    a push at work; whatever a killed one leaves is swept by the next

A version number is never used twice, not even after its directory was removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator

from schemas.errors import IntegrityError, StorageError
from serving import signing

_DIGESTS = "digests"
_ASIDE = ".pushing-"
_LOCK = ".lock"
_READ_ONLY = 0o444
_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Version:
    """A version that is in place.

    Attributes:
        number: 1 or more.
        path: its directory.
        files: how many files it has.
        bytes: how long they are together.
    """

    number: int
    path: pathlib.Path
    files: int
    bytes: int


def push(
    source: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    check: Callable[[pathlib.Path], object] = lambda copy: None,
) -> Version:
    """Makes a new version of the files below a directory; where the newest version is just that, it is the one.

    The version appears whole or not at all, however this process ends; one that did appear before its push was
    recorded is found again when the push is repeated. The signature beside the source comes along; it may be renewed where
    the version is there already.

    Args:
        source: an exported model.
        model: the model's directory in the served tree; made where it is missing.
        check: called with the directory of the copy before it becomes a version, its signature beside it; what it raises
            ends the push.

    Raises:
        StorageError: the disk is full, or the place cannot be written.
    """
    source, model = pathlib.Path(source), pathlib.Path(model)
    try:
        (model / _DIGESTS).mkdir(parents=True, exist_ok=True)
        with _locked(model):
            _sweep(model)
            return _push(source, model, check)
    except OSError as error:
        raise StorageError(
            f"cannot push a version: {error.strerror or error}",
            where=str(model),
            remedy="free space or fix permissions",
        ) from error


def verify(version: str | os.PathLike[str]) -> None:
    """Checks that a version's files are those that were pushed.

    Raises:
        IntegrityError: a file was changed, removed or added, or the digests are missing.
    """
    path = pathlib.Path(version)
    try:
        pushed = json.loads(_digests_of(path).read_text())
    except (OSError, ValueError) as error:
        raise IntegrityError("its digests cannot be read", where=str(path), remedy=_PUSH_AGAIN) from error
    present = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if not file.is_dir()}
    faults = [f"{name} is missing" for name in pushed.keys() - present.keys()]
    faults += [f"{name} was added" for name in present.keys() - pushed.keys()]
    faults += [
        f"{name} was changed" for name in pushed.keys() & present.keys() if _sha256(present[name]) != pushed[name]
    ]
    if faults:
        raise IntegrityError(f"not what was pushed: {', '.join(sorted(faults))}", where=str(path), remedy=_PUSH_AGAIN)


_PUSH_AGAIN = "serve another version, and release the model again"


def _push(source: pathlib.Path, model: pathlib.Path, check: Callable[[pathlib.Path], object]) -> Version:
    aside = model / f"{_ASIDE}{os.getpid()}"
    newest = max(_numbers(model), default=0)
    try:
        digests, size = {}, 0
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            name = file.relative_to(source)
            digests[name.as_posix()] = _copy(file, aside / "version" / name)
            size += file.stat().st_size
        signature = signing.path_of(aside / "version")
        if signing.path_of(source).exists():
            _copy(signing.path_of(source), signature)
        check(aside / "version")
        if _holds(model / str(newest), digests):
            _place(signature, signing.path_of(model / str(newest)))
            return Version(newest, model / str(newest), len(digests), size)
        final = model / str(newest + 1)
        for folder, _, _ in os.walk(aside):
            _sync(folder)
        written = aside / "digests.json"
        written.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n")
        _sync(written)
        written.replace(_digests_of(final))
        _sync(model / _DIGESTS)
        _place(signature, signing.path_of(final))
        (aside / "version").rename(final)
        _sync(model)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Version(newest + 1, final, len(digests), size)


def _holds(version: pathlib.Path, digests: dict[str, str]) -> bool:
    """Whether a version is there, has these files and is unharmed."""
    try:
        verify(version)
    except IntegrityError:
        return False
    return bool(json.loads(_digests_of(version).read_text()) == digests)


def _copy(source: pathlib.Path, target: pathlib.Path) -> str:
    """Copies a file, read-only and safe on disk; the SHA-256 of what was copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fchmod(writer.fileno(), _READ_ONLY)
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _place(signature: pathlib.Path, final: pathlib.Path) -> None:
    """Moves a signature to where it belongs, before its version appears there; a model may have none."""
    if signature.exists():
        signature.replace(final)
        _sync(final.parent)


def _sweep(model: pathlib.Path) -> None:
    """Removes what killed pushes left; the lock is held, so none is at work."""
    for left in model.glob(f"{_ASIDE}*"):
        shutil.rmtree(left)


def _numbers(model: pathlib.Path) -> Iterator[int]:
    """Every version number that was ever given."""
    for path in (*model.iterdir(), *(model / _DIGESTS).iterdir()):
        if path.stem.isdecimal():
            yield int(path.stem)


def _digests_of(version: pathlib.Path) -> pathlib.Path:
    return version.parent / _DIGESTS / f"{version.name}.json"


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as reader:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(path: str | os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(model: pathlib.Path) -> Iterator[None]:
    """One push of a model at a time; the lock goes with the process."""
    with (model / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
