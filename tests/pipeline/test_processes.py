"""Only our own processes are ended, and the dead are told from the living."""

import datetime
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from lineage.store import Execution, State
from pipeline import executions, processes
from schemas.home import Home

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def child():
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def test_child_is_told_and_ended(child):
    since = processes.started(child.pid)
    assert processes.children()[child.pid] == since
    assert processes.end({child.pid: since}) == [child.pid]
    assert not processes.alive(child.pid, since)


def test_stranger_with_a_recorded_pid_is_left_alone(child):
    assert processes.end({child.pid: "1"}) == []
    assert child.poll() is None


def test_stubborn_process_is_forced():
    process = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE)
    process.stdout.readline()
    processes.end({process.pid: processes.started(process.pid)})
    assert process.wait(5) == -9


def test_processes_of_a_run_carry_its_mark(tmp_path):
    with processes.belonging_to(tmp_path):
        marked = subprocess.Popen(SLEEP)
        assert pathlib.Path(tempfile.mkdtemp()).parent == tmp_path / "tmp"
    other = subprocess.Popen(SLEEP)
    try:
        found = processes.marked([str(tmp_path)])
        assert list(found) == [marked.pid]
        assert processes.MARK not in os.environ
        assert pathlib.Path(tempfile.gettempdir()) != tmp_path / "tmp"
        assert list(tmp_path.iterdir()) == []
    finally:
        for process in (marked, other):
            process.kill()
            process.wait()


def execution(**changes):
    now = datetime.datetime.now(datetime.timezone.utc)
    mine = {
        executions.PID: os.getpid(),
        executions.HOST: processes.HOST,
        executions.BOOT: processes.boot_id(),
        executions.PROCESS_STARTED: processes.started(os.getpid()),
        executions.HEARTBEAT: now.timestamp(),
    }
    began = changes.pop("began", now)
    properties = {key: value for key, value in (mine | changes).items() if value is not None}
    return Execution(7, "T", "Train", "r", State.RUNNING, began, now, properties)


LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"process_started": "1"}, "was killed or crashed"),
        ({"pid": 4_000_000}, "was killed or crashed"),
        ({"boot_id": "another"}, "was restarted"),
        ({"host": "elsewhere"}, None),
        ({"host": "elsewhere", "heartbeat": LONG_AGO.timestamp()}, "no heartbeat from elsewhere"),
        ({"pid": None}, None),
        ({"pid": None, "began": LONG_AGO}, "names no process"),
    ],
)
def test_dead_executions_are_told_from_living_ones(changes, why):
    found = executions.why_dead(execution(**changes))

    assert (found is None) if why is None else (why in found)


def test_only_the_outputs_of_the_execution_are_removed(tmp_path):
    home = Home(tmp_path)
    for place in ("Train/model/7", "Train/model/77", "Train/.system/executor_execution/7", "Other/model/7"):
        path = home.artifacts / place
        path.mkdir(parents=True)
        (path / "x").write_text("x")

    list(executions.remove_outputs(home, "Train", 7))

    kept = sorted(str(path.relative_to(home.artifacts)) for path in home.artifacts.rglob("x"))
    assert kept == ["Other/model/7/x", "Train/model/77/x"]


def test_nothing_is_removed_where_the_node_is_unknown(tmp_path):
    home = Home(tmp_path)
    (home.artifacts / "out" / "7").mkdir(parents=True)

    assert list(executions.remove_outputs(home, "", 7)) == []
