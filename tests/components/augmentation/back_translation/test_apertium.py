"""Apertium: streamed, each text by itself, and watched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.augmentation.back_translation.apertium import Apertium
from components.augmentation.back_translation.config import ApertiumSettings, BackTranslation
from components.augmentation.back_translation.translators import Failure, Translation
from schemas.errors import SourceError


def translated(translator, *texts):
    return [translation.text for translation in translator.translate(texts, "eng", "spa")]


def failures(config, *texts):
    translator = Apertium(config)
    try:
        return [translation.failure for translation in translator.translate(texts, "eng", "spa")]
    finally:
        translator.close()


def test_many_texts_are_answered_each_in_its_place(apertium):
    texts = [f"The house has {number} doors." for number in range(300)]
    assert translated(apertium, *texts) == [f"La casa tiene {number} puertas." for number in range(300)]


def test_a_translation_does_not_depend_on_the_texts_before():
    # `included` makes the tagger forget what unknown words may be, unless it is primed.
    text = "Return True if the operand is canonical; otherwise return False."
    answers = []
    for texts in ([text], ["The M value has been included.", text], ["It is known.", "WHO", "near", text]):
        translator = Apertium(BackTranslation())
        answers.append(translated(translator, *texts)[-1])
        translator.close()
    assert len(set(answers)) == 1


def test_signs_that_mean_something_to_its_format_come_through(apertium):
    [text] = translated(apertium, r"The house [a] ^b$ <c> {d} \ e/f @ is red.")
    assert text.startswith("La casa [") and "@ es roj" in text
    for sign in r"[]^$<>{}\/@":
        assert sign in text


def test_unknown_words_are_told_and_bear_no_marks(apertium):
    [translation] = apertium.translate(["The qwxyz is red."], "eng", "spa")
    assert translation == Translation("El qwxyz es rojo.", unknown=("qwxyz",))


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=8))
def test_any_texts_are_answered_one_for_one(apertium, texts):
    results = apertium.translate([*texts, "The house."], "eng", "spa")
    assert len(results) == len(texts) + 1
    assert results[-1].text == "La casa."


def test_a_translator_that_hangs_is_given_up_for_that_text(misbehaving):
    assert failures(misbehaving(), "one", "hang", "two") == [None, Failure.TIMED_OUT, None]


def test_a_translator_that_crashes_is_started_anew(misbehaving):
    assert failures(misbehaving(), "one", "crash", "two", "crash", "three") == [
        None,
        Failure.CRASHED,
        None,
        Failure.CRASHED,
        None,
    ]


@pytest.mark.parametrize("word", ["endless", "torn", "binary"])
def test_garbage_is_no_translation(misbehaving, word):
    assert failures(misbehaving(), "one", word, "two") == [None, Failure.GARBAGE, None]


def test_answers_that_nobody_asked_for_are_garbage(misbehaving):
    told = failures(misbehaving(), "one", "twice", "two", "three")
    assert told[:2] == [Failure.GARBAGE] * 2
    assert told[2:] == [None, None]


def test_a_translator_that_always_fails_is_asked_no_more(misbehaving):
    told = failures(misbehaving(max_failures=2), *["crash"] * 5)
    assert told == [Failure.CRASHED] * 2 + [Failure.GIVEN_UP] * 3


def test_a_missing_pair_names_what_to_install(tmp_path):
    with pytest.raises(SourceError, match="apt-get install apertium apertium-eng-spa"):
        Apertium(BackTranslation(apertium=ApertiumSettings(modes=str(tmp_path))))


def test_a_missing_program_is_named(tmp_path):
    for pair in ("eng-spa", "spa-eng"):
        (tmp_path / f"{pair}.mode").write_text("no-such-program 'data'\n")
    with pytest.raises(SourceError, match="no-such-program"):
        Apertium(BackTranslation(apertium=ApertiumSettings(modes=str(tmp_path))))


def test_other_data_are_another_identity(misbehaving, tmp_path):
    identities = []
    for data in ("one", "two"):
        (tmp_path / "data").write_text(data)
        identities.append(Apertium(misbehaving()).identity)
    assert identities[0] != identities[1]
