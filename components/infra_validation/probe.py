"""Loads a model as a server would and asks it the golden requests, in a process that has seen nothing else:

python -m components.infra_validation.probe JOB.json
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

from components import process
from components.infra_validation import golden, interface, malformed
from components.infra_validation.golden import Golden
from components.infra_validation.job import Job
from components.infra_validation.report import Check, Report
from schemas import progress
from serving import signing
from serving.instance import Instance, Score
from serving.keys import PublicKey
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
        IntegrityError: the model is not what a trusted key signed, would do more than compute, or cannot be loaded.
    """
    progress.start(NODE, "loading the model")
    started = time.perf_counter()
    directory = pathlib.Path(job.model)
    key = signing.verify(directory, [PublicKey(pem) for pem in job.trusted])
    manifest, model = Manifest.read(directory), load(directory)
    load_s = time.perf_counter() - started
    requests = golden.read(job.output)
    progress.start(NODE, "asking golden requests", total=2 * len(requests), unit="requests")
    answers = [_ask(model, request) for request in requests]
    golden.write(job.output, [dataclasses.replace(answer.request, scores=answer.first) for answer in answers])
    latencies_ms = [answer.latency_ms for answer in answers if len(answer.request.instances) == 1]
    memory_mb = _peak_memory_mb()
    checks = (
        Check("signed by a trusted key", True, key.identity[:16]),
        Check("allowed operations only", True, "its file was searched before it was loaded"),
        interface.check(directory, manifest),
        *check(answers, manifest, Tokenizer(directory / TOKENIZER_FILE), job.max_latency_ms),
        _check_memory(memory_mb, job.max_memory_mb),
        malformed.check(directory, manifest, model),
        _check_unharmed(model, answers[0]),
    )
    broken = [f"{item.name}: {item.detail}" for item in checks if not item.passed]
    Report(
        blessed=not broken,
        message="; ".join(broken) or f"answered {len(requests)} golden requests in a clean process",
        requests=len(requests),
        load_s=load_s,
        latency_p50_ms=statistics.median(latencies_ms),
        latency_max_ms=max(latencies_ms),
        peak_memory_mb=memory_mb,
        signed_by=key.identity,
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


def _check_memory(peak_mb: float | None, most_mb: float) -> Check:
    seen = "it cannot be told here" if peak_mb is None else f"{peak_mb:.0f} MB"
    return Check(f"memory within {most_mb:g} MB", peak_mb is None or peak_mb <= most_mb, seen)


def _check_unharmed(model: Model, answer: Answer) -> Check:
    same = tuple(model.score(answer.request.instances)) == answer.first
    return Check("the same answer after that", same, answer.request.name)


def _peak_memory_mb() -> float | None:
    """The most that this process has held. What `getrusage` tells would include the process that started it."""
    status = pathlib.Path("/proc/self/status")
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(peak[1]) * 1024 / 1e6 if peak else None


def _ask(model: Model, request: Golden) -> Answer:
    first = tuple(model.score(request.instances))
    started = time.perf_counter()
    second = tuple(model.score(request.instances))
    latency_ms = (time.perf_counter() - started) * 1000
    progress.advance(NODE, 2)
    return Answer(request, first, second, latency_ms)


if __name__ == "__main__":
    process.main(lambda job: probe(Job(**job)))
