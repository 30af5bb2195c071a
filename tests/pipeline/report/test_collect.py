"""From a home to its report: what is read, and what is said of what is not there."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys

import pytest
from ml_metadata.proto import metadata_store_pb2

from pipeline.report import collect, facts, render
from pipeline.runs import Outcome, Status
from schemas.errors import StorageError
from schemas.home import Home
from tests.pipeline.report import made_up, made_up_home


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made_up_home.whole(tmp_path_factory.mktemp("whole") / "home")


@pytest.fixture(scope="module")
def collected(whole) -> facts.Facts:
    return collect.collect(whole.home, whole.run.run_id)


def test_the_run_is_read_from_its_folder(collected, whole):
    run = collected.run
    assert run.status is Status.DONE
    assert run.command == "headrace run training.steps=9"
    assert run.config_digest == "c0ffee"
    assert [node.id for node in run.nodes] == list(made_up.UPSTREAM)
    nodes = {node.id: node for node in run.nodes}
    assert nodes["Train"].upstream == made_up.UPSTREAM["Train"]
    assert nodes["Train"].outcome is Outcome.RAN
    assert nodes["Tokenize"].outcome is Outcome.CACHED
    assert nodes["Train"].log == "Train.log"
    assert run.logs[0] == "run.log" and "Train.log" in run.logs
    assert run.versions["tfx"] != "absent"


def test_the_funnel_counts_what_the_nodes_reported(collected):
    funnel = collected.funnel
    assert [(stage.name, stage.count) for stage in funnel.stages] == [
        ("Ingest", 90), ("Clean", 85), ("Align", 41), ("Augment", 44), ("ExampleGen", 44),
    ]  # fmt: skip
    assert funnel.ingested.at("openmoji", "code") == 50
    assert funnel.ingested.total == 90
    assert [(row.stage, row.reason, row.records) for row in funnel.rejections] == [
        ("cleaning", "exact_duplicate", 3), ("cleaning", "empty", 2), ("ingestion", "not_utf8", 2),
    ]  # fmt: skip
    assert [(counts.unit, counts.rows) for counts in funnel.cleaning.counts] == [
        ("clusters", (("2 to 3", 4), ("8 to 15", 1))),
        ("records", (("python -> openmoji", 4),)),
        ("values", (("email", 2),)),
        ("texts", (("en", 30), ("und", 8))),
    ]
    assert [(row.when, row.median) for row in funnel.cleaning.lengths] == [("before", 88), ("after", 90)]
    assert [(row.reason, row.origin) for row in funnel.cleaning.examples] == [("empty", "mine/a.txt")]
    facts, doubtful, alone, meant, unsure, regions, copies = funnel.tables
    assert facts.caption == "notes joined to log by time" and ("pairs", "320") in facts.rows
    assert ("its clock is ahead by", "4.1998 s ± 0.001 s at 2026-01-01T00:00:00+00:00") in facts.rows
    assert doubtful.rows == (("l1", "n1", "0.002 s", "n2", "0.003 s"),)
    assert "82 have no partner" in alone.caption and alone.rows[0][:2] == ("notes", "n7")
    assert ("pairs", "40, of which 1.2 are wrong by their scores") in meant.rows
    assert unsure.rows == (("c1", "d1", "0.810"), ("c2", "d2 or d3", ""))
    assert regions.rows == (("kept", "9"), ("outside", "1"))
    assert copies.rows == (("image", "3"), ("none, code: nothing to vary", "5"))
    assert funnel.samples.columns == ("train", "eval", "test")
    assert funnel.samples.of_column("train") == 29


def test_the_gallery_mixes_sources_and_splits_and_shows_a_pair(collected):
    gallery = collected.gallery
    assert len(gallery.samples) == 12
    assert {sample.source for sample in gallery.samples} == {"emoji", "python", "mine"}
    assert {sample.split for sample in gallery.samples} == {"train", "eval", "test"}
    original, copy = gallery.pair
    assert copy.split == "train, augmented"
    assert original.sample_id == f"{0:032x}"
    assert original.text == copy.text


def test_the_training_is_told_with_its_curve(collected):
    training = collected.training
    assert (training.final, training.unigram, training.trigram) == (1.4366, 4.871, 2.263)
    assert training.image_effect == made_up.training().image_effect
    assert training.resumed_from == 300 and training.padding == 0.062
    assert training.notes == ("checkpoint 400 was damaged, gone on from 300",)
    assert training.held_out == tuple((step, 2.0) for step in range(100, 901, 100))
    assert 400 <= len(training.train) <= 500
    assert training.train[-1] == (900, 2.0 + 1 / 900)


def test_judgements_and_lineage_are_those_of_the_run(collected):
    assert collected.compression == made_up.compressed()
    assert collected.evaluation == made_up.evaluated()
    assert collected.serving == made_up.served()
    assert collected.release == made_up.released()
    for shown in ("PushedModel", "Model", "Samples", "Records"):
        assert shown in collected.lineage.tree


def test_the_report_opens_offline(whole, open_page):
    path = render.write(whole.home, whole.run.run_id)
    assert path == whole.home.runs / whole.run.run_id / "report.html"
    assert path.stat().st_size < 1_500_000
    opened = open_page(path)
    assert opened.complaints == []
    assert {address.partition(":")[0] for address in opened.requests} <= {"file", "data"}
    assert "Released headrace version 3" in opened.page.locator("h1").inner_text()
    assert "not a PNG" in opened.text("Samples")
    assert [path.name for path in path.parent.glob(".*")] == []


def test_what_did_not_run_says_why(tmp_path):
    home = made_up_home.failed(tmp_path / "home")
    found = collect.collect(home.home, home.run.run_id)
    assert found.run.status is Status.FAILED
    assert [node.id for node in found.run.failures] == ["Train"]
    assert found.training == facts.Missing("Train failed")
    assert found.evaluation == facts.Missing("Evaluate was skipped, because of Train")
    assert found.lineage == facts.Missing("Train failed")
    assert isinstance(found.funnel, facts.Funnel)


def test_a_broken_part_does_not_take_the_others_along(tmp_path):
    home = made_up_home.whole(tmp_path / "home")
    made_up_home.damage(home)
    found = collect.collect(home.home, home.run.run_id)
    assert "cannot be read" in found.compression.why
    assert "not a whole Parquet file" in found.gallery.why
    assert found.evaluation == made_up.evaluated()
    shutil.rmtree(home.home.artifacts / "Evaluate")
    assert "is gone" in collect.collect(home.home, home.run.run_id).evaluation.why


@pytest.mark.parametrize(
    "lost", ["metadata.sqlite", "runs/RUN/run.json", "runs/RUN/events.jsonl", "artifacts", "runs/RUN"]
)
def test_a_report_is_written_whatever_is_lost(tmp_path, lost):
    home = made_up_home.whole(tmp_path / "home")
    path = home.home.root / lost.replace("RUN", home.run.run_id)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert render.write(home.home, home.run.run_id).stat().st_size > 5_000


@pytest.mark.parametrize("content", [b"\x00\xff\xfe", b'{"command": 3}', b"[]", b'{"run_id": "\\ud800"}'])
@pytest.mark.parametrize("name", ["run.json", "events.jsonl"])
def test_a_report_is_written_whatever_a_record_holds(tmp_path, name, content):
    home = made_up_home.failed(tmp_path / "home")
    (home.run.path / name).write_bytes(content)
    assert render.write(home.home, home.run.run_id).exists()


def test_a_run_that_was_killed_shows_how_far_it_came(tmp_path):
    home = made_up_home.MadeUpHome(tmp_path / "home")
    home.ended("Ingest")
    home.run.event("node_started", node="Clean")
    found = collect.collect(home.home, home.run.run_id)
    nodes = {node.id: node for node in found.run.nodes}
    assert nodes["Ingest"].outcome is Outcome.RAN
    assert nodes["Clean"].outcome is None and nodes["Clean"].started_s is not None
    assert found.compression == facts.Missing("Compress was not reached")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="runs"):
        render.write(Home(tmp_path), "20250301-101112")


def test_neither_tensorflow_nor_tfx_is_needed():
    code = (
        "import sys, pipeline.report.render; print(sys.modules.keys() & {'tensorflow', 'tfx', 'apache_beam', 'keras'})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_last_published_attempt_at_a_node_counts(tmp_path):
    home = made_up_home.MadeUpHome(tmp_path / "home")
    outputs = {"report": ("headrace.CompressionReport", {})}
    first, second = (home.publish("Compress", outputs)["report"] for _ in range(2))
    home.publish("Compress", outputs, state=metadata_store_pb2.Execution.FAILED)
    dataclasses.replace(made_up.compressed(), reason="an earlier one").write(first)
    made_up.compressed().write(second)
    home.ended("Compress", attempts=2)
    assert collect.collect(home.home, home.run.run_id).compression == made_up.compressed()
