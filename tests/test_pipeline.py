"""The whole pipeline on a slice of the real data, as a user runs it: from the sources to released models."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from components.release import versions

LATER = "training.steps=60"


def outcomes(facts: dict) -> dict[str, str]:
    """What became of each node."""
    return {node["node"]: node["outcome"] for node in facts["nodes"]}


@pytest.fixture(scope="module")
def second_model(sliced, first_run) -> dict:
    """The facts of a run that trained longer."""
    return sliced.run(LATER)


def test_the_first_run_does_everything_and_releases_version_1(sliced, first_run):
    assert set(outcomes(first_run).values()) == {"ran"}
    assert len(first_run["nodes"]) == 16
    assert first_run["release"]["pushed"]
    assert first_run["release"]["version"] == 1
    versions.verify(sliced.home / "served" / "headrace" / "1")


def test_the_same_run_again_is_cached_throughout(sliced, first_run):
    again = outcomes(sliced.run())
    assert {node for node, outcome in again.items() if outcome != "cached"} <= {"LiveModel"}
    assert sorted(path.name for path in (sliced.home / "served" / "headrace").glob("[0-9]*")) == ["1", "1.sig"]


def test_what_was_rejected_is_shown_with_the_rule_s_numbers(sliced, first_run):
    rows = [json.loads(line) for line in sliced.headrace("data", "rejected").stdout.splitlines()]
    reason = rows[0]["reason"]
    shown = [json.loads(line) for line in sliced.headrace("data", "rejected", "--reason", reason).stdout.splitlines()]
    assert len(shown) == sum(row["reason"] == reason for row in rows)
    for row in shown:
        assert row["content"]
        assert row.items() >= {key: row[key] for key in ("reason", "measured", "limit", "origin")}.items()


def test_a_second_model_is_judged_against_the_live_one_and_only_what_changed_runs(sliced, first_run, second_model):
    found = outcomes(second_model)
    assert {found[node] for node in ("Ingest", "Clean", "Align", "Augment", "ExampleGen", "Transform")} == {"cached"}
    assert {found[node] for node in ("Train", "Compress", "Evaluate", "InfraValidate", "Release")} == {"ran"}
    assert second_model["release"]["version"] == 2
    report = next((sliced.home / "artifacts" / "Evaluate" / "evaluation").glob("*/report.json"))
    reports = sorted(report.parent.parent.glob("*/report.json"), key=lambda path: int(path.parent.name))
    assert not json.loads(reports[0].read_text())["has_baseline"]
    assert json.loads(reports[-1].read_text())["has_baseline"]


def test_a_served_version_that_was_damaged_is_released_anew_and_that_is_said(sliced, second_model):
    manifest = sliced.home / "served" / "headrace" / "2" / "headrace_model.json"
    manifest.chmod(0o644)
    manifest.write_text("{}")
    answer = sliced.headrace("run", "--json", LATER)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "headrace_model.json was changed" in answer.stderr
    assert json.loads(answer.stdout)["release"]["version"] == 3
    versions.verify(sliced.home / "served" / "headrace" / "3")


def test_a_model_that_misses_a_limit_is_refused_with_metric_and_slice(sliced, second_model):
    answer = sliced.headrace("run", "--json", LATER, "evaluation.max_bits_per_byte=0.5")
    assert answer.returncode == 3, answer.stderr[-2000:]
    assert "bits" in answer.stderr
    assert "0.5" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (sliced.home / "served" / "headrace" / "4").exists()


def test_an_anomaly_stops_before_training_and_names_feature_and_reason(sliced, first_run):
    curated = (sliced.directory / "curated.pbtxt").absolute()
    answer = sliced.headrace("data", "schema", "--output", str(curated))
    assert answer.returncode == 0, answer.stderr
    curated.write_text(curated.read_text().replace('name: "source"', 'name: "origin"', 1))
    answer = sliced.headrace("run", "--json", f"validation.schema_file={curated}", LATER)
    assert answer.returncode in (1, 3)
    facts = json.loads(answer.stdout)
    assert outcomes(facts)["Train"] in ("refused", "skipped")
    assert "source" in answer.stderr or "origin" in answer.stderr


def test_lineage_names_the_sources_of_a_released_model(sliced, first_run):
    answer = sliced.headrace("lineage", "show", "1")
    assert answer.returncode == 0, answer.stderr
    for source in ("openmoji", "emoji-datasource", "python"):
        assert source in answer.stdout
    assert json.loads(sliced.headrace("lineage", "show", "latest", "--json").stdout)["artifacts"]


def test_status_and_report_tell_of_the_run(sliced, first_run):
    assert json.loads(sliced.headrace("status", "--json").stdout)["run"]["run_id"]
    page = (sliced.home / "runs" / first_run["run_id"] / "report.html").read_text()
    for word in ("Transform", "bits per byte", "version 1", "openmoji"):
        assert word in page


def test_samples_can_be_looked_at(sliced, first_run):
    lines = sliced.headrace("data", "sample", "--count", "2").stdout.splitlines()
    assert len(lines) == 2
    assert {"sample_id", "text", "split"} <= set(json.loads(lines[0]))


def test_a_sample_tells_why_its_records_are_together(sliced, first_run):
    line = sliced.headrace("data", "sample", "--count", "1").stdout
    told = json.loads(sliced.headrace("data", "sample", json.loads(line)["sample_id"]).stdout)
    assert len(told["records"]) == len(told["record_ids"]) > 0
    for record, reason in zip(told["records"], told["why"], strict=False):
        assert record["origin"] in reason and record["key"] in reason
    assert any(told["split"] in reason for reason in told["why"])
    wrong = sliced.headrace("data", "sample", "nothing")
    assert wrong.returncode == 1 and "no sample" in wrong.stderr and "headrace data sample" in wrong.stderr


def test_pairs_that_may_not_belong_together_are_listed(sliced, first_run):
    answer = sliced.headrace("data", "suspects", "--split", "train", "--count", "40")
    assert answer.stderr == ""
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    heads = [row for row in rows if "suspects" in row]
    assert {head["partner"] for head in heads} == {"image", "text"}
    assert len(rows) == len(heads) + sum(head["suspects"] for head in heads)
    assert all(row["excess_nats"] >= 0 for row in rows if row not in heads)


def test_a_plain_local_dag_runner_runs_the_same_pipeline(sliced, first_run):
    program = (
        "from tfx.orchestration.local.local_dag_runner import LocalDagRunner\n"
        "from pipeline import config, dag\n"
        "LocalDagRunner().run(dag.build(config.load('headrace.yaml')))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=sliced.directory,
        env={**os.environ, "HEADRACE_HOME": str(sliced.home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
