"""A real pipeline, run again and again: what is live, what a candidate is compared with, and what is cached."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Callable

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common import resolver
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import local_dag_runner
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.release.component import CanaryPusher
from components.release.config import ReleaseConfig
from components.release.live_model import LiveModelStrategy
from tests.fixtures.toys import ToyJudge, ToyTrain


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        baseline: the weights of the model that the candidate was compared with, '' for none.
        judged: whether the judge ran, not the cache.
        version: the version that Release names, '' if it pushed nothing.
        released: whether Release ran, not the cache.
    """

    baseline: str
    judged: bool
    version: str
    released: bool


@pytest.fixture
def run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Outcome]:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    database = tmp_path / "metadata.sqlite"

    def run(weights: str) -> Outcome:
        train = ToyTrain(weights)
        live = resolver.Resolver(
            strategy_class=LiveModelStrategy,
            candidate=train.outputs["model"],
            model=Channel(type=standard_artifacts.Model),
            pushed_model=Channel(type=standard_artifacts.PushedModel),
        ).with_id("LiveModel")
        judge = ToyJudge(train.outputs["model"], live.outputs["model"])
        release = CanaryPusher(
            model=train.outputs["model"],
            model_blessing=judge.outputs["model_blessing"],
            infra_blessing=judge.outputs["infra_blessing"],
            live=live.outputs["pushed_model"],
            config=ReleaseConfig(),
        ).with_id("Release")
        local_dag_runner.LocalDagRunner().run(
            pipeline.Pipeline(
                "toy",
                str(tmp_path / "root"),
                metadata_connection_config=metadata.sqlite_metadata_connection_config(str(database)),
                components=[train, live, judge, release],
                enable_cache=True,
            )
        )
        return _outcome(database)

    return run


def test_each_candidate_is_compared_with_the_live_model_that_is_not_itself(run: Callable[[str], Outcome]) -> None:
    assert run("first") == Outcome(baseline="", judged=True, version="1", released=True)
    assert run("first") == Outcome(baseline="", judged=False, version="1", released=False)
    assert run("second") == Outcome(baseline="first", judged=True, version="2", released=True)
    assert run("second") == Outcome(baseline="first", judged=False, version="2", released=False)
    assert run("first") == Outcome(baseline="second", judged=True, version="3", released=True)
    assert run("first") == Outcome(baseline="second", judged=False, version="3", released=False)
    # The judge has compared these two before; what is live has changed, so it is released anew.
    assert run("second") == Outcome(baseline="first", judged=False, version="4", released=True)


def test_a_refused_model_is_never_a_baseline(run: Callable[[str], Outcome]) -> None:
    assert run("first").version == "1"
    assert run("bad") == Outcome(baseline="first", judged=True, version="", released=True)
    assert run("second") == Outcome(baseline="first", judged=True, version="2", released=True)


def test_a_version_whose_directory_is_gone_is_no_baseline(
    run: Callable[[str], Outcome], tmp_path: pathlib.Path
) -> None:
    run("first")
    run("second")
    shutil.rmtree(tmp_path / "home" / "served" / "headrace" / "2")
    assert run("third") == Outcome(baseline="first", judged=True, version="3", released=True)


def _outcome(database: pathlib.Path) -> Outcome:
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    store = metadata_store.MetadataStore(config)
    [judge], [release] = (
        sorted(store.get_executions_by_type(kind), key=lambda row: row.id)[-1:]
        for kind in ("tests.fixtures.toys.ToyJudge", "components.release.component.CanaryPusher")
    )
    events = store.get_events_by_execution_ids([judge.id])
    baselines = [event.artifact_id for event in events if event.path.steps[0].key == "baseline"]
    events = store.get_events_by_execution_ids([release.id])
    [pushed] = store.get_artifacts_by_id(
        [event.artifact_id for event in events if event.path.steps[0].key == "pushed_model"]
    )
    complete = metadata_store_pb2.Execution.COMPLETE
    return Outcome(
        baseline="".join(
            pathlib.Path(model.uri, "Format-Serving", "weights").read_text()
            for model in store.get_artifacts_by_id(baselines)
        ),
        judged=judge.last_known_state == complete,
        version=pushed.custom_properties["pushed_version"].string_value,
        released=release.last_known_state == complete,
    )
