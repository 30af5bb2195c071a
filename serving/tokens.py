"""Text to token ids outside a TensorFlow graph, with the tokeniser that travels with a model."""

from __future__ import annotations

import os

import sentencepiece

from schemas.errors import IntegrityError
from serving import sequence
from serving.instance import InstanceError


class Tokenizer:
    """A SentencePiece model, the same file that the Transform graph holds.

    Args:
        path: the `tokenizer.model` of an exported model.

    Raises:
        IntegrityError: the file is missing or not a SentencePiece model.
    """

    def __init__(self, path: str | os.PathLike[str]):
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=os.fspath(path))
        except (OSError, RuntimeError) as error:
            raise IntegrityError(
                f"not a SentencePiece model: {error}", where=os.fspath(path), remedy="export the model again"
            ) from error

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self._processor.vocab_size())

    def encode(self, text: str | None, limit: int) -> tuple[list[int], int]:
        """The first tokens of a text.

        Args:
            text: None is as good as empty.
            limit: most tokens to keep.

        Returns:
            The ids, and how many UTF-8 bytes of the text they stand for. A character that the cut splits (its bytes
            are tokens of their own) does not count.

        Raises:
            InstanceError: the text has a lone surrogate, which UTF-8 cannot write.
        """
        if not text or limit == 0:
            return [], 0
        try:
            encoded = sequence.cut(text, limit).encode()
        except UnicodeEncodeError as error:
            raise InstanceError(f"not Unicode text: {error}", remedy="replace lone surrogates") from error
        pieces = self._processor.encode(encoded, return_type="proto").pieces[:limit]
        return [piece.id for piece in pieces], pieces[-1].end if pieces else 0

    def decode(self, ids: list[int]) -> str:
        """What token ids stand for; those with a meaning of their own for nothing."""
        text: str = self._processor.decode(ids)
        return text
