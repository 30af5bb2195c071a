"""Processes told apart for certain: a pid alone is soon somebody else's."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator

import psutil

HOST = socket.gethostname()

MARK = "HEADRACE_RUN_DIR"
"""The variable that every process started by a run inherits: the run's folder."""


def boot_id() -> str:
    """What names this uptime of this machine."""
    try:
        return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def started(pid: int) -> str | None:
    """When a process began, in a form that stays the same as long as it lives; None if there is no such process."""
    try:
        if not psutil.LINUX:
            return repr(psutil.Process(pid).create_time())
        # Field 22, ticks since boot: exact, where a wall-clock time moves with the clock. The name in field 2 may hold
        # spaces and parentheses. A zombie has ended.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, psutil.Error):
        return None
    return None if fields[0] in "ZX" else fields[19]


def alive(pid: int, since: str) -> bool:
    """Whether the process that began then still lives on this machine."""
    return started(pid) == since


def children() -> dict[int, str]:
    """All living descendants of this process: pid and beginning."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        since = started(child.pid)
        if since is not None:
            found[child.pid] = since
    return found


def marked(run_dirs: Iterable[str]) -> dict[int, str]:
    """Living processes that one of these runs started (this process not among them): pid and beginning."""
    wanted = set(run_dirs)
    found = {}
    if wanted:
        for process in psutil.process_iter():
            # Processes of other users do not show their environment: they are none of ours.
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get(MARK) in wanted:
                    since = started(process.pid)
                    if since is not None:
                        found[process.pid] = since
    return found


def end(victims: dict[int, str], *, grace_s: float = 1.0) -> list[int]:
    """Ends processes, asked first and then forced; those that are no longer who they were are left alone.

    Args:
        victims: pid and beginning of each.
        grace_s: how long they have after they were asked.

    Returns:
        The pids that were ended.
    """
    doomed = {pid: since for pid, since in victims.items() if alive(pid, since)}
    for signum in (signal.SIGTERM, signal.SIGKILL):
        remaining = [pid for pid, since in doomed.items() if alive(pid, since)]
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)
        until = time.monotonic() + grace_s
        while any(alive(pid, doomed[pid]) for pid in remaining) and time.monotonic() < until:
            time.sleep(0.02)
    return list(doomed)


@contextlib.contextmanager
def belonging_to(run_dir: pathlib.Path) -> Iterator[None]:
    """Marks every process that is started meanwhile as one of this run, and has temporary files made in its folder."""
    changes = {MARK: str(run_dir), "TMPDIR": str(scratch_of(run_dir))}
    before = {name: os.environ.get(name) for name in changes}
    default = tempfile.tempdir
    scratch_of(run_dir).mkdir(exist_ok=True)
    os.environ.update(changes)
    tempfile.tempdir = changes["TMPDIR"]
    try:
        yield
    finally:
        tempfile.tempdir = default
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        remove_scratch(run_dir)


def scratch_of(run_dir: pathlib.Path) -> pathlib.Path:
    """Where a run's temporary files are."""
    return run_dir / "tmp"


def remove_scratch(run_dir: pathlib.Path) -> None:
    """Removes a run's temporary files."""
    shutil.rmtree(scratch_of(run_dir), ignore_errors=True)
