"""Texts in other words, the whole way."""

import pytest

from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.back_translation.paraphrasing import paraphrase

TEXTS = [
    "Write the coverage results.",
    "See foo_bar.\n\nIt is alive. Handy for implementing a parser with\nline-at-a-time lookahead. Call `foo_bar` 3 times.",
    "grinning face\nface, grin",
    "x = foo_bar(1, 2)",
    "",
    "Returns a list of supported formats for unpacking.",
]


def test_good_sentences_are_replaced_and_all_else_stays(apertium):
    result = paraphrase(TEXTS, BackTranslation())
    assert result.texts[0] == "Write the results of coverage."
    assert result.texts[1] == (
        "See foo_bar.\n\nIt is alive. Handy to implement a parser with\nline-at-a-time lookahead. Call `foo_bar` 3 times."
    )
    assert result.texts[3:] == [None, None, "Returns a list of supported formats to unpack."]


def test_each_text_without_a_paraphrase_and_each_sentence_is_counted(apertium):
    result = paraphrase(TEXTS, BackTranslation())
    assert result.skipped.total() == result.texts.count(None)
    assert result.skipped["no_prose"] >= 2
    assert result.sentences["replaced"] == 3
    assert result.sentences.total() == 9


def test_a_text_depends_neither_on_the_others_nor_on_the_cache(apertium, tmp_path):
    together = paraphrase(TEXTS, BackTranslation()).texts
    assert paraphrase(TEXTS[::-1], BackTranslation()).texts == together[::-1]
    alone = [paraphrase([text], BackTranslation(), tmp_path / "cache").texts[0] for text in TEXTS]
    assert alone == together
    assert paraphrase(TEXTS, BackTranslation(), tmp_path / "cache").texts == together


@pytest.mark.parametrize(("word", "reason"), [("hang", "timed_out"), ("crash", "crashed"), ("endless", "garbage")])
def test_a_translator_that_fails_costs_one_text_and_is_counted(misbehaving, word, reason):
    result = paraphrase(["the first text", f"it will {word} now", "the last text"], misbehaving())
    assert result.skipped[reason] == 1
    assert result.sentences.total() == 3


def test_sentences_too_long_are_left_alone(apertium):
    result = paraphrase(["word " * 30], BackTranslation(max_sentence_characters=100))
    assert (result.texts, dict(result.skipped)) == ([None], {"too_long": 1})
