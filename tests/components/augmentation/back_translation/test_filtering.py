"""The filter: real round trips through apertium, judged by hand."""

import os
import pathlib

import pytest

from components.augmentation.back_translation.config import ParaphraseFilter
from components.augmentation.back_translation.filtering import Verdict, judge, with_mood
from components.augmentation.synonyms import wordnet


@pytest.fixture(scope="module")
def words():
    if not os.path.exists("/usr/share/wordnet/index.sense"):
        why = "WordNet is not installed: sudo apt-get install wordnet-base wordnet-sense-index"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return wordnet.load(pathlib.Path("/usr/share/wordnet"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("You can usually ignore it.", "Usually you can ignore it."),
        ("Write the coverage results.", "Write the results of coverage."),
        (
            "kwargs is a dictionary containing additional information.",
            "kwargs is a dictionary that contains additional information.",
        ),
        ("Returns a list of supported formats for unpacking.", "Returns a list of supported formats to unpack."),
        ("Later, it isn't used.", "Subsequently, it is not used again.".replace(" again", "")),
        ("Closes the socket.", "It closes the socket."),
    ],
)
def test_good_round_trips_pass(before, after, words):
    assert judge(before, after, ParaphraseFilter(), words) is None


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("It has 12 rows of values.", "It has 13 rows of values.", Verdict.LOST_NUMBER),
        ("Not available for screen objects.", "Available for objects of screen.", Verdict.NEGATION),
        ("Not available for screen objects.", "No available for objects of screen.", Verdict.NEGATION),
        ("Return the current date.", "I return the current date.", Verdict.PERSON),
        ("This should be released with care.", "This would have to be released with care.", Verdict.GRAMMAR),
        ("An archive file that exists.", "An archive file to exist.", Verdict.GRAMMAR),
        ("Characters in the parse tree are fine.", "Characters in the parse the tree are fine.", Verdict.GRAMMAR),
        ("Open a terminal pair if possible.", "Opened a terminal pair if possible.", Verdict.GRAMMAR),
        ("It is the type of text wrapping.", "It is the type of text that wraps.", Verdict.GRAMMAR),
        ("Change box location.", "Location of box of the change.", Verdict.GRAMMAR),
        ("Was the session reused?", "It was the session reused?", Verdict.GRAMMAR),
        ("The line does not end here.", "The line not end here.", Verdict.GRAMMAR),
        ("This only works for files.", "These only works for files.", Verdict.GRAMMAR),
        ("If you change it, you change all of it.", "If you change it, change all of it.", Verdict.PERSON),
        ("Return list of triples.", "List of return of triples.", Verdict.GRAMMAR),
        ("The method signature is standard.", "The byline of method is standard.", Verdict.OTHER_WORD),
        ("Set the mode permissions.", "Set the permissions of way.", Verdict.OTHER_WORD),
        ("All the given string values are fine.", "All the string values given are fine.", Verdict.WORD_ORDER),
        ("The raw image data is big.", "The data of raw image is big.", Verdict.WORD_ORDER),
        ("The house is red.", "the house is red", Verdict.UNCHANGED),
        ("The house is red and big and old.", "The house is old.", Verdict.LENGTH),
        ("The tree stands by the river.", "The house stands by the mountain.", Verdict.TOO_DIFFERENT),
        (
            "The green tree of the garden is green.",
            "The green tree of the garden garden is green.",
            Verdict.REPEATED_WORD,
        ),
    ],
)
def test_bad_round_trips_are_rejected_by_their_reason(before, after, verdict, words):
    assert judge(before, after, ParaphraseFilter(), words) is verdict


def test_a_limit_of_its_own_lets_other_words_through(words):
    config = ParaphraseFilter(wordnet=None)
    assert judge("The method signature is standard.", "The byline of method is standard.", config, None) is None


def test_another_language_is_noticed_without_wordnet():
    config = ParaphraseFilter(min_similarity=0.0, min_word_overlap=0.0)
    verdict = judge("The house of the family is big and red.", "La casa de la familia es grande y roja.", config, None)
    assert verdict in (Verdict.OTHER_LANGUAGE, Verdict.GRAMMAR)
    verdict = judge("houses with big red doors", "casas con grandes puertas rojas", config, None)
    assert verdict is Verdict.OTHER_LANGUAGE


def test_a_command_stays_a_command(words):
    assert with_mood("It puts the title.", "Set the title.", words) == "Put the title."
    assert with_mood("I return the title.", "Return the title.", words) == "Return the title."
    assert with_mood("It closes the file.", "Closes the file.", words) == "It closes the file."
    assert with_mood("It is the title.", "The title is it.", words) == "It is the title."
