"""What was saved comes back whole or is refused, whatever happens to the process and the disk."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from components.training import checkpoint_files
from components.training.saving import Checkpoints
from schemas.errors import IntegrityError, StorageError
from tests.components.training import saving_alone

ROOT = pathlib.Path(__file__).parents[3]
PARTS = ("data-00000-of-00001", "index", "sha256")
IDENTITY = {"architecture": "gpt", "config": "5f2a", "seed": "3"}
HOUR_S = 3600


class State:
    def __init__(
        self,
        directory: pathlib.Path,
        *,
        identity: dict[str, str] = IDENTITY,
        width: int = 300,
        keep: int = 2,
        hours: float | None = None,
        writes: bool = True,
        more: dict[str, tf.Variable] | None = None,
    ):
        self.weights = tf.Variable(tf.zeros([width]))
        self.step = tf.Variable(0, dtype=tf.int64)
        self.checkpoints = Checkpoints(
            directory,
            variables={"model/block.0/weights": self.weights, "step": self.step, **(more or {})},
            identity=identity,
            keep=keep,
            keep_every_hours=hours,
            writes=writes,
        )

    def move(self, step: int) -> None:
        self.weights.assign(tf.fill(self.weights.shape, float(step)))
        self.step.assign(step)

    def reach(self, *steps: int) -> None:
        for step in steps:
            self.move(step)
            self.checkpoints.save(step)
        self.checkpoints.wait()

    def is_at(self, step: int) -> bool:
        return int(self.step) == step and set(self.weights.numpy()) == {float(step)}


@pytest.fixture
def at_20(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    state = State(tmp_path)
    state.checkpoints.restore()
    state.reach(10, 20)
    yield tmp_path


def kept(directory: pathlib.Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("ckpt-")) for path in directory.glob("ckpt-*.index"))


def names(directory: pathlib.Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def flip(path: pathlib.Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_the_newest_is_taken(tmp_path: pathlib.Path) -> None:
    state = State(tmp_path)
    assert state.checkpoints.restore().step is None
    state.reach(10, 20, 30)
    assert names(tmp_path) == {"checkpoint", *(f"ckpt-{step}.{part}" for step in (20, 30) for part in PARTS)}
    again = State(tmp_path)
    found = again.checkpoints.restore()
    assert (found.step, found.note) == (30, None) and again.is_at(30)
    assert again.checkpoints.latest == tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "ckpt-30")


def test_any_tool_of_tensorflow_reads_it(at_20: pathlib.Path) -> None:
    reader = tf.train.load_checkpoint(str(at_20 / "ckpt-20"))
    assert reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE") == 20
    assert reader.get_tensor("model/block..0/weights/.ATTRIBUTES/VARIABLE_VALUE")[299] == 20
    assert b'"seed": "3"' in reader.get_tensor("identity/.ATTRIBUTES/VARIABLE_VALUE")
    told = subprocess.run(["sha256sum", "-c", "ckpt-20.sha256"], cwd=at_20, capture_output=True, text=True, check=True)
    assert told.stdout.count(": OK") == 2


def test_the_bytes_depend_on_the_state_alone(at_20: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("resumed")
    for steps in ((10,), (20,)):
        state = State(elsewhere)
        state.checkpoints.restore()
        state.reach(*steps)
    assert (elsewhere / "ckpt-20.sha256").read_text() == (at_20 / "ckpt-20.sha256").read_text()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", ["lost", "cut", "emptied", "grown"])
def test_a_damaged_one_is_passed_over(
    at_20: pathlib.Path, damage: str, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = at_20 / f"ckpt-20.{part}"
    data = path.read_bytes()
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes({"cut": data[:-7], "emptied": b"", "grown": data + b"\0"}[damage])
    again = State(at_20)
    found = again.checkpoints.restore()
    wrong = "unfinished" if (damage, part) == ("lost", "sha256") else "damaged"
    assert (found.step, found.note) == (10, f"ckpt-20 {wrong}, went on from ckpt-10") and again.is_at(10)
    assert str(at_20 / "ckpt-20") in caplog.text
    assert names(at_20) == {"checkpoint", *(f"ckpt-10.{part}" for part in PARTS)}
    again.reach(20)
    last = State(at_20)
    assert last.checkpoints.restore().note is None and last.is_at(20), "what was saved in its place is whole"


def test_a_flipped_bit_is_found_wherever_it_is(at_20: pathlib.Path) -> None:
    files = checkpoint_files.CheckpointFiles(at_20)
    assert files.fault(20) is None
    for part in PARTS[:2]:
        path = at_20 / f"ckpt-20.{part}"
        for at in range(0, path.stat().st_size, 13):
            flip(path, at)
            assert files.fault(20) == f"ckpt-20.{part} is not as it was written", at
            flip(path, at)
    seal = at_20 / "ckpt-20.sha256"
    for at in range(seal.stat().st_size):
        flip(seal, at)
        assert files.fault(20) is not None, at
        flip(seal, at)


def test_where_all_are_damaged_that_is_said_and_nothing_is_removed(at_20: pathlib.Path) -> None:
    for path in at_20.glob("ckpt-*.data*"):
        flip(path, 100)
    before = names(at_20)
    with pytest.raises(IntegrityError, match="ckpt-20 damaged, ckpt-10 damaged") as caught:
        State(at_20).checkpoints.restore()
    assert str(at_20) in str(caught.value) and caught.value.remedy
    assert names(at_20) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identity": IDENTITY | {"seed": "4"}}, "seed is 3 there and 4 here"),
        ({"identity": IDENTITY | {"architecture": "moe"}}, "architecture is gpt there and moe here"),
        ({"identity": {"architecture": "gpt", "seed": "3"}}, "config is 5f2a there and missing here"),
        ({"width": 299}, "model/block..0/weights is float32[300] there and float32[299] here"),
        ({"more": {"scale": tf.Variable(1.0)}}, "scale is missing there and float32[] here"),
    ],
)
def test_another_training_is_refused_in_words_and_nothing_is_touched(
    at_20: pathlib.Path, change: dict, words: str
) -> None:
    flip(at_20 / "ckpt-20.index", 3)  # the one before is of the other training as well
    before = names(at_20)
    state = State(at_20, **change)
    with pytest.raises(IntegrityError) as caught:
        state.checkpoints.restore()
    assert words in caught.value.what and caught.value.where == str(at_20 / "ckpt-10") and caught.value.remedy
    assert state.is_at(0) and names(at_20) == before
    assert State(at_20).checkpoints.restore().step == 10


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no such thing", b'model_checkpoint_path: "ckpt-5'])
def test_a_damaged_list_neither_hides_checkpoints_nor_lets_them_pile_up(at_20: pathlib.Path, content: bytes) -> None:
    (at_20 / "checkpoint").write_bytes(content)
    again = State(at_20)
    assert again.checkpoints.restore().step == 20 and again.is_at(20)
    again.reach(30, 40)
    assert kept(at_20) == [30, 40]


def test_one_of_every_few_hours_stays_also_after_restarts(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.time()
    for hour, damage in enumerate([None, None, None, b"", None, None, None, None]):
        monkeypatch.setattr(time, "time", lambda hour=hour: began + hour * HOUR_S)
        state = State(tmp_path, hours=3)
        state.checkpoints.restore()
        state.reach(hour)
        for path in tmp_path.glob(f"ckpt-{hour}.*"):
            os.utime(path, (began + hour * HOUR_S,) * 2)
        if damage is not None:
            (tmp_path / "checkpoint").write_bytes(damage)
    # Hour 3 would have stayed; the list was lost after it, and counts again from the oldest that was there, of hour 2.
    assert kept(tmp_path) == [5, 6, 7]


def test_those_kept_for_good_survive_the_loss_of_the_list(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.time()
    for hour in range(8):
        monkeypatch.setattr(time, "time", lambda hour=hour: began + hour * HOUR_S)
        state = State(tmp_path, hours=3)
        state.checkpoints.restore()
        state.reach(hour)
        for path in tmp_path.glob(f"ckpt-{hour}.*"):
            os.utime(path, (began + hour * HOUR_S,) * 2)
        if hour == 6:
            assert kept(tmp_path) == [3, 5, 6]
            (tmp_path / "checkpoint").unlink()
    assert kept(tmp_path) == [3, 6, 7]


def test_going_back_takes_the_newest_before_and_forgets_what_came_after(tmp_path: pathlib.Path) -> None:
    state = State(tmp_path, keep=4)
    state.checkpoints.restore()
    state.reach(10, 20, 30, 40)
    assert state.checkpoints.restore(no_later_than=5).step is None and kept(tmp_path) == [10, 20, 30, 40]
    assert state.is_at(40)
    flip(tmp_path / "ckpt-30.index", 3)
    found = state.checkpoints.restore(no_later_than=39)
    assert (found.step, found.note) == (20, "ckpt-30 damaged, went on from ckpt-20") and state.is_at(20)
    assert kept(tmp_path) == [10, 20]
    state.reach(25, 35)
    assert kept(tmp_path) == [10, 20, 25, 35], "those that are gone count no more"


class Held:
    """The disk takes nothing until it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.let, self.reached = threading.Event(), threading.Event()
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        self.reached.set()
        assert self.let.wait(20)


def test_training_goes_on_while_the_state_is_written(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    state.checkpoints.restore()
    disk = Held(monkeypatch)
    state.move(10)
    state.checkpoints.save(10)
    assert disk.reached.wait(20)
    state.move(11)
    state.weights.scatter_update(tf.IndexedSlices([5.0], [0]))
    disk.let.set()
    state.checkpoints.wait()
    again = State(tmp_path)
    assert again.checkpoints.restore().step == 10 and again.is_at(10)


def test_a_second_save_waits_for_the_first(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    state.checkpoints.restore()
    disk = Held(monkeypatch)
    state.checkpoints.save(10)
    assert disk.reached.wait(20)
    second = threading.Thread(target=state.checkpoints.save, args=(20,))
    second.start()
    second.join(0.5)
    assert second.is_alive() and kept(tmp_path) == [10]
    disk.let.set()
    second.join(20)
    state.checkpoints.wait()
    assert kept(tmp_path) == [10, 20]


@pytest.mark.parametrize("then", ["wait", "save", "restore", "latest"])
def test_a_write_that_failed_is_told_at_the_next_call(
    at_20: pathlib.Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    state = State(at_20)
    state.checkpoints.restore()
    monkeypatch.setattr(os, "fsync", full)
    state.checkpoints.save(30)
    calls: dict[str, Callable[[], object]] = {
        "wait": state.checkpoints.wait,
        "save": lambda: state.checkpoints.save(40),
        "restore": state.checkpoints.restore,
        "latest": lambda: state.checkpoints.latest,
    }
    with pytest.raises(StorageError, match=r"step 30.*No space left") as caught:
        calls[then]()
    assert caught.value.where == str(at_20) and caught.value.remedy
    monkeypatch.undo()
    again = State(at_20)
    assert again.checkpoints.restore().note == "ckpt-30 unfinished, went on from ckpt-20" and again.is_at(20)


def test_what_is_complete_is_on_the_disk(at_20: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    sync, replace = os.fsync, pathlib.Path.replace

    def noted_sync(descriptor: int) -> None:
        seen.append(pathlib.Path(f"/proc/self/fd/{descriptor}").resolve().name)
        sync(descriptor)

    def noted_replace(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
        seen.append(f"-> {target.name}")
        assert kept(at_20) == [10, 20, 30], "none is removed before the new one is complete"
        assert tf.train.latest_checkpoint(at_20).endswith("ckpt-20"), "none is listed before it is complete"
        return replace(path, target)

    state = State(at_20)
    state.checkpoints.restore()
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(pathlib.Path, "replace", noted_replace)
    state.reach(30)
    assert seen == [
        "ckpt-30.data-00000-of-00001",
        "ckpt-30.index",
        "ckpt-30.sha256.draft",
        at_20.name,
        "-> ckpt-30.sha256",
        at_20.name,
    ]


def test_a_first_save_that_was_cut_off_is_no_reason_to_give_up(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ckpt-10_temp").mkdir()
    (tmp_path / "ckpt-10_temp" / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"torn")
    state = State(tmp_path)
    found = state.checkpoints.restore()
    assert (found.step, found.note) == (None, "ckpt-10 unfinished, went on from the beginning")
    assert names(tmp_path) == set()


def test_a_worker_that_does_not_write_only_reads(at_20: pathlib.Path) -> None:
    (at_20 / "ckpt-20.index").unlink()
    before = names(at_20)
    worker = State(at_20, writes=False)
    assert worker.checkpoints.restore().step == 10 and worker.is_at(10)
    worker.reach(20)
    assert names(at_20) == before


def test_nothing_is_added_to_a_directory_that_was_not_looked_at(at_20: pathlib.Path) -> None:
    with pytest.raises(RuntimeError, match="restore"):
        State(at_20).checkpoints.save(30)


@pytest.mark.parametrize("name", ["identity", "save_counter", "restore/weights", "step/weights", "a//b", ""])
def test_a_name_that_would_hide_another_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        State(tmp_path, more={name: tf.Variable(0.0)})


def writing(directory: pathlib.Path) -> bool:
    return any(name.endswith("_temp") for name in names(directory))


def sealing(directory: pathlib.Path) -> bool:
    return any(not (directory / f"ckpt-{step}.sha256").exists() for step in kept(directory))


def test_killed_while_it_writes_the_last_complete_one_is_whole(tmp_path: pathlib.Path) -> None:
    reached = 0
    for moment in (writing, sealing):
        (tmp_path / "begun").unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, "-m", saving_alone.MODULE, "forever", str(tmp_path)], cwd=ROOT)
        until = time.monotonic() + 60
        while not ((tmp_path / "begun").exists() and moment(tmp_path)):
            assert child.poll() is None and time.monotonic() < until, "it did not go on from what was left"
            time.sleep(0.002)
        child.kill()
        child.wait()
        variables, checkpoints = saving_alone.made(tmp_path)
        found = checkpoints.restore()
        assert found.step is not None and found.step > reached and saving_alone.holds(variables, found.step)
        assert found.note in (None, f"ckpt-{found.step + 1} unfinished, went on from ckpt-{found.step}")
        reached = found.step


def test_every_mirrored_copy_gets_the_value(tmp_path: pathlib.Path) -> None:
    subprocess.run([sys.executable, "-m", saving_alone.MODULE, "mirrored", str(tmp_path)], cwd=ROOT, check=True)
    reader = tf.train.load_checkpoint(str(tmp_path / "ckpt-7"))
    np.testing.assert_array_equal(reader.get_tensor("model/weights/.ATTRIBUTES/VARIABLE_VALUE"), [0, 1, 2])
