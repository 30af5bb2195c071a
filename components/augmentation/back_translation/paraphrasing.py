"""Texts in other words: sentences there and back, those that are good put in the place of the original ones."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections import Counter
from collections.abc import Sequence

from components.augmentation.back_translation import filtering, sentences
from components.augmentation.back_translation.apertium import Apertium
from components.augmentation.back_translation.cache import CachedTranslator
from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.back_translation.http_service import HttpTranslator
from components.augmentation.back_translation.protection import Protected, protect, restore, with_articles
from components.augmentation.back_translation.translators import Translation, Translator
from components.augmentation.synonyms import wordnet

_BATCH = 2000  # sentences
_SPACED = re.compile(r"\s([,;:.!?])(?=\s|$)")
_PROSELESS, _TOO_LONG = "no_prose", "too_long"


@dataclasses.dataclass(frozen=True)
class Paraphrases:
    """What became of the texts.

    Attributes:
        texts: in other words; None where no sentence could be replaced.
        skipped: texts without a paraphrase, by reason: the most frequent one of its sentences.
        sentences: all sentences by what became of them: `replaced` or the reason why not.
    """

    texts: list[str | None]
    skipped: Counter[str]
    sentences: Counter[str]


def translator_of(config: BackTranslation) -> Translator:
    """The translator that the configuration names.

    Raises:
        SourceError: it is not installed; names what to install.
        ConfigError: its key is not in the environment.
    """
    return Apertium(config) if config.translator == "apertium" else HttpTranslator(config)


def paraphrase(texts: Sequence[str], config: BackTranslation, cache: pathlib.Path | None = None) -> Paraphrases:
    """Says texts in other words. A text's result depends on the text, the configuration and the translator alone.

    Args:
        texts: in the language that the translator's configuration calls the source.
        config: the translator, the limits and the filter.
        cache: a directory where translations are kept, for a later call or another process; None keeps none.

    Raises:
        SourceError: the translator is not installed; names what to install.
        ConfigError: the translator's key is not in the environment.
        StorageError: the cache cannot be written.
    """
    places = [list(sentences.spans(text)) for text in texts]
    wanted = dict.fromkeys(_sentence(text, span) for text, spans in zip(texts, places, strict=True) for span in spans)
    outcomes = said_again(list(wanted), config, cache)
    told: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    results: list[str | None] = []
    for text, spans in zip(texts, places, strict=True):
        replacements: list[tuple[sentences.Span, str]] = []
        reasons: Counter[str] = Counter()
        for span in spans:
            outcome = outcomes[_sentence(text, span)]
            told["replaced" if outcome.reason is None else outcome.reason] += 1
            if outcome.reason is None:
                replacements.append((span, outcome.text))
            else:
                reasons[outcome.reason] += 1
        results.append(sentences.with_replaced(text, replacements) if replacements else None)
        if not replacements:
            skipped[min(reasons, key=lambda reason: (-reasons[reason], reason), default=_PROSELESS)] += 1
    return Paraphrases(results, skipped, told)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a sentence.

    Attributes:
        text: in other words.
        reason: why there are none; None if there are.
    """

    text: str = ""
    reason: str | None = None


def said_again(wanted: Sequence[str], config: BackTranslation, cache: pathlib.Path | None = None) -> dict[str, Outcome]:
    """Each sentence in other words, or why not. As `paraphrase`, for sentences on one line."""
    outcomes: dict[str, Outcome] = {}
    prepared: dict[str, Protected] = {}
    for sentence in wanted:
        protected = protect(sentence) if len(sentence) <= config.max_sentence_characters else None
        if len(sentence) > config.max_sentence_characters:
            outcomes[sentence] = Outcome(reason=_TOO_LONG)
        elif protected is None or not _is_prose(protected, config):
            outcomes[sentence] = Outcome(reason=_PROSELESS)
        else:
            prepared[sentence] = protected
    translator = translator_of(config)
    try:
        there = CachedTranslator(translator, translator.source, translator.pivot, cache)
        back = CachedTranslator(translator, translator.pivot, translator.source, cache)
        items = list(prepared.items())
        for at in range(0, len(items), _BATCH):
            batch = items[at : at + _BATCH]
            abroad = there.translate([protected.text for _, protected in batch])
            arrived = [translation for translation in abroad if _travels_on(translation)]
            home = iter(back.translate([translation.text for translation in arrived]))
            for (sentence, protected), translation in zip(batch, abroad, strict=True):
                returned = next(home) if _travels_on(translation) else None
                outcomes[sentence] = _outcome(sentence, protected, translation, returned, config)
    finally:
        translator.close()
    return outcomes


def _sentence(text: str, span: sentences.Span) -> str:
    return " ".join(text[span.start : span.end].split())


def _is_prose(protected: Protected, config: BackTranslation) -> bool:
    kept, words = len(protected.kept), protected.words
    return words >= config.min_words and kept <= config.max_protected_share * (kept + words)


def _travels_on(translation: Translation) -> bool:
    return translation.failure is None and not translation.damaged and bool(translation.text)


def _outcome(
    sentence: str, protected: Protected, there: Translation, back: Translation | None, config: BackTranslation
) -> Outcome:
    for translation in (there, back):
        if translation is not None and translation.failure is not None:
            return Outcome(reason=translation.failure.value)
    if back is None or back.damaged:
        return Outcome(reason=filtering.Verdict.DAMAGED.value)
    known = {word.lower() for word in there.unknown}
    if any(word.lower() not in known for word in back.unknown) or (
        len(there.unknown) - len(protected.kept) > config.filter.max_unknown_share * protected.words
    ):
        return Outcome(reason=filtering.Verdict.UNKNOWN_WORD.value)
    restored = restore(_cased(back.text, protected.text), protected.kept)
    if restored is None:
        return Outcome(reason=filtering.Verdict.LOST_NAME.value)
    restored = with_articles(restored, sentence)
    directory = config.filter.wordnet
    known_words = None if directory is None else wordnet.load(pathlib.Path(directory))
    if known_words is not None:
        restored = filtering.with_mood(restored, sentence, known_words)
    verdict = filtering.judge(sentence, restored, config.filter, known_words)
    return Outcome(restored) if verdict is None else Outcome(reason=verdict.value)


def _cased(text: str, original: str) -> str:
    """The text spaced as the original, with capitals only where the original has them: at its beginning, and in words that it has too."""
    if not _SPACED.search(original):
        text = _SPACED.sub(r"\1", text)
    capitals = {word for word in original.split() if word[:1].isupper()} | {"I"}
    words = [word if word in capitals or not word[:1].isupper() else word.lower() for word in text.split(" ")]
    joined = " ".join(words)
    return joined[:1].upper() + joined[1:] if original[:1].isupper() else joined
