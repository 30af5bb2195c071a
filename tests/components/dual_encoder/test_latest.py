import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.dual_encoder.latest import LatestEncoderStrategy
from schemas import artifacts

KINDS = {kind.TYPE_NAME: kind for kind in (artifacts.Records, artifacts.Samples, artifacts.DualEncoder)}


class Runs:
    """A store in which records are aligned to samples, and encoders trained on these."""

    def __init__(self, root):
        config = mlmd.ConnectionConfig()
        config.fake_database.SetInParent()
        self.root = root
        self.store = metadata_store.MetadataStore(config)
        self.kinds = {name: self.store.put_artifact_type(mlmd.ArtifactType(name=name)) for name in KINDS}
        self.work = self.store.put_execution_type(mlmd.ExecutionType(name="work"))

    def artifact(self, kind, name):
        (self.root / name).mkdir()
        wrapped = kind()
        wrapped.uri = str(self.root / name)
        [wrapped.id] = self.store.put_artifacts([mlmd.Artifact(type_id=self.kinds[kind.TYPE_NAME], uri=wrapped.uri)])
        return wrapped

    def made(self, kind, name, *read):
        output = self.artifact(kind, name)
        [execution] = self.store.put_executions([mlmd.Execution(type_id=self.work)])
        events = [(one.id, mlmd.Event.INPUT) for one in read] + [(output.id, mlmd.Event.OUTPUT)]
        self.store.put_events(
            [mlmd.Event(execution_id=execution, artifact_id=number, type=role) for number, role in events]
        )
        return output

    def day(self, name, *with_encoder):
        """Records, and the encoder that was trained on what they were aligned to."""
        records = self.artifact(artifacts.Records, f"{name}-records")
        samples = self.made(artifacts.Samples, f"{name}-samples", records, *with_encoder)
        return records, self.made(artifacts.DualEncoder, f"{name}-encoder", samples)

    def resolve(self, records, *encoders):
        given = {"records": [records], "encoder": list(encoders)}
        return [found.id for found in LatestEncoderStrategy().resolve_artifacts(self.store, given)["encoder"]]


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def test_records_are_aligned_with_the_encoder_before_and_again_when_they_are_aligned_again(runs):
    monday, first = runs.day("monday")
    assert runs.resolve(monday) == []
    assert runs.resolve(monday, first) == [], "not with what was learnt from themselves"
    tuesday, second = runs.day("tuesday", first)
    assert runs.resolve(tuesday, first, second) == [first.id], "so that a second run is cached"
    wednesday = runs.artifact(artifacts.Records, "wednesday-records")
    assert runs.resolve(wednesday, first, second) == [second.id]


def test_an_encoder_that_is_gone_is_passed_over(runs, tmp_path):
    _, first = runs.day("monday")
    _, second = runs.day("tuesday", first)
    (tmp_path / "tuesday-encoder").rmdir()
    assert runs.resolve(runs.artifact(artifacts.Records, "wednesday-records"), first, second) == [first.id]
