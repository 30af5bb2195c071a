import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import records, regions, tables
from schemas.regions import Edit, Flaw, Region


@st.composite
def edited(draw):
    """A text and edits of it, sorted and apart."""
    text = draw(st.text("abc \n", max_size=40))
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edits = []
    for start, end in zip(places[::2], places[1::2], strict=False):
        if not edits or start > edits[-1].end:
            edits.append(Edit(start, end, draw(st.text("XY\n", max_size=4))))
    return text, edits


@st.composite
def edited_with_span(draw):
    text, edits = draw(edited())
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text, edits, start, end


@settings(max_examples=200, deadline=None)
@given(edited_with_span())
def test_a_moved_span_covers_what_its_characters_have_become(drawn):
    text, edits, start, end = drawn
    # Each piece of the text: the characters that it comes from, and what it is now.
    pieces, at = [], 0
    for edit in [*edits, Edit(len(text), len(text), "")]:
        pieces += [(place, place + 1, text[place]) for place in range(at, edit.start)]
        pieces.append(tuple(edit))
        at = edit.end
    own = [new for first, last, new in pieces if (first < end and last > start) or start < first == last < end]
    [moved] = regions.shift_spans([(start, end)], edits)
    changed = regions.apply_edits(text, edits)
    assert (changed[slice(*moved)] if moved else "") == "".join(own)


@settings(max_examples=200, deadline=None)
@given(edited(), st.data())
def test_a_span_that_no_edit_touches_still_covers_the_same_text(drawn, data):
    text, edits = drawn
    untouched = [
        (start, end)
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if all(edit.end <= start or edit.start >= end for edit in edits)
    ]
    if untouched:
        start, end = data.draw(st.sampled_from(untouched))
        [moved] = regions.shift_spans([(start, end)], edits)
        assert regions.apply_edits(text, edits)[slice(*moved)] == text[start:end]


@settings(max_examples=200, deadline=None)
@given(edited(), st.data())
def test_a_moved_line_range_holds_the_lines_of_what_it_held(drawn, data):
    code, edits = drawn
    lines = regions.lines_of(code)
    if not lines:
        return
    first = data.draw(st.integers(1, lines))
    last = data.draw(st.integers(first, lines))
    [moved] = regions.shift_lines([(first, last)], code, edits)
    changed = regions.apply_edits(code, edits)
    if not edits:
        assert moved == (first, last)
    if moved is not None:
        assert regions.check(Region("x", (*moved, 0, 0)), "code", (regions.lines_of(changed),)) is None
        within_lines = all(not edit.replacement and "\n" not in code[edit.start : edit.end] for edit in edits)
        if code.endswith("\n") and within_lines:
            assert moved == (first, last), "no line was added or removed"


def test_lines_joined_by_an_edit_are_one_range():
    code = "a = 1\nkey = '''\nsecret\n'''\nb = 2\n"
    start, end = code.index("'''"), code.index("\nb")
    moved = regions.shift_lines([(1, 1), (3, 3), (2, 4), (5, 5)], code, [Edit(start, end, "<SECRET>")])
    assert moved == [(1, 1), (2, 2), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    ("code", "lines"), [("", 0), ("x", 1), ("x\n", 1), ("x\n\n", 2), ("a\r\nb\rc\n", 3), ("a\x0cb\u2028c", 1)]
)
def test_lines_end_with_line_feeds_and_carriage_returns_alone(code, lines):
    assert regions.lines_of(code) == lines


@pytest.mark.parametrize(
    ("modality", "size", "bounds", "flaw"),
    [
        ("image", (4, 3), (0, 0, 4, 3), None),
        ("image", (4, 3), (0, 0, 5, 3), Flaw.OUTSIDE),
        ("image", (4, 3), (0, 0, 4, 4), Flaw.OUTSIDE),
        ("image", (4, 3), (-1, 0, 4, 3), Flaw.OUTSIDE),
        ("image", (4, 3), (0, -1, 4, 3), Flaw.OUTSIDE),
        ("image", (4, 3), (2, 0, 2, 3), Flaw.EMPTY),
        ("image", (4, 3), (0, 2, 4, 2), Flaw.EMPTY),
        ("text", (5,), (0, 5, 0, 0), None),
        ("text", (5,), (0, 6, 0, 0), Flaw.OUTSIDE),
        ("text", (5,), (-1, 2, 0, 0), Flaw.OUTSIDE),
        ("text", (5,), (2, 2, 0, 0), Flaw.EMPTY),
        ("text", (5,), (2, 3, 1, 0), Flaw.MALFORMED),
        ("code", (5,), (1, 5, 0, 0), None),
        ("code", (5,), (5, 5, 0, 0), None),
        ("code", (5,), (0, 5, 0, 0), Flaw.OUTSIDE),
        ("code", (5,), (1, 6, 0, 0), Flaw.OUTSIDE),
        ("code", (5,), (3, 2, 0, 0), Flaw.EMPTY),
    ],
)
def test_bounds_lie_within_the_content(modality, size, bounds, flaw):
    assert regions.check(Region("x", bounds), modality, size) is flaw


def test_labels_are_neither_empty_nor_endless():
    assert regions.check(Region("", (0, 1, 0, 0)), "text", (5,)) is Flaw.LABEL
    assert regions.check(Region("x" * (regions.LONGEST_LABEL + 1), (0, 1, 0, 0)), "text", (5,)) is Flaw.LABEL
    assert regions.check(Region("x" * regions.LONGEST_LABEL, (0, 1, 0, 0)), "text", (5,)) is None


SIDES = st.integers(1, 50)


@settings(max_examples=200, deadline=None)
@given(SIDES, SIDES, st.data(), st.tuples(*[st.floats(-3, 3)] * 6), SIDES, SIDES)
def test_a_moved_box_lies_in_the_new_frame(width, height, data, affine, new_width, new_height):
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = (left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
    moved = regions.transform_box(box, affine, (new_width, new_height))
    if moved is not None:
        assert regions.check(Region("x", moved), "image", (new_width, new_height)) is None


def test_boxes_are_scaled_cropped_and_dropped_outside_the_frame():
    assert regions.transform_box((1, 2, 3, 4), (2, 0, 0, 0, 0.5, 0), (20, 20)) == (2, 1, 6, 2)
    assert regions.transform_box((1, 2, 3, 4), (1, 0, -2, 0, 1, -1), (20, 20)) == (0, 1, 1, 3)
    assert regions.transform_box((1, 2, 3, 4), (1, 0, -3, 0, 1, 0), (20, 20)) is None
    assert regions.transform_box((0, 0, 1, 1), (0.1, 0, 0.3, 0, 0.1, 0.3), (20, 20)) == (0, 0, 1, 1), "never empty"
    assert regions.transform_box((100, 0, 200, 1), (0.29, 0, 0, 0, 1, 0), (60, 1)) == (29, 0, 58, 1), (
        "no rounding error"
    )


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
REGIONS = st.builds(Region, LABELS, st.tuples(*[st.integers(0, 2**40)] * 4))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(REGIONS, max_size=4), min_size=1, max_size=5))
def test_regions_come_back_from_parquet_as_they_were(many):
    rows = [
        {
            "record_id": str(number),
            "content_sha256": "",
            "modality": "text",
            "media_type": "text/plain",
            "content": b"",
            "source": "mine",
            "regions": regions.to_rows(own),
            "attributes": {},
        }
        for number, own in enumerate(many)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([tables.from_rows(rows, records.RECORD)]), sink)
    back = pq.read_table(pa.BufferReader(sink.getvalue()))["regions"].to_pylist()
    assert [regions.from_rows(own) for own in back] == [tuple(own) for own in many]
