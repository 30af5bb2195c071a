"""Where everything goes that libraries say: into the run's logs, and not on the terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pathlib
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from pipeline.runs import RunDirectory

_NOISE = "ArtifactQuery.property_predicate is not supported"
"""TFX says so of every node and means nothing by it."""

_LIBRARY_LEVELS = {"apache_beam": logging.WARNING, "absl": logging.WARNING, "matplotlib": logging.WARNING}
"""Loggers that would fill the logs with their own debugging at INFO."""

_terminals: list[tuple[int, int]] = []
_here = threading.local()
_at_work: set[str] = set()


@contextlib.contextmanager
def redirected(path: pathlib.Path) -> Iterator[None]:
    """Sends standard output and standard error to a file, also what C++ and child processes write there.

    `terminal()` is the way around it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _flush()
    saved = os.dup(1), os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    _terminals.append(saved)
    try:
        yield
    finally:
        _flush()
        _terminals.pop()
        for copy, number in zip(saved, (1, 2), strict=True):
            os.dup2(copy, number)
            os.close(copy)


def terminal() -> TextIO:
    """Standard output as it was before anything was redirected; stays what it is, whatever is redirected later."""
    try:
        standard = sys.stdout.fileno() == 1
    except (io.UnsupportedOperation, AttributeError):
        standard = False
    if not standard:
        return sys.stdout
    return os.fdopen(os.dup(_terminals[0][0] if _terminals else 1), "w", encoding="utf-8", errors="replace")


@contextlib.contextmanager
def captured(directory: RunDirectory) -> Iterator[None]:
    """Sends all that is printed, logged or warned to the run's log, what concerns a node to the node's log as well."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in _LIBRARY_LEVELS}
    router = _Router(directory)
    with redirected(directory.log):
        root.handlers[:] = [router]
        root.setLevel(logging.INFO)
        for name, wanted in _LIBRARY_LEVELS.items():
            logging.getLogger(name).setLevel(wanted)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.handlers[:] = handlers
            root.setLevel(level)
            for name, before in levels.items():
                logging.getLogger(name).setLevel(before)
            router.close()


@contextlib.contextmanager
def node(name: str) -> Iterator[None]:
    """Has what this thread logs meanwhile go to a node's log, and what helper threads log while no other node works."""
    _here.node = name
    _at_work.add(name)
    try:
        yield
    finally:
        _at_work.discard(name)
        _here.node = None


class _Router(logging.Handler):
    def __init__(self, directory: RunDirectory):
        super().__init__()
        self._directory = directory
        self._files: dict[pathlib.Path, TextIO] = {}
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if _NOISE in str(record.msg):
            return
        try:
            name = getattr(_here, "node", None)
            if name is None and len(_at_work) == 1:
                [name] = list(_at_work)
            text = self.format(record)
            self._write(self._directory.log, f"[{name or '-'}] {text}")
            if name:
                self._write(self._directory.node_log(name), text)
        except Exception:
            self.handleError(record)

    def _write(self, path: pathlib.Path, line: str) -> None:
        if path not in self._files:
            self._files[path] = path.open("a", encoding="utf-8", errors="replace", buffering=1)
        self._files[path].write(line + "\n")

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()
        super().close()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
