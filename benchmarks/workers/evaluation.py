"""Evaluation of made-up scores by the product's own code, from the models' answers to the report; with few examples it is
TFMA's fixed start."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from benchmarks import worker
from components.evaluation import analysis, evaluating
from components.evaluation.config import EvaluationConfig
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Role
from serving.instance import Instance, Score
from serving.manifest import Manifest, ModelFormat

_BEAM = [
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
]
# With what is predicted (2), how long it is (3), what a sample has (1) and the whole: 50 slices.
_SOURCES, _LANGUAGES, _GROUPS = 6, 8, 17
_CONFIG = EvaluationConfig()


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Makes up the answers of three models about `examples` examples, two a sample."""
    count, seed = arguments["examples"] // 2, arguments["seed"]
    random = np.random.Generator(np.random.Philox(key=[seed, count]))
    samples = [_sample(number, random) for number in range(count)]
    sizes = [(len((s.instance.text or "").encode()), len((s.instance.code or "").encode())) for s in samples]
    # Of two bits a byte, more or less, and of each model a little otherwise.
    bits = random.gamma(20, 0.1, (count, 2))
    scores = {
        role: [
            Score(float(a) * size[0], size[0], float(b) * size[1], size[1])
            for (a, b), size in zip((bits * random.normal(1, 0.02, bits.shape)).tolist(), sizes, strict=True)
        ]
        for role in Role
    }
    pairs = {role: (scores[Role.SERVED], scores[role]) for role in (Role.REFERENCE, Role.BASELINE)}
    manifest = Manifest(
        format=ModelFormat.LITERT,
        architecture="none",
        parameters=1,
        text_tokens=48,
        code_tokens=144,
        image_size=32,
        weights_digest="",
    )

    def work() -> dict[str, Any]:
        answers = evaluating.Answers(
            samples=samples,
            manifests=dict.fromkeys(Role, manifest),
            scores=scores,
            pairs=pairs,
            tokens=dict.fromkeys(Role, lambda sample, modality: 50),
        )
        measured = evaluating.lay_out(answers, _CONFIG)
        with tempfile.TemporaryDirectory() as output:
            with beam.Pipeline(options=PipelineOptions(_BEAM)) as pipeline:
                analysis.analyse(pipeline, measured.batch, measured.tfma_config, pathlib.Path(output))
            report = evaluating.conclude(measured, output, _CONFIG)
        return {
            "slices": len(report.models[0].slices),
            "groups": measured.batch.num_rows,
            "verdicts": len(report.verdicts),
        }

    return work


def _sample(number: int, random: np.random.Generator) -> HeldOut:
    # Groups belong to sources, as those of real data do, and so do languages, but for one sample in ten.
    group = int(random.integers(_GROUPS))
    source, language = group % _SOURCES, group % _LANGUAGES
    if random.random() < 0.1:
        source, language = int(random.integers(_SOURCES)), int(random.integers(_LANGUAGES))
    attributes = {"group": f"g{group}", "text_language": f"l{language}", "code_language": f"l{language}"}
    text, code = "t" * int(random.integers(10, 700)), "c" * int(random.integers(10, 900))
    return HeldOut(f"s{number}", f"d{source}", Instance(text, None, code), cluster=f"c{number}", attributes=attributes)


if __name__ == "__main__":
    worker.serve(prepare)
