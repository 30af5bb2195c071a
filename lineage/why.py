"""Why a model may be released or may not: the decision that the store holds, and the figures that it was made by.

What Evaluate measured lies in the `report.json` of its evaluation, which is read here as it is written, without the code
that made it; the decision itself is in the store, and told even where that file is gone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage import graph, integrity
from lineage.store import Artifact, Execution, Role, State, Store
from schemas.errors import HeadraceError

_BLESSING, _EVALUATION, _MODEL = "ModelBlessing", "ModelEvaluation", "Model"
_REPORT = "report.json"
_MOST_BYTES = 50_000_000
_FAILED, _NOT_JUDGED = "failed", "not_judged"
_SYMBOLS = {"passed": "✓", _FAILED: "✕", _NOT_JUDGED: "–"}


@dataclasses.dataclass(frozen=True)
class Why:
    """A decision and what it was made by.

    Attributes:
        asked: the artifact that was asked about.
        model: the model that was judged, its artifact's id.
        blessing: the decision.
        evaluation: where its figures are; None where the store does not know.
        execution: of Evaluate.
        blessed: the decision in short.
        message: the decision in words.
        report: what was measured, as Evaluate wrote it; empty where that cannot be read.
        missing: why it cannot be read.
    """

    asked: Artifact
    model: int
    blessing: Artifact
    evaluation: Artifact | None
    execution: Execution
    blessed: bool
    message: str
    report: Mapping[str, Any]
    missing: str = ""

    @property
    def decisive(self) -> list[Mapping[str, Any]]:
        """The limits that decided: those not met, or if all are met those on the whole of the data."""
        verdicts = _list(self.report.get("verdicts"))
        failed = [verdict for verdict in verdicts if verdict.get("outcome") == _FAILED]
        on_all = [verdict for verdict in verdicts if not _pairs(verdict)]
        return failed if failed else on_all


def explain(store: Store, asked: Artifact) -> Why:
    """The last decision on a model.

    Args:
        store: where it is recorded.
        asked: a `Model`, a `PushedModel`, or a decision itself.

    Raises:
        HeadraceError: it is something else, or was never judged.
    """
    execution, outputs = _judged(store, asked)
    blessing = next(artifact for artifact in outputs if artifact.type == _BLESSING)
    evaluation = next((artifact for artifact in outputs if artifact.type == _EVALUATION), None)
    model = next(
        event.artifact
        for event in store.events_of_executions([execution.id])
        if event.role is Role.INPUT and event.key == "model"
    )
    report, missing = _read(evaluation)
    return Why(
        asked=asked,
        model=model,
        blessing=blessing,
        evaluation=evaluation,
        execution=execution,
        blessed=blessing.properties.get("blessed") == 1,
        message=str(report.get("message") or blessing.properties.get("blessing_message", "")),
        report=report,
        missing=missing,
    )


def plain(why: Why) -> dict[str, Any]:
    """All of it as plain values for JSON."""
    return {
        "asked": why.asked.id,
        "model": why.model,
        "blessing": why.blessing.id,
        "evaluation": why.evaluation.id if why.evaluation else None,
        "run": why.execution.run,
        "judged": why.execution.ended.isoformat(),
        "blessed": why.blessed,
        "message": why.message,
        "baseline": why.blessing.properties.get("baseline_model_id"),
        "decisive": why.decisive,
        "report": dict(why.report),
        "missing": why.missing,
    }


def text(why: Why) -> str:
    """The decision, the limits that decided, the figures and the failing examples, to be read."""
    name = graph.label(why.asked) if why.asked.type == graph.PUSHED_MODEL else ""
    title = f"{name}  Model #{why.model}" if name.strip("/") else f"Model #{why.model}"
    lines = [
        f"{title}, judged by {why.execution.node or why.execution.type} in {why.execution.run}, "
        f"{why.execution.ended.astimezone():%Y-%m-%d %H:%M:%S}",
        f"{'blessed' if why.blessed else 'not blessed'}: {why.message}",
    ]
    if why.missing:
        lines += ["", f"the figures are not there: {why.missing}"]
    for heading, found in (
        ("What decided", list(_verdicts(why.decisive))),
        ("Figures, bits per byte", list(_figures(why.report))),
        ("Failing examples", list(_failing(why.report))),
        ("Besides", list(_besides(why.report))),
    ):
        if found:
            lines += ["", heading, *(f"  {line}" for line in found)]
    return "\n".join(lines) + "\n"


def _judged(store: Store, asked: Artifact) -> tuple[Execution, list[Artifact]]:
    """The last execution that judged a model, and what it made."""
    subject, role = asked.id, Role.INPUT
    if asked.type in (_BLESSING, _EVALUATION):
        role = Role.OUTPUT
    elif asked.type == graph.PUSHED_MODEL:
        subject, role = _released(store, asked)
    executions = store.executions(
        event.execution
        for event in store.events_of_artifacts([subject])
        if event.role is role and (role is Role.OUTPUT or event.key == "model")
    )
    for execution in sorted(executions, key=lambda execution: execution.id, reverse=True):
        if execution.state is State.COMPLETE:
            made = [e.artifact for e in store.events_of_executions([execution.id]) if e.role is Role.OUTPUT]
            outputs = store.artifacts(made)
            if any(artifact.type == _BLESSING for artifact in outputs):
                return execution, outputs
    kind = asked.type.rpartition(".")[2]
    if asked.type in (_MODEL, graph.PUSHED_MODEL):
        raise HeadraceError(f"{kind} #{asked.id} was never judged", remedy="headrace run --only Evaluate")
    raise HeadraceError(
        f"#{asked.id} is a {kind}, no model",
        remedy="ask about a version, `live`, or the id of a Model: headrace lineage show names them",
    )


def _released(store: Store, pushed: Artifact) -> tuple[int, Role]:
    """The decision that a release rests on, or where the store does not tell the model; and what it is to Evaluate."""
    makers = [event.execution for event in store.events_of_artifacts([pushed.id]) if event.role is Role.OUTPUT]
    read = {e.key: e.artifact for e in store.events_of_executions(makers) if e.role is Role.INPUT}
    if "model_blessing" in read:
        return read["model_blessing"], Role.OUTPUT
    return read.get("model", pushed.id), Role.INPUT


def _read(evaluation: Artifact | None) -> tuple[Mapping[str, Any], str]:
    """A report, or why there is none."""
    directory = integrity.local_path(evaluation.uri) if evaluation else None
    if directory is None:
        return {}, "no evaluation on this disk belongs to it"
    path = directory / _REPORT
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}, f"{path} is larger than {_MOST_BYTES:,} bytes"
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        return {}, f"{path} cannot be read ({error})"
    return (found, "") if isinstance(found, dict) else ({}, f"{path} is no report")


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for verdict in verdicts:
        yield f"{_SYMBOLS.get(str(verdict.get('outcome')), '?')} {verdict.get('reason', '')}"


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    models = _list(report.get("models"))
    if not models:
        return
    columns = [{_name(item): item.get("bits_per_byte") for item in _list(model.get("slices"))} for model in models]
    first = _list(models[0].get("slices"))
    width = max([5, *(len(_name(item)) for item in first)])
    roles = "".join(f"{model.get('role', ''):>11}" for model in models)
    yield f"{'slice':<{width}}  examples{roles}"
    for item in first:
        values = "".join(f"{_number(column.get(_name(item))):>11}" for column in columns)
        yield f"{_name(item):<{width}}  {item.get('examples', 0):>8}{values}"


def _failing(report: Mapping[str, Any]) -> Iterator[str]:
    limit = None
    for example in _list(report.get("failing")):
        here = f"{example.get('metric')} on {_name(example)}"
        if here != limit:
            limit = here
            yield f"{here}:"
        compared = example.get("compared_bits_per_byte")
        beside = f" beside {_number(compared)}" if compared is not None else ""
        yield (
            f"  {example.get('sample_id')} {example.get('modality')}, {example.get('bytes')} bytes: "
            f"{_number(example.get('bits_per_byte'))} bits per byte{beside}"
        )


def _besides(report: Mapping[str, Any]) -> Iterator[str]:
    for found in _list(report.get("robustness")):
        yield (
            f"{found.get('condition')}: {_number(found.get('bits_per_byte'))} bits per byte on {found.get('samples')} samples, "
            f"{_number(found.get('undamaged_bits_per_byte'))} undamaged, {found.get('refused')} refused"
        )
    retrieval, memorisation = report.get("retrieval"), report.get("memorisation")
    if isinstance(retrieval, dict):
        recall = ", ".join(f"{share:.1%} among the first {k}" for k, share in retrieval.get("recall", ()))
        yield f"an image's own text: {recall} of {retrieval.get('candidates')}"
    if isinstance(memorisation, dict):
        extracted = memorisation.get("extracted", [])
        yield (
            f"had back word for word: {len(extracted)} of {memorisation.get('prompts')} training samples, and "
            f"{memorisation.get('common')} that are common"
            + (f": {', '.join(map(str, extracted[:10]))}" if extracted else "")
        )
    yield from map(str, report.get("notes") or ())


def _name(item: Mapping[str, Any]) -> str:
    """A slice in words."""
    return ", ".join(f"{key} {value}" for key, value in _pairs(item)) or "overall"


def _pairs(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    where = item.get("slice")
    found = where.get("pairs") if isinstance(where, dict) else None
    return [(str(key), str(value)) for key, value in found or ()]


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else "–"
