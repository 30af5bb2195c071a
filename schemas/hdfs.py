"""HDFS as one of Arrow's file systems, by hdfs-native: Hadoop's protocol in Rust, without Java.

Configuration comes from HADOOP_CONF_DIR, the user from HADOOP_USER_NAME or a Kerberos ticket.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import hdfs_native
import pyarrow as pa
from pyarrow import fs

T = TypeVar("T")

_BOUNDS = {
    "dfs.client.failover.max.attempts": "4",
    "dfs.client.failover.sleep.base.millis": "250",
    "dfs.client.failover.sleep.max.millis": "1000",
}
"""hdfs-native's own bounds keep a caller of a dead NameNode for three minutes; these for three seconds."""
_CONNECT_S = 15.0


def connect(authority: str) -> fs.FileSystem:
    """The file system of a NameNode (`HOST:PORT`), of a name service, or (empty) the configured default.

    Raises:
        OSError: the NameNode cannot be reached.
        RuntimeError: it refuses, or the name service is not configured.
    """
    client = hdfs_native.Client(f"hdfs://{authority}" if authority else None, _BOUNDS)
    _within(_CONNECT_S, lambda: client.get_file_info("/"))
    return fs.PyFileSystem(_Handler(client, authority))


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Calls in a thread that is given up when time is over: the client knows no limit to connecting."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except (OSError, RuntimeError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    return results[0]


class _Handler(fs.FileSystemHandler):
    def __init__(self, client: hdfs_native.Client, authority: str):
        self._client = client
        self._authority = authority

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handler) and self._authority == other._authority

    def __hash__(self) -> int:
        return hash(self._authority)

    def get_type_name(self) -> str:
        return "hdfs"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        try:
            found = list(self._client.list_status(selector.base_dir, selector.recursive))
        except FileNotFoundError:
            if selector.allow_not_found:
                return []
            raise
        base = selector.base_dir.rstrip("/")
        return [_converted(status) for status in found if status.path.rstrip("/") != base]

    def create_dir(self, path: str, recursive: bool) -> None:
        self._client.mkdirs(path, create_parent=recursive)

    def delete_dir(self, path: str) -> None:
        self._delete(path, recursive=True)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        selector = fs.FileSelector(path, allow_not_found=missing_dir_ok)
        for info in self.get_file_info_selector(selector):
            self._delete(info.path, recursive=True)

    def delete_root_dir_contents(self) -> None:
        raise PermissionError("the contents of / are not deleted")

    def delete_file(self, path: str) -> None:
        self._delete(path, recursive=False)

    def move(self, src: str, dest: str) -> None:
        self._client.rename(src, dest, overwrite=True)

    def copy_file(self, src: str, dest: str) -> None:
        fs.copy_files(src, dest, source_filesystem=fs.PyFileSystem(self), destination_filesystem=fs.PyFileSystem(self))

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.open_input_file(path)

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(self._client.read(path), mode="r")

    def open_output_stream(self, path: str, metadata: object) -> pa.NativeFile:
        return pa.PythonFile(self._client.create(path, hdfs_native.WriteOptions(overwrite=True)), mode="w")

    def open_append_stream(self, path: str, metadata: object) -> pa.NativeFile:
        return pa.PythonFile(self._client.append(path), mode="w")

    def _info(self, path: str) -> fs.FileInfo:
        try:
            return _converted(self._client.get_file_info(path))
        except FileNotFoundError:
            return fs.FileInfo(path, fs.FileType.NotFound)

    def _delete(self, path: str, *, recursive: bool) -> None:
        if not self._client.delete(path, recursive):
            raise FileNotFoundError(path)


def _converted(status: hdfs_native.FileStatus) -> fs.FileInfo:
    if status.isdir:
        return fs.FileInfo(status.path, fs.FileType.Directory)
    return fs.FileInfo(status.path, fs.FileType.File, size=status.length, mtime_ns=status.modification_time * 1_000_000)
