"""What a pushed model came from."""

import json

import pytest

from lineage import graph, rendering, store
from schemas.errors import HeadraceError


@pytest.fixture
def connected(home, released):
    return store.connect(home)


def test_ancestry_reaches_the_sources_and_takes_nothing_else_along(connected, released):
    ancestry = graph.ancestry(connected, graph.find_model(connected, "2"))

    assert ancestry.root.id == released[1]
    makers = {(maker.node, maker.run) for maker in ancestry.makers.values()}
    assert makers == {("Ingest", "r1"), ("Train", "r2"), ("Evaluate", "r2"), ("Release", "r2")}
    assert {maker.state for maker in ancestry.makers.values()} == {store.State.COMPLETE}


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("latest", 1), ("live", 1), ("1", 0), ("2", 1), ("headrace/1", 0), ("headrace", 1), ("served/headrace/1", 0)],
)
def test_model_is_found_by_what_people_call_it(connected, home, released, wanted, index, monkeypatch):
    monkeypatch.chdir(home.root)

    assert graph.find_model(connected, wanted).id == released[index]


def test_any_artifact_is_found_by_its_id(connected, released):
    assert graph.find_model(connected, f"#{released[0]}").id == released[0]
    assert graph.find_model(connected, "#1").type == "headrace.Records"


def test_unknown_model_is_answered_by_those_that_exist(connected, released):
    with pytest.raises(HeadraceError) as caught:
        graph.find_model(connected, "7000")
    assert f"headrace/2 (#{released[1]}), headrace/1 (#{released[0]})" in caught.value.remedy


def test_empty_home_says_so(tmp_path):
    from schemas.home import Home

    with pytest.raises(HeadraceError, match="nothing has run here yet"):
        store.connect(Home(tmp_path / "none"))


def test_store_that_is_none_is_named(home):
    home.metadata.write_bytes(b"garbage" * 1000)

    with pytest.raises(
        HeadraceError, match=r"metadata.sqlite: the metadata store cannot be opened: file is not a database\n"
    ):
        store.connect(home)


def test_tree_spells_each_artifact_out_once_and_names_the_sources(connected, released):
    text = rendering.tree(graph.ancestry(connected, graph.find_model(connected, "latest")))
    lines = text.splitlines()

    assert lines[0] == f"headrace/2  PushedModel #{released[1]}"
    assert "pushed: blessed · live" in lines[1] and "Release, " in lines[1]
    assert sum("5,200 rows · digest abababababab" in line for line in lines) == 1
    assert sum(line.endswith("Records #1 (see above)") for line in lines) == 1
    assert any(line.endswith("source openmoji: kind openmoji, dataset emoji") for line in lines)
    assert any(line.endswith("source mine: kind directory, path d") for line in lines)
    assert any("├─ model: Model #" in line for line in lines)
    assert any("blessed · Evaluate, " in line for line in lines)


def test_plain_form_is_json_and_closed_under_its_ids(connected):
    plain = rendering.plain(graph.ancestry(connected, graph.find_model(connected, "latest")))
    plain = json.loads(json.dumps(plain))

    artifacts = {artifact["id"] for artifact in plain["artifacts"]}
    executions = {execution["id"] for execution in plain["executions"]}
    assert {artifact["made_by"] for artifact in plain["artifacts"]} == executions
    assert {item["artifact"] for execution in plain["executions"] for item in execution["inputs"]} <= artifacts
    [ingest] = [execution for execution in plain["executions"] if execution["node"] == "Ingest"]
    assert set(ingest["sources"]) == {"openmoji", "mine"}


def test_runs_and_nodes_are_told(connected):
    assert [run.id for run in connected.runs()] == ["r3", "r2", "r1"]
    assert set(connected.nodes()) == {"Ingest", "Train", "Evaluate", "Release"}
    newest = connected.executions_of(connected.nodes()["Train"], newest=1)
    assert [(execution.run, execution.properties) for execution in newest] == [("r3", {"seed": 3})]
