"""Learns a SentencePiece vocabulary from samples: byte-pair encoding, lossless, the same bytes on every run."""

from __future__ import annotations

import hashlib
import heapq
import io
from collections.abc import Iterable, Iterator
from typing import Any

import sentencepiece

from components.tokenization import model_proto
from components.tokenization.config import TokenizationConfig
from schemas import progress
from schemas.errors import SourceError
from serving import sequence

NODE = "Tokenize"


def learn(samples: Iterable[dict[str, Any]], config: TokenizationConfig) -> bytes:
    """Learns a vocabulary.

    Args:
        samples: rows of `schemas.records.SAMPLE`. Only the training split counts, and of that only what nobody made up:
            an augmented sample would count its parent's text twice.
        config: how to learn.

    Returns:
        A serialised SentencePiece model that gives back every text exactly, with the ids of `serving.sequence`.

    Raises:
        SourceError: no sample of the training split has text or code.
    """
    documents = drawn(samples, config)
    if not documents:
        raise SourceError(
            "no text and no code to learn a vocabulary from",
            where="training split",
            remedy="check the sources in `ingestion`, and the funnel of Clean and Align in the report",
        )
    progress.start(NODE, "learning the vocabulary", total=len(documents), unit="documents")
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_counted(documents),
        model_writer=buffer,
        model_type="bpe",
        vocab_size=config.vocabulary_size,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        byte_fallback=True,
        max_sentence_length=4 * config.characters_per_document,
        pad_id=sequence.PAD,
        unk_id=sequence.UNKNOWN,
        bos_id=sequence.BOS,
        eos_id=sequence.EOS,
        control_symbols=[sequence.CODE_PIECE],
        num_threads=1,
        minloglevel=2,
    )
    return model_proto.keep_spaces(buffer.getvalue())


def digest(model: bytes) -> str:
    """The identity of a model, hexadecimal."""
    return hashlib.sha256(model).hexdigest()


def drawn(samples: Iterable[dict[str, Any]], config: TokenizationConfig) -> list[str]:
    """The documents to learn from: all of them, or as many as fit, drawn by a hash of the sample's id."""
    progress.start(NODE, "reading", unit="samples")
    kept: list[tuple[int, str, str]] = []  # a heap with the largest hash, as its negative, on top
    characters = 0
    for sample in samples:
        progress.advance(NODE)
        if sample["split"] != "train" or sample["parent"] is not None:
            continue
        for field in ("text", "code"):
            document = (sample[field] or "")[: config.characters_per_document]
            if not document:
                continue
            name = f"{sample['sample_id']}/{field}"
            heapq.heappush(kept, (-int(hashlib.sha256(name.encode()).hexdigest()[:16], 16), name, document))
            characters += len(document)
            while characters > config.corpus_characters:
                characters -= len(heapq.heappop(kept)[2])
    return [document for _, _, document in sorted(kept, reverse=True)]


def _counted(documents: list[str]) -> Iterator[str]:
    for document in documents:
        yield document.replace(model_proto.SPACE_SYMBOL, "")
        progress.advance(NODE)
