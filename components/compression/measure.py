"""Size and quality of LiteRT models of the same weights, side by side. No TensorFlow here."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter
from ai_edge_quantizer import model_validator
from ai_edge_quantizer.utils import validation_utils

from components.compression.report import LayerError, SliceLoss
from components.evaluation import scoring
from components.evaluation.held_out import HeldOut
from schemas import progress
from serving.instance import Score
from serving.litert import SIGNATURE, Request
from serving.manifest import LITERT_FILE
from serving.model import load

_Error = validation_utils.ValidationErrorMetric.SNR  # only a name to put our own measure under


@dataclasses.dataclass(frozen=True)
class Quality:
    """How well a model predicts samples, all and by slice; see `components.compression.report.SliceLoss`."""

    bits_per_byte: float
    slices: dict[str, SliceLoss]

    def beside(self, reference: Quality) -> tuple[SliceLoss, ...]:
        """The slices with their rise over another model's."""
        return tuple(
            dataclasses.replace(found, rise=found.bits_per_byte - reference.slices[name].bits_per_byte)
            for name, found in self.slices.items()
        )


def total_bytes(directory: pathlib.Path) -> int:
    """What all files in a directory take."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def zipped_bytes(directory: pathlib.Path) -> int:
    """What the LiteRT file in a directory takes when zlib has compressed it."""
    return len(zlib.compress((directory / LITERT_FILE).read_bytes(), 9))


def quality(directory: pathlib.Path, samples: Sequence[HeldOut], *, name: str, threads: int, node: str) -> Quality:
    """How well the model in a directory predicts the samples, through the serving interface."""
    progress.start(node, f"measuring loss, {name}", total=len(samples), unit="samples")
    scores = scoring.score_all(load(directory, threads=threads), samples, node=node)
    return of_scores(scores, samples)


def of_scores(scores: Sequence[Score], samples: Sequence[HeldOut]) -> Quality:
    """The loss over all and by slice; a slice in which no byte is predicted is left out."""
    slices: dict[str, _Share] = {
        "text": _text,
        "code": _code,
        "with image": lambda score, sample: _both(score) if sample.instance.image else (0.0, 0),
        "without image": lambda score, sample: (0.0, 0) if sample.instance.image else _both(score),
    }
    for source in sorted({sample.source for sample in samples}):
        slices[f"source {source}"] = _of_source(source)
    found: dict[str, SliceLoss] = {}
    for name, share in slices.items():
        parts = [share(score, sample) for score, sample in zip(scores, samples, strict=True)]
        size = sum(size for _, size in parts)
        if size:
            count = sum(size > 0 for _, size in parts)
            found[name] = SliceLoss(name, count, size, _bits(parts) / size, 0.0)
    return Quality(scoring.bits_per_byte(scores), found)


def layer_errors(
    float_model: bytes, quantized: bytes, requests: Sequence[Request], *, most: int
) -> tuple[LayerError, ...]:
    """The tensors that quantisation moved furthest.

    Args:
        float_model: what was quantised; its tensors have names of their own.
        most: so many tensors at most, worst first; the signature's outputs among them in any case.
    """
    compared = model_validator.compare_model(
        float_model,
        quantized,
        {SIGNATURE: [request.inputs() for request in requests]},
        [_Error],
        [_relative_error],
        num_threads=1,
    ).get_signature_comparison_result(SIGNATURE)
    outputs = {name: error[_Error.value] for name, error in compared.output_tensors.items()}
    inner = {name: error[_Error.value] for name, error in compared.intermediate_tensors.items()}
    worst = sorted(inner, key=lambda name: (-inner[name], name))[:most]
    rows = [*outputs.items(), *((name, inner[name]) for name in worst if inner[name] > 0)]
    return tuple(LayerError(name, error) for name, error in rows if math.isfinite(error))


def nats_per_byte(model: bytes, requests: Iterable[tuple[Request, int]]) -> float:
    """The loss of a model on requests with the bytes that each stands for; NaN and infinity as they come."""
    call = interpreter.Interpreter(model_content=model, num_threads=1).get_signature_runner(SIGNATURE)
    nats, size = 0.0, 0
    for request, bytes_ in requests:
        nll = call(**request.inputs())["nll"][0]
        nats += float(nll[request.segments > 0].sum(dtype=np.float64))
        size += bytes_
    return nats / size


_Share = Callable[[Score, HeldOut], tuple[float, int]]


def _text(score: Score, _: HeldOut) -> tuple[float, int]:
    return score.text_nll, score.text_bytes


def _code(score: Score, _: HeldOut) -> tuple[float, int]:
    return score.code_nll, score.code_bytes


def _both(score: Score) -> tuple[float, int]:
    return score.text_nll + score.code_nll, score.text_bytes + score.code_bytes


def _of_source(source: str) -> _Share:
    return lambda score, sample: _both(score) if sample.source == source else (0.0, 0)


def _bits(parts: Iterable[tuple[float, int]]) -> float:
    return math.fsum(nats for nats, _ in parts) / math.log(2)


def _relative_error(quantized: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """The difference's norm over the reference's; tensors that are no floats have none."""
    before = np.asarray(reference)
    if before.dtype != np.float32:
        return 0.0
    before = before.astype(np.float64)
    norm = float(np.linalg.norm(before))
    return float(np.linalg.norm(np.asarray(quantized, np.float64) - before)) / norm if norm else 0.0
