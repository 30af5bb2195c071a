"""Checkpoints that a damaged file does not end: the one before is taken, and that is said."""

from __future__ import annotations

import logging
import pathlib
from typing import Any

import tensorflow as tf

from schemas.errors import IntegrityError

_log = logging.getLogger(__name__)
_NAME = "ckpt"


class Checkpoints:
    """The last few states of a training.

    Args:
        directory: where they are.
        keep: how many.
        state: what they hold: model, optimizer, step, seed; all with their variables made.
    """

    def __init__(self, directory: pathlib.Path, *, keep: int, **state: Any):
        self._directory = directory
        _forget_damaged_list(directory)
        self._checkpoint = tf.train.Checkpoint(**state)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(directory), max_to_keep=keep, checkpoint_name=_NAME
        )

    def save(self, step: int) -> None:
        """Writes the state; its index, without which it is none, comes last and is renamed into place."""
        self._manager.save(checkpoint_number=step)

    def restore(self) -> str | None:
        """Restores the newest whole checkpoint, or nothing where there is none.

        Returns:
            Which damaged checkpoints were passed over, in words; None if none was.

        Raises:
            IntegrityError: there are checkpoints, and all are damaged.
        """
        damaged: list[str] = []
        whole = None
        for step in self._steps():
            path = str(self._directory / f"{_NAME}-{step}")
            try:
                self._checkpoint.restore(path).assert_existing_objects_matched()
            except (tf.errors.OpError, IndexError, RuntimeError, ValueError, AssertionError) as error:
                _log.warning("damaged checkpoint %s: %s", path, error)
                damaged.append(f"{_NAME}-{step}")
                continue
            whole = f"{_NAME}-{step}"
            break
        if damaged and whole is None:
            raise IntegrityError(
                f"no checkpoint can be read: {', '.join(damaged)}",
                where=str(self._directory),
                remedy="remove that directory to train from the beginning",
            )
        for name in damaged:
            for part in self._directory.glob(f"{name}.*"):
                part.unlink()
        return f"{', '.join(damaged)} damaged, went on from {whole}" if damaged else None

    @property
    def latest(self) -> str:
        """The path of the newest, as `tf.train` names it."""
        return str(self._directory / f"{_NAME}-{self._steps()[0]}")

    def _steps(self) -> list[int]:
        """The steps of which there are files, latest first. The list that `tf.train` keeps may itself be damaged."""
        numbers = {path.name.removeprefix(f"{_NAME}-").split(".")[0] for path in self._directory.glob(f"{_NAME}-*.*")}
        return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)


def _forget_damaged_list(directory: pathlib.Path) -> None:
    try:
        tf.train.get_checkpoint_state(str(directory))
    except ValueError as error:
        _log.warning("damaged list of checkpoints: %s", error)
        (directory / "checkpoint").unlink()
