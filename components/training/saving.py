"""The state of a training: saved from a thread while it goes on, restored, and refused where it is of another training.

TensorFlow's own asynchronous writing fails on the variables of Keras 3, so the state is copied in host memory first.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy.typing as npt
import tensorflow as tf

from components.training.checkpoint_files import NAME, UNFINISHED, CheckpointFiles
from schemas.errors import IntegrityError, StorageError

_log = logging.getLogger(__name__)
_FORMAT = "1"  # goes up when what a checkpoint holds is no longer read as before
_IDENTITY = "identity"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_NAMED_AT_MOST = 3


@dataclasses.dataclass(frozen=True)
class Restored:
    """What was found.

    Attributes:
        step: of the state that the variables now have; None where nothing was restored.
        note: which checkpoints were damaged or unfinished and passed over, in words; None if none was.
    """

    step: int | None
    note: str | None


class Checkpoints:
    """The last few states of a training, and one of every few hours.

    A checkpoint has the variable `a/b` as `a/b/.ATTRIBUTES/VARIABLE_VALUE` (dots in a name doubled) and the identity, as
    JSON, as `identity/.ATTRIBUTES/VARIABLE_VALUE`, so that any tool of TensorFlow can read it.

    Made outside of a strategy's scope. Of a variable that is mirrored over devices or workers the copy that is at hand is
    read, and every copy at hand is assigned: neither waits for other workers.

    Args:
        directory: where they are.
        variables: everything that is state, by a name that stays; slashes make a tree of it.
        identity: what a checkpoint must be of to be gone on from, such as architecture, configuration and seed.
        keep: how many.
        keep_every_hours: a checkpoint that is that much later than the last one so kept stays for good; None for none.
        writes: whether this process saves. Of several workers one does; the others only restore.

    Raises:
        ValueError: a name cannot be used, or the copies of a variable differ by design.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        *,
        variables: Mapping[str, tf.Variable | keras.Variable],
        identity: Mapping[str, str],
        keep: int,
        keep_every_hours: float | None,
        writes: bool = True,
    ):
        self._files = CheckpointFiles(directory)
        self._copies = {name: _copies(name, variable) for name, variable in variables.items()}
        self._identity = {**identity, "format": _FORMAT}
        self._keep, self._keep_every_hours, self._writes = keep, keep_every_hours, writes
        self._in_flight: concurrent.futures.Future[None] | None = None
        self._manager: tf.train.CheckpointManager | None = None
        _tree(self._copies)  # a worker that does not write finds a bad name as well
        if not writes:
            return
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        with tf.device("CPU:0"):
            words = tf.Variable(json.dumps(self._identity, sort_keys=True), trainable=False)
            self._shadows = {
                name: tf.Variable(tf.zeros(copies[0].shape, copies[0].dtype), trainable=False)
                for name, copies in self._copies.items()
            }
        self._checkpoint = tf.train.Checkpoint(**_tree(self._shadows), **{_IDENTITY: words})

    def save(self, step: int) -> None:
        """Copies the state and has a thread write it; waits before that for the write that is in flight, if one is.

        A checkpoint of the same step is replaced.

        Raises:
            RuntimeError: `restore` was not called before: what is in the directory must be known.
            StorageError: the write before could not be done.
        """
        if not self._writes:
            return
        if self._manager is None:
            raise RuntimeError("restore before the first save")
        self.wait()
        for name, copies in self._copies.items():
            self._shadows[name].assign(copies[0].read_value())
        self._in_flight = self._thread.submit(self._write, step)

    def wait(self) -> None:
        """Returns once nothing is in flight.

        Raises:
            StorageError: what was in flight could not be written.
        """
        future, self._in_flight = self._in_flight, None
        if future is not None:
            future.result()

    def restore(self, *, no_later_than: int | None = None) -> Restored:
        """Gives the variables the values of the newest whole checkpoint, if there is one.

        Removes then those that were passed over, damaged or unfinished, and those later than the bound.

        Args:
            no_later_than: the last step to consider; for going back to before a step that went wrong. If there is none so
                early, nothing is changed. Where several workers go back, the one that writes must have waited for its write
                before any other begins.

        Raises:
            IntegrityError: the newest whole checkpoint is of another training or has other variables, and nothing was changed;
                or there are checkpoints, and all are damaged.
            StorageError: a write in flight could not be done, or the directory cannot be written.
        """
        self.wait()
        steps = self._files.steps()
        whole, faults = self._newest_whole([step for step in steps if no_later_than is None or step <= no_later_than])
        passed_over = ", ".join(
            f"{NAME}-{step} {UNFINISHED if fault == UNFINISHED else 'damaged'}" for step, fault in faults.items()
        )
        if whole is not None:
            self._assign(self._read(whole))
        elif any(fault != UNFINISHED for fault in faults.values()):
            raise IntegrityError(
                f"no checkpoint can be read: {passed_over}",
                where=str(self._files.directory),
                remedy="remove that directory to train from the beginning",
            )
        if self._writes:
            self._settle([step for step in steps if whole is None or step <= whole])
        begun = "the beginning" if whole is None else f"{NAME}-{whole}"
        return Restored(whole, f"{passed_over}, went on from {begun}" if faults else None)

    @property
    def latest(self) -> str:
        """The path of the newest complete one (there must be one), as `tf.train` names it; waits for one in flight.

        Raises:
            StorageError: what was in flight could not be written.
        """
        self.wait()
        return self._files.prefix(next(step for step in self._files.steps() if self._files.complete(step)))

    def _newest_whole(self, steps: list[int]) -> tuple[int | None, dict[int, str]]:
        """The first whole one, and what is wrong with those before it."""
        faults: dict[int, str] = {}
        for step in steps:
            fault = self._files.fault(step)
            if fault is None:
                return step, faults
            _log.warning("%s is passed over: %s", self._files.prefix(step), fault)
            faults[step] = fault
        return None, faults

    def _read(self, step: int) -> dict[str, npt.NDArray[Any]]:
        """The values by name, of a checkpoint whose files are whole.

        Raises:
            IntegrityError: it is of another training, or has other variables.
        """
        reader = tf.train.load_checkpoint(self._files.prefix(step))
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        own = {_key(_IDENTITY), _key("save_counter")}
        kinds = {
            key.removesuffix(_VALUE): f"{types[key].name}{list(shape)}"
            for key, shape in shapes.items()
            if key.endswith(_VALUE) and key not in own
        }
        expected = {
            _key(name).removesuffix(_VALUE): f"{copies[0].dtype.name}{copies[0].shape.as_list()}"
            for name, copies in self._copies.items()
        }
        identity = json.loads(reader.get_tensor(_key(_IDENTITY))) if _key(_IDENTITY) in shapes else {}
        differences = _differences(identity, self._identity) or _differences(kinds, expected)
        if differences:
            more = f"; and {len(differences) - _NAMED_AT_MOST} more" if len(differences) > _NAMED_AT_MOST else ""
            raise IntegrityError(
                f"the checkpoint is of another training: {'; '.join(differences[:_NAMED_AT_MOST])}{more}",
                where=self._files.prefix(step),
                remedy="go back to the configuration that it was made with, or remove its directory to train from the "
                "beginning",
            )
        return {name: reader.get_tensor(_key(name)) for name in self._copies}

    def _assign(self, values: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, copies in self._copies.items():
            for copy in copies:
                copy.assign(values[name])

    def _write(self, step: int) -> None:
        assert self._manager is not None
        try:
            self._files.begin(step)
            self._checkpoint.save_counter.assign(step - 1)  # a resumed training writes the very bytes of a straight one
            # The manager lists a checkpoint, and removes the oldest, only after this callback.
            seal = tf.train.CheckpointOptions(experimental_write_callbacks=[lambda _: self._files.seal(step)])
            self._manager.save(checkpoint_number=step, options=seal)
            self._files.drop_seals()
        except (tf.errors.OpError, OSError) as error:
            raise StorageError(
                f"the state of step {step} could not be saved: {error}",
                where=str(self._files.directory),
                remedy="make room there, or make it writable, and run again: the training goes on from the checkpoint before",
            ) from error

    def _settle(self, steps: list[int]) -> None:
        """Brings the directory and the manager, which counts by its list, in line with what there is."""
        try:
            self._files.keep_only([step for step in steps if self._files.complete(step)], listed_at_most=self._keep)
        except OSError as error:
            raise StorageError(
                f"checkpoints cannot be written: {error}",
                where=str(self._files.directory),
                remedy="make the directory writable",
            ) from error
        self._manager = tf.train.CheckpointManager(
            self._checkpoint,
            str(self._files.directory),
            max_to_keep=self._keep,
            keep_checkpoint_every_n_hours=self._keep_every_hours,
            checkpoint_name=NAME,
        )


def _copies(name: str, variable: tf.Variable | keras.Variable) -> tuple[tf.Variable, ...]:
    """The copies of a variable on the devices of this process."""
    found = variable.value if isinstance(variable, keras.Variable) else variable
    if found.synchronization == tf.VariableSynchronization.ON_READ:
        raise ValueError(f"{name}: each copy of a variable that is put together when it is read has a value of its own")
    if isinstance(found, tf.distribute.DistributedValues):
        return tuple(found.distribute_strategy.experimental_local_results(found))
    return (found,)


def _tree(leaves: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in sorted(leaves):  # `a` before `a/b`
        *folders, last = parts = name.split("/")
        if not all(parts) or parts[0] == _IDENTITY or hasattr(tf.train.Checkpoint, parts[0]):
            raise ValueError(f"{name!r} cannot name a variable in a checkpoint")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise ValueError(f"{name!r} lies below the name of another variable")
        place[last] = leaves[name]
    return tree


def _key(name: str) -> str:
    return name.replace(".", "..") + _VALUE


def _differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    return [
        f"{name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    ]
