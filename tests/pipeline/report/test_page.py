"""The page as a person meets it: opened in a real browser, from made-up facts."""

from __future__ import annotations

import itertools
import re

import pytest

from pipeline import runs
from pipeline.report import facts as f
from pipeline.report import page
from tests.pipeline.report import made_up

# Every text with the colours that it is drawn in: what WCAG 2 (1.4.3) asks of small text is a contrast of 4.5.
_CONTRASTS = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [r, g, b] = channels(colour).slice(0, 3).map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('title, desc')) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(element.closest('svg') ? style.fill : style.color), light(behind(element))].sort();
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (contrast < 4.5) low.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return low;
}"""


def test_every_section_shows_its_key_figures(open_page):
    opened = open_page(page.render(made_up.facts()), java_script_enabled=False)
    header = opened.page.locator("header").inner_text()
    for shown in (
        "Released headrace version 3",
        "4 min 28 s",
        "headrace run training.steps=900",
        "9f2c41d08ab7",
        "mill",
    ):
        assert shown in header
    assert "tensorflow 2.16.2" in header
    nodes = opened.text("Nodes")
    for name in made_up.UPSTREAM:
        assert name in nodes
    assert "2 min 31 s" in nodes
    data = opened.text("Data")
    assert "22,562 records" in data
    assert "exact duplicate 131" in data
    assert "emoji 3,601 447 452 4,500" in data
    assert "text + image + code 3,501" in data
    training = opened.text("Training")
    assert (
        "Held-out loss 1.437 bits per byte, under the byte unigram's 4.871 and under the Kneser-Ney 3-gram's 2.263"
        in training
    )
    assert "(5,120 tokens a second, 6.2% of the positions padding)" in training
    assert "a sample costs 0.830 nats more (95% interval +0.410 to +1.250 over 351 samples)" in training
    evaluation = opened.text("Evaluation")
    assert "Blessed: every limit that was judged is met" in evaluation
    assert "python 792 100,102 2.489 2.488 none yet" in evaluation
    assert "not judged" in evaluation and "no model is live yet" in evaluation
    compression = opened.text("Compression")
    for shown in (
        "dynamic_wi8_afp32 serves: fastest of 2 variants that keep the limits. Preferred: latency.",
        "float 7.4 MB 6.7 MB 4.12 ms 4.94 ms 4.10 ms 4.51 ms 96.0 MB 21.0 MB 1.437 what it is compared with",
        "dynamic_wi8_afp32 2.2 MB 2.0 MB 1.84 ms 2.21 ms 1.83 ms 2.01 ms 96.0 MB 21.0 MB 1.437 +0.0001 3.32 times smaller",
        "2.24 times faster chosen: fastest",
        "dynamic_wi8_afp32 is better by latency: 1.83 against 3.10 ms",
        "dynamic_wi4_afp32 could not be made no kernel",
        "source emoji 100 1.337 +0.0001 +0.0018",
        "64 1.23 ms 0.55 ms 0.93 ms",
    ):
        assert shown in compression
    assert opened.page.locator(".bars .marked").text_content().split() == [
        "dynamic_wi8_afp32",
        "2.2",
        "MB",
        "1.83",
        "ms",
        "+0.0001",
    ]
    release = opened.text("Release")
    assert "answers every golden request" in release
    assert "Released as headrace, version 3: blessed, replaces version 2" in release
    assert "└─ Compress" in opened.text("Lineage")
    assert "/home/someone/headrace/.headrace/runs/20250301-101112" in opened.text("Logs")


def test_the_page_asks_for_nothing_and_complains_of_nothing(open_page):
    opened = open_page(page.render(made_up.facts()))
    opened.page.mouse.wheel(0, 10_000)
    opened.page.locator("summary").first.click()
    assert {address for address in opened.requests if not address.startswith("data:")} == {opened.address}
    assert opened.complaints == []
    for address in re.findall(
        r"""(?:src|href|action|data|poster|xlink:href)\s*=\s*["']([^"']*)""", page.render(made_up.facts())
    ):
        assert not re.match(r"(?i)\s*(https?:|//|javascript:|file:)", address), address


def test_a_hostile_sample_is_shown_and_does_nothing(open_page):
    opened = open_page(page.render(made_up.facts()))
    assert opened.complaints == []
    card = opened.page.locator(".card", has_text="hostile-").first
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in card.inner_text()
    assert card.locator("script, img").count() == 0
    assert opened.page.locator("script, iframe, object, embed, [onload], [onerror]").count() == 0
    assert "<U+202E>" in card.inner_text()
    # SVG code is text, not a picture: what is drawn is ours.
    assert opened.page.locator(".card svg").count() == 0
    assert '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)">' in opened.text("Samples")


@pytest.mark.parametrize("field", ["headline", "reason", "log", "slice", "source", "lineage", "split"])
def test_markup_in_any_fact_is_text(open_page, field):
    hostile = "\"'><script>alert(1)</script><b onmouseover=alert(1)>"
    node = f.Node("Train", (), runs.Outcome.FAILED, 1.0, 2.0, 1, hostile, hostile, runs.Failure(*[hostile] * 5))
    changes = {
        "headline": {"run": made_up.run(of=(f.Node(hostile, (), None, 1.0, 1.0, 1, hostile),))},
        "reason": {"run": made_up.run(runs.Status.FAILED, (node,))},
        "log": {"run": made_up.run(of=(node,))},
        "slice": {"evaluation": f.Missing(hostile), "training": f.Missing(hostile)},
        "source": {
            "funnel": f.Funnel(
                (f.Stage(hostile, 1, hostile),), f.Grid((hostile,), (hostile,), {}), (), None, None, (hostile,)
            )
        },
        "lineage": {"lineage": f.Lineage(hostile, hostile)},
        "split": {"gallery": f.Gallery((f.Sample(hostile, hostile, hostile, hostile, hostile, f.Missing(hostile)),))},
    }[field]
    opened = open_page(page.render(made_up.facts(**changes)))
    assert opened.complaints == []
    assert opened.page.locator("script, [onmouseover]").count() == 0
    assert "<script>alert(1)</script>" in opened.page.locator("body").inner_text()


def test_the_drawing_shows_each_node_below_what_it_waits_for(open_page):
    opened = open_page(page.render(made_up.failed()))
    boxes = {
        box.locator(".name").text_content(): (box.bounding_box(), box.locator(".what").text_content())
        for box in opened.page.locator(".dag g").all()
    }
    assert boxes.keys() == made_up.UPSTREAM.keys()
    for name, upstream in made_up.UPSTREAM.items():
        for other in upstream:
            assert boxes[other][0]["y"] + boxes[other][0]["height"] < boxes[name][0]["y"]
    assert boxes["Train"][1] == "✕ failed 14 s"
    assert boxes["Release"][1] == "– skipped"


def test_the_time_line_has_a_bar_for_each_node_that_began(open_page):
    opened = open_page(page.render(made_up.facts()))
    bars = {}
    for row in opened.page.locator(".gantt tbody tr").all():
        box, track = row.locator(".fill").bounding_box(), row.locator(".track").bounding_box()
        bars[row.locator("th").inner_text().split()[0]] = (box["x"] - track["x"], box["width"], track["width"])
    train = {node.id: node for node in made_up.nodes()}["Train"]
    start, width, whole = bars["Train"]
    assert start / whole == pytest.approx(train.started_s / 268.3, abs=0.01)
    assert width / whole == pytest.approx(train.seconds / 268.3, abs=0.01)
    assert all(width >= 0.5 for _, width, _ in bars.values())


def test_a_run_that_failed_halfway_says_so_in_each_section(open_page):
    opened = open_page(page.render(made_up.failed()))
    assert opened.complaints == []
    assert opened.page.locator("h1").inner_text().endswith("Failed at Train")
    failure = opened.text("Train failed")
    for shown in (
        "the loss is not a number after step 12",
        "lower training.learning_rate",
        "headrace resume",
        "Train.log",
    ):
        assert shown in failure
    for section in ("Training", "Evaluation", "Compression", "Lineage"):
        assert "Nothing to show: Train failed." in opened.text(section)
    assert "Nothing was released: Train failed." in opened.text("Release")
    assert "22,562" in opened.text("Data")


def test_a_run_that_did_nothing_has_a_page(open_page):
    missing = f.Missing("Ingest was not reached")
    parts = ("funnel", "gallery", "training", "evaluation", "compression", "serving", "release", "lineage")
    opened = open_page(
        page.render(made_up.facts(run=made_up.run(runs.Status.INTERRUPTED, ()), **dict.fromkeys(parts, missing)))
    )
    assert opened.complaints == []
    assert "Interrupted" in opened.page.locator("h1").inner_text()
    assert "no node had begun" in opened.text("Nodes")


def test_the_bars_of_compression_are_as_long_as_its_figures_and_its_scans_unfold(open_page):
    opened = open_page(page.render(made_up.facts()))
    rows = opened.page.locator(".bars g").all()
    wide = [[box.bounding_box()["width"] for box in row.locator("rect").all()] for row in rows]
    told = made_up.compressed()
    assert wide[1][0] / wide[0][0] == pytest.approx(told.serving.bytes / told.float_model.bytes, abs=0.01)
    assert wide[1][1] / wide[2][1] == pytest.approx(1.83 / 3.1, abs=0.01)
    opened.page.locator("summary", has_text="static_wi8_ai8: 96 of 148 operations quantised").click()
    shown = opened.text("Compression")
    assert "1 reach far outside theirs on held-out samples, most of all gpt/norm/Mean by 0.7 times its range" in shown
    assert "SELECT_V2 3 no numbers in float" in shown
    assert "FULLY_CONNECTED gpt/block_0/expand/MatMul 1 +0.0012 quantised" in shown


def test_a_refused_model_is_told_with_the_limit_that_it_broke(open_page):
    refusal = runs.Failure("evaluation: bits_per_byte on python is 2.4890, above the limit of 2.4")
    node = f.Node(
        "Release", made_up.UPSTREAM["Release"], runs.Outcome.REFUSED, 260.0, 0.5, 1, refusal.what, None, refusal
    )
    release = made_up.released().__class__(pushed=False, reason=refusal.what, model_name="headrace")
    run = made_up.run(runs.Status.REFUSED, made_up.nodes(Release=node))
    opened = open_page(
        page.render(made_up.facts(run=run, evaluation=made_up.evaluated(blessed=False), release=release))
    )
    assert "Refused by Release" in opened.page.locator("h1").inner_text()
    assert "Not blessed: bits_per_byte on python is 2.4890, above the limit of 2.4" in opened.text("Evaluation")
    assert "python 2.489 2.400 ✕ failed" in opened.text("Evaluation")
    assert "Not released: evaluation: bits_per_byte on python" in opened.text("Release")


def test_the_live_model_stands_beside_the_new_one(open_page):
    opened = open_page(page.render(made_up.facts(evaluation=made_up.evaluated(has_baseline=True))))
    assert "overall 1,492 301,220 1.438 1.437 1.458" in opened.text("Evaluation")
    assert "none yet" not in opened.text("Evaluation")


def test_an_image_without_effect_is_not_praised(open_page):
    opened = open_page(page.render(made_up.facts(training=made_up.training(image_low=-0.01))))
    assert "No effect of the image can be told" in opened.text("Training")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(open_page, scheme):
    for facts in (made_up.facts(), made_up.failed()):
        opened = open_page(page.render(facts), color_scheme=scheme)
        assert opened.page.evaluate(_CONTRASTS) == []
    ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(18, 20, 24)") == (scheme == "dark")


@pytest.mark.parametrize("width", [360, 400, 1200])
def test_the_page_is_as_wide_as_the_screen(open_page, width):
    opened = open_page(page.render(made_up.facts()), width=width)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_images_headings_and_drawings_have_words(open_page):
    opened = open_page(page.render(made_up.facts()))
    images = opened.page.locator("img").all()
    assert len(images) == 5
    assert all(image.get_attribute("alt") for image in images)
    assert "grinning face" in images[0].get_attribute("alt")
    assert all(image.evaluate("image => image.naturalWidth") == 64 for image in images)
    for drawing in opened.page.locator("svg:not([aria-hidden])").all():
        assert drawing.get_attribute("role") == "img"
        for id_ in drawing.get_attribute("aria-labelledby").split():
            assert opened.page.locator(f"#{id_}").text_content().strip()
    levels = opened.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    targets = opened.page.evaluate("[...document.querySelectorAll('nav a')].map(a => !!document.querySelector(a.hash))")
    assert targets == [True] * 9
    ids = opened.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_what_was_found_besides_bits_per_byte_is_told() -> None:
    html = page.render(made_up.facts(evaluation=made_up.evaluated(blessed=False, has_baseline=True)))
    for words in (
        "1.438 bits per byte, 1.402 to 1.474 at 95.0% confidence; perplexity of a token 19.4.",
        "Next token: 34.0% among the first 1, 49.0% among the first 5; its probability is 0.008 off.",
        "Of 1,000 training samples 0 can be had back word for word, besides 15 that are common.",
        "own text: 25.0% among the first 1 of 10.",
        "truncated image",
        "<code>s-17</code>",
        "Note: the live model cannot be asked.",
    ):
        assert words in html, words
