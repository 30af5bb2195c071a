"""Why a model was released or was not, from the store alone."""

import json
import subprocess
import sys

import pytest

from lineage import graph, store, why
from schemas.errors import HeadraceError

WHOLE = {"pairs": []}
EMOJI = {"pairs": [["modality", "code"], ["source", "emoji"]]}
REPORT = {
    "blessed": False,
    "message": "regression_bits_per_byte on code of emoji is 0.0400, above the limit of 0.014",
    "models": [
        {"role": "served", "slices": [{"slice": WHOLE, "examples": 90, "bits_per_byte": 1.5},
                                      {"slice": EMOJI, "examples": 30, "bits_per_byte": None}]},
        {"role": "baseline", "slices": [{"slice": WHOLE, "examples": 90, "bits_per_byte": 1.4}]},
    ],
    "verdicts": [
        {"slice": WHOLE, "outcome": "passed", "reason": "bits_per_byte on overall is 1.5000, within 4"},
        {"slice": EMOJI, "outcome": "failed", "reason": "regression_bits_per_byte on code of emoji is 0.0400"},
        {"slice": {"pairs": [["group", "flags"]]}, "outcome": "not_judged", "reason": "too few"},
    ],
    "failing": [{"metric": "regression_bits_per_byte", "slice": EMOJI, "sample_id": "s-17", "modality": "code",
                 "bytes": 120, "bits_per_byte": 2.25, "compared_bits_per_byte": 1.75, "excess_bits": 12.0}],
    "robustness": [{"condition": "typos", "samples": 40, "refused": 1, "bits_per_byte": 1.9,
                    "undamaged_bits_per_byte": 1.8}],
    "retrieval": {"images": 20, "candidates": 10, "recall": [[1, 0.25], [5, 0.75]]},
    "memorisation": {"prompts": 1000, "common": 3, "extracted": ["s-4"]},
    "notes": ["the live model looks elsewhere"],
}  # fmt: skip


@pytest.fixture
def judged(writer, home, tmp_path):
    """A model that was judged and refused, its evaluation on disk: the ids of the model and of its evaluation's folder."""
    [model] = writer.run("r1", "Compress", {}, {"model": ("Model", {})})
    blessing = {"blessed": 0, "blessing_message": "short", "baseline_model_id": 7}
    made = writer.run(
        "r1",
        "Evaluate",
        {"model": model},
        {"evaluation": ("ModelEvaluation", {}), "blessing": ("ModelBlessing", blessing)},
    )
    [evaluation] = writer.raw.get_artifacts_by_id(made[:1])
    folder = tmp_path / "evaluation"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(REPORT))
    evaluation.uri = str(folder)
    writer.raw.put_artifacts([evaluation])
    writer.run("r1", "Release", {"model": model}, {"pushed_model": ("PushedModel", {"pushed": 0, "model_id": model})})
    return model, folder


def explained(home, wanted):
    connected = store.connect(home)
    return why.explain(connected, graph.find_model(connected, wanted))


def test_a_refused_model_is_explained_by_its_id_with_the_limits_that_decided(home, judged):
    model, _ = judged
    text = why.text(explained(home, f"#{model}"))
    assert f"Model #{model}, judged by Evaluate in r1" in text
    assert "not blessed: regression_bits_per_byte on code of emoji is 0.0400, above the limit of 0.014" in text
    assert "✕ regression_bits_per_byte on code of emoji is 0.0400" in text
    assert "bits_per_byte on overall is 1.5000, within 4" not in text, "it did not decide"


def test_figures_and_failing_examples_are_told(home, judged):
    lines = why.text(explained(home, f"#{judged[0]}")).splitlines()
    assert any(line.split() == ["overall", "90", "1.5000", "1.4000"] for line in lines)
    assert any(line.split()[-2:] == ["–", "–"] and "source emoji" in line for line in lines)
    assert "    s-17 code, 120 bytes: 2.2500 bits per byte beside 1.7500" in lines
    assert "  typos: 1.9000 bits per byte on 40 samples, 1.8000 undamaged, 1 refused" in lines
    assert "  an image's own text: 25.0% among the first 1, 75.0% among the first 5 of 10" in lines
    assert "  had back word for word: 1 of 1000 training samples, and 3 that are common: s-4" in lines
    assert "  the live model looks elsewhere" in lines


def test_the_plain_form_has_the_whole_report(home, judged):
    plain = json.loads(json.dumps(why.plain(explained(home, f"#{judged[0]}"))))
    assert plain["report"] == REPORT and plain["blessed"] is False and plain["baseline"] == 7
    assert [verdict["outcome"] for verdict in plain["decisive"]] == ["failed"]


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_the_decision_is_told_where_the_figures_are_gone(home, judged, content):
    model, folder = judged
    path = folder / "report.json"
    path.unlink() if content is None else path.write_bytes(content)
    text = why.text(explained(home, f"#{model}"))
    assert "not blessed: short" in text and "the figures are not there: " in text and str(path) in text


def test_a_released_version_and_the_live_one_are_explained_by_the_decision_on_their_model(home, released):
    for wanted in ("2", "live", "headrace/2"):
        found = explained(home, wanted)
        assert found.blessed and found.execution.run == "r2"
        assert "no evaluation on this disk" in found.missing


def test_a_model_that_was_never_judged_says_so(home, released, writer):
    [model] = writer.run("r9", "Train", {}, {"model": ("Model", {})})
    with pytest.raises(HeadraceError, match=rf"Model #{model} was never judged"):
        explained(home, f"#{model}")


def test_what_is_no_model_says_so(home, released):
    with pytest.raises(HeadraceError, match="#1 is a Records, no model"):
        explained(home, "#1")


def test_asking_needs_no_tensorflow():
    code = "import sys, lineage.why; sys.exit(any(name in sys.modules for name in ('tensorflow', 'tfx')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
