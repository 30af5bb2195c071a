"""Loads a model as a server would and asks it the golden requests, in a process that has seen nothing else:

python -m components.infra_validation.probe JOB.json
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

from components import process
from components.infra_validation import golden
from components.infra_validation.golden import Golden
from components.infra_validation.job import Job
from components.infra_validation.report import Check, Report
from schemas import progress
from serving.instance import Instance, Score
from serving.manifest import TOKENIZER_FILE, Manifest
from serving.model import Model, load
from serving.tokens import Tokenizer

NODE = "InfraValidate"


@dataclasses.dataclass(frozen=True)
class Answer:
    """A request with what the model said to it, twice.

    Attributes:
        request: what was asked.
        first: the scores of the first time.
        second: the scores of the second.
        latency_ms: how long the second time took.
    """

    request: Golden
    first: tuple[Score, ...]
    second: tuple[Score, ...]
    latency_ms: float


def probe(job: Job) -> None:
    """Writes the report, and the golden requests with their answers.

    Raises:
        IntegrityError: the model cannot be loaded.
    """
    progress.start(NODE, "loading the model")
    started = time.perf_counter()
    manifest, model = Manifest.read(job.model), load(job.model)
    load_s = time.perf_counter() - started
    requests = golden.read(job.output)
    progress.start(NODE, "asking golden requests", total=2 * len(requests), unit="requests")
    answers = [_ask(model, request) for request in requests]
    golden.write(job.output, [dataclasses.replace(answer.request, scores=answer.first) for answer in answers])
    latencies_ms = [answer.latency_ms for answer in answers if len(answer.request.instances) == 1]
    checks = check(answers, manifest, Tokenizer(pathlib.Path(job.model, TOKENIZER_FILE)), job.max_latency_ms)
    broken = [f"{item.name}: {item.detail}" for item in checks if not item.passed]
    Report(
        blessed=not broken,
        message="; ".join(broken) or f"answered {len(requests)} golden requests in a clean process",
        requests=len(requests),
        load_s=load_s,
        latency_p50_ms=statistics.median(latencies_ms),
        latency_max_ms=max(latencies_ms),
        checks=checks,
    ).write(job.output)


def check(
    answers: Sequence[Answer], manifest: Manifest, tokenizer: Tokenizer, max_latency_ms: float
) -> tuple[Check, ...]:
    """Holds every answer against every promise."""

    def bytes_of(instance: Instance) -> tuple[int, int]:
        text, code = (instance.text, manifest.text_tokens), (instance.code, manifest.code_tokens)
        return tokenizer.encode(*text)[1], tokenizer.encode(*code)[1]

    def pairs(answer: Answer) -> Iterator[tuple[Instance, Score]]:
        return zip(answer.request.instances, answer.first, strict=False)

    promises: dict[str, Callable[[Answer], bool]] = {
        "one score an instance": lambda answer: len(answer.first) == len(answer.request.instances),
        "scores are finite and not negative": lambda answer: all(
            math.isfinite(nll) and nll >= 0 for score in answer.first for nll in (score.text_nll, score.code_nll)
        ),
        "bytes are those of the tokeniser": lambda answer: all(
            (score.text_bytes, score.code_bytes) == bytes_of(instance) for instance, score in pairs(answer)
        ),
        "the same answer twice": lambda answer: answer.first == answer.second,
        f"one instance within {max_latency_ms:g} ms": lambda answer: (
            len(answer.request.instances) != 1 or answer.latency_ms <= max_latency_ms
        ),
    }
    checks = []
    for name, kept in promises.items():
        broken = [answer.request.name for answer in answers if not kept(answer)]
        checks.append(Check(name, not broken, f"not so for {', '.join(broken)}" if broken else "every request"))
    return tuple(checks)


def _ask(model: Model, request: Golden) -> Answer:
    first = tuple(model.score(request.instances))
    started = time.perf_counter()
    second = tuple(model.score(request.instances))
    latency_ms = (time.perf_counter() - started) * 1000
    progress.advance(NODE, 2)
    return Answer(request, first, second, latency_ms)


if __name__ == "__main__":
    process.main(lambda job: probe(Job(**job)))
