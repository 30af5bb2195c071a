"""Whether files are still those that were written: one digest over a tree of files.

It is about bytes on one disk, between writing and reading them again. The digests that are compared across runs and
engines are canonical ones (`artifact.properties["digest"]`), which know what the bytes mean.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Mapping

DIGEST, FILES, BYTES = "tree_digest", "tree_files", "tree_bytes"
"""The custom properties of an artifact that hold its seal."""

_CHUNK_BYTES = 1 << 20
_THREADS = min(4, os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True)
class Seal:
    """What a tree of files was when it was written.

    Attributes:
        digest: see `tree_digest`.
        files: how many files.
        bytes: how long they are together.
    """

    digest: str
    files: int
    bytes: int

    @classmethod
    def of_properties(cls, properties: Mapping[str, object]) -> Seal | None:
        """The seal in an artifact's properties; None where it was never sealed."""
        digest, files, size = (properties.get(name) for name in (DIGEST, FILES, BYTES))
        if not (isinstance(digest, str) and isinstance(files, int) and isinstance(size, int)):
            return None
        return cls(digest, files, size)


def local_path(uri: str) -> pathlib.Path | None:
    """Where a URI is on this disk; None for what lies elsewhere."""
    path = uri.removeprefix("file://")
    return None if "://" in path else pathlib.Path(path)


def tree_digest(path: str | os.PathLike[str]) -> str:
    """The digest of a file, or of all files below a directory: blake2b over their sorted relative paths and contents.

    Times, permissions and empty directories do not count; links count as what they point to.

    Raises:
        FileNotFoundError: there is nothing.
    """
    return seal(path).digest


def seal(path: str | os.PathLike[str]) -> Seal:
    """The seal of a file or of all files below a directory.

    Raises:
        FileNotFoundError: there is nothing.
    """
    root = pathlib.Path(path)
    if not root.exists():
        raise FileNotFoundError(str(root))
    found = [root] if root.is_file() else sorted(file for file in root.rglob("*") if file.is_file())
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        contents = list(pool.map(_content, found))
    whole = hashlib.blake2b(digest_size=16)
    for file, (size, content) in zip(found, contents, strict=True):
        whole.update(f"{file.relative_to(root).as_posix()}\0{size}\0".encode("utf-8", "surrogateescape") + content)
    return Seal(whole.hexdigest(), len(found), sum(size for size, _ in contents))


def damage(path: str | os.PathLike[str], sealed: Seal) -> str | None:
    """What is wrong with a tree of files, in words; None if it is what was written."""
    try:
        now = seal(path)
    except FileNotFoundError:
        return "its files are gone"
    except OSError as error:
        return f"its files cannot be read: {error.strerror}"
    if now.digest == sealed.digest:
        return None
    if now.files != sealed.files:
        return f"{sealed.files} files were written, {now.files} are there"
    if now.bytes != sealed.bytes:
        return f"{sealed.bytes:,} bytes were written, {now.bytes:,} are there"
    return "its contents are not those that were written"


def _content(path: pathlib.Path) -> tuple[int, bytes]:
    size = 0
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.digest()
