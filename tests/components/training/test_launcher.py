"""Workers of one machine live and die together, and what a restart can mend is mended without a trace."""

from __future__ import annotations

import logging
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import pytest

from components.process import ProcessError
from components.training import launcher
from schemas import progress
from schemas.errors import IntegrityError
from tests.components.training import toy_worker

ROOT = pathlib.Path(__file__).resolve().parents[3]
RING = "tests.components.training.ring_worker"  # not imported: TensorFlow is for the workers


def run(directory: pathlib.Path, *do: str, **options: Any) -> int:
    job = {"directory": str(directory), "do": do}
    return launcher.run(toy_worker.MODULE, job, workers=len(do), node=toy_worker.NODE, **options)


def starts(directory: pathlib.Path) -> dict[str, list[int]]:
    """The process ids of each worker, one a start."""
    return {path.name: [int(pid) for pid in path.read_text().split()] for path in directory.glob("[0-9]")}


def lives(directory: pathlib.Path) -> list[int]:
    """The workers that have not ended."""
    everyone = [pid for pids in starts(directory).values() for pid in pids]
    return [pid for pid in everyone if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_listens_where_it_is_told_and_the_chief_shows_its_progress(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, "listen", "listen", "listen") == 0
    assert sorted(starts(tmp_path)) == ["0", "1", "2"]
    assert progress.snapshot()[toy_worker.NODE].stage == "worker 0"
    progress.finish(toy_worker.NODE)


@pytest.mark.parametrize("do", [("wait", "refuse"), ("die when others wait", "refuse late")])
def test_an_error_of_the_work_is_raised_and_not_tried_again(do: tuple[str, ...], tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        run(tmp_path, *do)
    assert str(caught.value) == "bean 7: spoilt\n  -> throw it away"
    assert len(starts(tmp_path)["1"]) == 1 and not lives(tmp_path)


@pytest.mark.parametrize("do", [("wait", "crash"), ("lose peer", "crash late")], ids=["first", "after the peer saw it"])
def test_a_crash_is_told_with_the_workers_number_and_not_tried_again(
    do: tuple[str, ...], tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ProcessError, match=r"worker 1: .*a bean too many"):
        run(tmp_path, *do)
    assert all(len(pids) == 1 for pids in starts(tmp_path).values())
    assert f"{toy_worker.MODULE}, worker 1: RuntimeError: a bean too many" in caplog.messages


def test_all_are_started_again_when_one_is_killed(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, "listen", "die once") == 1
    assert {worker: len(pids) for worker, pids in starts(tmp_path).items()}["1"] == 2


def test_they_are_not_started_again_for_ever(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ProcessError, match=r"worker 1: .*SIGKILL[\s\S]*started again 2 times"):
        run(tmp_path, "wait", "die", restarts=2)
    assert len(starts(tmp_path)["1"]) == 3 and not lives(tmp_path)


@pytest.mark.parametrize(("other", "grace_s", "asked"), [("wait", 20, True), ("stop", 20, True), ("be deaf", 1, False)])
def test_the_others_end_whatever_they_do(other: str, grace_s: float, asked: bool, tmp_path: pathlib.Path) -> None:
    began = time.monotonic()
    with pytest.raises(ProcessError, match=r"worker 0: .*a bean too many"):
        run(tmp_path, "crash when others wait", other, grace_s=grace_s)
    assert not lives(tmp_path)
    assert (time.monotonic() - began < grace_s) == asked


def test_a_worker_that_saves_because_another_makes_room_is_let_finish(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ProcessError, match="exit code 143: saved"):
        run(tmp_path, "make room slowly", "make room", restarts=0, grace_s=0.1)
    assert (tmp_path / "0.saved").exists()


def test_a_port_that_was_taken_meanwhile_costs_no_restart(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = launcher._free_addresses
    with socket.create_server((launcher.HOST, 0)) as taken:
        answers = iter([(f"{launcher.HOST}:{taken.getsockname()[1]}", *free(1))])
        monkeypatch.setattr(launcher, "_free_addresses", lambda count: next(answers, None) or free(count))
        assert run(tmp_path, "listen", "wait a little", restarts=0) == 0
    assert "a port was taken meanwhile; all workers start again on other ports" in caplog.messages
    assert len(starts(tmp_path)["0"]) == 2


def apart(directory: pathlib.Path, *do: str) -> subprocess.Popen[str]:
    """A launcher in a process of its own, whose workers are ready."""
    job = {"directory": str(directory), "do": do}
    program = (
        "from components.training import launcher; "
        f"launcher.run({toy_worker.MODULE!r}, {job!r}, workers={len(do)}, node={toy_worker.NODE!r})"
    )
    started = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, text=True)
    until(lambda: len(list(directory.glob("*.ready"))) == len(do))
    return started


def test_sigterm_reaches_the_workers_which_save(tmp_path: pathlib.Path) -> None:
    with apart(tmp_path, "save", "save") as waits:
        waits.send_signal(signal.SIGTERM)
        assert waits.wait(20) == 143
    assert sorted(path.name for path in tmp_path.glob("*.saved")) == ["0.saved", "1.saved"]
    assert all(len(pids) == 1 for pids in starts(tmp_path).values()) and not lives(tmp_path)


def test_no_worker_outlives_a_launcher_that_is_killed(tmp_path: pathlib.Path) -> None:
    with apart(tmp_path, "wait", "be deaf", "stop") as waits:
        assert len(lives(tmp_path)) == 3
        waits.kill()
    until(lambda: not lives(tmp_path))


def test_a_training_that_lost_workers_ends_with_the_very_weights_of_an_undisturbed_one(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """kill -9 of a worker and of the chief; a worker that stands still; one that alone is told to make room."""
    caplog.set_level(logging.INFO)
    disturb = [("SIGKILL", 1, 7), ("SIGKILL", 0, 11), ("SIGSTOP", 1, 15), ("SIGTERM", 1, 26)]
    disturbed, undisturbed = ({"directory": str(tmp_path / name), "disturb": []} for name in ("disturbed", "not"))
    trainings = [
        disturbed | {"steps": 22, "disturb": disturb[:3]},
        undisturbed | {"steps": 22},
        disturbed | {"steps": 30, "disturb": disturb[3:]},
    ]
    for training in (disturbed, undisturbed):
        pathlib.Path(training["directory"]).mkdir()
    job = {"limit_s": 3.0, "trainings": trainings}
    # The last of them ends the fourth attempt, after which there is none.
    with pytest.raises(ProcessError, match=r"exit code 143: stopped after step 26[\s\S]*started again 3 times"):
        launcher.run(RING, job, workers=2, node="Toy", restarts=3)
    progress.finish("Toy")

    ends = [record.created for record in caplog.records if "ended with" in record.getMessage()]
    for number, (name, worker, step) in enumerate(disturb):
        took_s = ends[2 * number + 1] - float((tmp_path / "disturbed" / f"{name}-{worker}-{step}").read_text())
        print(f"{name} of worker {worker}: all had ended {took_s:.1f} s later")
        assert took_s < 20
    assert [message for message in caplog.messages if "stopped after step 26" in message and "worker 1: " in message]
    assert (tmp_path / "disturbed" / "resumed").read_text().split() == ["0", "4", "8", "12", "22"]
    assert (tmp_path / "not" / "resumed").read_text().split() == ["0"]
    assert (tmp_path / "disturbed" / "0026.npz").exists()
    with np.load(tmp_path / "disturbed/0022.npz") as ours, np.load(tmp_path / "not/0022.npz") as theirs:
        for name in ("weights", "momentum"):
            np.testing.assert_array_equal(ours[name], theirs[name])
        assert np.abs(ours["weights"]).max() > 0.1
