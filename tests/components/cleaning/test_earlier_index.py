import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.cleaning.earlier_index import EarlierIndexStrategy
from schemas import artifacts

INPUT, OUTPUT, RESOLVED = mlmd.Event.INPUT, mlmd.Event.OUTPUT, mlmd.Event.INTERNAL_OUTPUT


@pytest.fixture
def days(tmp_path):
    """A store in which each day's records were cleaned beside the index of the day before; and how to add to it."""
    config = mlmd.ConnectionConfig()
    config.fake_database.SetInParent()
    store = metadata_store.MetadataStore(config)
    kinds = {
        name: store.put_artifact_type(mlmd.ArtifactType(name=name))
        for name in ("headrace.Records", "headrace.NearDuplicateIndex")
    }
    clean = store.put_execution_type(mlmd.ExecutionType(name="Clean"))

    def artifact(kind, name):
        (tmp_path / name).mkdir()
        [number] = store.put_artifacts([mlmd.Artifact(type_id=kinds[kind], uri=str(tmp_path / name))])
        wrapped = artifacts.Records() if kind == "headrace.Records" else artifacts.NearDuplicateIndex()
        wrapped.id, wrapped.uri = number, str(tmp_path / name)
        return wrapped

    def cleaned(records, name, earlier=None):
        index = artifact("headrace.NearDuplicateIndex", name)
        [resolved, execution] = store.put_executions([mlmd.Execution(type_id=clean)] * 2)
        read = [records] + ([earlier] if earlier else [])
        events = [(resolved, other.id, RESOLVED) for other in read] + [(execution, other.id, INPUT) for other in read]
        store.put_events(
            [
                mlmd.Event(execution_id=execution, artifact_id=number, type=role)
                for execution, number, role in [*events, (execution, index.id, OUTPUT)]
            ]
        )
        return index

    def resolve(records, *indexes):
        given = {"records": [records], "index": list(indexes)}
        return [found.id for found in EarlierIndexStrategy().resolve_artifacts(store, given)["index"]]

    return artifact, cleaned, resolve


def test_a_new_day_is_compared_with_the_day_before_and_again_when_it_is_run_again(days):
    artifact, cleaned, resolve = days
    monday = artifact("headrace.Records", "monday")
    assert resolve(monday) == []
    first = cleaned(monday, "first")
    assert resolve(monday, first) == [], "not with itself"
    tuesday = artifact("headrace.Records", "tuesday")
    assert resolve(tuesday, first) == [first.id]
    second = cleaned(tuesday, "second", earlier=first)
    assert resolve(tuesday, first, second) == [first.id], "so that a second run is cached"
    wednesday = artifact("headrace.Records", "wednesday")
    assert resolve(wednesday, first, second) == [second.id]


def test_an_index_that_is_gone_is_passed_over(days, tmp_path):
    artifact, cleaned, resolve = days
    first = cleaned(artifact("headrace.Records", "monday"), "first")
    second = cleaned(artifact("headrace.Records", "tuesday"), "second", earlier=first)
    (tmp_path / "second").rmdir()
    assert resolve(artifact("headrace.Records", "wednesday"), first, second) == [first.id]
