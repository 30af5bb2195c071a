"""Rules of quality for texts: each says what it objects to, or nothing.

They reject whole documents and change none. Limits and their sources are in `components.cleaning.quality.config`.
"""

from __future__ import annotations

from collections.abc import Callable

from components.cleaning.faults import Fault
from components.cleaning.quality.config import TextQuality
from components.cleaning.quality.documents import Document
from components.cleaning.quality.reasons import Reason
from components.cleaning.quality.repetition import LONGEST, TOP

Rule = Callable[[Document, TextQuality], "Fault | None"]

_STOP_WORDS = ("the", "of", "and", "to", "with", "that", "be", "have")
_BULLETS = ("•", "‣", "▪", "●", "◦", "⁃", "- ", "* ", "– ", "— ", "· ")
_ELLIPSES = ("...", "…")
_PUNCTUATION = (".", "!", "?", '"', "'", "”", "’", ":", ";", "…", ")", "。", "！", "？", "।", "؟")
_SHORT_LINE = 30  # characters
# C4's clean-up of web pages: phrases of lines that are about the site, not about its subject.
_BOILERPLATE = (
    "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip
_LONGEST_BOILERPLATE = 300  # characters; a longer line is prose


def fault(text: str, config: TextQuality, language: str | None = None) -> Fault | None:
    """The first objection of a rule to a text.

    Args:
        text: in standard form.
        config: the limits.
        language: ISO 639, None if it is not known. Rules about words leave languages without spaces alone, stop words
            are English.
    """
    document = Document(text, language)
    for rule in ANY_TEXT:
        objection = rule(document, config)
        if objection is not None:
            return objection
    if document.size_words < config.document_words:
        return None
    for rule in DOCUMENTS if document.spaced else UNSPACED_DOCUMENTS:
        objection = rule(document, config)
        if objection is not None:
            return objection
    return None


def too_few_words(document: Document, config: TextQuality) -> Fault | None:
    """Texts of few words, captions included."""
    if document.size_words >= config.min_words:
        return None
    return Fault(Reason.TOO_FEW_WORDS, f"{document.size_words} words", f"{config.min_words} words")


def overlong_word(document: Document, config: TextQuality) -> Fault | None:
    """One word that nobody would write: a run of encoded data or a broken extraction."""
    limit = config.max_word_characters
    if limit is None or not document.spaced or len(document.text) <= limit:
        return None
    longest = max(document.lengths, default=0)
    return Fault(Reason.OVERLONG_WORD, f"{longest} characters", f"{limit} characters") if longest > limit else None


def broken_encoding(document: Document, config: TextQuality) -> Fault | None:
    """Characters lost in a wrong decoding."""
    count = document.text.count("\ufffd")
    return _above(Reason.BROKEN_ENCODING, count, len(document.text), config.max_replacement_share, "of characters")


def placeholder(document: Document, config: TextQuality) -> Fault | None:
    """Filler that stands for a text to come (C4)."""
    if not config.placeholder or "lorem ipsum" not in document.lower:
        return None
    return Fault(Reason.PLACEHOLDER, "lorem ipsum", "no placeholder")


def too_many_words(document: Document, config: TextQuality) -> Fault | None:
    """Documents that are longer than any article (Gopher)."""
    if config.max_words is None or document.size_words <= config.max_words:
        return None
    return Fault(Reason.TOO_MANY_WORDS, f"{document.size_words} words", f"{config.max_words} words")


def word_length(document: Document, config: TextQuality) -> Fault | None:
    """Words that are on average too short or too long for a language (Gopher)."""
    mean = sum(document.lengths) / max(len(document.words), 1)
    least, most = config.min_mean_word_length, config.max_mean_word_length
    if least is not None and mean < least:
        return Fault(Reason.WORD_LENGTH, f"{mean:.3g} characters a word", f"at least {least:g} characters a word")
    if most is not None and mean > most:
        return Fault(Reason.WORD_LENGTH, f"{mean:.3g} characters a word", f"at most {most:g} characters a word")
    return None


def symbols(document: Document, config: TextQuality) -> Fault | None:
    """Hash signs or ellipses all over (Gopher)."""
    limit = config.max_symbols_per_word
    if limit is None:
        return None
    words = max(len(document.words), 1)
    for name, count in (
        ("#", document.text.count("#")),
        ("ellipses", document.text.count("...") + document.text.count("…")),
    ):
        if count > limit * words:
            return Fault(Reason.SYMBOLS, f"{count / words:.3g} {name} a word", f"{limit:g} a word")
    return None


def bullets(document: Document, config: TextQuality) -> Fault | None:
    """Lists and nothing else (Gopher)."""
    count = sum(line.startswith(_BULLETS) for line in document.lines)
    return _above(Reason.BULLETS, count, len(document.lines), config.max_bullet_lines, "of lines")


def ellipses(document: Document, config: TextQuality) -> Fault | None:
    """Teasers: lines that break off (Gopher)."""
    count = sum(line.endswith(_ELLIPSES) for line in document.lines)
    return _above(Reason.ELLIPSES, count, len(document.lines), config.max_ellipsis_lines, "of lines")


def few_letters(document: Document, config: TextQuality) -> Fault | None:
    """Numbers and signs instead of words (Gopher)."""
    limit = config.min_alphabetic_words
    if limit is None:
        return None
    least = limit * len(document.words)
    count = sum(map(str.isalpha, document.words))
    if count < least:  # only now words such as `it's` or `(see` are looked into
        for word in document.words:
            if not word.isalpha() and (word[0].isalpha() or any(map(str.isalpha, word))):
                count += 1
                if count >= least:
                    return None
    return _below(Reason.FEW_LETTERS, count, len(document.words), limit, "of words")


def few_stop_words(document: Document, config: TextQuality) -> Fault | None:
    """English without the words that no English text does without (Gopher)."""
    limit = config.min_stop_words
    if not limit or document.language != "en":
        return None
    found = 0
    for word in _STOP_WORDS:  # most texts are through after two of these
        found += f" {word} " in document.text
        if found >= limit:
            return None
    found = len({word.strip(".,;:!?\"'()") for word in document.lower.split()}.intersection(_STOP_WORDS))
    return Fault(Reason.FEW_STOP_WORDS, f"{found} stop words", f"{limit} stop words") if found < limit else None


def few_sentences(document: Document, config: TextQuality) -> Fault | None:
    """Menus and lists of titles (C4)."""
    limit = config.min_sentences
    if not limit:
        return None
    found = document.sentences(limit)
    return Fault(Reason.FEW_SENTENCES, f"{found} sentences", f"{limit} sentences") if found < limit else None


def curly_brackets(document: Document, config: TextQuality) -> Fault | None:
    """Code among texts (C4)."""
    limit = config.max_curly_brackets
    if limit is None:
        return None
    count = document.text.count("{")
    return Fault(Reason.CURLY_BRACKETS, f"{count} brackets", f"{limit} brackets") if count > limit else None


def boilerplate(document: Document, config: TextQuality) -> Fault | None:
    """Web pages that are about themselves (after C4, which removes such lines)."""
    if config.max_boilerplate_lines is None or not any(phrase in document.lower for phrase in _BOILERPLATE):
        return None
    count = sum(
        len(line) <= _LONGEST_BOILERPLATE and any(phrase in line.lower() for phrase in _BOILERPLATE)
        for line in document.lines
    )
    return _above(Reason.BOILERPLATE, count, len(document.lines), config.max_boilerplate_lines, "of lines")


def unpunctuated_lines(document: Document, config: TextQuality) -> Fault | None:
    """Lines that are not sentences (FineWeb)."""
    limit = config.min_punctuated_lines
    if limit is None:
        return None
    count = sum(line.endswith(_PUNCTUATION) for line in document.lines)
    return _below(Reason.UNPUNCTUATED_LINES, count, len(document.lines), limit, "of lines")


def short_lines(document: Document, config: TextQuality) -> Fault | None:
    """Menus, tables and lists (FineWeb)."""
    limit = config.max_short_lines
    if limit is None:
        return None
    count = sum(len(line) < _SHORT_LINE for line in document.lines)
    return _above(Reason.SHORT_LINES, count, len(document.lines), limit, "of lines")


def repeated_lines(document: Document, config: TextQuality) -> Fault | None:
    """Lines that occurred before (Gopher, table A1)."""
    limits = config.repetition
    return _repeated(Reason.REPEATED_LINES, document.lines, limits.lines, limits.line_characters, "lines")


def repeated_paragraphs(document: Document, config: TextQuality) -> Fault | None:
    """Paragraphs that occurred before (Gopher, table A1)."""
    limits = config.repetition
    parts = document.paragraphs
    return _repeated(Reason.REPEATED_PARAGRAPHS, parts, limits.paragraphs, limits.paragraph_characters, "paragraphs")


def repeated_words(document: Document, config: TextQuality) -> Fault | None:
    """Sequences of 2 to 10 words that come again and again (Gopher, table A1)."""
    shares = document.repeated
    for length, limit in _sequence_limits(config):
        if limit is not None and shares[length] > limit:
            name = Reason.FREQUENT_WORDS if length <= TOP else Reason.REPEATED_WORDS
            return Fault(
                name, f"{shares[length]:.3g} of characters in sequences of {length} words", f"{limit:g} of characters"
            )
    return None


ANY_TEXT: tuple[Rule, ...] = (too_few_words, overlong_word, broken_encoding, placeholder)
"""Rules that captions, too, must pass."""

UNSPACED_DOCUMENTS: tuple[Rule, ...] = (
    too_many_words,
    bullets,
    ellipses,
    few_sentences,
    curly_brackets,
    boilerplate,
    unpunctuated_lines,
    repeated_lines,
    repeated_paragraphs,
)
"""Rules for documents in languages without spaces between words: none is about words."""

DOCUMENTS: tuple[Rule, ...] = (
    *UNSPACED_DOCUMENTS,
    word_length,
    symbols,
    few_letters,
    few_stop_words,
    short_lines,
    repeated_words,
)
"""Rules for all other documents."""


def _sequence_limits(config: TextQuality) -> list[tuple[int, float | None]]:
    limits = config.repetition
    return [
        (length, getattr(limits, f"top_{length}_gram" if length <= TOP else f"duplicate_{length}_grams"))
        for length in range(2, LONGEST + 1)
    ]


def _repeated(
    reason: Reason, parts: list[str], limit: float | None, limit_characters: float | None, name: str
) -> Fault | None:
    distinct = set(parts)
    if len(distinct) == len(parts):
        return None
    count = len(parts) - len(distinct)
    objection = _above(reason, count, len(parts), limit, f"of {name}")
    if objection is not None:
        return objection
    total = sum(map(len, parts))
    return _above(reason, total - sum(map(len, distinct)), total, limit_characters, f"of characters in repeated {name}")


def _above(reason: Reason, count: int, total: int, limit: float | None, unit: str) -> Fault | None:
    if limit is None or count <= limit * total:
        return None
    return Fault(reason, f"{count / total:.3g} {unit}", f"at most {limit:g} {unit}")


def _below(reason: Reason, count: int, total: int, limit: float, unit: str) -> Fault | None:
    if count >= limit * total:
        return None
    return Fault(reason, f"{count / total:.3g} {unit}", f"at least {limit:g} {unit}")
