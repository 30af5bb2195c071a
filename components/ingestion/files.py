"""Files of a user's directory: found without leaving it, read within bounds."""

from __future__ import annotations

import dataclasses
import pathlib
import stat
from collections.abc import Iterator, Sequence

from components.ingestion.items import Document, Item, Reason, Rejection, checked
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
        path: where it is.
        position: its path relative to the directory, with `/`.
        status: size and modification time in ns, as text; what says whether it has changed.
    """

    path: pathlib.Path
    position: str
    status: str


def find(root: pathlib.Path, patterns: Sequence[str]) -> list[Found | Rejection]:
    """The files below a directory that match any of the glob patterns, sorted by position.

    Hidden files are left out. A link that leads out of the directory, a linked directory, and what is not a regular
    file are rejected, never opened.

    Raises:
        SourceError: the directory does not exist or cannot be read.
    """
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
    root: pathlib.Path, patterns: Sequence[str], *, max_file_bytes: int, license_: str | None
) -> Iterator[Item]:
    """Each file as one document, its modality by its extension, its key its position without the extension."""
    for entry in find(root, patterns):
        yield entry if isinstance(entry, Rejection) else _read_file(entry, max_file_bytes, license_)


def read_bounded(path: pathlib.Path, position: str, modality: str, max_bytes: int) -> bytes | Rejection:
    """A file's content, or why it is not taken; never more than `max_bytes` in memory, even if it grows."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            return Rejection(position, Reason.TOO_LARGE, f"{size} bytes", f"{max_bytes} bytes", modality)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        return Rejection(position, Reason.UNREADABLE, error.strerror or str(error), modality=modality)
    if len(content) > max_bytes:
        return Rejection(position, Reason.TOO_LARGE, f"over {max_bytes} bytes", f"{max_bytes} bytes", modality)
    return content


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
    extension = found.path.suffix.lower().removeprefix(".")
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
            key=found.position.removesuffix(found.path.suffix),
            language=language,
            license=license_,
        )
    )
