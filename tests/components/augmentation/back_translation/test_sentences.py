"""Sentences: where they are, and how another takes the place of one."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from components.augmentation.back_translation.sentences import spans, with_replaced


def found(text):
    return [" ".join(text[span.start : span.end].split()) for span in spans(text)]


def test_wrapped_lines_are_one_sentence_and_short_lines_are_each_their_own():
    text = "This is a sentence that is so long that it goes\non in the next line. Another one.\n\ngrinning face\nface, grin"
    assert found(text) == [
        "This is a sentence that is so long that it goes on in the next line.",
        "Another one.",
        "grinning face",
        "face, grin",
    ]


def test_abbreviations_end_no_sentence():
    assert found("Use a file, e.g. Windows files. Dr. Who is V. Smith.") == [
        "Use a file, e.g. Windows files.",
        "Dr. Who is V. Smith.",
    ]


def test_examples_and_directives_are_no_sentences_and_bullets_no_part_of_one():
    text = ">>> run(This)\n... More\n:param x: what\n---\n- the first item\n2. the second item\nname: what it is"
    assert found(text) == ["the first item", "the second item", "what it is"]


def test_a_sentence_that_went_over_lines_is_wrapped_again():
    text = "Short one. This is a sentence that is so long that it goes\n  on in the next line, indented. Last."
    [_, middle, _] = spans(text)
    replaced = with_replaced(text, [(middle, "word " * 15 + "end.")])
    lines = replaced.split("\n")
    assert max(map(len, lines)) <= middle.width
    assert lines[0].startswith("Short one. word") and lines[1].startswith("  word") and replaced.endswith("end. Last.")


@given(st.text(alphabet=st.sampled_from("aB .!?\n-*1)>:`'\"é"), max_size=300))
def test_sentences_are_in_order_and_put_back_as_they_were_leave_the_text(text):
    places = list(spans(text))
    assert all(0 <= one.start < one.end for one in places)
    assert all(one.end <= other.start for one, other in itertools.pairwise(places))
    same = with_replaced(text, [(span, " ".join(text[span.start : span.end].split())) for span in places])
    assert same.split() == text.split()


def test_a_long_line_takes_no_long_time():
    assert found("a" * 200_000) and found("`" * 100_000) and found(". " * 100_000) is not None
