import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.faults import Fault
from components.cleaning.quality import texts
from components.cleaning.quality.config import Repetition, TextQuality
from components.cleaning.quality.documents import Document
from components.cleaning.quality.reasons import Reason

PROSE = (
    "The river rises in a narrow valley and turns to the east below the old mill. Farmers along its banks have grown "
    "barley, hops and apples for many generations. In wet winters the lower meadows flood, and that is why most of the "
    "houses stand on a low ridge. A road follows the ridge as far as the market town, with stone bridges where brooks "
    "must be crossed. Nobody knows who built them."
)
LOOSE = Repetition(**dict.fromkeys(Repetition.__dataclass_fields__))


def words(count, first=0):
    """Different words of six letters."""
    return [f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}ab" for n in range(first, first + count)]


def test_prose_passes_every_rule():
    assert texts.fault(PROSE, TextQuality(), "en") is None
    assert Document(PROSE).size_words > TextQuality().document_words


@pytest.mark.parametrize(
    "caption", ["flag: Egypt", "😀", "grinning face smile", "US", "# # #", "• a", "more ...", "12"]
)
def test_captions_are_left_alone(caption):
    assert texts.fault(caption, TextQuality(), "en") is None


# Each rule with a text just within its limit and one just beyond it.
RULES = [
    (texts.too_few_words, {"min_words": 3}, "a b c", "a b", Reason.TOO_FEW_WORDS, "2 words"),
    (texts.too_many_words, {"max_words": 3}, "a b c", "a b c d", Reason.TOO_MANY_WORDS, "4 words"),
    (texts.overlong_word, {"max_word_characters": 5}, "abcde x", "abcdef x", Reason.OVERLONG_WORD, "6 characters"),
    (
        texts.broken_encoding,
        {"max_replacement_share": 0.25},
        "a\ufffdbc",
        "a\ufffdb",
        Reason.BROKEN_ENCODING,
        "0.333 of characters",
    ),
    (texts.placeholder, {}, "Lorem and ipsum", "Lorem Ipsum dolor", Reason.PLACEHOLDER, "lorem ipsum"),
    (texts.word_length, {}, "abc abc", "abc ab", Reason.WORD_LENGTH, "2.5 characters a word"),
    (texts.word_length, {}, "a" * 10, "a" * 11, Reason.WORD_LENGTH, "11 characters a word"),
    (texts.symbols, {}, "# " + "a " * 9, "# " + "a " * 8, Reason.SYMBOLS, "0.111 # a word"),
    (texts.symbols, {}, "a... " + "a " * 9, "a… " + "a " * 8, Reason.SYMBOLS, "0.111 ellipses a word"),
    (texts.bullets, {}, "- a\n" * 9 + "b", "- a\n" * 10 + "b\n", Reason.BULLETS, "0.909 of lines"),
    (texts.ellipses, {}, "a...\n" * 3 + "b\n" * 7, "a…\n" * 3 + "b\n" * 6, Reason.ELLIPSES, "0.333 of lines"),
    (texts.few_letters, {}, "a1 " * 8 + "1 1", "(a) " * 7 + "1 2 +", Reason.FEW_LETTERS, "0.7 of words"),
    (texts.few_sentences, {}, 'A. B! "C?"', "A. B! C", Reason.FEW_SENTENCES, "2 sentences"),
    (texts.curly_brackets, {"max_curly_brackets": 1}, "{}", "{{}}", Reason.CURLY_BRACKETS, "2 brackets"),
    (
        texts.boilerplate,
        {},
        "Enable JavaScript.\n" * 3 + "b\n" * 7,
        "We use cookies.\n" * 3 + "b\n" * 6,
        Reason.BOILERPLATE,
        "0.333 of lines",
    ),
    (
        texts.unpunctuated_lines,
        {"min_punctuated_lines": 0.5},
        "a.\nb",
        "a.\nb\nc",
        Reason.UNPUNCTUATED_LINES,
        "0.333 of lines",
    ),
    (
        texts.short_lines,
        {"max_short_lines": 0.5},
        f"{'a' * 30}\nb",
        f"{'a' * 29}\nb",
        Reason.SHORT_LINES,
        "1 of lines",
    ),
    (
        texts.repeated_lines,
        {},
        "a\n" * 4 + "b\nc\nd\nefghijklmnop\ng\nh",
        "a\n" * 5 + "b\nc\nd\nefghijklmnop\ng",
        Reason.REPEATED_LINES,
        "0.4 of lines",
    ),
    (
        texts.repeated_lines,
        {},
        "aa\naa\nbbb\nccc",
        "aaa\naaa\nbbb\ncc\nd",
        Reason.REPEATED_LINES,
        "0.25 of characters in repeated lines",
    ),
    (
        texts.repeated_paragraphs,
        {},
        "aa\n\naa\n\nbbb\n\nccc",
        "aaa\n\naaa\n\nbbb\n\ncc\n\nd",
        Reason.REPEATED_PARAGRAPHS,
        "0.25 of characters in repeated paragraphs",
    ),
]


@pytest.mark.parametrize(
    ("rule", "limits", "within", "beyond", "reason", "measured"),
    RULES,
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_rule_rejects_just_beyond_its_limit(rule, limits, within, beyond, reason, measured):
    config = TextQuality(**limits)
    assert rule(Document(within), config) is None
    fault = rule(Document(beyond), config)
    assert fault is not None
    assert (fault.reason, fault.measured) == (reason, measured)
    assert fault.limit


def test_two_stop_words_make_english_and_other_languages_do_without():
    two, one = "Sail with them, and see", "Sail with them, see"
    assert texts.few_stop_words(Document(two, "en"), TextQuality()) is None
    assert texts.few_stop_words(Document("AND, THE!", "en"), TextQuality()) is None, "whatever case and punctuation"
    fault = texts.few_stop_words(Document(one, "en"), TextQuality())
    assert fault == Fault(Reason.FEW_STOP_WORDS, "1 stop words", "2 stop words")
    assert texts.few_stop_words(Document(one, "de"), TextQuality()) is None


@pytest.mark.parametrize("length", range(2, 11))
def test_each_length_of_sequence_has_its_limit(length):
    name = f"top_{length}_gram" if length <= 4 else f"duplicate_{length}_grams"
    # Sequences of six-letter words between others that never recur: in the most frequent one all its occurrences
    # count, of the longer ones all but the first.
    sequence, others = words(length), iter(words(900, 100))
    text = " ".join(" ".join([*sequence, *(next(others) for _ in range(20))]) for _ in range(4))
    share = (4 if length <= 4 else 3) * length / (4 * (length + 20))
    for limit, rejected in ((share + 1e-9, False), (share - 1e-9, True)):
        fault = texts.repeated_words(Document(text), TextQuality(repetition=Repetition(**{**vars(LOOSE), name: limit})))
        assert (fault is not None) == rejected
        if fault:
            assert fault.measured == f"{share:.3g} of characters in sequences of {length} words"


def test_no_character_counts_twice_in_overlapping_sequences():
    assert Document("abc " * 200).repeated.max() <= 1


def test_documents_begin_at_the_named_number_of_words():
    text = " ".join(["#"] * 50)
    assert texts.fault(text, TextQuality()) is not None
    assert texts.fault(text, TextQuality(document_words=51)) is None


def test_a_limit_of_null_switches_its_rule_off():
    off = {
        name: None
        for name in TextQuality.__dataclass_fields__
        if name.startswith(("max_", "min_")) and name not in ("min_words", "min_language_confidence")
    }
    config = TextQuality(**off, placeholder=False, repetition=LOOSE)
    for text in ("#" * 5000, "# " * 200, "lorem ipsum\n" * 90, "\ufffd " * 99, "- use cookies...\n" * 50):
        assert texts.fault(text, config, "en") is None
        assert texts.fault(text, TextQuality(), "en") is not None


def test_languages_without_spaces_are_judged_by_lines_not_by_words():
    line = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。"
    text = f"{line}\n{line[:30]}\n{line[::-1]}"
    assert texts.fault(text, TextQuality(), "ja") is None
    assert texts.fault(f"{line}\n" * 10, TextQuality(), "ja").reason is Reason.REPEATED_LINES


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(), max_size=400), st.sampled_from([None, "en", "zh"]))
def test_no_text_makes_a_rule_raise(text, language):
    config = TextQuality(document_words=0, min_punctuated_lines=0.5, max_short_lines=0.5, max_curly_brackets=0)
    fault = texts.fault(text, config, language)
    assert fault is None or fault.measured


@pytest.mark.parametrize("token", ["ab ", "a.b, ", "...", "# ", "{", "é"])
def test_a_line_of_a_million_tokens_takes_every_rule_a_bounded_time(token, processor_seconds):
    config = TextQuality(max_curly_brackets=9_999_999, min_punctuated_lines=0.5, max_short_lines=0.5)
    with processor_seconds(10):
        for rule in (*texts.ANY_TEXT, *texts.DOCUMENTS):
            rule(Document(token * 1_000_000, "en"), config)


def test_different_words_without_end_take_bounded_time(processor_seconds):
    drawn = random.Random(0)
    text = " ".join(str(drawn.getrandbits(40)) for _ in range(400_000))
    with processor_seconds(8):
        Document(text).repeated.max()
