"""Names and code travel as made-up words and come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.augmentation.back_translation.protection import numbers, protect, restore, with_articles


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("Return the value.", ()),
        ("Call foo_bar() with *args and os.path, or else.", ("foo_bar()", "*args", "os.path")),
        ("Set `the mode` to 'utf-8' on Windows.", ("`the mode`", "'utf-8'", "Windows")),
        ("See https://example.org/a?b=c for the RFC 2231.", ("https://example.org/a?b=c", "RFC")),
        ("It has 2,000 rows and 10% of a {name} or %s.", ("{name}", "%s")),
        ("The Old Man And The Sea", ()),
        ("parseInt is a function (of x)", ("parseInt", "x")),
    ],
)
def test_names_and_code_are_set_aside(sentence, kept):
    protected = protect(sentence)
    assert protected.kept == kept
    assert restore(protected.text, protected.kept) == sentence


@given(st.text(alphabet=st.sampled_from("aAbZ `'\"().,*_1%/-:é"), max_size=120))
def test_what_is_set_aside_comes_back(sentence):
    protected = protect(sentence)
    assert restore(protected.text, protected.kept) == " ".join(sentence.split())


def test_a_name_that_is_lost_or_doubled_is_noticed():
    protected = protect("Call foo_bar and os.path.")
    first, second = protected.text.split()[1], protected.text.split()[3].rstrip(".")
    assert restore(f"Call {second} and {first}.", protected.kept) == "Call os.path and foo_bar."
    assert restore(f"Call {first}.", protected.kept) is None
    assert restore(f"Call {first} and {second} and {first}.", protected.kept) is None
    assert restore(f"Call {first} and {second} and zqxzz.", protected.kept) is None


def test_a_sentence_that_has_the_made_up_words_itself_is_left_alone():
    assert protect("What is zqxaa?") is None


def test_numbers_are_counted_by_their_digits():
    assert numbers("10 of 2,000 or 3rd") == numbers("3rd or 2,000 of 10")
    assert numbers("10 and 10") != numbers("10")


def test_an_article_is_the_one_that_the_word_had():
    assert with_articles("This is a XML of a house.", "An XML of the house is a house.") == "This is an XML of a house."
