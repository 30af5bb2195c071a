"""Runs that are killed, stopped or refused, each in a process of its own."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from lineage import store
from pipeline import locks, processes, runs, status
from pipeline.executions import INTERRUPTED
from schemas.errors import BusyError

ROOT = pathlib.Path(__file__).resolve().parents[2]


def nodes(tmp_path, seconds=100):
    """A ends at once, then B works for long beside a child process."""
    return {
        "A": {},
        "B": {"needs": ["A"], "does": {"sleep": seconds} | ({"child": str(tmp_path / "child")} if seconds else {})},
        "C": {"needs": ["B"]},
    }


def child_of(tmp_path):
    path = tmp_path / "child"
    return int(path.read_text()) if path.exists() and path.read_text() else None


def outputs(home, node):
    return [path for path in pathlib.Path(home.artifacts, node).rglob("*") if path.is_file()]


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, text=True, stdout=subprocess.PIPE, **options
    )


def test_kill_leaves_a_state_that_is_told_tidied_and_gone_on_from(home, tmp_path, started, run, eventually):
    process = started(nodes(tmp_path))
    child = eventually(lambda: child_of(tmp_path))
    since = processes.started(child)
    during = eventually(lambda: (s := status.status(home)).nodes and s.nodes[1].state == "running" and s)
    assert during.busy.pid == process.pid
    assert during.nodes[1].heartbeat_s < 10
    assert during.go_on is None

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert processes.alive(child, since)
    assert outputs(home, "B")
    found = status.status(home)

    assert [(node.node, node.state) for node in found.nodes] == [("A", "ran"), ("B", "interrupted"), ("C", "not run")]
    assert f"process {process.pid} was killed or crashed" in found.nodes[1].reason
    assert not processes.alive(child, since)
    assert not outputs(home, "B")
    assert not list(home.runs.glob("*/tmp"))
    assert found.run.status is runs.Status.INTERRUPTED
    assert found.go_on == f"headrace --home {home.root} resume"
    states = {e.node: (e.state.value, e.properties.get(INTERRUPTED)) for e in store.connect(home).recent_executions(10)}
    assert states == {"A": ("complete", None), "B": ("failed", 1)}
    text = status.render(found)
    assert f"ended       process {child}" in text
    assert text.endswith(f"go on with  {found.go_on}\n")
    assert status.status(home).found == ()
    assert run(nodes(tmp_path, 0)).outcomes == {"A": "cached", "B": "ran", "C": "ran"}


def test_next_run_tidies_up_after_a_kill_as_well(home, tmp_path, started, run, eventually):
    process = started(nodes(tmp_path))
    child = eventually(lambda: child_of(tmp_path))
    since = processes.started(child)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    seen = run({"A": {}})

    assert seen.outcomes == {"A": "cached"}
    assert "B of run" in seen.text and "had been interrupted" in seen.text
    assert not processes.alive(child, since)
    assert not outputs(home, "B")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_stops_at_once_and_the_same_command_goes_on(home, tmp_path, started, run, eventually, number):
    process = started(nodes(tmp_path))
    child = eventually(lambda: child_of(tmp_path))
    since = processes.started(child)
    asked = time.monotonic()
    if number == signal.SIGINT:
        os.kill(child, number)  # a terminal signals the whole group, in whatever order
        time.sleep(0.02)
        os.kill(process.pid, number)
    else:
        os.kill(process.pid, number)
    output, _ = process.communicate(timeout=20)

    assert process.returncode == 130
    assert time.monotonic() - asked < 3
    assert not processes.alive(child, since)
    assert not outputs(home, "B")
    assert not list(home.runs.glob("*/tmp"))
    assert locks.holder(home) is None
    last = output.strip().splitlines()[-2:]
    assert re.match(r"interrupted by (Ctrl-C|SIGTERM) while at work: B; what was done stays done", last[0])
    assert last[1].endswith(" resume")
    assert "failed" not in output and "Traceback" not in output
    found = status.status(home)
    assert [(node.node, node.state) for node in found.nodes][:2] == [("A", "ran"), ("B", "interrupted")]
    assert found.found == ()
    assert run(nodes(tmp_path, 0)).outcomes == {"A": "cached", "B": "ran", "C": "ran"}


def test_console_of_a_real_process_is_quiet_and_plain(home, started):
    process = started({"A": {}})
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    shown = output[output.index("run 2") :]
    assert "says this on stdout" not in shown
    assert "\x1b" not in shown
    [folder] = home.runs.iterdir()
    assert "A says this on stdout" in (folder / "run.log").read_text()


HOLD = """
import pathlib, sys, time
from pipeline import locks
from schemas.home import Home
with locks.HomeLock(Home(pathlib.Path(sys.argv[1])), ("headrace", "run", "training.steps=2")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(home):
    home.root.mkdir()
    process = python(HOLD, home.root)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_second_run_on_the_same_home_is_refused_in_words(home, held, run):
    with pytest.raises(BusyError) as caught:
        run({"A": {}})

    assert f"process {held.pid} on {processes.HOST} since " in str(caught.value)
    assert "headrace run training.steps=2" in str(caught.value)
    assert "wait for it" in caught.value.remedy
    assert not home.runs.exists()


def test_lock_goes_with_its_process(home, held):
    assert locks.holder(home).pid == held.pid
    with pytest.raises(BusyError):
        locks.refuse_if_busy(home)

    held.kill()
    held.wait()

    assert locks.holder(home) is None
    with locks.HomeLock(home, ("headrace", "run")):
        assert locks.holder(home).pid == os.getpid()
    assert locks.holder(home) is None


def test_lock_is_still_held_after_its_holder_was_asked_for(home):
    home.root.mkdir()
    with locks.HomeLock(home, ("headrace", "run")):
        locks.holder(home)
        code = (
            "import pathlib, sys; from pipeline import locks; from schemas.home import Home; "
            "print(locks.holder(Home(pathlib.Path(sys.argv[1]))).pid)"
        )
        assert python(code, home.root).communicate()[0] == f"{os.getpid()}\n"


def test_status_needs_neither_tfx_nor_time(home, run):
    run({"A": {}})
    code = (
        "import pathlib, sys, time; from pipeline import status; from schemas.home import Home; "
        "print(status.render(status.status(Home(pathlib.Path(sys.argv[1]))))); "
        "print('loaded', [name for name in ('tfx', 'tensorflow', 'apache_beam') if name in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        output, _ = python(code, home.root).communicate()
        seconds.append(time.monotonic() - began)

    assert "ran         A" in output
    assert "loaded []" in output
    assert min(seconds) < 1.5  # 0.35 s on idle cores


def test_status_of_an_empty_home_says_where_to_start(home):
    assert "start with  headrace run" in status.render(status.status(home))
