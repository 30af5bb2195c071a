"""Ours: the whole Clean stage from a table of records to tables of survivors and rejections, on one of its engines."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from pyspark.sql import SparkSession

from benchmarks import worker
from components.cleaning import beam_engine, plain_engine, spark, spark_engine
from components.cleaning.config import CleaningConfig
from components.cleaning.steps import Cleaning
from schemas import tables

Run = Callable[[Cleaning], None]


def run_clean_stage(cleaning: Cleaning, engine: str, session: SparkSession | None = None) -> None:
    """One cleaning on an engine, as the component's executor runs it, but for Spark's start."""
    if engine == "plain":
        plain_engine.run(cleaning.tasks(), cleaning.steps())
    elif engine == "beam":
        options = PipelineOptions(["--direct_running_mode=in_memory", "--direct_num_workers=1"])
        with apache_beam.Pipeline(options=options) as pipeline:
            beam_engine.run(pipeline, cleaning.tasks(), cleaning.steps())
    else:
        assert session is not None
        spark_engine.run(session, cleaning.tasks(), cleaning.steps())


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Starts the engine and cleans the table at `warm_up`; each run cleans the one at `source`."""
    pa.set_cpu_count(1)
    started = time.perf_counter()
    session = _session(arguments["cores"]) if arguments["engine"] == "spark" else None
    with _cleaning(arguments["warm_up"]) as cleaning:
        run_clean_stage(cleaning, arguments["engine"], session)
    start_up_s = time.perf_counter() - started
    count = tables.count(arguments["source"])

    def work() -> dict[str, Any]:
        with _cleaning(arguments["source"]) as cleaning:
            run_clean_stage(cleaning, arguments["engine"], session)
            kept, rejected = tables.count(cleaning.cleaned), tables.count(cleaning.rejected)
        if kept + rejected != count:
            raise RuntimeError(f"{count} records came, {kept} stayed and {rejected} were rejected")
        return {"items": count, "kept": kept, "start_up_s": start_up_s}

    return work


@contextlib.contextmanager
def _cleaning(source: str) -> Iterator[Cleaning]:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name:
        folder = pathlib.Path(name)
        for part in ("work", "cleaned", "rejected", "index"):
            (folder / part).mkdir()
        yield Cleaning(
            source=source,
            work=str(folder / "work"),
            cleaned=str(folder / "cleaned"),
            rejected=str(folder / "rejected"),
            index=str(folder / "index"),
            earlier=None,
            config=CleaningConfig(),
        )


def _session(cores: int) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]")
    for name, value in (spark.OPTIONS | spark.LOCAL_OPTIONS).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


if __name__ == "__main__":
    worker.serve(prepare)
