"""WordNet's senses as it is installed."""

import pytest

from components.augmentation.synonyms import wordnet
from schemas.errors import IntegrityError, SourceError


def test_senses_come_by_frequency_and_words_share_them(words):
    first, *others = words.senses("car", "noun")
    assert first.rank == 1 and all(first.times >= other.times for other in others)
    assert {"auto", "automobile", "car"} <= set(words.words(first.synset))


@pytest.mark.parametrize(
    ("word", "part", "base"),
    [
        ("houses", "noun", "house"),
        ("children", "noun", "child"),
        ("stopped", "verb", "stop"),
        ("tries", "verb", "try"),
        ("larger", "adj", "large"),
        ("quickly", "adv", "quickly"),
    ],
)
def test_forms_are_led_back_to_their_base(words, word, part, base):
    assert base in words.bases(word, part)


def test_words_share_a_meaning_only_among_their_frequent_ones(words):
    assert words.share_meaning("bigger", "larger", within=1)
    assert not words.share_meaning("event", "case", within=1)
    assert words.share_meaning("event", "case", within=3)
    assert not words.share_meaning("signature", "byline", within=10)


def test_a_missing_wordnet_names_the_packages(tmp_path):
    with pytest.raises(SourceError, match="apt-get install wordnet-base wordnet-sense-index"):
        wordnet.load(tmp_path)


@pytest.mark.parametrize("content", ["not an index\n", "car%1:06:00:: x 1 71\n", "car%9:06:00:: 1 1 71\n"])
def test_a_damaged_index_is_named(tmp_path, content):
    (tmp_path / "index.sense").write_text(content)
    for part in wordnet.PARTS:
        (tmp_path / f"{part}.exc").write_text("")
    with pytest.raises(IntegrityError, match=r"index\.sense:1"):
        wordnet.load(tmp_path)
