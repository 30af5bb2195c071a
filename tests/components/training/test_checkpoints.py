"""A damaged checkpoint is passed over, and that is said."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest
import tensorflow as tf

from components.training.checkpoints import Checkpoints
from schemas.errors import IntegrityError


def flip(path: pathlib.Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


DAMAGES = [
    (flip, "data-00000-of-00001"),
    (truncate, "data-00000-of-00001"),
    (truncate, "index"),
    (flip, "index"),
    (pathlib.Path.unlink, "data-00000-of-00001"),
    (pathlib.Path.unlink, "index"),
]


class State:
    def __init__(self, directory: pathlib.Path):
        self.weights = tf.Variable(tf.zeros([300]))
        self.step = tf.Variable(0, dtype=tf.int64)
        self.checkpoints = Checkpoints(directory, keep=2, weights=self.weights, step=self.step)

    def reach(self, step: int) -> None:
        self.weights.assign(tf.fill([300], float(step)))
        self.step.assign(step)
        self.checkpoints.save(step)


def test_the_newest_is_taken(tmp_path: pathlib.Path) -> None:
    state = State(tmp_path)
    for step in (10, 20, 30):
        state.reach(step)
    again = State(tmp_path)
    assert again.checkpoints.restore() is None
    assert int(again.step) == 30 and float(again.weights[299]) == 30
    assert not list(tmp_path.glob("ckpt-10.*")), "older ones than wanted are kept"


def test_nothing_is_restored_where_nothing_was_saved(tmp_path: pathlib.Path) -> None:
    state = State(tmp_path / "new")
    assert state.checkpoints.restore() is None
    assert int(state.step) == 0


@pytest.mark.parametrize(("damage", "part"), DAMAGES)
def test_a_damaged_one_is_passed_over(
    tmp_path: pathlib.Path, damage: Callable[[pathlib.Path], None], part: str
) -> None:
    state = State(tmp_path)
    state.reach(10)
    state.reach(20)
    damage(tmp_path / f"ckpt-20.{part}")
    again = State(tmp_path)
    assert again.checkpoints.restore() == "ckpt-20 damaged, went on from ckpt-10"
    assert int(again.step) == 10 and set(again.weights.numpy()) == {10.0}

    again.reach(20)
    last = State(tmp_path)
    assert last.checkpoints.restore() is None, "what was saved in its place is whole"
    assert int(last.step) == 20


def test_where_all_are_damaged_that_is_said(tmp_path: pathlib.Path) -> None:
    state = State(tmp_path)
    state.reach(10)
    state.reach(20)
    for path in tmp_path.glob("ckpt-*.data*"):
        flip(path)
    with pytest.raises(IntegrityError, match="ckpt-20, ckpt-10") as caught:
        State(tmp_path).checkpoints.restore()
    assert str(tmp_path) in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"no such thing", b'model_checkpoint_path: "ckpt-5'])
def test_a_damaged_list_of_checkpoints_does_not_hide_them(tmp_path: pathlib.Path, content: bytes) -> None:
    state = State(tmp_path)
    state.reach(10)
    state.reach(20)
    (tmp_path / "checkpoint").write_bytes(content)
    again = State(tmp_path)
    again.checkpoints.restore()
    assert int(again.step) == 20
