"""Files of a user's directory, here or on a remote storage: found without leaving it, read within bounds."""

from __future__ import annotations

import dataclasses
import fnmatch
import pathlib
import stat
from collections.abc import Iterator, Sequence

from pyarrow import fs

from components.ingestion.items import Document, Item, Reason, Rejection, checked
from schemas import storage
from schemas.errors import SourceError

_TYPES = {
    "txt": ("text", "text/plain", None),
    "md": ("text", "text/markdown", None),
    "rst": ("text", "text/x-rst", None),
    "png": ("image", "image/png", None),
    "jpg": ("image", "image/jpeg", None),
    "jpeg": ("image", "image/jpeg", None),
    "gif": ("image", "image/gif", None),
    "webp": ("image", "image/webp", None),
    "bmp": ("image", "image/bmp", None),
    "svg": ("code", "image/svg+xml", "svg"),
    "html": ("code", "text/html", "html"),
    "css": ("code", "text/css", "css"),
    "sql": ("code", "application/sql", "sql"),
    "py": ("code", "text/x-python", "python"),
    "js": ("code", "text/javascript", "javascript"),
    "ts": ("code", "text/x-typescript", "typescript"),
    "java": ("code", "text/x-java", "java"),
    "kt": ("code", "text/x-kotlin", "kotlin"),
    "scala": ("code", "text/x-scala", "scala"),
    "c": ("code", "text/x-c", "c"),
    "h": ("code", "text/x-c", "c"),
    "cc": ("code", "text/x-c++", "c++"),
    "cpp": ("code", "text/x-c++", "c++"),
    "hpp": ("code", "text/x-c++", "c++"),
    "cs": ("code", "text/x-csharp", "c#"),
    "go": ("code", "text/x-go", "go"),
    "rs": ("code", "text/x-rust", "rust"),
    "rb": ("code", "text/x-ruby", "ruby"),
    "php": ("code", "text/x-php", "php"),
    "pl": ("code", "text/x-perl", "perl"),
    "lua": ("code", "text/x-lua", "lua"),
    "swift": ("code", "text/x-swift", "swift"),
    "r": ("code", "text/x-r", "r"),
    "jl": ("code", "text/x-julia", "julia"),
    "sh": ("code", "text/x-shellscript", "shell"),
}


@dataclasses.dataclass(frozen=True)
class Found:
    """A file of a directory.

    Attributes:
        path: where it is; a URI if that is on a remote storage.
        position: its path relative to the directory, with `/`.
        status: size and modification time in ns, as text; what says whether it has changed.
    """

    path: pathlib.Path | str
    position: str
    status: str


def find(root: pathlib.Path | str, patterns: Sequence[str]) -> list[Found | Rejection]:
    """The files below a directory (a path, or the URI of a remote one) that match any glob pattern, sorted by position.

    Hidden files are left out. A link that leads out of the directory, a linked directory, and what is not a regular
    file are rejected, never opened.

    Raises:
        SourceError: the directory does not exist or cannot be read.
        StorageError: the remote storage cannot be asked.
    """
    if isinstance(root, str):
        return _find_remote(root, patterns)
    if not root.is_dir():
        raise SourceError(
            "no such directory" if not root.exists() else "not a directory",
            where=str(root),
            remedy="correct the source's path; relative paths start at the working directory",
        )
    real_root = root.resolve()
    found: dict[str, Found | Rejection] = {}
    for pattern in patterns:
        try:
            paths = list(root.glob(pattern))
        except (ValueError, NotImplementedError) as error:
            raise SourceError(
                f"bad pattern {pattern!r}: {error}", where=str(root), remedy="use a relative glob such as `**/*.txt`"
            ) from error
        for path in paths:
            relative = path.relative_to(root)
            position = relative.as_posix().encode("utf-8", "backslashreplace").decode()
            if not any(part.startswith(".") for part in relative.parts):
                entry = _examine(path, position, real_root)
                if entry is not None:
                    found[position] = entry
    return [found[position] for position in sorted(found)]


def read_directory(
    root: pathlib.Path | str, patterns: Sequence[str], *, max_file_bytes: int, license_: str | None
) -> Iterator[Item]:
    """Each file as one document, its modality by its extension, its key its position without the extension."""
    for entry in find(root, patterns):
        yield entry if isinstance(entry, Rejection) else _read_file(entry, max_file_bytes, license_)


def read_bounded(path: pathlib.Path | str, position: str, modality: str, max_bytes: int) -> bytes | Rejection:
    """A file's content, or why it is not taken; never more than `max_bytes` in memory, even if it grows.

    Raises:
        StorageError: a remote storage failed, which is no fault of the file.
    """
    try:
        size = path.stat().st_size if isinstance(path, pathlib.Path) else storage.entry(path).size_bytes
        if size > max_bytes:
            return Rejection(position, Reason.TOO_LARGE, f"{size} bytes", f"{max_bytes} bytes", modality)
        with (
            storage.reading(path),
            path.open("rb") if isinstance(path, pathlib.Path) else storage.open_stream(path) as file,
        ):
            content = file.read(max_bytes + 1)
    except SourceError as error:
        return Rejection(position, Reason.UNREADABLE, error.what, modality=modality)
    except OSError as error:
        return Rejection(position, Reason.UNREADABLE, error.strerror or str(error), modality=modality)
    if len(content) > max_bytes:
        return Rejection(position, Reason.TOO_LARGE, f"over {max_bytes} bytes", f"{max_bytes} bytes", modality)
    return content


def _find_remote(root: str, patterns: Sequence[str]) -> list[Found | Rejection]:
    if storage.kind(root) != fs.FileType.Directory:
        raise SourceError(
            "no such directory" if storage.kind(root) == fs.FileType.NotFound else "not a directory",
            where=root,
            remedy="correct the source's path",
        )
    for pattern in patterns:
        if not pattern or pattern.startswith("/"):
            raise SourceError(f"bad pattern {pattern!r}", where=root, remedy="use a relative glob such as `**/*.txt`")
    wanted = [[part for part in pattern.split("/") if part not in ("", ".")] for pattern in patterns]
    found: list[Found | Rejection] = []
    for entry in storage.listed(root, recursive=True):
        parts = entry.name.split("/")
        hidden = any(part.startswith(".") for part in parts)  # `..` in an object's key as well
        if not hidden and any(_matches(parts, pattern) for pattern in wanted):
            found.append(Found(entry.uri, entry.name, f"{entry.size_bytes} {entry.modified_ns}"))
    return found


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """As pathlib's glob: `**` is any number of directories, other parts match one each."""
    if not pattern or not parts:
        return not pattern and not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts)))
    return fnmatch.fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _examine(path: pathlib.Path, position: str, real_root: pathlib.Path) -> Found | Rejection | None:
    try:
        inside = path.resolve(strict=True).is_relative_to(real_root)
        if not inside or (path.is_symlink() and path.is_dir()):
            return Rejection(position, Reason.LINK, f"links to {path.resolve()}", "a file within the directory")
        status = path.stat()
    except (OSError, RuntimeError) as error:  # gone meanwhile, a dangling link, links in a circle
        return Rejection(position, Reason.UNREADABLE, getattr(error, "strerror", None) or str(error))
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return Rejection(position, Reason.NOT_A_FILE, stat.filemode(status.st_mode), "a regular file")
    return Found(path, position, f"{status.st_size} {status.st_mtime_ns}")


def _read_file(found: Found, max_file_bytes: int, license_: str | None) -> Item:
    suffix = pathlib.PurePosixPath(found.position).suffix
    extension = suffix.lower().removeprefix(".")
    if extension not in _TYPES:
        return Rejection(found.position, Reason.UNKNOWN_TYPE, extension or "no extension", ", ".join(_TYPES))
    modality, media_type, language = _TYPES[extension]
    content = read_bounded(found.path, found.position, modality, max_file_bytes)
    if isinstance(content, Rejection):
        return content
    return checked(
        Document(
            position=found.position,
            modality=modality,
            media_type=media_type,
            content=content,
            key=found.position.removesuffix(suffix),
            language=language,
            license=license_,
        )
    )
