from hypothesis import given, settings
from hypothesis import strategies as st

from components.augmentation.code.edits import Edit, edited, moved


def test_lines_move_with_what_is_put_in_and_taken_out():
    code = "one\ntwo\n\n\nfive six\nseven"
    assert first_lines(code, Edit(4, 4, "# two\n")) == ("one\n# two\ntwo\n\n\nfive six\nseven", [1, 3, 4, 5, 6, 7])
    assert first_lines(code, Edit(8, 10, "\n")) == ("one\ntwo\n\nfive six\nseven", [1, 2, None, None, 4, 5])
    assert first_lines(code, Edit(14, 15, "\n"), Edit(0, 3, "1"))[1] == [1, 2, 3, 4, 5, 7]


def first_lines(code, *edits):
    result = edited(code, edits)
    return result.code, [place and place[0] for place in result.lines]


def test_a_line_that_is_broken_is_where_its_parts_are():
    code = "one two\nthree\n\nfour"
    assert edited(code, [Edit(3, 4, "\n")]).lines == ((1, 2), (3, 3), (4, 4), (5, 5))
    assert edited(code, [Edit(3, 13, "\n")]).lines == ((1, 2), (2, 2), (3, 3), (4, 4))
    assert edited(code, [Edit(7, 8, "")]).lines == ((1, 1), (1, 1), (2, 2), (3, 3)), "joined"
    assert edited(code, [Edit(13, 13, "\n"), Edit(14, 14, "\n")]).lines == ((1, 1), (2, 2), (5, 5), (6, 6))
    assert edited(code, [Edit(19, 19, "\n")]).code == code + "\n"


def test_a_range_moves_with_its_lines_and_goes_with_them():
    lines = ((1, 1), None, (4, 5), None)
    assert moved((1, 3), lines) == (1, 5)
    assert moved((2, 4), lines) == (4, 5)
    assert moved((2, 2), lines) is None
    assert moved((3, 99), lines) == (4, 5)
    assert moved((0, 0), lines) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=12), st.data())
def test_a_line_that_stays_is_found_by_its_number(pieces, data):
    """Lines that no edit touches are, at their new numbers, what they were."""
    code = "".join(pieces)
    edits, at = [], 0
    for piece in pieces:
        if data.draw(st.booleans()):
            edits.append(Edit(at, at + len(piece), data.draw(st.text("xy\n", max_size=3))))
        at += len(piece)
    result = edited(code, edits)
    old, new = code.split("\n"), result.code.split("\n")
    assert len(result.lines) == len(old)
    start = 0
    for place, text in zip(result.lines, old, strict=True):
        end = start + len(text) + 1
        if not any(edit.start < end and edit.end >= start for edit in edits):
            assert place[0] == place[1]
            assert new[place[0] - 1] == text
        start = end
