"""The folder of a run: what was asked for, what happened, and the logs.

`HOME/runs/RUN/run.json` says what was asked for and how it ended, `events.jsonl` what happened when, `run.log` holds
everything that anybody logged, `NODE.log` what concerns one node.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import os
import pathlib
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import ExitCode
from schemas.home import Home

_RECORD, _EVENTS, _LOG = "run.json", "events.jsonl", "run.log"


class Outcome(str, enum.Enum):
    """What became of a node in a run."""

    RAN = "ran"
    CACHED = "cached"
    REUSED = "reused"
    """Taken from an earlier run, as a partial run asked."""
    FAILED = "failed"
    REFUSED = "refused"
    """A gate said no, which is not a failure."""
    SKIPPED = "skipped"


class Status(str, enum.Enum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a node failed or was refused, for a person.

    Attributes:
        what: the cause in plain words.
        where: the file, record, field or node it concerns.
        remedy: what to do about it.
        frame: the deepest line of the user's own code, `FILE:LINE in FUNCTION`, and its text.
        kind: the error's class.
    """

    what: str
    where: str | None = None
    remedy: str | None = None
    frame: str | None = None
    kind: str = ""


@dataclasses.dataclass(frozen=True)
class NodeResult:
    """What became of one node.

    Attributes:
        seconds: wall time, all attempts together.
        reason: why it ran although a cache exists, why it was skipped, or why it failed, in a few words.
        execution_id: its execution in the metadata store, if it came that far.
        log: the node's own log, if it logged.
        failure: the whole story, if it failed or was refused.
    """

    node: str
    outcome: Outcome
    seconds: float = 0.0
    attempts: int = 0
    reason: str = ""
    execution_id: int | None = None
    log: pathlib.Path | None = None
    failure: Failure | None = None


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What became of a run.

    Attributes:
        nodes: in the order of the DAG.
        directory: the run's folder.
    """

    run_id: str
    nodes: tuple[NodeResult, ...]
    started: datetime.datetime
    ended: datetime.datetime
    directory: pathlib.Path

    @property
    def status(self) -> Status:
        """A failure outweighs a refusal."""
        outcomes = {node.outcome for node in self.nodes}
        if Outcome.FAILED in outcomes:
            return Status.FAILED
        return Status.REFUSED if Outcome.REFUSED in outcomes else Status.DONE

    @property
    def exit_code(self) -> ExitCode:
        """What the process should answer."""
        codes = {Status.FAILED: ExitCode.FAILED, Status.REFUSED: ExitCode.REFUSED}
        return codes.get(self.status, ExitCode.DONE)


@dataclasses.dataclass(frozen=True)
class Command:
    """What was typed, so that `resume` can do it again.

    Attributes:
        argv: the words after `headrace`, for instance `("run", "training.steps=200")`.
        config_digest: digest of the whole configuration.
        overrides: what the command line overrode.
        resumes: the run that this one goes on with.
    """

    argv: tuple[str, ...] = ("run",)
    config_digest: str = ""
    overrides: tuple[str, ...] = ()
    resumes: str | None = None

    def __str__(self) -> str:
        return shlex.join(("headrace", *self.argv))


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """`run.json`: what was asked for and how it stands.

    Attributes:
        started: ISO time, UTC; `ended` as well, None while it runs or where it was killed.
        reason: why it was interrupted.
    """

    run_id: str
    command: Command
    status: Status
    started: str
    ended: str | None
    pid: int
    reason: str = ""


class RunDirectory:
    """The folder of one run, as its runner writes it.

    Args:
        path: `HOME/runs/RUN`, which exists.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path

    @classmethod
    def create(cls, home: Home, command: Command) -> RunDirectory:
        """A new run's folder, named by the time (and a number, should there be two in a second)."""
        now = datetime.datetime.now()
        home.runs.mkdir(parents=True, exist_ok=True)
        for attempt in range(1000):
            path = home.runs / (f"{now:%Y%m%d-%H%M%S}" + (f"-{attempt}" if attempt else ""))
            try:
                path.mkdir()
            except FileExistsError:
                continue
            break
        directory = cls(path)
        directory.write(
            RunRecord(path.name, command, Status.RUNNING, _now(), None, os.getpid()),
        )
        return directory

    @property
    def run_id(self) -> str:
        """The run's id in the metadata store."""
        return self.path.name

    @property
    def log(self) -> pathlib.Path:
        """Everything that anybody logged."""
        return self.path / _LOG

    def node_log(self, node: str) -> pathlib.Path:
        """What concerns one node."""
        return self.path / f"{node}.log"

    def write(self, record: RunRecord) -> None:
        """Writes the record, whole or not at all."""
        aside = self.path / f".{_RECORD}.tmp"
        aside.write_text(json.dumps(dataclasses.asdict(record), indent=2) + "\n")
        aside.replace(self.path / _RECORD)

    def close(self, status: Status, reason: str = "") -> None:
        """Writes how the run ended; what was written first stays."""
        record = read_record(self.path)
        if record and record.status is Status.RUNNING:
            self.write(dataclasses.replace(record, status=status, ended=_now(), reason=reason))

    def event(self, kind: str, **facts: Any) -> None:
        """Appends an event: its time, its kind and facts about it."""
        line = json.dumps({"time": _now(), "event": kind} | facts, default=str)
        with (self.path / _EVENTS).open("a") as file:
            file.write(line + "\n")


def read_record(path: pathlib.Path) -> RunRecord | None:
    """The record of a run's folder; None where there is none."""
    try:
        plain = json.loads((path / _RECORD).read_text())
        command = plain["command"]
        command |= {name: tuple(command[name]) for name in ("argv", "overrides")}
        return RunRecord(**plain | {"command": Command(**command), "status": Status(plain["status"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_events(path: pathlib.Path) -> Iterator[Mapping[str, Any]]:
    """The events of a run's folder in order; a last line that was cut off is left out.

    Kinds: `run_started` (`nodes`: id, upstream and type of each), `node_started`, `node_retried`, `node_ended` (the
    fields of `NodeResult`), `note`, `run_ended`.
    """
    try:
        lines = (path / _EVENTS).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def records(home: Home) -> list[RunRecord]:
    """The runs of a home, newest first."""
    paths = home.runs.iterdir() if home.runs.is_dir() else ()
    found = [record for record in map(read_record, paths) if record]
    return sorted(found, key=lambda record: (record.started, record.run_id), reverse=True)


def last_run(home: Home) -> RunRecord | None:
    """The last run of a home; None if nothing has run."""
    return next(iter(records(home)), None)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
