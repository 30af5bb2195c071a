"""`headrace run` and `resume`: from a checked configuration to the last line that the user reads."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from typing import TYPE_CHECKING, Any

from pipeline import failures, locks, logs, runs, storage
from pipeline.console import Console
from pipeline.report import collect, facts, render, words
from schemas.config import to_json
from schemas.errors import ExitCode
from schemas.home import Home

if TYPE_CHECKING:
    from pipeline.config import Config

# Read by TensorFlow's C++ side when it is imported: errors only; and the oneDNN notice is no error of the user's.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "GRPC_VERBOSITY": "ERROR"}


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        exit_code: what the process should answer.
        facts: for `--json`.
    """

    exit_code: ExitCode
    facts: dict[str, Any]


def run(
    config: Config,
    command: runs.Command,
    *,
    from_node: str | None = None,
    only_node: str | None = None,
    console: Console | None = None,
) -> Ended:
    """Runs the pipeline that a configuration describes, or a part of it, and writes its report.

    Args:
        config: what to run.
        command: what was typed; its digest of the configuration is filled in here.
        from_node: run this node and what follows.
        only_node: run this node alone.
        console: where to draw.
    """
    home = Home.current()
    console = console or Console()
    storage.prepare(home)
    locks.refuse_if_busy(home)
    os.environ.setdefault("KERAS_HOME", str(home.root / "cache" / "keras"))  # else it writes to the user's home
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with console.busy("loading TFX and TensorFlow"), logs.redirected(home.runs / "start.log"):
        from pipeline import dag, local, partial

        pipeline = dag.build(config, home)
    options = None
    if from_node:
        options = partial.from_node(pipeline, from_node)
    elif only_node:
        options = partial.only_node(pipeline, only_node)
    command = dataclasses.replace(command, config_digest=hashlib.sha256(to_json(config).encode()).hexdigest()[:16])
    runner = local.HeadraceRunner(
        home,
        workers=config.run.workers,
        retries=config.run.retries,
        console=console,
        command=command,
        summarize=lambda result: _summary(home, result),
    )
    result: runs.RunResult = runner.run(pipeline, options)
    return Ended(result.exit_code, _facts(home, result))


def _summary(home: Home, result: runs.RunResult) -> list[str]:
    """The key figures, and where the report is."""
    page = render.write(home, result.run_id)
    told = collect.collect(home, result.run_id)
    figures = [(figure.name, f"{figure.value}  {figure.note}".rstrip()) for figure in words.figures(told)]
    rows = [*figures, ("Report", failures.relative(page))]
    width = max(len(name) for name, _ in rows)
    return [f"  {words.headline(told)}", *(f"  {name:<{width}}  {value}" for name, value in rows)]


def _facts(home: Home, result: runs.RunResult) -> dict[str, Any]:
    told = collect.collect(home, result.run_id)
    release = told.release
    return {
        "run_id": result.run_id,
        "status": result.status.value,
        "seconds": round((result.ended - result.started).total_seconds(), 3),
        "nodes": [dataclasses.asdict(node) | {"outcome": node.outcome.value} for node in result.nodes],
        "figures": {figure.name: f"{figure.value} {figure.note}".rstrip() for figure in words.figures(told)},
        "release": None if isinstance(release, facts.Missing) else dataclasses.asdict(release),
        "report": str(result.directory / render.FILE_NAME),
    }
