"""Regions through the cleaning: what is still there is still covered, and what is not is counted."""

import io
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from components.cleaning import regions, rules
from components.cleaning.attributes import DROPPED_REGIONS, counted
from components.cleaning.config import CleaningConfig
from components.cleaning.regions import Loss, standard_spans
from components.cleaning.texts import standard_text
from schemas import tables
from schemas.regions import Flaw, Region

CONFIG = CleaningConfig(min_text_bytes=1)
TANGLED = st.text(st.sampled_from("aé ́\r\n\t\0\ufeffÃ©â€\u200b“ﬁ&amp;\x1b[0m\x85")) | st.text(max_size=30)


def region(label, *bounds):
    return {"label": label, "bounds": [*bounds, *[0] * (4 - len(bounds))]}


@pytest.fixture
def cleaned(record, batch_of):
    """Cleans one record: what it holds, its regions by label, and what was dropped of them."""

    def clean(modality, content, *own, config=CONFIG):
        content = content.encode() if isinstance(content, str) else content
        batch, rejected = rules.standardise(batch_of([{**record(1, modality, content), "regions": list(own)}]), config)
        [row] = tables.to_rows(batch)
        assert rejected.num_rows == 0
        kept = {one["label"]: tuple(one["bounds"]) for one in row["regions"] or []}
        return row["content"], kept, dict(counted(row["attributes"].get(DROPPED_REGIONS, "")))

    return clean


@pytest.mark.parametrize(
    ("raw", "covered", "standard", "expected"),
    [
        ("\ufeff  one\r\ntwo\r\n", "two", "one\ntwo", "two"),
        ("one\r\ntwo\rthree", "\r\ntwo\rth", "one\ntwo\nthree", "\ntwo\nth"),
        ("  one two ", "  one", "one two", "one"),
        ("The cafÃ© â€” closed today", "cafÃ©", "The café — closed today", "café"),
        ("The cafÃ© â€” closed today", "closed", "The café — closed today", "closed"),
        (
            "The cafÃ© â€” closed\nand cafÃ© open",
            "closed\nand cafÃ©",
            "The café — closed\nand café open",
            "closed\nand café",
        ),
        ("a cafe\u0301 here", "cafe", "a café here", "café"),
        ("a cafe\u0301 here", "\u0301 here", "a café here", "é here"),
        ("red \x07bell\x07 rings", "bell\x07", "red bell rings", "bell"),
        ("la journÃ©e Ã  Paris", "journÃ©e", "la journée à Paris", "journée"),
        ("cafÃ©s\nand so", "s\n", "cafés\nand so", "s\n"),
        ("naïve\nlines\n", "ve\n", "naïve\nlines", "ve\n"),
    ],
)
def test_a_span_covers_in_standard_form_what_it_covered(cleaned, raw, covered, standard, expected):
    start = raw.index(covered)
    content, kept, dropped = cleaned("text", raw, region("it", start, start + len(covered)))
    text = content.decode()
    assert text == standard
    assert text[slice(*kept["it"][:2])] == expected
    assert dropped == {}


def test_spans_of_what_is_gone_or_never_was_are_counted(cleaned):
    raw = "  one \x07 two"
    _, kept, dropped = cleaned(
        "text", raw, region("in", 2, 5), region("margin", 0, 2), region("bell", 6, 7), region("far", 2, 50)
    )
    assert kept == {"in": (0, 3, 0, 0)}
    assert dropped == {"erased": 2, "outside": 1}


@settings(max_examples=200, deadline=None)
@example("\rÂ 0", True, 0, 3)
@given(TANGLED, st.booleans(), st.integers(0, 30), st.integers(0, 30))
def test_spans_are_moved_through_the_very_standard_form(raw, mend, one, other):
    config = CleaningConfig(min_text_bytes=0, mend_text=mend)
    start, end = sorted((min(one, len(raw)), min(other, len(raw))))
    text, places = standard_spans(raw, [(start, end)] if start < end else [], config)
    standard = standard_text(raw.encode(), config)
    assert text == (standard.decode() if isinstance(standard, bytes) else "")
    for place in places:
        assert isinstance(place, Loss) or 0 <= place[0] < place[1] <= len(text)


WORDS = st.lists(st.sampled_from(["cafÃ©", "cafe\u0301", "plain", "\u201cso\u201d", "naïve", "x\x07y"]), min_size=1)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["\r\n", "\n", "\r"]))
def test_words_are_found_where_they_are_mended_to(lines, line_end):
    raw = line_end.join(" ".join(words) for words in lines)
    spans, at = [], 0
    for words in lines:
        for word in words:
            spans.append((at, at + len(word)))
            at += len(word) + 1
        at += len(line_end) - 1
    text, places = standard_spans(raw, spans, CONFIG)
    meant = {"cafÃ©": "café", "cafe\u0301": "café", "x\x07y": "xy"}
    for word, place in zip([word for words in lines for word in words], places, strict=True):
        if not isinstance(place, Loss):
            assert text[slice(*place)] in (meant.get(word, word), word), "a word that is not mended with others stays"
    lost = [place for place in places if isinstance(place, Loss)]
    assert len(lost) <= 0.1 * len(places)


def test_composing_alone_is_followed_without_loss():
    raw = "e\u0301" * 50 + " and a\u0308"
    text, places = standard_spans(raw, [(0, 2), (98, 100), (101, 104), (105, 107)], CleaningConfig(mend_text=False))
    assert [text[slice(*place)] for place in places] == ["é", "é", "and", "ä"]
    assert text == unicodedata.normalize("NFC", raw)


def test_mending_a_hostile_text_for_its_regions_takes_no_longer_than_a_budget():
    raw = "Ã©" * 10_000
    started = time.process_time()
    _, places = standard_spans(raw, [(place, place + 3) for place in range(1, 400, 2)], CONFIG)
    assert time.process_time() - started < 8, "0.5 s, but a minute without the budget"
    assert Loss.MENDED in places


def test_spans_move_when_sensitive_data_before_them_are_redacted(cleaned):
    raw = "write to jane.roe@example.org, or john.doe@example.com, about soup"
    whole, soup = raw.index("jane"), raw.index("soup")
    content, kept, dropped = cleaned(
        "text",
        raw,
        region("soup", soup, soup + 4),
        region("first name", whole, whole + 4),
        region("write", 0, 5),
        region("all", 0, len(raw)),
    )
    text = content.decode()
    covered = {label: text[slice(*bounds[:2])] for label, bounds in kept.items()}
    assert covered == {"soup": "soup", "first name": "<EMAIL>", "write": "write", "all": text}
    assert dropped == {}


def test_line_ranges_move_when_lines_are_redacted(cleaned):
    body = "\n".join("MIIEowIBAAKCAQEAx" + "Qz7" * 15 + str(number) for number in range(8))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    code = f'def key():\n    return """{key}"""\n\ndef other():\n    return 1\n'
    content, kept, dropped = cleaned("code", code.replace("\n", "\r\n"), region("key", 1, 11), region("other", 13, 14))
    lines = content.decode().splitlines()
    first, last = kept["other"][:2]
    assert lines[first - 1 : last] == ["def other():", "    return 1"]
    assert kept["key"][:2] == (1, 2)
    assert len(lines) == 5
    assert dropped == {}


def test_code_that_has_nothing_sensitive_keeps_its_line_ranges(cleaned):
    code = "\ufeffdef f():\r\n\treturn 'e\u0301'\r\n\r\n"
    _, kept, dropped = cleaned("code", code, region("f", 1, 2), region("end", 3, 3), region("far", 3, 4))
    assert kept == {"f": (1, 2, 0, 0), "end": (3, 3, 0, 0)}
    assert dropped == {"outside": 1}


def picture(orientation, file_format):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[...] = np.random.default_rng(1).integers(0, 60, (20, 30, 1))
    pixels[4:9, 6:24] = (250, 240, 230)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    if orientation:
        exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, file_format, exif=exif, **({"quality": 95} if file_format == "JPEG" else {}))
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", [None, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_boxes_turn_with_the_image(cleaned, orientation, file_format):
    content, kept, dropped = cleaned("image", picture(orientation, file_format), region("light", 6, 4, 24, 9))
    left, top, right, bottom = kept["light"]
    light = np.asarray(Image.open(io.BytesIO(content)).convert("L")) > 150
    expected = np.zeros_like(light)
    expected[top:bottom, left:right] = True
    assert (light == expected).all()
    assert dropped == {}


def test_boxes_outside_the_image_are_counted(cleaned):
    _, kept, dropped = cleaned(
        "image",
        picture(6, "JPEG"),
        region("in", 0, 0, 30, 20),
        region("out", 0, 0, 20, 30),
        region("empty", 3, 3, 3, 3),
    )
    assert kept == {"in": (0, 0, 20, 30)}
    assert dropped == {"outside": 1, "empty": 1}


def test_what_was_dropped_before_stays_counted(record, batch_of):
    row = record(1, "text", b"  write to jane.roe@example.org")
    row["attributes"] = {**row["attributes"], DROPPED_REGIONS: "erased:2 outside:1"}
    row["regions"] = [region("margin", 0, 2), region("to", 8, 10)]
    batch, _ = rules.standardise(batch_of([row]), CONFIG)
    assert dict(batch["attributes"][0].as_py())[DROPPED_REGIONS] == "erased:3 outside:1"


def test_a_rejected_record_s_regions_are_no_trouble(record, batch_of):
    row = {**record(1, "image", b"GIF89a"), "regions": [region("box", 0, 0, 1, 1)]}
    batch, rejected = rules.standardise(batch_of([row]), CONFIG)
    assert (batch.num_rows, rejected.num_rows) == (0, 1)


def test_records_without_regions_have_none_and_say_nothing(cleaned):
    assert cleaned("text", "calm jane.roe@example.org")[1:] == ({}, {})
    assert regions.in_standard_form([], "text", b"x", CONFIG) == []
    assert regions.in_standard_form([Region("x", (0, 9, 0, 0))], "text", b"x", CONFIG) == [Flaw.OUTSIDE]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab é\r\n\ufeff\x07́"), min_size=3, max_size=30), st.data())
def test_cleaning_again_moves_no_region(record, batch_of, raw, data):
    own = []
    for number in range(3):
        start = data.draw(st.integers(0, len(raw) - 1))
        own.append(region(str(number), start, data.draw(st.integers(start + 1, len(raw)))))
    once, _ = rules.standardise(batch_of([{**record(1, "text", raw.encode()), "regions": own}]), CONFIG)
    again, _ = rules.standardise(once, CONFIG)
    assert again.equals(once)
    for row in tables.to_rows(once):
        noted = counted(row["attributes"].get(DROPPED_REGIONS, ""))
        assert len(row["regions"] or []) + sum(noted.values()) == len(own), "each region is kept or counted"
