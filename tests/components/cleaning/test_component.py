import json
import pathlib

import pytest
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import channel

from components.cleaning import report
from components.cleaning.component import Clean
from components.cleaning.config import CleaningConfig
from components.cleaning.executor import Executor
from components.cleaning.steps import Cleaning
from pipeline.dag import BEAM_ARGUMENTS
from schemas import artifacts, records, tables
from schemas.config import to_json
from schemas.errors import IntegrityError


@pytest.fixture
def clean(tmp_path):
    """Runs the executor over batches of records; its outputs' directories."""

    def run(name, batches):
        source = artifacts.Records()
        source.uri = str(tmp_path / name / "records")
        tables.write(source.uri, batches, records.RECORD)
        outputs = {
            "cleaned": [artifacts.Records()],
            "rejected": [artifacts.Rejected()],
            "index": [artifacts.NearDuplicateIndex()],
            "report": [artifacts.CleaningReport()],
        }
        for key, [artifact] in outputs.items():
            artifact.uri = str(tmp_path / name / key)
        executor = Executor(BaseBeamExecutor.Context(beam_pipeline_args=list(BEAM_ARGUMENTS)))
        executor.Do({"records": [source]}, outputs, {"config": to_json(CleaningConfig()), "code": "x"})
        return {key: artifact for key, [artifact] in outputs.items()}

    return run


def bytes_of(artifact):
    return [path.read_bytes() for path in tables.shards(artifact.uri)]


def test_the_result_does_not_depend_on_how_the_records_are_divided(clean, mixed, batch_of):
    whole = clean("whole", [batch_of(mixed)])
    parts = clean("parts", [batch_of(mixed[::-1][start : start + 7]) for start in range(0, len(mixed), 7)])
    for key in ("cleaned", "rejected"):
        assert bytes_of(whole[key]) == bytes_of(parts[key])
        assert whole[key].get_string_custom_property("digest") == parts[key].get_string_custom_property("digest")


def test_the_funnel_accounts_for_every_record(clean, mixed, batch_of):
    outputs = clean("run", [batch_of(mixed)])
    told = report.CleaningReport.read(pathlib.Path(outputs["report"].uri))
    assert told.records_in == len(mixed) == told.records_out + sum(told.dropped.values())
    assert told.records_out == tables.count(outputs["cleaned"].uri)
    assert told.records_out == outputs["cleaned"].get_int_custom_property("rows")
    assert told.dropped["exact_duplicate"] == 120
    by_kind = {(funnel.source, funnel.modality): funnel for funnel in told.funnels}
    assert by_kind["b", "text"].records_in == 30
    assert all(funnel.records_in == funnel.records_out + sum(funnel.dropped.values()) for funnel in told.funnels)


def test_the_report_counts_the_regions_that_were_dropped(clean, record, batch_of):
    bounds = ([0, 2, 0, 0], [2, 5, 0, 0], [2, 50, 0, 0], [50, 60, 0, 0])
    row = {**record(1, "text", b"  one two"), "regions": [{"label": "x", "bounds": own} for own in bounds]}
    outputs = clean("run", [batch_of([row])])
    told = report.CleaningReport.read(pathlib.Path(outputs["report"].uri))
    assert told.dropped_regions == {"erased": 1, "outside": 2}
    [kept] = tables.rows(outputs["cleaned"].uri)
    assert kept["regions"] == [{"label": "x", "bounds": [0, 3, 0, 0]}]


def test_a_lost_record_is_noticed(clean, mixed, batch_of, tmp_path):
    outputs = clean("run", [batch_of(mixed)])
    [shard] = tables.shards(outputs["rejected"].uri)
    kept = list(tables.rows(outputs["rejected"].uri))[1:]
    shard.unlink()
    tables.write(outputs["rejected"].uri, [tables.from_rows(kept, records.REJECTED)], records.REJECTED)
    places = {kind: str(tmp_path / "run" / kind) for kind in ("cleaned", "rejected", "index", "work")}
    source = str(tmp_path / "run" / "records")
    cleaning = Cleaning(source=source, earlier=None, config=CleaningConfig(), **places)
    with pytest.raises(IntegrityError, match="records came"):
        report.tell(cleaning, seconds=0)


def test_no_record_gives_empty_tables(clean, batch_of):
    outputs = clean("empty", [])
    assert tables.count(outputs["cleaned"].uri) == tables.count(outputs["rejected"].uri) == 0
    assert json.loads(pathlib.Path(outputs["report"].uri, "report.json").read_text())["records_in"] == 0


def test_if_nothing_survives_the_tables_say_so(clean, record, batch_of):
    outputs = clean("bad", [batch_of([record(1, "text", b"\xff"), record(2, "image", b"no")])])
    assert tables.count(outputs["cleaned"].uri) == 0
    assert tables.count(outputs["rejected"].uri) == 2


def test_the_node_is_named_and_typed():
    component = Clean(records=channel.Channel(type=artifacts.Records), config=CleaningConfig())
    assert component.id == "Clean"
    assert {key: output.type_name for key, output in component.outputs.items()} == {
        "cleaned": "headrace.Records",
        "rejected": "headrace.Rejected",
        "index": "headrace.NearDuplicateIndex",
        "report": "headrace.CleaningReport",
    }
