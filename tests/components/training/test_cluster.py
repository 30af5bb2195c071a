"""TF_CONFIG: what Kubeflow's training operator writes is understood, anything else is refused before it can hang."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training import cluster
from components.training.cluster import Cluster
from schemas.errors import ConfigError

CHIEF = "train-chief-0.ml.svc:2222"
WORKERS = ["train-worker-0.ml.svc:2222", "train-worker-1.ml.svc:2222"]


def read(value: Any) -> Cluster | None:
    return cluster.read({"TF_CONFIG": value if isinstance(value, str) else json.dumps(value)})


def config(jobs: dict[str, Any], kind: str = "worker", index: Any = 0, **more: Any) -> dict[str, Any]:
    return {"cluster": jobs, "task": {"type": kind, "index": index}} | more


@pytest.mark.parametrize(
    ("kind", "index", "place"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)], ids=["chief", "first", "second"]
)
def test_the_chief_comes_first_and_the_workers_after_it(kind: str, index: int, place: int) -> None:
    jobs = {"worker": WORKERS, "chief": [CHIEF], "evaluator": ["train-evaluator-0.ml.svc:2222"]}
    found = read(config(jobs, kind, index, environment="cloud"))
    assert found == Cluster(workers=(CHIEF, *WORKERS), index=place)
    assert found.is_chief == (kind == "chief")


def test_without_a_chief_the_first_worker_is_it() -> None:
    found = read(config({"worker": WORKERS}))
    assert found is not None and found.is_chief and found.workers == tuple(WORKERS)


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": " "}])
def test_where_it_is_not_set_there_is_no_cluster(environment: dict[str, str]) -> None:
    assert cluster.read(environment) is None


DEEP = "[" * 100_000
BAD: dict[str, tuple[Any, str]] = {
    "no JSON": ('{"cluster": ', "Invalid JSON"),
    "deep": (DEEP, "Invalid JSON"),
    "no UTF-8": ('{"cluster": "\udcff"}', "Invalid JSON"),
    "long": ('{"cluster": {}}' + " " * 140_000, "bytes long"),
    "a list": ("[]", "object"),
    "nothing": ({}, "cluster.*required"),
    "no task": ({"cluster": {"worker": WORKERS}}, "task.*required"),
    "unknown key": (config({"worker": WORKERS}, clutser=1), "clutser"),
    "text as index": (config({"worker": WORKERS}, index="0"), r"task\.index.*integer"),
    "true as index": (config({"worker": WORKERS}, index=True), r"task\.index.*integer"),
    "negative index": (config({"worker": WORKERS}, index=-1), r"task\.index"),
    "index too high": (config({"worker": WORKERS}, index=2), "worker 2, but the cluster has 2"),
    "chief without one": (config({"worker": WORKERS}, "chief"), "chief 0, but the cluster has 0"),
    "two chiefs": (config({"chief": WORKERS, "worker": [CHIEF]}), "more than one chief"),
    "servers": (config({"worker": WORKERS, "ps": ["ps-0:2222"]}), "parameter servers"),
    "a server": (config({"worker": WORKERS}, "ps"), "parameter servers"),
    "an evaluator": (config({"worker": WORKERS, "evaluator": [CHIEF]}, "evaluator"), "evaluator"),
    "unknown task": (config({"worker": WORKERS}, "boss"), "task type 'boss'"),
    "unknown job": (config({"master": [CHIEF], "worker": WORKERS}), "task type 'master'"),
    "sparse": ({"sparseCluster": {"worker": {"0": CHIEF}}, "task": {"type": "worker", "index": 0}}, "sparse"),
    "twice": (config({"worker": [CHIEF, WORKERS[0], CHIEF.upper()]}), f"2 tasks have the address {CHIEF}"),
    "twice over jobs": (config({"chief": [CHIEF], "worker": [CHIEF]}), "2 tasks"),
    "no port": (config({"worker": ["train-worker-0"]}), "worker 0 is 'train-worker-0'.*host:port"),
    "port 0": (config({"worker": ["a:0"]}), "1 to 65535"),
    "port 65536": (config({"worker": ["a:1", "b:65536"]}), "worker 1.*1 to 65535"),
    "port in other digits": (config({"worker": ["a:٢٢٢٢"]}), "host:port"),
    "a scheme": (config({"worker": ["grpc://a:2222"]}), "host:port"),
    "bare IPv6": (config({"worker": ["::1:2222"]}), "brackets"),
    "no IPv6": (config({"worker": ["[1::2::3]:2222"]}), "no IPv6"),
    "a line break": (config({"worker": ["a:2222\n"]}), "host:port"),
    "a long host": (config({"worker": ["a" * 300 + ":1"]}), "at most 253"),
    "addresses as text": (config({"worker": "a:1"}), r"cluster\.worker"),
}


@pytest.mark.parametrize(("value", "says"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_in_words(value: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read(value)
    assert caught.value.where == "TF_CONFIG" and caught.value.remedy
    assert len(str(caught.value)) < 600 and str(caught.value).isascii()


def test_hosts_may_be_names_and_addresses_of_both_families() -> None:
    addresses = ["127.0.0.1:1", "[::1]:65535", "a_b.c-d:2222"]
    found = read(config({"worker": addresses}))
    assert found is not None and found.workers == tuple(addresses)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 65535), min_size=1, max_size=8, unique=True), st.data())
def test_what_is_handed_on_is_read_as_the_same(ports: list[int], data: st.DataObject) -> None:
    made = Cluster(tuple(f"127.0.0.1:{port}" for port in ports), data.draw(st.integers(0, len(ports) - 1)))
    assert cluster.read(made.to_environment()) == made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cluster", "task", "worker", "type", "index", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(JSON.map(json.dumps) | st.text(st.characters()))
def test_no_value_of_it_crashes(value: str) -> None:
    try:
        found = cluster.read({"TF_CONFIG": value})
    except ConfigError:
        return
    assert found is None or 0 <= found.index < len(found.workers)


def test_reading_it_needs_no_tensorflow() -> None:
    program = (
        "import sys; from components.training import cluster, launcher, watchdog; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
