"""Work in a process of its own: progress and errors come back, crashes are named, nothing outlives who waits."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from components import process
from schemas import progress
from schemas.errors import IntegrityError

NODE = "Toy"
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE = "tests.components.test_process"


def work(job: dict[str, Any]) -> None:
    """What the tests have done in a process of its own."""
    print("library noise on stdout", flush=True)
    if job["do"] == "count":
        progress.start(NODE, "counting", total=10, unit="beans")
        for _ in range(10):
            progress.advance(NODE)
            time.sleep(0.1)
        pathlib.Path(job["to"]).write_text(" ".join(sorted(os.environ)))
    elif job["do"] == "refuse":
        raise IntegrityError("spoilt", where="bean 7", remedy="throw it away")
    elif job["do"] == "crash":
        raise RuntimeError("a bean too many")
    elif job["do"] == "abort":
        os.abort()
    elif job["do"] == "sleep":
        pathlib.Path(job["to"]).write_text(str(os.getpid()))
        time.sleep(60)


def test_progress_comes_back_and_libraries_may_print(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(progress, "update", lambda node, done: seen.append((node, done)))
    process.run(MODULE, {"do": "count", "to": str(tmp_path / "out")}, node=NODE)
    assert seen and all(node == NODE for node, _ in seen)
    assert seen == sorted(seen)
    assert progress.snapshot()[NODE].stage == "counting" and progress.snapshot()[NODE].unit == "beans"
    progress.finish(NODE)


def test_the_very_error_comes_back(tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        process.run(MODULE, {"do": "refuse"}, node=NODE)
    assert str(caught.value) == "bean 7: spoilt\n  -> throw it away"


@pytest.mark.parametrize(("do", "says"), [("crash", "a bean too many"), ("abort", "SIGABRT")])
def test_a_crash_is_named_with_its_last_words(do: str, says: str) -> None:
    with pytest.raises(process.ProcessError, match=says):
        process.run(MODULE, {"do": do}, node=NODE)


def test_over_its_time_it_is_ended(tmp_path: pathlib.Path) -> None:
    started = time.monotonic()
    with pytest.raises(process.ProcessError, match="limit of 1 s"):
        process.run(MODULE, {"do": "sleep", "to": str(tmp_path / "pid")}, node=NODE, time_limit_s=1)
    assert time.monotonic() - started < 20
    assert not _lives(tmp_path / "pid")


def test_a_clean_process_inherits_next_to_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    process.run(MODULE, {"do": "count", "to": str(tmp_path / "out")}, node=NODE, clean=True)
    assert not {"SECRET_OF_THE_SHELL", "PYTHONSTARTUP"} & set((tmp_path / "out").read_text().split())


def test_it_dies_with_whoever_waits_for_it(tmp_path: pathlib.Path) -> None:
    pid = tmp_path / "pid"
    program = (
        f"from components import process; process.run({MODULE!r}, {{'do': 'sleep', 'to': {str(pid)!r}}}, node='Toy')"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as waits:
        _until(lambda: pid.exists() and pid.read_text())
        waits.kill()
    _until(lambda: not _lives(pid))


def _lives(pid: pathlib.Path) -> bool:
    try:
        return psutil.Process(int(pid.read_text())).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


if __name__ == "__main__":
    process.main(work)
