"""From facts to one HTML page that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

import functools
import graphlib
import pathlib
from typing import Any

import jinja2

from components.compression.report import Report as Compression
from pipeline.report import bars, curve, graph, words
from pipeline.report.facts import Facts, Missing, Run, Training

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_SECTIONS = (
    ("nodes", "Nodes"),
    ("data", "Data"),
    ("samples", "Samples"),
    ("training", "Training"),
    ("evaluation", "Evaluation"),
    ("compression", "Compression"),
    ("release", "Release"),
    ("lineage", "Lineage"),
    ("logs", "Logs"),
)


def render(facts: Facts) -> str:
    """The page. Whatever the facts hold is escaped: they come from data, and data is not trusted."""
    run, training, evaluation, compression = facts.run, facts.training, facts.evaluation, facts.compression
    template = _environment().get_template("page.html")
    return template.render(
        facts=facts,
        headline=words.headline(facts),
        figures=words.figures(facts),
        sections=_SECTIONS,
        nodes={node.id: node for node in run.nodes},
        span=_span(run),
        dag=_dag(run),
        dag_box=(graph.BOX_WIDTH, graph.BOX_HEIGHT),
        chart=None if isinstance(training, Missing) else _chart(training),
        chart_size=(curve.WIDTH, curve.HEIGHT),
        bars=None if isinstance(compression, Missing) else _bars(compression),
        bars_width=bars.WIDTH,
        slices=() if isinstance(evaluation, Missing) else words.by_slice(evaluation),
    )


def _span(run: Run) -> float:
    """Seconds that the time line covers."""
    return max([run.seconds, *((node.started_s or 0.0) + (node.seconds or 0.0) for node in run.nodes)])


def _dag(run: Run) -> graph.Drawing | None:
    try:
        return graph.draw({node.id: node.upstream for node in run.nodes})
    except graphlib.CycleError:
        return None  # only a damaged record of the run says so; the table still tells


def _chart(training: Training) -> curve.Chart | None:
    levels = {"byte unigram": training.unigram, "Kneser-Ney 3-gram": training.trigram}
    lines = {"training": training.train, "held-out": training.held_out}
    return curve.draw(lines, levels)


def _bars(compression: Compression) -> bars.Bars | None:
    models = words.models(compression)
    return bars.draw(
        list(models),
        {
            "size": [(model.bytes, words.size(model.bytes)) for model in models.values()],
            "processor time a request": [
                (model.latencies[0].processor_p50_ms, f"{model.latencies[0].processor_p50_ms:.2f} ms")
                for model in models.values()
            ],
            "loss over float": [(model.rise, words.rise(model.rise)) for model in models.values()],
        },
        marked=compression.chosen,
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "duration", "size", "bits", "rise", "faster", "symbol", "metric", "visible", "models"):
        environment.filters[name] = getattr(words, name)
    environment.filters["verdict_on_yardsticks"] = words.verdict_on_yardsticks
    environment.filters["verdict_on_image"] = words.verdict_on_image
    environment.filters["besides"] = words.besides
    environment.tests["missing"] = _is_missing
    return environment


def _is_missing(value: Any) -> bool:
    return isinstance(value, Missing)
