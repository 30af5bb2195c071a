"""Files by URI, through Arrow's file systems: local, HDFS, S3 and Google Cloud Storage.

A path is a path; a URI names its storage by its scheme. Credentials, endpoints and regions come from the environment,
never from a URI or a configuration. What is written appears whole or not at all: on a disk and on HDFS it is written
aside and renamed, on an object store it is an upload that counts once it is complete. What goes to a remote storage is
first written to a temporary file here (TMPDIR), so that an upload can be repeated and half of one can never be taken
for the whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import errno
import functools
import io
import logging
import os
import pathlib
import re
import shutil
import stat
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import IO, Union, cast

import pyarrow as pa
from pyarrow import fs

from schemas import hdfs
from schemas.errors import ConfigError, HeadraceError, SourceError, StorageError

Location = Union[str, os.PathLike]  # noqa: UP007
"""A path, or a URI as a string. An `os.PathLike` is always a path: it cannot hold a URI's two slashes."""

SCHEMES = ("file", "hdfs", "s3", "s3a", "gs")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(/?)([^/]*)(.*)", re.DOTALL)
_HDFS_ERROR = re.compile(
    r"(RPCError|InvalidRPCResponse|DataTransferError|ChecksumError|IOError|InternalError|OperationFailed|BlocksNotFound|"
    r"InvalidPath|InvalidArgument|AlreadyExists|IsADirectoryError|SASLError|GSSAPIError|NoSASLMechanism|\w*Unsupported\w*|"
    r"\w*ErasureCoding\w*|UrlParseError|XMLParseError)\b"
)
"""What hdfs-native's RuntimeErrors begin with."""
_UPLOAD_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_CONNECT_TIMEOUT_S, _REQUEST_TIMEOUT_S, _RETRY_LIMIT_S = 5, 60, 30
_ENVIRONMENT = {
    "hdfs": ("HADOOP_USER_NAME", "HADOOP_CONF_DIR", "HADOOP_HOME", "KRB5CCNAME"),
    "s3": (
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
    ),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"),
}
"""By scheme, the variables that decide which server is spoken to and as whom."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something lies.

    Attributes:
        uri: as it was given; what messages name.
        filesystem: Arrow's.
        path: within the file system.
    """

    uri: str
    filesystem: fs.FileSystem
    path: str


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file.

    Attributes:
        name: its path relative to the directory that was listed, with `/`.
        uri: where it is.
        size_bytes: its size.
        modified_ns: when it was modified, since 1970; 0 where the storage does not say.
    """

    name: str
    uri: str
    size_bytes: int
    modified_ns: int


def at(uri: Location) -> Place:
    """The file system of a path or URI, connected, and the path in it.

    Raises:
        ConfigError: the URI cannot be understood, has a scheme that is not supported, or holds credentials.
        StorageError: its server cannot be reached.
    """
    path = local(uri)
    if path is not None:
        return Place(str(uri), fs.LocalFileSystem(), str(path))
    scheme, authority, rest = _split(str(uri))
    scheme = "s3" if scheme == "s3a" else scheme
    values = tuple(os.environ.get(name) for name in _ENVIRONMENT[scheme])
    # A connection does not survive a fork, and another user or endpoint is another connection.
    with failing(uri):
        filesystem = _connected(scheme, authority, values, os.getpid())
    return Place(str(uri), filesystem, rest or "/" if scheme == "hdfs" else (authority + rest).rstrip("/"))


def local(uri: Location) -> pathlib.Path | None:
    """The path, if it is one or a `file://` URI; None if it names a remote storage.

    Raises:
        ConfigError: as `at`.
    """
    if not isinstance(uri, str):
        return pathlib.Path(uri)
    if _URI.fullmatch(uri) is None:
        return pathlib.Path(uri)
    scheme, authority, rest = _split(uri)
    if scheme != "file":
        return None
    if authority not in ("", "localhost"):
        raise ConfigError("a file:// URI names no host", where=uri, remedy="write file:///absolute/path")
    return pathlib.Path(urllib.parse.unquote(rest))


def location(uri: str) -> pathlib.Path | str:
    """A configured path as a path, `~` expanded, or the remote URI as it is.

    Raises:
        ConfigError: as `at`.
    """
    path = local(uri)
    return uri if path is None else path.expanduser()


def join(directory: Location, name: str) -> str:
    """A name below a directory, which is a path or a URI."""
    return f"{os.fspath(directory).rstrip('/')}/{name}"


def kind(uri: Location) -> fs.FileType:
    """Whether it is a file, a directory, or not there.

    Raises:
        StorageError: the storage cannot be asked.
    """
    place = at(uri)
    with failing(uri):
        return place.filesystem.get_file_info(place.path).type


def entry(uri: Location) -> Entry:
    """A file by itself, under its own name.

    Raises:
        SourceError: there is no such file.
        StorageError: the storage cannot be asked.
    """
    path = local(uri)
    if path is not None:
        with failing(uri):
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("not a file", where=str(uri), remedy="correct the path")
        return Entry(path.name, str(path), status.st_size, status.st_mtime_ns)
    place = at(uri)
    with failing(uri):
        info = place.filesystem.get_file_info(place.path)
    if info.type != fs.FileType.File:
        raise SourceError("no such file", where=str(uri), remedy="correct the path")
    return Entry(place.path.rpartition("/")[2], place.uri, info.size, info.mtime_ns or 0)


def listed(directory: Location, *, recursive: bool = False) -> list[Entry]:
    """The files in a directory, or below it, sorted by name; none if it is not there.

    Raises:
        StorageError: the storage cannot be asked.
    """
    place = at(directory)
    selector = fs.FileSelector(place.path, allow_not_found=True, recursive=recursive)
    with failing(directory):
        found = place.filesystem.get_file_info(selector)
    entries = []
    for info in found:
        if info.type == fs.FileType.File:
            name = info.path[len(place.path.rstrip("/")) + 1 :]
            entries.append(Entry(name, join(directory, name), info.size, info.mtime_ns or 0))
    return sorted(entries, key=lambda entry: entry.name)


def open_input(uri: Location) -> pa.NativeFile:
    """A file, opened for reading at any position.

    Raises:
        SourceError: there is no such file.
        StorageError: it may not be read, or its server cannot be reached.
    """
    place = at(uri)
    with failing(uri):
        return place.filesystem.open_input_file(place.path)


def open_stream(uri: Location) -> IO[bytes]:
    """A file, opened for reading from its start, as Python's files are; errors as `open_input`."""
    path = local(uri)
    if path is not None:
        return path.open("rb")
    return cast(IO[bytes], io.BufferedReader(open_input(uri), 1 << 20))


@contextlib.contextmanager
def written_whole(uri: Location) -> Iterator[pathlib.Path]:
    """A path to write to. What is there when the block ends becomes the file at the URI, at once; nothing if it fails.

    Directories above it are made. A file that is there already is replaced.

    Raises:
        StorageError: the disk is full, or it cannot be written to there.
    """
    target = local(uri)
    if target is not None:
        with failing(target.parent, "write"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as aside:
                yield pathlib.Path(aside, target.name)
                pathlib.Path(aside, target.name).replace(target)
        return
    place = at(uri)
    with tempfile.TemporaryDirectory(prefix="headrace-") as aside:
        path = pathlib.Path(aside, "whole")
        with failing(aside, "write"):
            yield path
        _upload(path, place)


def sweep(directory: Location) -> None:
    """Removes what interrupted writing left aside in a directory; for whoever alone writes there."""
    path = local(directory)
    if path is not None:
        for left in path.glob(".part-*"):
            with contextlib.suppress(OSError):
                for file in left.iterdir():
                    file.unlink()
                left.rmdir()
        return
    place = at(directory)
    for entry in listed(directory):
        if entry.name.startswith(".part-"):
            with failing(entry.uri):
                place.filesystem.delete_file(f"{place.path.rstrip('/')}/{entry.name}")


def remove(directory: Location) -> None:
    """Removes a directory with all that is in it, if it is there.

    Raises:
        StorageError: it cannot be removed.
    """
    path = local(directory)
    if path is not None:
        with failing(directory, "remove"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)
        return
    place = at(directory)
    with failing(directory, "remove"):
        if place.filesystem.get_file_info(place.path).type != fs.FileType.NotFound:
            place.filesystem.delete_dir(place.path)


@contextlib.contextmanager
def reading(uri: Location) -> Iterator[None]:
    """Tells a remote storage that fails in the block from bytes that are wrong, whose exceptions pass as they are.

    Raises:
        SourceError: the file is gone.
        StorageError: the storage failed.
    """
    try:
        yield
    except (OSError, RuntimeError, pa.ArrowException) as error:
        if local(uri) is None and (_cause(error) is not _Cause.OTHER or _is_remote(error)):
            raise explained(error, uri) from error
        raise


@contextlib.contextmanager
def failing(uri: Location, doing: str = "read") -> Iterator[None]:
    """Says a storage's failures in the block in plain words, as `explained`."""
    try:
        yield
    except HeadraceError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise explained(error, uri, doing) from error
    except RuntimeError as error:
        if not _is_remote(error):
            raise
        raise explained(error, uri, doing) from error


def explained(error: BaseException, uri: Location, doing: str = "read") -> HeadraceError:
    """What went wrong at a URI, and what to do."""
    where, said = os.fspath(uri), _said(error)
    cause = _cause(error)
    if cause is _Cause.MISSING and doing == "read":
        return SourceError("no such file or directory", where=where, remedy="correct the path")
    if cause is _Cause.SAFE_MODE:
        return StorageError(
            "the NameNode is in safe mode, in which nothing can be written",
            where=where,
            remedy="`hdfs dfsadmin -safemode get` shows it; wait until it has left it, "
            "or have an administrator run `hdfs dfsadmin -safemode leave`",
        )
    remedy = {
        _Cause.MISSING: "create the bucket or directory, or correct the path",
        _Cause.DENIED: "fix permissions, or run as who may (HADOOP_USER_NAME or a Kerberos ticket for hdfs://, AWS_* "
        "variables or a profile for s3://, GOOGLE_APPLICATION_CREDENTIALS for gs://)",
        _Cause.FULL: "free space or fix permissions",
        _Cause.UNREACHABLE: "check the host and port, and that the server runs (HADOOP_CONF_DIR for a name service, "
        "AWS_ENDPOINT_URL for an S3 server that is not Amazon's)",
        _Cause.OTHER: "free space or fix permissions"
        if local(uri) is not None
        else "look at the server, then run again",
    }[cause]
    prefix = {_Cause.DENIED: "permission denied: ", _Cause.UNREACHABLE: "cannot be reached: "}.get(cause, "")
    return StorageError(f"cannot {doing}: {prefix}{said}", where=where, remedy=remedy)


class _Cause(enum.Enum):
    MISSING = enum.auto()
    DENIED = enum.auto()
    SAFE_MODE = enum.auto()
    FULL = enum.auto()
    UNREACHABLE = enum.auto()
    OTHER = enum.auto()


_SIGNS = {
    _Cause.SAFE_MODE: r"SafeModeException|in safe mode",
    _Cause.DENIED: r"AccessControlException|ACCESS_DENIED|Access Denied|InvalidAccessKeyId|INVALID_ACCESS_KEY_ID|"
    r"SIGNATURE|HTTP status 40[13]|PERMISSION_DENIED|UNAUTHENTICATED|No user exists|Unable to (read|load) credentials",
    _Cause.MISSING: r"NO_SUCH_BUCKET|NO_SUCH_KEY|No such file or directory|os error 2\)",
    _Cause.FULL: r"QuotaExceeded|could only be written to 0 of|No space left on device|File too large",
    _Cause.UNREACHABLE: r"NETWORK_CONNECTION|REQUEST_TIMEOUT|Connection (refused|reset)|failed to lookup address|"
    r"No NameNode hosts|All DataNodes failed|RPC listener disconnected|curlCode|UNAVAILABLE|DEADLINE_EXCEEDED|os error 11[0-3]\)",
}
_NUMBERS = {
    errno.EACCES: _Cause.DENIED,
    errno.EPERM: _Cause.DENIED,
    errno.EROFS: _Cause.DENIED,
    errno.ENOENT: _Cause.MISSING,
    errno.ENOSPC: _Cause.FULL,
    errno.EDQUOT: _Cause.FULL,
    errno.EFBIG: _Cause.FULL,
}


def _cause(error: BaseException) -> _Cause:
    number = getattr(error, "errno", None)
    if number in _NUMBERS:
        return _NUMBERS[number]
    for kind_, base in (
        (_Cause.MISSING, FileNotFoundError),
        (_Cause.DENIED, PermissionError),
        (_Cause.UNREACHABLE, (ConnectionError, TimeoutError)),
    ):
        if isinstance(error, base):
            return kind_
    text = str(error)
    return next((cause for cause, sign in _SIGNS.items() if re.search(sign, text)), _Cause.OTHER)


def _said(error: BaseException) -> str:
    """The first line of what an exception says, without the class names and stack traces of a remote server."""
    text = getattr(error, "strerror", None) or str(error)
    remote = re.match(r'(?:RPCError\("[^"]*", |[A-Z]\w+\()"(.*)', text, re.DOTALL)
    line = re.split(r'\\n|\n|\\t|: \[DatanodeInfoProto|"\)$', remote[1] if remote else text)[0].replace('\\"', '"')
    return line if len(line) <= 300 else f"{line[:300]}..."


def _is_remote(error: BaseException) -> bool:
    """Whether only a remote storage says this."""
    text = str(error)
    return "AWS Error" in text or "google::cloud" in text or _HDFS_ERROR.match(text) is not None


def _split(uri: str) -> tuple[str, str, str]:
    match = _URI.fullmatch(uri)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SCHEMES:
        raise ConfigError(
            f"the scheme {scheme} is not supported",
            where=_masked(uri),
            remedy=f"use a path, or a URI with one of {', '.join(f'{name}://' for name in SCHEMES)}",
        )
    if not match[2]:
        raise ConfigError("a URI has two slashes after its scheme", where=uri, remedy=f"write {scheme}://...")
    if "@" in match[3]:
        raise ConfigError(
            "a URI must not hold a user or a password",
            where=_masked(uri),
            remedy="put credentials into the environment; docs/storage.md names the variables",
        )
    if scheme in ("s3", "s3a", "gs") and not match[3]:
        raise ConfigError("names no bucket", where=uri, remedy=f"write {scheme}://BUCKET/PATH")
    return scheme, match[3], match[4]


def _masked(uri: str) -> str:
    return re.sub(r"//[^/]*@", "//***@", uri)


@functools.lru_cache(maxsize=32)
def _connected(scheme: str, authority: str, values: tuple[str | None, ...], process: int) -> fs.FileSystem:
    environment = dict(zip(_ENVIRONMENT[scheme], values, strict=True))
    if scheme == "hdfs":
        return hdfs.connect(authority)
    if scheme == "gs":
        emulator = environment["STORAGE_EMULATOR_HOST"]
        options = {}
        if emulator:
            parts = urllib.parse.urlsplit(emulator if "//" in emulator else f"http://{emulator}")
            options = {"anonymous": True, "scheme": parts.scheme, "endpoint_override": parts.netloc}
        return fs.GcsFileSystem(retry_time_limit=datetime.timedelta(seconds=_RETRY_LIMIT_S), **options)
    endpoint = environment["AWS_ENDPOINT_URL_S3"] or environment["AWS_ENDPOINT_URL"]
    region = environment["AWS_REGION"] or environment["AWS_DEFAULT_REGION"]
    options = {}
    if endpoint:
        parts = urllib.parse.urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
        options = {"scheme": parts.scheme, "endpoint_override": parts.netloc}
    return fs.S3FileSystem(
        region=region or ("us-east-1" if endpoint else fs.resolve_s3_region(authority)),
        connect_timeout=_CONNECT_TIMEOUT_S,
        request_timeout=_REQUEST_TIMEOUT_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
        **options,
    )


def _upload(path: pathlib.Path, place: Place) -> None:
    for pause_s in (*_UPLOAD_PAUSES_S, None):
        try:
            _upload_once(path, place)
            return
        except (OSError, RuntimeError, pa.ArrowException) as error:
            if pause_s is None or _cause(error) not in (_Cause.UNREACHABLE, _Cause.OTHER):
                raise explained(error, place.uri, "write") from error
            logging.warning("%s: %s; writing it again in %s s", place.uri, _said(error), pause_s)
            time.sleep(pause_s)


def _upload_once(path: pathlib.Path, place: Place) -> None:
    aside = place.path
    if renames := isinstance(place.filesystem, fs.PyFileSystem):  # HDFS; a stream to an object store is all or nothing
        directory, _, name = place.path.rpartition("/")
        place.filesystem.create_dir(directory or "/", recursive=True)
        aside = f"{directory}/.part-{name}-{uuid.uuid4().hex}"
    try:
        fs.copy_files(str(path), aside, source_filesystem=fs.LocalFileSystem(), destination_filesystem=place.filesystem)
        if renames:
            place.filesystem.move(aside, place.path)
    except BaseException:
        if renames:
            with contextlib.suppress(OSError, RuntimeError):
                place.filesystem.delete_file(aside)
        raise
