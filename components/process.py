"""Work that needs a process of its own: started here, watched, its progress and its errors carried back.

A node uses it where a library may abort the process, must be configured before it starts, or must meet a clean
environment. The module that runs there ends in `process.main(function)`; its job is a JSON file, its results are files.
"""

from __future__ import annotations

import ctypes
import dataclasses
import importlib
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from schemas import progress
from schemas.errors import HeadraceError

_ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a bare environment keeps: where programs and libraries are, and the mark by which a run knows its processes.
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HEADRACE_RUN_DIR")
_REPORT_EVERY_S = 0.3
_WATCH_EVERY_S = 0.5
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)\b")
_TAIL_LINES = 12

_log = logging.getLogger(__name__)


class ProcessError(HeadraceError):
    """A process of its own ended badly: it crashed, was killed or ran over its time.

    Attributes:
        said: what it wrote to stderr, line by line.
    """

    said: tuple[str, ...] = ()


def run(
    module: str,
    job: dict[str, Any],
    *,
    node: str,
    environment: dict[str, str] | None = None,
    clean: bool = False,
    time_limit_s: float | None = None,
    launcher: Sequence[str] | None = None,
) -> None:
    """Runs `python -m MODULE JOB.json` and waits.

    Args:
        module: its `main` is `process.main(function)`.
        job: what to do, plain values.
        node: whose progress the process's progress becomes.
        environment: variables to set on top.
        clean: start from a bare environment instead of this process's.
        time_limit_s: kill it after so many seconds.
        launcher: a program and its arguments that start a Python file; takes the place of `python -m`.

    Raises:
        HeadraceError: the very error that the function raised.
        ProcessError: it ended in any other way.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-job-") as folder:
        child = Child(module, job, node=node, folder=folder, environment=environment, clean=clean, launcher=launcher)
        expired = threading.Event()
        timer = threading.Timer(time_limit_s or 0, _expire, (child, expired))
        if time_limit_s is not None:
            timer.start()
        try:
            child.follow()
            child.wait()
        finally:
            timer.cancel()
            child.kill()
        child.log(module)
        failure = child.failure()
    if expired.is_set():
        raise ProcessError(f"took longer than its limit of {time_limit_s:g} s and was ended", where=module)
    if failure is not None:
        raise failure


class Child:
    """`python -m MODULE JOB.json`, started. Whoever starts it follows it, waits for it, and asks how it ended.

    The thread that starts it must outlive it: Linux ends it together with that thread.

    Args:
        module, job, environment, clean, launcher: as for `run`.
        node: whose progress the process's progress becomes.
        folder: an empty folder of its own, which outlives it.
    """

    def __init__(
        self,
        module: str,
        job: dict[str, Any],
        *,
        node: str,
        folder: str | pathlib.Path,
        environment: dict[str, str] | None = None,
        clean: bool = False,
        launcher: Sequence[str] | None = None,
    ):
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ} if clean else dict(os.environ)
        variables = kept | {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        path = pathlib.Path(folder, "job.json")
        path.write_text(json.dumps({"job": job, "node": node, "parent": os.getpid()}))
        self._module, self._node = module, node
        self._stderr = pathlib.Path(folder, "stderr")
        self._error: HeadraceError | None = None
        with self._stderr.open("w") as stderr:
            self._process = subprocess.Popen(
                [*_start(module, launcher), str(path)],
                cwd=folder,
                env=variables | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.poll()

    @property
    def error(self) -> HeadraceError | None:
        """The error that its function raised, if it has been told."""
        return self._error

    @property
    def said(self) -> tuple[str, ...]:
        """What it has written to stderr, line by line."""
        return tuple(self._stderr.read_text(errors="replace").splitlines())

    def follow(self, *, show: bool = True) -> None:
        """Carries its progress (where `show`) and its error over until it closes its end."""
        stage = None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.startswith("{"):  # a launcher's own words
                _log.info("%s", line.rstrip())
                continue
            message = json.loads(line)
            if "error" in message:
                self._error = _revive(message["error"])
            elif show:
                now = progress.Progress(**message["progress"])
                if (now.stage, now.started) != stage:
                    progress.start(self._node, now.stage, total=now.total, unit=now.unit)
                    stage = (now.stage, now.started)
                progress.update(self._node, now.done)

    def wait(self) -> None:
        """Returns when it has ended."""
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal, unless it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Ends it at once, unless it has ended, and waits for that."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def log(self, name: str) -> None:
        """Logs what it wrote to stderr, each line under a name."""
        for line in self.said:
            _log.info("%s: %s", name, line)

    def failure(self) -> HeadraceError | None:
        """Why it ended badly: the very error that its function raised, or else a `ProcessError`; None if it did not."""
        if self._error is not None or self.code == 0:
            return self._error
        assert self.code is not None
        lines = self.said
        failure = ProcessError(_cause(self.code, list(lines)), where=self._module)
        failure.said = lines
        return failure


def main(function: Callable[[dict[str, Any]], None]) -> None:
    """The whole of a module's `if __name__ == "__main__":`; does the job named on the command line and exits."""
    envelope = json.loads(pathlib.Path(sys.argv[1]).read_text())
    _die_with(envelope["parent"])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print is no answer
    stop = threading.Event()
    reporter = threading.Thread(target=_report, args=(answers, envelope["node"], stop), daemon=True)
    reporter.start()
    code = 0
    error: dict[str, str | None] | None = None
    try:
        function(envelope["job"])
    except HeadraceError as failure:
        kind = f"{type(failure).__module__}:{type(failure).__qualname__}"
        error = {"kind": kind, "what": failure.what, "where": failure.where, "remedy": failure.remedy}
        code = int(failure.exit_code)
    stop.set()
    reporter.join()
    if error is not None:
        print(json.dumps({"error": error}), file=answers, flush=True)
    sys.exit(code)


def _start(module: str, launcher: Sequence[str] | None) -> list[str]:
    if launcher is None:
        return [sys.executable, "-m", module]
    return [*launcher, str(_ROOT.joinpath(*module.split(".")).with_suffix(".py"))]


def _expire(child: Child, expired: threading.Event) -> None:
    expired.set()
    child.kill()


def _report(answers: Any, node: str, stop: threading.Event) -> None:
    last = None
    while not stop.wait(_REPORT_EVERY_S):
        now = progress.snapshot().get(node)
        if now is not None and now != last:
            print(json.dumps({"progress": dataclasses.asdict(now)}), file=answers)
            last = now


def _revive(fields: dict[str, Any]) -> HeadraceError:
    module, name = fields["kind"].split(":")
    kind: type[HeadraceError] = getattr(importlib.import_module(module), name)
    return kind(fields["what"], where=fields["where"], remedy=fields["remedy"])


def _cause(code: int, lines: list[str]) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    # The line that names the exception comes first: whoever shortens this keeps it.
    said = [line for line in lines[-_TAIL_LINES:] if line.strip()]
    last = said[-1] if said and code not in (-signal.SIGKILL, -signal.SIGTERM) else ""  # these come from without
    named = next((line for line in reversed(said) if _EXCEPTION.match(line)), last).strip()
    return f"the process {how}" + (f": {named}" if named else "") + "".join(f"\n{line}" for line in said)


def _die_with(parent: int) -> None:
    """Ends this process when the one that waits for it dies, so that no orphan goes on working."""
    if sys.platform != "linux":
        return
    if os.getppid() == parent:
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    else:  # a launcher stands between
        threading.Thread(target=_watch, args=(parent, os.getppid()), daemon=True).start()


def _watch(parent: int, launcher: int) -> None:
    while psutil.pid_exists(parent) and os.getppid() == launcher:
        time.sleep(_WATCH_EVERY_S)
    os._exit(1)
