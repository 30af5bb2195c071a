"""What counts as noise: the `quality` section of cleaning. A limit of `null` switches its rule off.

Sources: Gopher is Rae et al. 2021, arXiv:2112.11446, appendix A1.1; C4 is Raffel et al. 2020, JMLR 21(140), section
2.2; FineWeb is Penedo et al. 2024, arXiv:2406.17557, section 3.6; Codex is Chen et al. 2021, arXiv:2107.03374, section
3.1; StarCoder is Li et al. 2023, arXiv:2305.06161, section 3; StarCoder 2 is Lozhkov et al. 2024, arXiv:2402.19173,
section 3.
"""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section

_Share = Annotated[float, pydantic.Field(ge=0, le=1)] | None
_Ratio = Annotated[float, pydantic.Field(ge=0)] | None
_Count = Annotated[int, pydantic.Field(ge=0)]
_Limit = Annotated[int, pydantic.Field(ge=0)] | None


@section
class Repetition:
    """Limits of repetition within one document, each a share (Gopher, table A1)."""

    lines: _Share = 0.30
    """Lines that occurred before, of all lines."""
    paragraphs: _Share = 0.30
    """Paragraphs that occurred before, of all paragraphs."""
    line_characters: _Share = 0.20
    """Characters in lines that occurred before (FineWeb takes 0.1)."""
    paragraph_characters: _Share = 0.20
    """Characters in paragraphs that occurred before."""
    top_2_gram: _Share = 0.20
    """Characters in the most frequent sequence of 2 words."""
    top_3_gram: _Share = 0.18
    """Characters in the most frequent sequence of 3 words."""
    top_4_gram: _Share = 0.16
    """Characters in the most frequent sequence of 4 words."""
    duplicate_5_grams: _Share = 0.15
    """Characters in sequences of 5 words that occurred before."""
    duplicate_6_grams: _Share = 0.14
    """As above, of 6 words."""
    duplicate_7_grams: _Share = 0.13
    """As above, of 7 words."""
    duplicate_8_grams: _Share = 0.12
    """As above, of 8 words."""
    duplicate_9_grams: _Share = 0.11
    """As above, of 9 words."""
    duplicate_10_grams: _Share = 0.10
    """As above, of 10 words."""


@section
class TextQuality:
    """Texts. The rules of web corpora apply to documents; shorter texts are captions, for which they are not meant."""

    document_words: _Count = 50
    """Texts of at least so many words are documents (Gopher's least length). In languages that are written without
    spaces, two characters count as a word."""
    languages: tuple[Annotated[str, pydantic.Field(pattern=r"^[a-z]{2,3}$")], ...] | None = None
    """Languages (ISO 639) to keep, `und` for what is undetermined; `null` keeps all."""
    min_language_confidence: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.4
    """Below this confidence of the identification a text's language is undetermined. FineWeb takes 0.65 for web pages;
    on technical texts in English 0.4 leaves 8 to 17 of 100 undetermined and less than 1 wrong."""
    min_words: _Count = 0
    """Texts of fewer words are rejected, captions too."""
    max_word_characters: _Limit = 1000
    """Texts with a longer word are rejected, captions too (C4's code drops lines with a word over 1,000)."""
    max_replacement_share: _Share = 0.02
    """Replacement characters (U+FFFD: undecodable) of all characters, in captions too."""
    placeholder: bool = True
    """Whether texts that hold `lorem ipsum` are rejected, captions too (C4)."""
    max_words: _Limit = 100_000
    """Documents of more words are rejected (Gopher)."""
    min_mean_word_length: _Ratio = 3.0
    """Mean characters of a word, at least (Gopher)."""
    max_mean_word_length: _Ratio = 10.0
    """Mean characters of a word, at most (Gopher)."""
    max_symbols_per_word: _Ratio = 0.1
    """`#` signs for each word, and ellipses for each word (Gopher)."""
    max_bullet_lines: _Share = 0.9
    """Lines that begin with a bullet, of all lines (Gopher)."""
    max_ellipsis_lines: _Share = 0.3
    """Lines that end with an ellipsis, of all lines (Gopher)."""
    min_alphabetic_words: _Share = 0.8
    """Words with at least one letter, of all words (Gopher)."""
    min_stop_words: _Limit = 2
    """Different ones of `the, be, to, of, and, that, have, with` in an English document (Gopher)."""
    min_sentences: _Limit = 3
    """Sentences of a document (C4)."""
    max_curly_brackets: _Limit = None
    """Opening curly brackets in a document (C4: 0, as a sign of code; texts beside code often hold some)."""
    max_boilerplate_lines: _Share = 0.3
    """Lines about JavaScript, cookies or terms of use, of all lines. C4 removes such lines; here nothing within a
    document is removed."""
    min_punctuated_lines: _Share = None
    """Lines that end with punctuation, of all lines (FineWeb: 0.12, for web pages)."""
    max_short_lines: _Share = None
    """Lines shorter than 30 characters, of all lines (FineWeb: 0.67, for web pages)."""
    repetition: Repetition = pydantic.Field(default_factory=Repetition)
    """Repetition within a document."""


@section
class CodeQuality:
    """Codes. Markup (HTML, SVG) is one line and full of numbers by nature: rules about lines and digits leave it alone."""

    max_bytes: _Limit = 1_000_000
    """Larger codes are rejected unparsed; data or generated, as a rule."""
    max_error_share: _Share = 0.25
    """Bytes that the language's grammar cannot make sense of, of all bytes. Languages without a grammar pass."""
    max_nesting: Annotated[int, pydantic.Field(ge=1, le=1000)] = 200
    """Open brackets, or elements of markup, within each other, at most."""
    max_mean_line: _Ratio = 100.0
    """Mean characters of a line, at most (Codex)."""
    max_line: _Limit = 1000
    """Characters of the longest line, at most (Codex)."""
    min_alphanumeric: _Share = 0.25
    """Letters and digits, of all characters (StarCoder)."""
    generated: bool = True
    """Whether codes are rejected whose first lines say in a comment that a program wrote them."""
    generated_lines: Annotated[int, pydantic.Field(ge=1, le=1000)] = 20
    """How many first lines are searched for it."""
    max_digits: _Share = 0.4
    """Digits, of all characters that are not white space: tables of numbers."""
    max_encoded_run: _Limit = 1024
    """Characters of the longest base64 or hexadecimal string (StarCoder 2)."""
    max_encoded_share: _Share = 0.5
    """Characters in base64 or hexadecimal strings of 64 or more, of all characters (StarCoder 2)."""
    licenses: tuple[str, ...] | None = None
    """SPDX identifiers to keep. Codes whose header names another licence are rejected, codes without one stay; `null`
    keeps all."""
    max_license_share: _Share = 0.95
    """Bytes of the licence header, of all bytes: a file that is nothing else."""


@section
class ImageQuality:
    """Images."""

    min_deviation: _Ratio = 2.0
    """Standard deviation of the pixels' values, 0 to 127.5, in the colour channel where it is largest: below, an image
    is blank. A 64 by 64 white image with one black pixel has 4."""
    max_aspect: Annotated[float, pydantic.Field(ge=1)] | None = 10.0
    """Longer side to shorter side, at most."""
    min_colors: _Limit = None
    """Different colours, at least; drawings and scans can do with two."""
    max_text_lines: _Limit = 5
    """Lines of text in an image that is nothing but text, at most."""


@section
class Quality:
    """Noise, by modality."""

    text: TextQuality = pydantic.Field(default_factory=TextQuality)
    """Texts."""
    code: CodeQuality = pydantic.Field(default_factory=CodeQuality)
    """Codes."""
    image: ImageQuality = pydantic.Field(default_factory=ImageQuality)
    """Images."""
