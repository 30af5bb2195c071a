"""Cleaning through `spark-submit`, on this machine and on a real cluster."""

import dataclasses
import inspect
import sys
import threading
import time

import pytest

from components.cleaning import plain_engine, spark
from components.cleaning.config import CleaningConfig, OwnRule, Spark
from components.cleaning.steps import Cleaning
from schemas import tables
from schemas.errors import ConfigError, IntegrityError
from tests.fixtures import slow_rule

SLOW = OwnRule(function="tests.fixtures.slow_rule:slow", arguments={"seconds": 1.0})


@pytest.fixture
def cleaning(tmp_path, mixed, batch_of):
    """A cleaning of the mixed records in eight parts, not yet done."""
    for part in range(8):
        tables.write_shard(tmp_path / "source", part, batch_of(mixed[part::8]))
    names = ("source", "work", "cleaned", "rejected", "index")
    return Cleaning(**{name: str(tmp_path / name) for name in names}, earlier=None, config=CleaningConfig())


def bytes_of(cleaning):
    return [path.read_bytes() for place in (cleaning.cleaned, cleaning.rejected) for path in tables.shards(place)]


def plainly(cleaning, tmp_path):
    """What the same records give without Spark."""
    places = {name: str(tmp_path / "plainly" / name) for name in ("work", "cleaned", "rejected", "index")}
    other = dataclasses.replace(cleaning, config=CleaningConfig(), **places)
    plain_engine.run(other.tasks(), other.steps())
    return bytes_of(other)


def on(master, cleaning, **changes):
    config = CleaningConfig(engine="spark", spark=Spark(master=master), **changes)
    return dataclasses.replace(cleaning, config=config)


def test_a_cluster_gives_the_same_though_a_worker_is_killed_in_the_middle(cluster, cleaning, tmp_path):
    job = on(cluster.master, cleaning, rules=(SLOW,))
    killed = threading.Event()

    def kill_in_the_middle():
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if len(list((tmp_path / "work").glob("standard-*.arrow"))) >= 2:
                cluster.kill_worker()
                killed.set()
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    spark.submit(job)
    killer.join()
    assert killed.is_set()
    assert cluster.executors() >= 2
    assert bytes_of(job) == plainly(cleaning, tmp_path)


def test_the_error_of_a_step_is_the_job_s_error(spark_home, cleaning):
    shard = tables.shards(cleaning.source)[3]
    content = bytearray(shard.read_bytes())
    content[100:400] = bytes(300)
    shard.write_bytes(content)
    with pytest.raises(IntegrityError, match=shard.name) as error:
        spark.submit(on("local[2]", cleaning))
    assert error.value.remedy


def test_without_java_the_remedy_is_said(cleaning, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="needs Java"):
        spark.submit(on("local[2]", cleaning))


def test_without_pyspark_the_remedy_is_said(cleaning, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ConfigError, match="not installed"):
        spark.submit(on("local[2]", cleaning))


def test_a_rule_in_the_working_directory_is_found_by_the_workers(spark_home, cleaning, tmp_path, monkeypatch):
    (tmp_path / "rules_of_a_project.py").write_text(inspect.getsource(slow_rule))
    monkeypatch.chdir(tmp_path)
    spark.submit(
        on("local[1]", cleaning, rules=(OwnRule(function="rules_of_a_project:slow", arguments={"seconds": 0}),))
    )
    assert bytes_of(cleaning) == plainly(cleaning, tmp_path)
