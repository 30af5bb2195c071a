"""Every custom component through the battery of `tests.conformance`."""

import json
import os
import pathlib

import pytest

from pipeline import dag
from pipeline.config import Config
from schemas import records, tables
from schemas.config import from_json
from schemas.errors import HeadraceError
from schemas.home import Home
from tests import conformance
from tests.conftest import SLICE, slice_project

NODES = (
    "Ingest", "Clean", "Align", "TrainDualEncoder", "Augment", "ExampleGen", "Tokenize", "SchemaImport", "Transform", "Train", "FineTune", "Compress",
    "Evaluate", "InfraValidate", "Release",
)  # fmt: skip
BATTERY = {
    **SLICE,
    "alignment": {"image_text": {"train": True, "use": True, "encoder": {"steps": 10, "min_pairs": 20}}},
    "augmentation": {"copies": {"image": {"fraction": 0.5}, "code": {"fraction": 0.5}}},
    "retraining": {"steps": 6, "warmup_steps": 1, "sparsity": 0.25, "weight_bits": 8},
    "compression": {**SLICE["compression"], "max_bits_per_byte_rise": 5.0, "max_slice_bits_per_byte_rise": 5.0},
    "evaluation": {**SLICE["evaluation"], "max_compression_rise_bits_per_byte": 5.0},
}
"""The slice with every node that can be switched on."""
TABLES = {"records": records.RECORD, "samples": records.SAMPLE}


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    """A project of the battery's own: it runs single nodes anew, after which nothing is as a user would have it."""
    return slice_project(tmp_path_factory.mktemp("battery"), BATTERY)


@pytest.fixture(scope="module")
def first_run(sliced):
    return sliced.run()


@pytest.fixture(scope="module")
def components(sliced, first_run):
    pipeline = dag.build(from_json(Config, json.dumps(BATTERY)), Home(sliced.home))
    return {component.id: component for component in pipeline.components}


@pytest.fixture
def home_variable(sliced, monkeypatch):
    monkeypatch.setenv("HEADRACE_HOME", str(sliced.home))


def test_the_battery_covers_every_custom_component(components):
    own = {node for node, component in components.items() if type(component).__module__.startswith("components.")}
    assert own == set(NODES)


@pytest.mark.parametrize("node", NODES)
def test_the_contract_is_one_that_kubeflow_can_carry(components, node):
    conformance.check_contract(components[node])


@pytest.mark.parametrize("node", NODES)
def test_killed_before_publication_it_leaves_no_trace_and_then_does_the_same_again(
    sliced, first_run, zygote, components, node
):
    before = conformance.made(sliced.home, node)
    published = conformance.live_outputs(sliced.home, node)
    work = conformance.executor_class(components[node])

    assert zygote.run(BATTERY, sliced.home, only=node, kill_after=f"{work.__module__}:{work.__name__}") == -9
    assert conformance.live_outputs(sliced.home, node) == published

    directories = conformance.output_directories(sliced.home, node)
    assert zygote.run(BATTERY, sliced.home, only=node) == 0, zygote.log.read_text()[-3000:]
    again = conformance.made(sliced.home, node)
    assert again.execution.id > before.execution.id
    if again.input_ids() != before.input_ids():
        # A node before it was run anew by this battery, so that it had other inputs (a live model to compare with).
        before = again
        assert zygote.run(BATTERY, sliced.home, only=node) == 0, zygote.log.read_text()[-3000:]
        again = conformance.made(sliced.home, node)
        assert again.input_ids() == before.input_ids()
    assert again.digests() == before.digests()
    assert again.digests() or node in ("SchemaImport", "Transform", "Release"), "nothing was compared"
    left = {path.name for path in directories} - {
        path.name for path in conformance.output_directories(sliced.home, node)
    }
    assert left, "what the killed execution had written is still there"


@pytest.mark.parametrize("node", NODES)
def test_a_broken_input_file_is_named(sliced, components, home_variable, tmp_path, node):
    inputs = conformance.made(sliced.home, node).inputs
    broken = [key for key in inputs if key in TABLES]
    if not broken:
        assert node in (
            "Ingest",
            "SchemaImport",
            "Transform",
            "Train",
            "FineTune",
            "Release",
        )  # their own suites break their inputs
        return
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "part-00000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(HeadraceError) as caught:
        conformance.execute_on(
            components[node], inputs, {broken[0]: tmp_path / "broken"}, tmp_path / "out", dag.BEAM_ARGUMENTS
        )
    conformance.check_named(caught, tmp_path / "broken")


@pytest.mark.parametrize("node", NODES)
def test_an_empty_input_is_passed_on_empty_or_refused_in_words(sliced, components, home_variable, tmp_path, node):
    inputs = conformance.made(sliced.home, node).inputs
    for key in set(inputs) & set(TABLES):
        tables.write(tmp_path / "empty", [], TABLES[key])
        try:
            outputs = conformance.execute_on(
                components[node], inputs, {key: tmp_path / "empty"}, tmp_path / "out", dag.BEAM_ARGUMENTS
            )
        except HeadraceError as error:
            assert error.remedy
        else:
            for [output] in outputs.values():
                if list(pathlib.Path(output.uri).glob("part-*.parquet")):
                    assert tables.count(output.uri) == 0
                assert os.path.isdir(output.uri)
