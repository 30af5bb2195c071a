"""The benchmark of compression as a user calls it."""

import json
import subprocess
import sys

import pytest

from benchmarks import conv_case, emoji_decoder_case, made_models
from benchmarks.contest import ROOT
from benchmarks.harness import Line
from components.ingestion import emoji
from components.ingestion.items import Document


def quick(figure: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.compression", "--quick", "--json", "--only", figure]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True)
    [line] = map(json.loads, answer.stdout.splitlines())
    assert line["figure"] == figure
    return line


def test_int8_of_a_trained_network_is_smaller_and_faster_than_float():
    size = quick("int8.conv_size")
    assert size["ratio"] == pytest.approx(size["peer"] / size["ours"]) and size["ratio"] > 3
    speed = quick("int8.conv_speed")
    assert speed["ratio"] == pytest.approx(speed["ours"] / speed["peer"]) and speed["ratio"] > 1.5
    assert speed["peer_name"] == "float LiteRT" and speed["unit"] == "images/s" and not speed["why"]


@pytest.mark.parametrize(
    "ratio, verdict", [(3.5, "goal at least 3.5 times: reached"), (3.4, "MISSED"), (None, "MISSED")]
)
def test_a_ratio_below_its_goal_is_told(ratio, verdict):
    line = Line("toy", 1.0, "kB", ratio=ratio, note="of a toy")
    note = made_models.judged(line, least=3.5).note
    assert verdict in note and note.endswith("; of a toy")


@pytest.mark.parametrize("ours, verdict", [(-0.3, "reached"), (0.8, "goal at most 0.8: reached"), (0.9, "MISSED")])
def test_a_loss_above_its_goal_is_told(ours, verdict):
    assert verdict in made_models.judged(Line("toy", ours, "points"), most=0.8).note


def test_no_variant_of_a_held_out_emoji_is_learnt_from():
    rows = emoji_decoder_case.rows(emoji_decoder_case.QUICK)
    clusters = {split: set() for split in ("train", "eval")}
    for row in rows:
        clusters[row["split"]].add(emoji.cluster_of(row["sample_id"]))
    assert clusters["eval"] and not clusters["train"] & clusters["eval"]
    assert any(row["text"] and row["image"] and row["code"] for row in rows)


def test_images_are_split_by_what_they_show_and_have_a_category_each():
    examples, held_out, names = conv_case.read(conv_case.QUICK)
    assert 0.2 < len(held_out) / (len(examples) + len(held_out)) < 0.45
    assert (
        examples.pixels.shape == (len(examples), 32, 32, 3) and 0 <= examples.pixels.min() < examples.pixels.max() <= 1
    )
    assert set(examples.categories) <= set(range(len(names))) and "Flags" in names


def test_variants_of_an_emoji_are_on_one_side_of_the_images():
    picture = {"position": "", "modality": "image", "media_type": "image/png", "content": b""}
    for hand in ("1F44D", "1F44E", "1F44B", "270B", "1F91A", "1F590"):
        keys = [hand, *(f"{hand}-1F3F{tone}" for tone in "BCDEF")]
        items = [Document(key=key, cluster=emoji.cluster_of(key), **picture) for key in keys]
        assert len(set(map(conv_case.is_held_out, items))) == 1
