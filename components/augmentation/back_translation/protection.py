"""What must come back as it was: names, code, addresses. Each travels as a made-up word that no dictionary knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

# Quotation marks that stand by themselves: what is in them has no letter right before or behind.
_QUOTED = re.compile(
    r"(?:(?<!\S)|(?<=\s\()|(?<=\A\())"
    r"(?:`{1,3}[^`\n]{1,200}`{1,3}|'[^'\s]{1,80}'|\"[^\"\s]{1,80}\")"
    r"(?=[.,;:!?)]{0,5}(?:\s|\Z))"
)
_TOKEN = re.compile(r"\S+")
_OPENING, _CLOSING = "\"'“‘(", "\"'”’),;:.!?…"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:]\d+)*%?(?:st|nd|rd|th)?")
_SIGNS = re.compile(r"[^\w]+")
_MADE_UP = re.compile(r"\bzqx([a-z])([a-z])\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\b([Aa]n?) (\S+)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST = len(_LETTERS) ** 2
_TITLE = 0.7  # words with a capital, of all words, from which on capitals make no name
_DIGITS = re.compile(r"\d+")


class Protected(NamedTuple):
    """A sentence as it may travel.

    Attributes:
        text: the sentence with made-up words in it.
        kept: what they stand for, in their order.
        words: how many ordinary words it has.
    """

    text: str
    kept: tuple[str, ...]
    words: int


def protect(sentence: str) -> Protected | None:
    """The sentence with its names and code set aside; None if it holds too many, or a made-up word already.

    Names are words that begin with a capital elsewhere than at the beginning, unless all words do, and words in
    capitals. Code is what is quoted, and what is neither a word nor a number nor punctuation.
    """
    plain = " ".join(sentence.split())
    if _MADE_UP.search(plain):
        return None
    kept: list[str] = []
    parts: list[str] = []
    at = words = 0
    title = _is_title(plain)
    for match in [*_QUOTED.finditer(plain), None]:
        for token in _TOKEN.finditer(plain, at, match.start() if match else len(plain)):
            parts.append(plain[at : token.start()])
            at = token.end()
            before, core, after = _core(token[0])
            if _is_kept(core, first=token.start() == 0, title=title):
                kept.append(core)
                core = _made_up(len(kept) - 1)
            elif _WORD.fullmatch(core):
                words += 1
            parts.append(before + core + after)
        if match:
            kept.append(match[0])
            parts.append(plain[at : match.start()] + _made_up(len(kept) - 1))
            at = match.end()
    if len(kept) > _MOST:
        return None
    return Protected("".join([*parts, plain[at:]]), tuple(kept), words)


def restore(text: str, kept: tuple[str, ...]) -> str | None:
    """The text with what was set aside back in it; None unless each is there exactly once."""
    found = Counter(_number(match) for match in _MADE_UP.finditer(text))
    if found != Counter(range(len(kept))):
        return None
    return _MADE_UP.sub(lambda match: kept[_number(match)], text)


def with_articles(text: str, original: str) -> str:
    """The text with `a` or `an` before a word as the original has it before the same word."""
    known = {match[2]: match[1].lower() for match in _ARTICLE.finditer(original)}

    def article(match: re.Match[str]) -> str:
        proper = known.get(match[2], match[1].lower())
        return f"{proper.capitalize() if match[1][0].isupper() else proper} {match[2]}"

    return _ARTICLE.sub(article, text)


def ordinary_words(sentence: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the words of a sentence that are neither names nor code nor numbers.

    In a title, where any word may be a name, only the first one is told from a name.
    """
    quoted = [match.span() for match in _QUOTED.finditer(sentence)]
    for token in _TOKEN.finditer(sentence):
        before, core, _ = _core(token[0])
        start = token.start() + len(before)
        inside = any(begin < token.end() and token.start() < end for begin, end in quoted)
        if not inside and _WORD.fullmatch(core) and not _is_kept(core, first=token.start() == 0, title=False):
            yield start, start + len(core)


def numbers(text: str) -> Counter[str]:
    """The numbers of a text, written in digits."""
    return Counter(_DIGITS.findall(text))


def _core(token: str) -> tuple[str, str, str]:
    """A token without the punctuation around it; a bracket that was opened in it stays: `run()`."""
    begin, end = 0, len(token)
    while begin < end and token[begin] in _OPENING:
        begin += 1
    while end > begin and token[end - 1] in _CLOSING:
        if token[end - 1] == ")" and token.count("(", begin, end) >= token.count(")", begin, end):
            break
        end -= 1
    return token[:begin], token[begin:end], token[end:]


def _is_kept(core: str, *, first: bool, title: bool) -> bool:
    if not core or _SIGNS.fullmatch(core):
        return any(sign in core for sign in "*#@^~\\/$<>=|%&{}[]+_")
    if _NUMBER.fullmatch(core):
        return False
    if not _WORD.fullmatch(core):
        return True
    if len(core) == 1:
        return core not in "aAI"
    if core.isupper() or "-" in core:
        return True
    if not core[1:].islower() and not all(part[1:].islower() or len(part) < 2 for part in re.split("['’-]", core)):
        return True
    return core[0].isupper() and not first and not title and not core.startswith("I'")


def _is_title(plain: str) -> bool:
    words = [word for word in plain.split() if word[0].isalpha()]
    return len(words) > 2 and sum(word[0].isupper() for word in words) > _TITLE * len(words)


def _made_up(number: int) -> str:
    first, second = divmod(number % _MOST, len(_LETTERS))
    return f"zqx{_LETTERS[first]}{_LETTERS[second]}"


def _number(match: re.Match[str]) -> int:
    return _LETTERS.index(match[1].lower()) * len(_LETTERS) + _LETTERS.index(match[2].lower())
