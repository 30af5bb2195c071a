"""The harness: lines that readers can count on, contenders in turn, ratios that mean what they say."""

import dataclasses
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import harness
from benchmarks.contest import Contender, contest

PROMISED = {"figure", "ours", "peer", "ratio", "unit", "peer_name", "peer_version", "spread", "runs"}


@pytest.fixture
def journal(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "journal"


def toy(journal: pathlib.Path, name: str, environment: str | None = None, **arguments: object) -> Contender:
    told = {"journal": str(journal), "name": name, **arguments}
    return Contender("tests.benchmarks.toy_worker", told, environment, name)


def lines_of(capsys: pytest.CaptureFixture, benchmark: harness.Benchmark, *arguments: str) -> list[dict]:
    assert harness.main([benchmark], ["--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_contenders_take_turns_on_the_same_single_core(journal):
    ours, peer = contest([toy(journal, "ours"), toy(journal, "peer")], runs=3)
    assert journal.read_text().split() == ["ours", "peer"] * 3
    values = [reading.value for standing in (ours, peer) for reading in standing.readings]
    assert len(values) == 6
    assert {tuple(value["cores"]) for value in values} == {tuple(ours.readings[0].value["cores"])}
    assert all(len(value["cores"]) == 1 and value["threads"] == "1" for value in values)


def test_a_line_has_the_promised_keys_and_numbers(journal, capsys):
    def measure(options):
        ours, peer = contest([toy(journal, "ours"), toy(journal, "peer", items=5)], runs=2)
        yield harness.rate("toy.per_s", ours, peer, unit="items/s")

    [line] = lines_of(capsys, harness.Benchmark(("toy.per_s",), measure))
    assert line.keys() >= PROMISED
    assert line["figure"] == "toy.per_s" and line["unit"] == "items/s" and line["runs"] == 2
    assert line["ratio"] == pytest.approx(line["ours"] / line["peer"])
    assert line["spread"]["ours"][0] <= line["ours"] <= line["spread"]["ours"][1]
    assert line["spread"]["peer"][0] <= line["peer"] <= line["spread"]["peer"][1]
    assert line["peer_name"] == "peer" and line["peer_version"]
    assert line["wall"].keys() == {"ours", "peer"} and not line["why"]
    assert line["machine"]["processor"] and line["machine"]["cores"] >= 1


@pytest.mark.parametrize(
    "broken, reason",
    [
        ({"environment": "no-such-environment"}, "no-such-environment is not installed"),
        ({"fails": "at once"}, "nothing works today"),
        ({"fails": "later"}, "the second run is too much"),
    ],
)
def test_a_peer_that_cannot_run_is_null_and_says_why(journal, capsys, broken, reason):
    def measure(options):
        ours, peer = contest([toy(journal, "ours"), toy(journal, "peer", **broken)], runs=3)
        yield harness.rate("toy.per_s", ours, peer, unit="items/s")

    [line] = lines_of(capsys, harness.Benchmark(("toy.per_s",), measure))
    assert line["ours"] > 0 and line["runs"] == 3
    assert line["peer"] is None and line["ratio"] is None and "peer" not in line["spread"]
    assert reason in line["why"]


def test_processor_time_counts_child_processes(journal):
    [standing] = contest([toy(journal, "ours", child=True)], runs=1)
    assert 0.3 <= standing.readings[0].processor_s < standing.readings[0].wall_s + 0.3


def test_a_run_that_takes_too_long_is_given_up(journal):
    [standing] = contest([toy(journal, "ours", child=True)], runs=1, limit_s=0.01)
    assert not standing.readings and "no answer within" in standing.why


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_a_ratio_above_one_means_that_ours_is_better(ours, peer, more_is_better):
    better = ours > peer if more_is_better else ours < peer
    found = harness.ratio(ours, peer, more_is_better=more_is_better)
    assert found is not None
    assert found >= 1 if better or ours == peer else found <= 1


def test_only_prints_the_figure_and_its_parts(capsys):
    def measure(options):
        for figure in ("toy.recall", "toy.recall.email", "toy.recalled", "toy.precision"):
            yield harness.Line(figure, 1.0, "share")

    benchmark = harness.Benchmark(("toy.recall", "toy.precision"), measure)
    assert [line["figure"] for line in lines_of(capsys, benchmark, "--only", "toy.recall")] == [
        "toy.recall",
        "toy.recall.email",
    ]
    assert [line["figure"] for line in lines_of(capsys, benchmark, "--only", "toy.recall.email")] == [
        "toy.recall.email"
    ]
    assert len(lines_of(capsys, benchmark)) == 4


def test_a_figure_that_does_not_exist_is_a_wrong_usage(capsys):
    benchmark = harness.Benchmark(("toy.recall",), lambda options: [])
    slow = dataclasses.replace(benchmark, quick=False)
    assert harness.main([benchmark], ["--only", "toy.speed"]) == 2
    assert "toy.recall" in capsys.readouterr().err
    assert harness.main([slow], ["--only", "toy.recall", "--quick"]) == 2


def test_the_table_names_every_figure_whole(capsys, monkeypatch):
    monkeypatch.setattr(harness, "_PAGE", 125)
    figure = "toy.figure_with_a_name_that_is_rather_long.and_a_part"
    benchmark = harness.Benchmark(
        (figure,), lambda options: [harness.Line(figure, 2.0, "share", why="ours alone " * 30)]
    )
    assert harness.main([benchmark], []) == 0
    printed = capsys.readouterr().out
    assert figure in printed and "alone" in printed
