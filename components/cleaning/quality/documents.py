"""A text as the rules see it: cut into words and lines once."""

from __future__ import annotations

import functools
import itertools
import re

import numpy as np
import numpy.typing as npt

from components.cleaning.quality import repetition
from components.cleaning.quality.languages import UNSPACED

_ENDS = frozenset(".!?…।։؟۔")
_CLOSING = "\"'”’)]"
_UNSPACED_END = re.compile(r"[。！？.!?…။។]")


class Document:
    """A text and its parts.

    Attributes:
        text: the text.
        language: ISO 639, None if it is not known.
        spaced: whether its language puts spaces between words; if not, rules about words say nothing.
        words: what white space separates.
        size_words: the number of words; where there are no spaces, two characters count as one.
        lines: without surrounding white space and without empty ones.
    """

    __slots__ = ("__dict__", "language", "lines", "size_words", "spaced", "text", "words")

    def __init__(self, text: str, language: str | None = None):
        self.text = text
        self.language = language
        self.spaced = language not in UNSPACED
        self.words = text.split()
        self.size_words = len(self.words) if self.spaced else len(text) // 2
        self.lines = list(filter(None, map(str.strip, text.split("\n"))))

    @functools.cached_property
    def paragraphs(self) -> list[str]:
        """What empty lines separate, without surrounding white space."""
        return list(filter(None, map(str.strip, self.text.split("\n\n"))))

    @functools.cached_property
    def lengths(self) -> list[int]:
        """Characters of each word."""
        return list(map(len, self.words))

    @functools.cached_property
    def repeated(self) -> npt.NDArray[np.float64]:
        """The shares of characters in repeated sequences of words; see `repetition.shares`."""
        return repetition.shares(self.text)

    @functools.cached_property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    def sentences(self, most: int) -> int:
        """The number of sentences, by the marks that end one, counted up to a most."""
        if not self.spaced:
            return sum(1 for _ in itertools.islice(_UNSPACED_END.finditer(self.text), most))
        count = 0
        for word in self.words:
            last = word[-1]
            if last in _ENDS or (last in _CLOSING and word.rstrip(_CLOSING)[-1:] in _ENDS):
                count += 1
                if count == most:
                    break
        return count
