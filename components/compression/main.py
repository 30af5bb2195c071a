"""Makes the variants of a SavedModel, measures them and writes the one that serves. A process of its own:

python -m components.compression.main JOB.json
"""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from components import process
from components.compression import (
    buckets,
    convert,
    footprint,
    measure,
    representative,
    selection,
    sensitivity,
    timing,
    variants,
)
from components.compression.config import CompressionConfig, VariantName
from components.compression.job import Job
from components.compression.report import FLOAT, Calibration, Measured, Report, Sensitivity, Variant, finite
from components.evaluation import held_out
from components.evaluation.held_out import HeldOut
from schemas import progress
from schemas.config import from_json
from schemas.errors import HeadraceError
from serving import sequence
from serving.litert import Encoder, Request
from serving.manifest import LITERT_FILE, Manifest

NODE = "Compress"

_DISTINCT_REQUESTS = 16
_COMPARED_REQUESTS = 2
_WORST_LAYERS = 8


def compress(job: Job) -> None:
    """Writes the chosen model and the report of all.

    Raises:
        ConversionError: LiteRT cannot hold this model, or none of the variants.
        SourceError: there is no held-out sample to measure with.
        BudgetError: no variant keeps the limits.
    """
    config = from_json(CompressionConfig, job.config)
    samples = held_out.read(job.samples, "eval", config.loss_samples)
    with tempfile.TemporaryDirectory() as aside:
        report = _Work(job, config, samples, pathlib.Path(aside)).done()
        taken = pathlib.Path(aside, report.chosen)
        shutil.copytree(taken, job.target, dirs_exist_ok=True)
    report.write(job.report)


@dataclasses.dataclass(frozen=True)
class _Made:
    """A variant that could be made."""

    name: VariantName
    model: bytes
    quantized: int
    sensitivity: tuple[Sensitivity, ...]
    calibration: Calibration | None


class _Work:
    """What the steps of one compression share."""

    def __init__(self, job: Job, config: CompressionConfig, samples: Sequence[HeldOut], aside: pathlib.Path):
        self._job, self._config, self._samples, self._aside = job, config, samples, aside
        self._source, self._reference = pathlib.Path(job.source), pathlib.Path(job.reference)
        self._manifest = Manifest.read(self._source)
        self._encoder = Encoder(self._source, self._manifest)

    def done(self) -> Report:
        """Makes, measures and chooses; the models lie in folders named as they are."""
        config = self._config
        progress.start(NODE, "converting", total=1 + len(config.variants), unit="models")
        self._float = self._converted(self._reference)
        same = self._source == self._reference
        self._unique = convert.with_unique_names(self._float if same else self._converted(self._source))
        self._operations = variants.operations(self._unique)
        self._write(FLOAT, self._float, "none", self._reference)
        progress.advance(NODE)
        made: dict[str, _Made | HeadraceError] = {}
        for name in dict.fromkeys(config.variants):
            try:
                made[name] = self._make(name)
            except (convert.ConversionError, representative.RepresentativeError) as error:
                made[name] = error
            progress.advance(NODE)
        names = [FLOAT, *(name for name, result in made.items() if isinstance(result, _Made))]
        measured = dict(zip(names, self._measured(names), strict=True))
        choice = selection.choose([self._variant(name, result, measured) for name, result in made.items()], config)
        return Report(
            chosen=choice.name,
            reason=choice.reason,
            prefer=config.prefer,
            samples=len(self._samples),
            bytes=sum(request.text_bytes + request.code_bytes for request in self._requests),
            saved_model_bytes=measure.total_bytes(self._source),
            float_model=measured[FLOAT],
            variants=choice.variants,
        )

    def _converted(self, source: pathlib.Path) -> bytes:
        longest = sequence.length(self._manifest.text_tokens, self._manifest.code_tokens)
        shorter = buckets.lengths(longest, self._config.buckets)
        if not shorter:
            return convert.to_litert(source)
        with tempfile.TemporaryDirectory() as folder:
            return convert.to_litert(pathlib.Path(folder), signatures=buckets.write(source, folder, shorter))

    @functools.cached_property
    def _requests(self) -> list[Request]:
        return [self._encoder.encode(sample.instance) for sample in self._samples]

    def _write(self, name: str, model: bytes, quantization: str, source: pathlib.Path) -> None:
        directory = self._aside / name
        directory.mkdir()
        convert.write(directory, source, model, Manifest.read(source), quantization=quantization)

    def _make(self, name: VariantName) -> _Made:
        ranges, calibration = self._ranges(name) if variants.is_static(name) else (None, None)
        units = variants.units(name, self._operations)
        model = convert.apply(self._unique, variants.recipe(name), name, ranges)
        rise = self._tried(name, model) - self._loss(self._float)
        found: list[sensitivity.Found] = []
        left: list[variants.Unit] = []
        budget = int(self._config.float_layers_budget * sum(len(unit.layers) for unit in units))
        limit = self._config.max_bits_per_byte_rise
        if budget and not rise <= limit:
            found = sensitivity.scan(self._unique, name, units, ranges=ranges, bits_per_byte=self._loss, node=NODE)
            left = sensitivity.left_in_float(found, limit=limit, operations=budget)
            model = convert.apply(self._unique, variants.recipe(name, without=left), name, ranges) if left else model
        self._write(name, model, name, self._source)
        return _Made(
            name,
            model,
            sum(len(unit.layers) for unit in units if unit not in left),
            tuple(
                Sensitivity(
                    item.unit.kind, item.unit.layer, len(item.unit.layers), finite(item.rise), item.unit in left
                )
                for item in found
            ),
            calibration,
        )

    def _tried(self, name: VariantName, model: bytes) -> float:
        """The loss of a variant on a few samples, in LiteRT as it is."""
        foreign = variants.foreign(variants.operations(model))
        if foreign:
            raise convert.ConversionError(f"the variant {name} needs what LiteRT does not have: {', '.join(foreign)}")
        try:
            return self._loss(model)
        except (RuntimeError, ValueError) as error:
            raise convert.ConversionError(f"LiteRT cannot run the variant {name}: {error}") from error

    def _ranges(self, name: VariantName) -> tuple[representative.Ranges, Calibration]:
        config = self._config
        drawn = representative.read(
            self._job.samples, count=config.representative_samples, seed=config.representative_seed
        )
        found = representative.ranges(self._unique, name, [self._encoder.encode(item.instance) for item in drawn])
        others = representative.ranges(self._unique, name, self._requests[: config.representative_samples])
        excess = representative.excess(found, others)
        return found, Calibration(len(drawn), excess.tensors, excess.outside, excess.worst)

    def _loss(self, model: bytes) -> float:
        """Bits per byte of a model on a few samples."""
        few = self._requests[: self._config.sensitivity_samples]
        sizes = [request.text_bytes + request.code_bytes for request in few]
        return measure.nats_per_byte(model, zip(few, sizes, strict=True)) / math.log(2)

    def _measured(self, names: Sequence[str]) -> list[Measured]:
        config, directories = self._config, [self._aside / name for name in names]
        few = self._requests[:_DISTINCT_REQUESTS]
        times = timing.latencies(directories, few, runs=config.latency_runs, node=NODE)
        qualities = [
            measure.quality(directory, self._samples, name=name, threads=config.threads, node=NODE)
            for name, directory in zip(names, directories, strict=True)
        ]
        found = []
        for directory, latencies, quality in zip(directories, times, qualities, strict=True):
            path = directory / LITERT_FILE
            peak, added = footprint.measure(path, few[:1], node=NODE)
            found.append(
                Measured(
                    bytes=path.stat().st_size,
                    zipped_bytes=measure.zipped_bytes(directory),
                    operations=len(variants.operations(path.read_bytes())),
                    peak_memory_bytes=peak,
                    model_memory_bytes=added,
                    latencies=latencies,
                    bits_per_byte=quality.bits_per_byte,
                    rise=quality.bits_per_byte - qualities[0].bits_per_byte,
                    slices=quality.beside(qualities[0]),
                )
            )
        return found

    def _variant(self, name: str, made: _Made | HeadraceError, measured: dict[str, Measured]) -> Variant:
        if isinstance(made, HeadraceError):
            return Variant(name, failure=made.what)
        if not math.isfinite(measured[name].bits_per_byte):
            return Variant(name, failure="its answers are no numbers", calibration=made.calibration)
        return Variant(
            name,
            quantized_operations=made.quantized,
            measured=measured[name],
            layers=measure.layer_errors(
                self._unique, made.model, self._requests[:_COMPARED_REQUESTS], most=_WORST_LAYERS
            ),
            sensitivity=made.sensitivity,
            calibration=made.calibration,
        )


def _main(job: dict[str, Any]) -> None:
    compress(Job(**job))


if __name__ == "__main__":
    process.main(_main)
