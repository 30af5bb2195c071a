"""A metadata store as TFX would leave it, written without TFX."""

import json

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

from schemas.home import Home


class Writer:
    """Writes executions with their contexts, artifacts and events."""

    def __init__(self, home):
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(home.metadata)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.raw = metadata_store.MetadataStore(config)

    def run(self, run, node, inputs=(), outputs=(), state=pb.Execution.COMPLETE, **properties):
        """An execution of a node; `inputs`: key -> artifact id, `outputs`: key -> (type, properties) or artifact id.

        Returns:
            The ids of the outputs.
        """
        kind = self.raw.put_execution_type(pb.ExecutionType(name=f"components.{node}"))
        execution = pb.Execution(type_id=kind, last_known_state=state)
        self._set(execution, properties)
        contexts = []
        for context_type, name in (("pipeline", "p"), ("pipeline_run", run), ("node", f"p.{node}")):
            context_kind = self.raw.put_context_type(pb.ContextType(name=context_type))
            contexts.append(pb.Context(type_id=context_kind, name=name))
        pairs = []
        for key, artifact_id in dict(inputs).items():
            [artifact] = self.raw.get_artifacts_by_id([artifact_id])
            pairs.append((artifact, self._event(pb.Event.INPUT, key)))
        for key, output in dict(outputs).items():
            if isinstance(output, int):
                [artifact] = self.raw.get_artifacts_by_id([output])
            else:
                type_name, facts = output
                artifact_kind = self.raw.put_artifact_type(pb.ArtifactType(name=type_name))
                artifact = pb.Artifact(type_id=artifact_kind, uri=f"/artifacts/{node}/{key}", state=pb.Artifact.LIVE)
                self._set(artifact, facts)
            pairs.append((artifact, self._event(pb.Event.OUTPUT, key)))
        _, ids, _ = self.raw.put_execution(execution, pairs, contexts, reuse_context_if_already_exist=True)
        return ids[len(dict(inputs)) :]

    @staticmethod
    def _event(kind, key):
        event = pb.Event(type=kind)
        event.path.steps.add(key=key)
        event.path.steps.add(index=0)
        return event

    @staticmethod
    def _set(row, properties):
        for name, value in properties.items():
            field = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
            setattr(row.custom_properties[name], field, value)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def writer(home):
    return Writer(home)


@pytest.fixture
def released(writer, home):
    """Two runs from sources to a pushed model, the second cached up to the training; the ids of what was pushed."""
    sources = {
        "openmoji": {"kind": "openmoji", "dataset": "emoji", "limit": None},
        "mine": {"kind": "directory", "path": "d"},
    }
    [records] = writer.run(
        "r1",
        "Ingest",
        {},
        {"records": ("headrace.Records", {"rows": 5200, "digest": "ab" * 32})},
        config=json.dumps({"sources": sources}),
    )
    pushed = []
    for run, reused in (("r1", False), ("r2", True)):
        if reused:
            writer.run(run, "Ingest", {}, {"records": records}, state=pb.Execution.CACHED)
        [model] = writer.run(run, "Train", {"examples": records}, {"model": ("Model", {"tree_bytes": 1_000_000})})
        [blessing] = writer.run(
            run, "Evaluate", {"model": model, "samples": records}, {"blessing": ("ModelBlessing", {"blessed": 1})}
        )
        number = str(len(pushed) + 1)
        facts = {"pushed": 1, "pushed_version": number, "pushed_destination": str(home.served / "headrace" / number)}
        facts |= {"live": 1, "reason": "blessed"}
        inputs = {"model": model, "model_blessing": blessing}
        pushed += writer.run(run, "Release", inputs, {"pushed_model": ("PushedModel", facts)})
    [model] = writer.run("r3", "Train", {"examples": records}, {"model": ("Model", {})}, seed=3)
    writer.run(
        "r3", "Release", {"model": model}, {"pushed_model": ("PushedModel", {"pushed": 0, "reason": "not blessed"})}
    )
    return pushed
