"""How facts are put: numbers with their units, and the sentences that sum them up."""

from __future__ import annotations

import dataclasses
import math
import unicodedata

from components.compression.report import FLOAT, Measured
from components.compression.report import Report as Compression
from components.evaluation.report import OVERALL, Metric, Role
from components.evaluation.report import Outcome as Judged
from components.evaluation.report import Report as Evaluation
from pipeline.report.facts import Facts, Missing, Training
from pipeline.runs import Outcome, Status

_SYMBOLS = {
    "ran": "✓",
    "done": "✓",
    "passed": "✓",
    "cached": "↺",
    "reused": "↩",
    "failed": "✕",
    "refused": "⊘",
    "interrupted": "⊘",
    "skipped": "–",
    "not_judged": "–",
    "running": "…",
    "unknown": "…",
}
_BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_METRICS = {
    Metric.BITS_PER_BYTE.value: "bits per byte",
    Metric.REGRESSION.value: "regression, bits per byte",
    Metric.COMPRESSION.value: "rise by compression, bits per byte",
    Metric.EXTRACTED.value: "training samples had back",
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A key figure: its name, its value, and a line of context."""

    name: str
    value: str
    note: str = ""


def count(number: float) -> str:
    """`12,345`."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 07 s`, `2 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: float) -> str:
    """`812 B`, `3.2 kB`, `14.0 MB`, powers of 1,000."""
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def bits(value: float | None) -> str:
    """Three decimals, as bits per byte are given; a dash where there is no value."""
    return "–" if value is None else f"{value:.3f}"


def rise(value: float) -> str:
    """A difference of bits per byte, four decimals with its sign."""
    return f"{value + 0.0:+.4f}"


def models(compression: Compression) -> dict[str, Measured]:
    """The float model and the variants that could be made, by name."""
    made = {variant.name: variant.measured for variant in compression.variants if variant.measured is not None}
    return {FLOAT: compression.float_model} | made


def faster(ratio: float) -> str:
    """A ratio of times in words."""
    if not math.isfinite(ratio) or ratio <= 0:
        return "–"
    return f"{ratio:.2f} times faster" if ratio >= 1 else f"{1 / ratio:.2f} times slower"


def symbol(state: str) -> str:
    """What stands beside a state's name, so that it is told by more than its colour."""
    return _SYMBOLS[state]


def metric(name: str) -> str:
    """A metric's name in words."""
    return _METRICS.get(name, name.replace("_", " "))


def visible(text: str) -> str:
    """The text with control characters (tab and newline aside) and bidirectional overrides made visible."""
    return "".join(_shown(character) if _hidden(character) else character for character in text)


def verdict_on_yardsticks(training: Training) -> str:
    """The final held-out loss beside the n-grams' in a sentence."""
    beaten = " and ".join(
        f"{'under' if training.final < value else 'not under'} the {name}'s {bits(value)}"
        for name, value in (("byte unigram", training.unigram), ("Kneser-Ney 3-gram", training.trigram))
    )
    return f"Held-out loss {bits(training.final)} bits per byte, {beaten}."


def verdict_on_image(training: Training) -> str:
    """Whether the image matters, in a sentence with the interval."""
    effect = training.image_effect
    if effect is None:
        return "Whether the image matters was not measured: too few held-out samples have one."
    interval = f"95% interval {effect.low:+.3f} to {effect.high:+.3f} over {count(effect.samples)} samples"
    if effect.low > 0:
        return (
            f"The image matters: with another sample's image a sample costs {effect.mean:.3f} nats more ({interval})."
        )
    moved = f"with another sample's image the cost of a sample moves by {effect.mean:+.3f} nats"
    return f"No effect of the image can be told: {moved} ({interval})."


def headline(facts: Facts) -> str:
    """The run in one line."""
    run, release = facts.run, facts.release
    bad = ", ".join(node.id for node in run.failures)
    if run.status is Status.FAILED:
        return f"Failed at {bad}" if bad else "Failed"
    if run.status is Status.REFUSED:
        return f"Refused by {bad}" if bad else "Refused"
    if run.status is Status.INTERRUPTED:
        return "Interrupted"
    if isinstance(release, Missing):
        return "Running" if run.status is Status.RUNNING else "Done"
    if not release.pushed:
        return "Done, nothing released"
    name = f"{release.model_name} version {release.version}"
    return f"Released {name}" if _has_run(facts, "Release") else f"Nothing new: {name} stays released"


def _has_run(facts: Facts, name: str) -> bool:
    return any(node.id == name and node.outcome is Outcome.RAN for node in facts.run.nodes)


def figures(facts: Facts) -> tuple[Figure, ...]:
    """The key figures of the parts that are there."""
    found: list[Figure] = []
    if not isinstance(facts.funnel, Missing) and facts.funnel.stages:
        first, last = facts.funnel.stages[0], facts.funnel.stages[-1]
        found.append(Figure("Data", f"{count(last.count)} {last.unit}", f"from {count(first.count)} {first.unit}"))
    if not isinstance(facts.training, Missing):
        note = f"bits per byte; 3-gram {bits(facts.training.trigram)}"
        found.append(Figure("Held-out loss", bits(facts.training.final), note))
    if not isinstance(facts.evaluation, Missing):
        found.append(_judgement(facts.evaluation))
    if not isinstance(facts.compression, Missing):
        before, after = facts.compression.float_model.bytes, facts.compression.serving.bytes
        found.append(Figure("Compressed", size(after), f"{before / after:.1f} times smaller"))
    if not isinstance(facts.release, Missing):
        version = f"version {facts.release.version}" if facts.release.pushed else "none"
        found.append(Figure("Release", version, facts.release.model_name))
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """One slice with a value for each model, in the order of the report's models."""

    name: str
    examples: int
    bytes: int
    values: tuple[float | None, ...]


def by_slice(evaluation: Evaluation) -> tuple[SliceRow, ...]:
    """The figures of all models, a row a slice, in the order of the first model's slices."""
    if not evaluation.models:
        return ()
    others = [{item.slice: item.bits_per_byte for item in model.slices} for model in evaluation.models]
    return tuple(
        SliceRow(str(item.slice), item.examples, item.bytes, tuple(values.get(item.slice) for values in others))
        for item in evaluation.models[0].slices
    )


def besides(evaluation: Evaluation) -> tuple[str, ...]:
    """What was found besides bits per byte, in sentences."""
    found = []
    served = next((model.slices[0] for model in evaluation.models if model.role is Role.SERVED and model.slices), None)
    if served is not None and served.interval is not None and served.perplexity is not None:
        low, high = served.interval
        found.append(
            f"Over all {bits(served.bits_per_byte)} bits per byte, {bits(low)} to {bits(high)} at "
            f"{evaluation.confidence:.1%} confidence; perplexity of a token {served.perplexity:.1f}."
        )
    if served is not None and served.accuracy and served.calibration_error is not None:
        hits = ", ".join(f"{share:.1%} among the first {k}" for k, share in served.accuracy)
        found.append(f"Next token: {hits}; its probability is {served.calibration_error:.3f} off.")
    if evaluation.retrieval is not None:
        recall = ", ".join(f"{share:.1%} among the first {k}" for k, share in evaluation.retrieval.recall)
        found.append(f"An image's own text: {recall} of {count(evaluation.retrieval.candidates)}.")
    if evaluation.memorisation is not None:
        tried = evaluation.memorisation
        found.append(
            f"Of {count(tried.prompts)} training samples {count(len(tried.extracted))} can be had back word for word, "
            f"besides {count(tried.common)} that are common."
        )
    return (*found, *(f"Note: {note}." for note in evaluation.notes))


def _judgement(evaluation: Evaluation) -> Figure:
    judged = [verdict for verdict in evaluation.verdicts if verdict.outcome is not Judged.NOT_JUDGED]
    passed = sum(verdict.outcome is Judged.PASSED for verdict in judged)
    served = [
        item.bits_per_byte
        for model in evaluation.models
        for item in model.slices
        if model.role is Role.SERVED and item.slice == OVERALL
    ]
    value = f", {bits(served[0])} bits per byte" if served else ""
    note = f"{passed} of {len(judged)} limits met{value}"
    return Figure("Evaluation", "blessed" if evaluation.blessed else "not blessed", note)


def _hidden(character: str) -> bool:
    return character in _BIDIRECTIONAL or (unicodedata.category(character) == "Cc" and character not in "\t\n")


def _shown(character: str) -> str:
    return f"<U+{ord(character):04X}>"
