"""Whether training samples can be had back word for word: the prefix test of Carlini et al. (2021; 2023).

A model is given the beginning of a training sample and continues it, always by the token that it holds likeliest. Whether that gives the
sample's own continuation need not be tried token by token: it does if and only if, along the sample itself, each token
of the continuation is the likeliest after those before it.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from components.evaluation.config import MemorisationConfig
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Memorisation
from components.evaluation.tokens import Reader
from schemas import progress
from serving import sequence
from serving.litert import Request
from serving.manifest import TOKENIZER_FILE, Manifest
from serving.tokens import Tokenizer

LEAST_PROMPT_TOKENS = 10


def test(
    reader: Reader, model: pathlib.Path, training: Sequence[HeldOut], config: MemorisationConfig, *, node: str
) -> Memorisation:
    """Tries the first training samples that are long enough.

    Args:
        reader: the model.
        model: its directory.
        training: samples that it was trained on, in an order that is as good as random.
        config: how many, and how long.
        node: whose progress it is.
    """
    most = config.prompt_tokens + config.continued_tokens
    looked_at = 0
    chosen: list[HeldOut] = []
    ends: list[int] = []
    for sample, tokens in _with_lengths(model, training):
        if len(chosen) == config.prompts:
            break
        looked_at += 1
        if tokens >= LEAST_PROMPT_TOKENS + config.continued_tokens:
            chosen.append(sample)
            ends.append(1 + min(tokens, most))  # BOS stands before
    requests = [
        _beginning(reader.encoder.encode(sample.instance), end) for sample, end in zip(chosen, ends, strict=True)
    ]
    progress.start(node, "looking for memorised samples", total=len(requests), unit="samples")
    found = reader.read(requests, node=node)
    had_back = [
        place
        for place, (end, answer) in enumerate(zip(ends, found, strict=True))
        if not answer.ranks[end - config.continued_tokens : end].any()
    ]
    texts = _texts(
        model, [requests[place].ids[ends[place] - config.continued_tokens : ends[place]] for place in had_back]
    )
    common = [_occurs_in_more(parts, training, config.common) for parts in texts]
    return Memorisation(
        samples=looked_at,
        prompts=len(requests),
        shortened=sum(end <= most for end in ends),
        prompt_tokens=config.prompt_tokens,
        continued_tokens=config.continued_tokens,
        common=sum(common),
        extracted=tuple(chosen[place].sample_id for place, often in zip(had_back, common, strict=True) if not often),
    )


def _with_lengths(model: pathlib.Path, samples: Iterable[HeldOut]) -> Iterator[tuple[HeldOut, int]]:
    """Samples, and how many tokens of each a model is given, without those that stand around it."""
    manifest, tokenizer = Manifest.read(model), Tokenizer(model / TOKENIZER_FILE)
    for sample in samples:
        text, _ = tokenizer.encode(sample.instance.text, manifest.text_tokens)
        code, _ = tokenizer.encode(sample.instance.code, manifest.code_tokens)
        yield sample, len(text) + 1 + len(code)


def _beginning(request: Request, end: int) -> Request:
    """The request with nothing after a place: what is before does not depend on it, and it is answered sooner."""
    return Request(
        np.where(np.arange(len(request.ids)) < end, request.ids, sequence.PAD).astype(np.int32),
        request.segments,
        request.image,
        request.has_image,
        request.text_bytes,
        request.code_bytes,
    )


def _texts(model: pathlib.Path, continuations: Sequence[npt.NDArray[np.int32]]) -> list[tuple[str, ...]]:
    """What continuations say, in parts where they go on from the text to the code."""
    tokenizer = Tokenizer(model / TOKENIZER_FILE)
    parts = []
    for ids in continuations:
        cuts = np.flatnonzero(ids == sequence.CODE)
        parts.append(tuple(filter(None, (tokenizer.decode(part.tolist()) for part in np.split(ids, cuts)))))
    return parts


def _occurs_in_more(parts: Sequence[str], training: Sequence[HeldOut], most: int) -> bool:
    """Whether more samples than that hold all the parts."""
    found = 0
    for sample in training:
        contents = (sample.instance.text or "", sample.instance.code or "")
        found += all(any(part in content for content in contents) for part in parts)
        if found > most:
            return True
    return False
