"""The files of checkpoints: which are complete, which are damaged, and the list that TensorFlow keeps of them.

Beside a checkpoint `ckpt-STEP` of TensorFlow lies its seal `ckpt-STEP.sha256` (as `sha256sum -c` reads it), which is
renamed into place after all else has reached the disk: where it is missing, the write was cut off. TensorFlow's own
checksums leave parts of the index unwatched.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pathlib
import re
import shutil
from collections.abc import Collection
from typing import Any

import tensorflow as tf

NAME = "ckpt"
UNFINISHED = "unfinished"

_log = logging.getLogger(__name__)
_PARTS = (".data-00000-of-00001", ".index")
_SEAL = ".sha256"
_SEAL_BYTES = 1024  # a seal has two short lines
_OWN_FILE = re.compile(rf"{NAME}-([0-9]{{1,18}})(?:\..*|_temp)")
_LISTED = re.compile(rf"(?:.*/)?{NAME}-([0-9]{{1,18}})")
_CHUNK_BYTES = 1 << 20


class CheckpointFiles:
    """The checkpoints in a directory, each known by its step.

    Args:
        directory: where they are; need not be there.
    """

    def __init__(self, directory: pathlib.Path):
        self.directory = directory.absolute()

    def prefix(self, step: int) -> str:
        """The path of a checkpoint, as `tf.train` names it."""
        return str(self.directory / f"{NAME}-{step}")

    def steps(self) -> list[int]:
        """The steps of which there is any file, latest first. The list that `tf.train` keeps may itself be damaged."""
        return sorted({int(found[1]) for found in map(_OWN_FILE.fullmatch, self._names()) if found}, reverse=True)

    def complete(self, step: int) -> bool:
        """Whether all files of a checkpoint are there."""
        return all(self._path(step, suffix).exists() for suffix in (*_PARTS, _SEAL))

    def fault(self, step: int) -> str | None:
        """What is wrong with a checkpoint, naming the file; `UNFINISHED` if its write was cut off, None if it is whole."""
        seal = self._path(step, _SEAL)
        if step == self.steps()[0] and not seal.exists():
            return UNFINISHED
        try:
            with seal.open("rb") as file:
                sealed = file.read(_SEAL_BYTES).decode(errors="replace")
            lines = {suffix: _line(self._path(step, suffix)) for suffix in _PARTS}
        except OSError as error:
            return str(error)
        if sealed == "".join(lines.values()):
            return None
        differs = next((suffix for suffix, line in lines.items() if line not in sealed), _SEAL)
        return f"{self._path(step, differs).name} is not as it was written"

    def begin(self, step: int) -> None:
        """Before a checkpoint is written: one of the same step is complete no more."""
        self._path(step, _SEAL).unlink(missing_ok=True)

    def seal(self, step: int) -> None:
        """Has what was written reach the disk, and only then makes it a complete checkpoint."""
        parts = [self._path(step, suffix) for suffix in _PARTS]
        for part in parts:
            _sync(part)
        draft = self._path(step, _SEAL + ".draft")
        draft.write_text("".join(map(_line, parts)))
        _sync(draft)
        _sync(self.directory)
        draft.replace(self._path(step, _SEAL))
        _sync(self.directory)

    def drop_seals(self) -> None:
        """Removes the seals of checkpoints that `tf.train.CheckpointManager`, which knows nothing of seals, removed."""
        for step in self.steps():
            if not self._path(step, _PARTS[1]).exists():
                self._path(step, _SEAL).unlink(missing_ok=True)

    def keep_only(self, steps: Collection[int], *, listed_at_most: int) -> None:
        """Removes every other file of a checkpoint, and has TensorFlow's list name what there is.

        Args:
            steps: of complete checkpoints.
            listed_at_most: how many the manager keeps; what is older it kept for good. Used where the list is lost.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        kept = {self._path(step, suffix).name for step in steps for suffix in (*_PARTS, _SEAL)}
        # Seals go first: what is left of a removal that is cut off is then never taken for whole.
        for name in sorted(self._names(), key=lambda name: not name.endswith(_SEAL)):
            if _OWN_FILE.fullmatch(name) and name not in kept:
                path = self.directory / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if steps:
            self._list(sorted(steps), listed_at_most)
        else:
            (self.directory / "checkpoint").unlink(missing_ok=True)

    def _list(self, steps: list[int], listed_at_most: int) -> None:
        """Those kept for good are not on the list, as it would grow without end, but all are older than those on it."""
        times = {step: self._path(step, _SEAL).stat().st_mtime for step in steps}
        state = self._state()
        found = [_LISTED.fullmatch(path) for path in state.all_model_checkpoint_paths] if state else []
        listed = [int(one[1]) for one in found if one]
        if state is not None and listed and len(listed) == len(state.all_model_checkpoint_timestamps):
            times |= {
                step: time
                for step, time in zip(listed, state.all_model_checkpoint_timestamps, strict=True)
                if step in times
            }
            # One newer than all on it: the process was killed between the seal and the list.
            active = [step for step in steps if step in listed or step > max(listed)]
            last_for_good = state.last_preserved_timestamp
        else:
            active = steps[-listed_at_most:]
            older = steps[: -len(active)]
            last_for_good = times[older[-1]] if older else times[active[0]] - 1.0
        if not active:  # only such as are kept for good, and a list names one at least
            active, last_for_good = steps[-1:], times[steps[-1]]
        newest = self.prefix(steps[-1])
        if listed == active and (newest, last_for_good) == (
            state.model_checkpoint_path,
            state.last_preserved_timestamp,
        ):
            return  # as it is after most restarts; TensorFlow warns whoever writes the list, which is its manager's
        tf.compat.v1.train.update_checkpoint_state(
            str(self.directory),
            f"{NAME}-{steps[-1]}",
            all_model_checkpoint_paths=[f"{NAME}-{step}" for step in active],
            all_model_checkpoint_timestamps=[times[step] for step in active],
            last_preserved_timestamp=last_for_good,
        )

    def _state(self) -> Any:
        """A `CheckpointState`; None where there is no list, or a damaged one."""
        try:
            return tf.train.get_checkpoint_state(str(self.directory))
        except ValueError as error:
            _log.warning("damaged list of checkpoints in %s: %s", self.directory, error)
            return None

    def _path(self, step: int, suffix: str) -> pathlib.Path:
        return self.directory / f"{NAME}-{step}{suffix}"

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir()) if self.directory.is_dir() else []


def _line(path: pathlib.Path) -> str:
    """As `sha256sum` prints it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return f"{digest.hexdigest()}  {path.name}\n"


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
