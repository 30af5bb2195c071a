"""What a model is asked and what it answers."""

from __future__ import annotations

import dataclasses

from schemas.errors import HeadraceError


class InstanceError(HeadraceError):
    """An instance that no model can score: its text is not Unicode, its image is not a PNG."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """One sample to score. An absent modality is None.

    Attributes:
        text: natural language.
        image: an encoded PNG.
        code: source code.
    """

    text: str | None = None
    image: bytes | None = None
    code: str | None = None


@dataclasses.dataclass(frozen=True)
class Score:
    """How well a model predicts one sample, text and code apart. A modality that is absent has zero bytes.

    Attributes:
        text_nll: negative log-likelihood of the text's tokens, nats.
        text_bytes: UTF-8 bytes that those tokens stand for.
        code_nll: negative log-likelihood of the code's tokens, nats.
        code_bytes: UTF-8 bytes that those tokens stand for.
    """

    text_nll: float
    text_bytes: int
    code_nll: float
    code_bytes: int
