"""What an artifact came from: everything upstream of it in the metadata store."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping

from lineage import integrity
from lineage.store import Artifact, Event, Execution, Role, State, Store
from schemas.errors import HeadraceError

PUSHED_MODEL = "PushedModel"


@dataclasses.dataclass(frozen=True)
class Ancestry:
    """An artifact and all it came from.

    Attributes:
        root: the artifact.
        artifacts: the root and every ancestor, by id.
        makers: the execution that made each artifact, by the artifact's id; absent where the store does not know.
        inputs: what each of these executions read, by its id: key and artifact id, in the order of the keys.
    """

    root: Artifact
    artifacts: Mapping[int, Artifact]
    makers: Mapping[int, Execution]
    inputs: Mapping[int, tuple[tuple[str, int], ...]]


def ancestry(store: Store, root: Artifact) -> Ancestry:
    """Walks upstream, a generation of artifacts at a time (three queries each)."""
    artifacts = {root.id: root}
    makers: dict[int, Execution] = {}
    inputs: dict[int, tuple[tuple[str, int], ...]] = {}
    generation = {root.id}
    while generation:
        found = _makers(store, generation)
        makers |= found
        new = {execution.id for execution in found.values()} - inputs.keys()
        read: dict[int, list[Event]] = {execution: [] for execution in new}
        for event in store.events_of_executions(new):
            if event.role is Role.INPUT:
                read[event.execution].append(event)
        inputs |= {execution: tuple(sorted((e.key, e.artifact) for e in events)) for execution, events in read.items()}
        generation = {event.artifact for events in read.values() for event in events} - artifacts.keys()
        artifacts |= {artifact.id: artifact for artifact in store.artifacts(generation)}
    return Ancestry(root, artifacts, makers, inputs)


def find_model(store: Store, wanted: str) -> Artifact:
    """The pushed model that a person means.

    Args:
        wanted: `latest` (pushed last), `live`, a version, `NAME/VERSION`, a name (its latest version), the directory of
            a version or of the artifact, or the id of any artifact.

    Raises:
        HeadraceError: there is none; those that exist are named.
    """
    pushed = [model for model in store.artifacts_of_type(PUSHED_MODEL) if model.properties.get("pushed", 1) == 1]
    for match in (_by_word, _by_label, _by_path):
        found = next((model for model in pushed if match(model, wanted)), None)
        if found:
            return found
    artifact_id = wanted.removeprefix("#")
    if artifact_id.isdecimal():
        for artifact in store.artifacts([int(artifact_id)]):
            return artifact
    known = ", ".join(f"{label(model)} (#{model.id})" for model in pushed)
    remedy = f"known are {known}" if known else "no model has been pushed yet: headrace run"
    raise HeadraceError(f"no pushed model is called {wanted!r}", remedy=remedy)


def label(model: Artifact) -> str:
    """A pushed model's name and version, `NAME/VERSION`."""
    destination = str(model.properties.get("pushed_destination", ""))
    name = pathlib.Path(destination).parent.name
    return f"{name}/{version(model)}" if name else version(model)


def version(model: Artifact) -> str:
    """A pushed model's version."""
    return str(model.properties.get("pushed_version", ""))


def _makers(store: Store, artifacts: Iterable[int]) -> dict[int, Execution]:
    """Who made each artifact: not those who only took it from the cache, which the store ties to it likewise."""
    events = [event for event in store.events_of_artifacts(artifacts) if event.role is Role.OUTPUT]
    executions = {execution.id: execution for execution in store.executions(event.execution for event in events)}
    makers: dict[int, Execution] = {}
    for event in sorted(events, key=lambda event: event.execution):
        execution = executions[event.execution]
        if event.artifact not in makers or (
            execution.state is State.COMPLETE and makers[event.artifact].state is not State.COMPLETE
        ):
            makers[event.artifact] = execution
    return makers


def _by_word(model: Artifact, wanted: str) -> bool:
    return wanted == "latest" or (wanted == "live" and model.properties.get("live") == 1)


def _by_label(model: Artifact, wanted: str) -> bool:
    name = label(model).rpartition("/")[0]
    return bool(wanted) and wanted in (version(model), label(model), name, model.name)


def _by_path(model: Artifact, wanted: str) -> bool:
    places = (model.properties.get("pushed_destination"), integrity.local_path(model.uri))
    return pathlib.Path(wanted).absolute() in [pathlib.Path(str(place)) for place in places if place]
