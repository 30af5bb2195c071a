import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.quality.languages import Language, identify

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog while nobody watches it.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund, während niemand zusieht.",
    "fr": "Le renard brun saute par-dessus le chien paresseux pendant que personne ne regarde.",
    "es": "El zorro marrón salta sobre el perro perezoso mientras nadie lo está mirando.",
    "ru": "Быстрая коричневая лиса прыгает через ленивую собаку, пока никто не смотрит.",
    "ja": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "zh": "今天天气很好，我们一起去公园散步吧。",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول بينما لا أحد يراقب.",
}


def test_languages_are_identified_with_confidence_in_lines_and_long_texts():
    for texts in (SENTENCES, {code: "\n".join([text] * 30) for code, text in SENTENCES.items()}):
        found = identify(list(texts.values()))
        assert [one.code for one in found] == list(SENTENCES)
        assert all(0.5 < one.confidence <= 1 for one in found)


def test_options_numbers_and_names_in_code_do_not_hide_the_language():
    text = "--es --de=la un_la x.de.es 12 " * 3 + "with the words of a sentence"
    assert identify([text])[0].code == "en"
    assert identify(["東京は日本の首都です。 import os のようなコードもあります。"])[0].code == "ja"


@pytest.mark.parametrize("text", ["", "12 + 34", "😀 🎉", " \n\t", "---"])
def test_a_text_without_letters_has_no_language(text):
    assert identify([text]) == [Language("und", 0.0)]


def test_half_a_character_is_no_obstacle():
    assert identify([f"{SENTENCES['en']} \ud800"])[0].code == "en"


def test_nothing_is_downloaded(monkeypatch):
    from components.cleaning.quality import languages

    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    languages._model.cache_clear()
    assert identify([SENTENCES["en"]])[0].code == "en"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=500), max_size=4))
def test_any_text_is_answered_and_always_alike(texts):
    found = identify(texts)
    assert len(found) == len(texts)
    assert found == [identify([text])[0] for text in texts]
