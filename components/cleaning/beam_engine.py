"""The chain of steps on Beam: a step is a FlatMap, and between steps stands a GroupByKey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apache_beam as beam

from components.cleaning.steps import Message, Step


def run(pipeline: beam.Pipeline, tasks: Sequence[Message], steps: Sequence[Step]) -> None:
    """Adds the chain to the pipeline; its results are the files that the steps write."""
    messages = pipeline | "Tasks" >> beam.Create(tasks)
    for step in steps:
        name = step.__name__.title()
        messages = messages | f"Group{name}" >> beam.GroupByKey() | name >> beam.FlatMap(_apply, step)


def _apply(element: tuple[int, Iterable[bytes]], step: Step) -> Iterable[Message]:
    key, values = element
    return step(key, list(values))
