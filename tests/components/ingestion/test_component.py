import pytest
from tfx.orchestration.portable import data_types

from components.ingestion.component import Ingest
from components.ingestion.config import Directory, IngestionConfig
from components.ingestion.driver import PROPERTY, Driver
from components.ingestion.executor import Executor
from schemas import artifacts, records, tables


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "soup.txt").write_text("Soup")
    return tmp_path / "data"


@pytest.fixture
def component(data):
    return Ingest(config=IngestionConfig(sources={"mine": Directory(path=str(data))}))


def driven(component):
    """The execution properties as the launcher has them when it looks into the cache."""
    info = data_types.ExecutionInfo(exec_properties=dict(component.exec_properties))
    output = Driver(None).run(info)
    return {name: getattr(value, value.WhichOneof("value")) for name, value in output.exec_properties.items()}


def test_the_node_is_named_and_typed(component):
    assert component.id == "Ingest"
    assert {key: channel.type_name for key, channel in component.outputs.items()} == {
        "records": "headrace.Records",
        "rejected": "headrace.Rejected",
    }


def test_changed_data_changes_the_cache_key(component, data):
    before = driven(component)
    assert before == driven(component)
    assert set(before) == {*component.exec_properties, PROPERTY}
    (data / "bread.txt").write_text("Bread")
    after = driven(component)
    assert after != before
    assert {name for name in after if after[name] != before[name]} == {PROPERTY}


def test_the_executor_writes_tables_with_their_digests(component, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    outputs = {"records": [artifacts.Records()], "rejected": [artifacts.Rejected()]}
    for key, [artifact] in outputs.items():
        artifact.uri = str(tmp_path / key)
    Executor().Do({}, outputs, {**component.exec_properties, PROPERTY: "x"})
    [artifact] = outputs["records"]
    assert artifact.get_int_custom_property("rows") == 1
    assert artifact.get_string_custom_property("digest") == tables.digest(artifact.uri)
    [batch] = tables.read(artifact.uri)
    assert batch.schema.equals(records.RECORD)
