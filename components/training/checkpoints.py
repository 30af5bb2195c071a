"""Checkpoints that a damaged file does not end: the one before is taken, and that is said."""

from __future__ import annotations

import logging
import pathlib
from typing import Any

import tensorflow as tf

from schemas.errors import IntegrityError

_log = logging.getLogger(__name__)


class Checkpoints:
    """The last few states of a training.

    Args:
        directory: where they are.
        keep: how many.
        state: what they hold: model, optimizer, step, seed; all with their variables made.
    """

    def __init__(self, directory: pathlib.Path, *, keep: int, **state: Any):
        self._checkpoint = tf.train.Checkpoint(**state)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(directory), max_to_keep=keep)

    def save(self, step: int) -> None:
        """Writes the state; the list of checkpoints names it only once it is whole."""
        self._manager.save(checkpoint_number=step)

    def restore(self) -> str | None:
        """Restores the newest whole checkpoint, or nothing where there is none.

        Returns:
            Which damaged checkpoints were passed over, in words; None if none was.

        Raises:
            IntegrityError: there are checkpoints, and all are damaged.
        """
        damaged = []
        for path in reversed(self._manager.checkpoints):
            try:
                self._checkpoint.restore(path).assert_existing_objects_matched()
            except (tf.errors.OpError, ValueError, AssertionError) as error:
                _log.warning("damaged checkpoint %s: %s", path, error)
                damaged.append(pathlib.Path(path).name)
                continue
            if not damaged:
                return None
            return f"{', '.join(damaged)} damaged, went on from {pathlib.Path(path).name}"
        if damaged:
            raise IntegrityError(
                f"no checkpoint can be read: {', '.join(damaged)}",
                where=self._manager.directory,
                remedy="remove that directory to train from the beginning",
            )
        return None

    @property
    def latest(self) -> str:
        """The path of the newest, as `tf.train` names it."""
        return str(self._manager.latest_checkpoint)
