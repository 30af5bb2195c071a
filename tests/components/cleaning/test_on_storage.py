"""Cleaning from and to HDFS and S3, with both engines: the same rows as on a disk."""

import dataclasses
import threading
import time

import apache_beam as beam
import pytest

from components.cleaning import beam_engine, plain_engine, spark
from components.cleaning.config import CleaningConfig, OwnRule, Spark
from components.cleaning.steps import Cleaning
from pipeline.dag import BEAM_ARGUMENTS
from schemas import storage, tables

NAMES = ("source", "work", "cleaned", "rejected", "index")
SLOW = OwnRule(function="tests.fixtures.slow_rule:slow", arguments={"seconds": 0.5})


def cleaning_at(root, **changes):
    return Cleaning(**{name: f"{root}/{name}" for name in NAMES}, earlier=None, config=CleaningConfig(**changes))


def digests(cleaning):
    return tables.digest(cleaning.cleaned), tables.digest(cleaning.rejected)


@pytest.fixture
def expected(tmp_path, mixed, batch_of):
    """The digests of a cleaning on a disk."""
    cleaning = cleaning_at(tmp_path / "disk")
    tables.write_shard(cleaning.source, 0, batch_of(mixed))
    plain_engine.run(cleaning.tasks(), cleaning.steps())
    return digests(cleaning)


def run_on_beam(cleaning):
    with beam.Pipeline(argv=BEAM_ARGUMENTS) as pipeline:
        beam_engine.run(pipeline, cleaning.tasks(), cleaning.steps())


def run_on_spark(cleaning):
    config = dataclasses.replace(cleaning.config, engine="spark", spark=Spark(master="local[2]"))
    spark.submit(dataclasses.replace(cleaning, config=config))


def put(cleaning, mixed, batch_of, parts=3):
    for part in range(parts):
        tables.write_shard(cleaning.source, part, batch_of(mixed[part::parts]))


@pytest.mark.parametrize("run", [run_on_beam, run_on_spark])
def test_hdfs_to_hdfs(hdfs, mixed, batch_of, expected, spark_home, run):
    cleaning = cleaning_at(f"{hdfs.uri}/clean/{run.__name__}")
    put(cleaning, mixed, batch_of)
    run(cleaning)
    assert digests(cleaning) == expected
    storage.remove(cleaning.work)
    assert storage.listed(cleaning.work) == []


def test_s3_to_s3(s3, mixed, batch_of, expected):
    cleaning = cleaning_at(f"{s3.uri}/clean")
    put(cleaning, mixed, batch_of)
    run_on_beam(cleaning)
    assert digests(cleaning) == expected


def test_a_datanode_killed_in_the_middle_loses_nothing(hdfs, mixed, batch_of, expected):
    cleaning = cleaning_at(f"{hdfs.uri}/clean/killed", rules=(SLOW,))
    put(cleaning, mixed, batch_of, parts=8)
    killed = threading.Event()

    def kill_in_the_middle():
        until = time.monotonic() + 60
        while time.monotonic() < until and not killed.is_set():
            if any("standard" in entry.name for entry in storage.listed(cleaning.work)):
                hdfs.kill_datanode(0)
                killed.set()
            time.sleep(0.05)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    try:
        run_on_beam(cleaning)
    finally:
        killer.join()
        if killed.is_set():
            hdfs.start_datanode(0)
    assert killed.is_set()
    assert digests(cleaning) == expected


def test_spark_reads_what_was_cleaned_and_writes_what_can_be(hdfs, mixed, batch_of, expected, spark):
    cleaning = cleaning_at(f"{hdfs.uri}/clean/read-by-spark")
    put(cleaning, mixed, batch_of)
    spark.read.parquet(f"{cleaning.source}/part-*.parquet").repartition(5).write.parquet(f"{hdfs.uri}/by-spark")
    rows = spark.read.parquet(f"{hdfs.uri}/by-spark")
    assert rows.count() == len(mixed)
    assert {row.record_id for row in rows.select("record_id").collect()} == {row["record_id"] for row in mixed}
