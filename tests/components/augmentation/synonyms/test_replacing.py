"""Synonyms: the same meaning in the same form, and all else untouched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.augmentation.back_translation.protection import ordinary_words
from components.augmentation.synonyms.config import Synonyms
from components.augmentation.synonyms.replacing import Corpus, replace, synonyms

ALL = Synonyms(share=1.0)


def random(seed=1):
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("calculates", ("computes",)),
        ("computing", ("calculating",)),
        ("students", ("pupils",)),
        ("immediately", ("instantly",)),
    ],
)
def test_a_synonym_has_the_form_of_the_word(words, word, expected):
    assert synonyms(word, ALL, words) == expected


@pytest.mark.parametrize(
    "word", ["set", "run", "case", "person", "the", "not", "one", "went", "paris", "x", "qwxyz", "c++"]
)
def test_words_that_may_mean_anything_are_left_alone(words, word):
    assert synonyms(word, ALL, words) == ()


@pytest.mark.parametrize(("word", "other"), [("afterward", "later"), ("furnished", "provided")])
def test_a_synonym_of_many_senses_is_taken_only_where_the_limit_allows(words, word, other):
    assert synonyms(word, ALL, words) == ()
    assert synonyms(word, Synonyms(max_senses=100), words) == (other,)


def test_a_word_of_many_senses_is_taken_only_where_the_limit_allows(words):
    assert synonyms("calculates", Synonyms(max_senses=3), words) == ()
    assert synonyms("calculates", Synonyms(max_senses=6), words) == ("computes",)


def test_closed_classes_and_places_stay_whatever_the_limits(words):
    everything = Synonyms(min_word_times=0, min_times=0, min_synonym_share=0.0, max_senses=100)
    assert synonyms("sofa", everything, words) != ()
    for word in ("almost", "however", "often", "myanmar", "russia"):
        assert synonyms(word, everything, words) == ()


def test_case_is_kept_and_edits_tell_what_was_replaced_where(words):
    text = "Calculates the value.\nThe teacher calculates it immediately."
    result = replace(text, ALL, random())
    assert result.text == "Computes the value.\nThe instructor computes it instantly."
    rebuilt = text
    for edit in reversed(result.edits):
        rebuilt = rebuilt[: edit.start] + edit.replacement + rebuilt[edit.end :]
    assert rebuilt == result.text
    assert [text[edit.start : edit.end] for edit in result.edits] == [
        "Calculates",
        "teacher",
        "calculates",
        "immediately",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "Call `calculates` or 'student' or student_name or student.name or STUDENT at https://example.org/student now.",
        "See Mr. Teacher of the Student Union.",
        ">>> student",
    ],
)
def test_names_code_and_examples_are_never_touched(words, text):
    assert replace(text, ALL, random()) is None


def test_an_article_is_followed_by_a_word_that_it_fits(words):
    assert replace("This is a teacher.", ALL, random()) is None
    assert replace("This is the teacher.", ALL, random()).text == "This is the instructor."


def test_the_share_of_words_is_kept(words):
    text = " ".join(["the teacher calculates it"] * 10)
    for share, count in ((0.0, 1), (0.1, 4), (0.25, 10), (1.0, 20)):
        assert len(replace(text, Synonyms(share=share), random()).edits) == count


def test_the_same_seed_gives_the_same_text_and_another_one_another(words):
    text = " ".join(["the teacher calculates it"] * 10)
    results = [replace(text, Synonyms(), random(seed)).text for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def test_a_corpus_lets_through_only_what_stands_there_beside_its_neighbour(words):
    corpus = Corpus.of(["The program computes values.", "An instructor"])
    result = replace("The teacher calculates values.", ALL, random(), corpus)
    assert result.text == "The teacher computes values."


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            ["teacher", "calculates", "foo_bar", "`student`", "12", "Paris", "the", "a", "\n", ". ", "\n>>> student\n"]
        )
    ),
    seed=st.integers(0, 5),
)
def test_nothing_but_ordinary_words_changes(words, parts, seed):
    text = " ".join(parts)
    result = replace(text, ALL, random(seed))
    if result is None:
        return
    at = 0
    for edit in result.edits:
        assert edit.start >= at and edit.replacement != text[edit.start : edit.end]
        assert text[edit.start : edit.end] in ("teacher", "calculates")
        at = edit.end


def test_ordinary_words_are_where_they_say():
    sentence = "The (big) `old house` of Paris has 12 doors, foo_bar."
    assert [sentence[start:end] for start, end in ordinary_words(sentence)] == ["The", "big", "of", "has", "doors"]
