"""The battery that every custom component passes, on what a run on real data left behind.

A component conforms when its contract is one that Kubeflow can carry, when what it makes depends on nothing but its
inputs, parameters and seed, when a kill at the worst moment (all written, nothing published) leaves no trace and the
same command then gives what it would have given, and when bad input is met in words.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pathlib
import re
from collections.abc import Mapping

import pytest
from tfx.dsl.components.base import base_beam_executor, base_component, base_executor
from tfx.types import artifact

from lineage import store
from schemas.errors import HeadraceError
from schemas.home import Home

TYPE_NAME = re.compile(r"^[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}$")
CARRIED_BY_KUBEFLOW = (int, float, str)


@dataclasses.dataclass(frozen=True)
class Made:
    """What a node's newest finished execution made."""

    execution: store.Execution
    outputs: Mapping[str, store.Artifact]
    inputs: Mapping[str, tuple[store.Artifact, ...]]

    def input_ids(self) -> dict[str, list[int]]:
        """Which artifacts it read."""
        return {key: sorted(item.id for item in items) for key, items in self.inputs.items()}

    def digests(self) -> dict[str, str]:
        """The canonical digests of the outputs that have one."""
        return {
            key: str(item.properties["digest"]) for key, item in self.outputs.items() if item.properties.get("digest")
        }


def made(home: pathlib.Path, node: str) -> Made:
    """What the newest finished execution of a node made."""
    connected = store.connect(Home(home))
    executions = connected.executions_of(connected.nodes()[node])
    newest = next(e for e in executions if e.state is store.State.COMPLETE)
    events = connected.events_of_executions([newest.id])
    artifacts = {item.id: item for item in connected.artifacts(event.artifact for event in events)}
    inputs: dict[str, list[store.Artifact]] = {}
    outputs = {}
    for event in events:
        if event.role is store.Role.OUTPUT:
            outputs[event.key] = artifacts[event.artifact]
        elif event.role is store.Role.INPUT:
            inputs.setdefault(event.key, []).append(artifacts[event.artifact])
    return Made(newest, outputs, {key: tuple(items) for key, items in inputs.items()})


def live_outputs(home: pathlib.Path, node: str) -> set[int]:
    """The ids of all artifacts that a node has published."""
    connected = store.connect(Home(home))
    executions = [execution.id for execution in connected.executions_of(connected.nodes()[node])]
    outputs = [e.artifact for e in connected.events_of_executions(executions) if e.role is store.Role.OUTPUT]
    return {item.id for item in connected.artifacts(outputs) if item.live}


def output_directories(home: pathlib.Path, node: str) -> set[pathlib.Path]:
    """Every output directory of a node on disk: `artifacts/NODE/OUTPUT/EXECUTION`."""
    outputs = [path for path in (home / "artifacts" / node).glob("*") if path.name != ".system"]
    return {directory for output in outputs for directory in output.iterdir()}


def check_contract(component: base_component.BaseComponent) -> None:
    """The contract is one that Kubeflow can carry and a reader can understand."""
    spec = component.SPEC_CLASS
    assert component.__class__.__doc__ and spec.__doc__
    assert not set(spec.INPUTS) & set(spec.OUTPUTS)
    for parameter in [*spec.INPUTS.values(), *spec.OUTPUTS.values()]:
        if not parameter.type.__module__.startswith("tfx."):
            assert TYPE_NAME.match(parameter.type.TYPE_NAME), parameter.type.TYPE_NAME
            assert not parameter.type.PROPERTIES, "Kubeflow drops typed properties"
    for name, value in component.exec_properties.items():
        assert value is None or isinstance(value, CARRIED_BY_KUBEFLOW), name
    assert re.fullmatch(r"([0-9a-f]{16})+", fingerprint_of(component)), "without it an edit would go unnoticed"


def fingerprint_of(component: base_component.BaseComponent) -> str:
    """The code's fingerprint in a component's parameters."""
    properties = component.exec_properties
    if "code" in properties:
        return properties["code"]
    return str(properties["sha256"])[:16]  # a component without code of its own


def executor_class(component: base_component.BaseComponent) -> type[base_executor.BaseExecutor]:
    """The class that does a component's work."""
    module, _, name = component.executor_spec.class_path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def execute_on(
    component: base_component.BaseComponent,
    inputs: Mapping[str, tuple[store.Artifact, ...]],
    replaced: Mapping[str, pathlib.Path],
    directory: pathlib.Path,
    beam_arguments: list[str],
) -> dict[str, list[artifact.Artifact]]:
    """Runs a component's executor outside of any pipeline, with some inputs lying elsewhere; its outputs."""

    def loaded(key: str, item: store.Artifact) -> artifact.Artifact:
        made = component.SPEC_CLASS.INPUTS[key].type()
        made.uri = str(replaced.get(key, item.uri))
        made.id = item.id
        for name, value in item.properties.items():
            if name == "split_names":
                made.split_names = value
            elif isinstance(value, int):
                made.set_int_custom_property(name, value)
            else:
                made.set_string_custom_property(name, str(value))
        return made

    input_dict = {key: [loaded(key, item) for item in items] for key, items in inputs.items()}
    output_dict = {}
    for key, parameter in component.SPEC_CLASS.OUTPUTS.items():
        output = parameter.type()
        output.uri = str(directory / key)
        os.makedirs(output.uri)
        output_dict[key] = [output]
    work = executor_class(component)
    context = {"tmp_dir": str(directory / "tmp"), "unique_id": "1"}
    if issubclass(work, base_beam_executor.BaseBeamExecutor):
        made = work(base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=beam_arguments, **context))
    else:
        made = work(base_executor.BaseExecutor.Context(**context))
    made.Do(input_dict, output_dict, dict(component.exec_properties))
    return output_dict


def check_named(caught: pytest.ExceptionInfo[HeadraceError], path: pathlib.Path) -> None:
    """The error says what is wrong, where, and what to do."""
    error = caught.value
    assert error.what
    assert str(path) in str(error)
    assert error.remedy
