"""The local runner over real TFX components and a real store, in this process."""

import json
import pathlib
import re

import pytest

from schemas.errors import BusyError, ConfigError, ExitCode, IntegrityError

DIAMOND = {"A": {}, "B": {"needs": ["A"]}, "C": {"needs": ["A"]}, "D": {"needs": ["B", "C"]}}


def slow(name, seconds, needs=()):
    return {name: {"needs": list(needs), "does": {"sleep": seconds}}}


def failing(kind, needs=()):
    return {"needs": list(needs), "does": {"raise": kind}}


def newest_output(home, node):
    folders = pathlib.Path(home.artifacts, node, "out")
    return max(folders.iterdir(), key=lambda path: int(path.name)) / "text.txt"


def executions(home):
    from lineage import store

    return store.connect(home).recent_executions(100)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    from pipeline import nodes

    monkeypatch.setattr(nodes, "_BACKOFF_S", 0.01)


def test_independent_branches_overlap_and_all_inputs_arrive(run, home, journal):
    seen = run({"A": {}, **slow("B", 0.6, "A"), **slow("C", 0.6, "A"), "D": {"needs": ["B", "C"]}})

    assert set(seen.outcomes.values()) == {"ran"}
    times = {node: dict(events) for node, events in journal().items()}
    assert max(times["B"]["start"], times["C"]["start"]) < min(times["B"]["end"], times["C"]["end"])
    assert times["D"]["start"] > max(times["B"]["end"], times["C"]["end"])
    assert newest_output(home, "D").read_text() == "(D (B (A)) (C (A)))"


def test_one_worker_means_one_node_at_a_time(run, journal):
    run({**slow("B", 0.2), **slow("C", 0.2)}, workers=1)

    (b_start, b_end), (c_start, c_end) = ([t for _, t in events] for events in journal().values())
    assert b_end <= c_start or c_end <= b_start


def test_second_run_is_cached_and_an_edit_of_the_code_is_not(run):
    assert run(DIAMOND).result.exit_code == ExitCode.DONE
    assert set(run(DIAMOND).outcomes.values()) == {"cached"}

    edited = run(DIAMOND | {"B": {"needs": ["A"], "code": "2"}})

    assert edited.outcomes == {"A": "cached", "B": "ran", "C": "cached", "D": "ran"}
    assert edited["B"].reason == "changed: code"
    assert edited["D"].reason == "new input: in0"


def test_transient_failure_is_tried_again_and_said(run):
    seen = run({"A": failing("flaky"), "B": {"needs": ["A"]}})

    assert seen.outcomes == {"A": "ran", "B": "ran"}
    assert seen["A"].attempts == 3
    assert "attempt 1 failed (ConnectionResetError" in seen.text
    assert re.search(r"ran +A .*3 attempts", seen.text)


def test_retries_end(run):
    seen = run({"A": failing("flaky")}, retries=1)

    assert seen.outcomes == {"A": "failed"}
    assert seen["A"].attempts == 2


def test_retried_execution_is_one_and_complete(run, home):
    run({"A": failing("flaky")})

    [execution] = executions(home)
    assert (execution.state.value, execution.properties["attempt"]) == ("complete", 3)


def test_known_error_is_not_tried_again_and_only_its_dependents_are_skipped(run):
    nodes = {"A": failing("known"), "B": {"needs": ["A"]}, "C": {"needs": ["B"]}, "X": {}, **slow("Y", 0.4, "X")}
    seen = run(nodes)

    assert seen.result.exit_code == ExitCode.FAILED
    assert seen.outcomes == {"A": "failed", "B": "skipped", "C": "skipped", "X": "ran", "Y": "ran"}
    assert seen["A"].attempts == 1
    assert seen["C"].reason == "because of A"


def test_failure_ends_with_one_block_that_says_how_to_go_on(run, home):
    text = run({"A": failing("known"), "B": {"needs": ["A"]}}).text

    block = text[text.rindex("A failed: ") :].splitlines()
    assert block[0] == "A failed: the loss is not a number"
    fields = dict(re.findall(r"^  (\w[\w ]*?)  +(.*)$", "\n".join(block), re.MULTILINE))
    assert fields["where"] == "step 7"
    assert re.fullmatch(r".*toy_pipeline\.py:\d+ in act", fields["code"])
    assert pathlib.Path(fields["log"]).read_text().count("the loss is not a number")
    assert fields["what to do"] == "lower training.learning_rate"
    assert block[-1] == f"  go on with  headrace --home {home.root} resume"
    assert len(block) <= 22
    assert "Traceback" not in text


def test_unknown_error_shows_the_users_own_line(run):
    failure = run({"A": failing("value")})["A"].failure

    assert failure.what == "ValueError: the answer is not 42"
    assert "raise ValueError" in failure.frame


def test_gate_that_says_no_is_refused_and_no_failure(run):
    seen = run({"A": failing("refused"), "B": {"needs": ["A"]}})

    assert seen.result.exit_code == ExitCode.REFUSED
    assert seen.outcomes == {"A": "refused", "B": "skipped"}
    assert "A refused: feature `text` is missing in 3 examples" in seen.text
    assert "failed" not in seen.text


def test_model_that_is_not_pushed_is_refused_also_from_the_cache(run):
    nodes = {"Release": {"does": {"pushed": 0}}}
    for _ in range(2):
        seen = run(nodes)
        assert seen.result.exit_code == ExitCode.REFUSED
        assert "Release refused: evaluation: accuracy on slice `code` is 0.1, at least 0.5" in seen.text


def test_full_disk_in_a_node_is_said_in_words(run):
    failure = run({"A": failing("full")})["A"].failure

    assert (failure.kind, failure.what, failure.remedy) == (
        "StorageError",
        "the disk is full",
        "free space, then go on",
    )


def test_failed_node_leaves_no_output_and_after_the_repair_the_rest_is_cached(run, home):
    run({"A": {}, "B": failing("value", "A")})
    assert not list(pathlib.Path(home.artifacts, "B").rglob("*.txt"))

    assert run({"A": {}, "B": {"needs": ["A"]}}).outcomes == {"A": "cached", "B": "ran"}


@pytest.mark.parametrize("text", ["(b)", "longer than before"])
def test_damaged_cached_output_is_said_and_made_anew(run, home, text):
    run({"A": {}, "B": {"needs": ["A"]}})
    newest_output(home, "A").write_text(text)

    seen = run({"A": {}, "B": {"needs": ["A"]}})

    assert seen.outcomes == {"A": "ran", "B": "ran"}
    assert seen["A"].reason == "its earlier output was damaged"
    assert "an earlier output is damaged and not used" in seen.text
    assert newest_output(home, "B").read_text() == "(B (A))"
    assert run({"A": {}, "B": {"needs": ["A"]}}).outcomes == {"A": "cached", "B": "cached"}


def test_missing_cached_output_is_said_and_made_anew(run, home):
    run({"A": {}})
    newest_output(home, "A").unlink()
    assert "1 files were written, 0 are there" in run({"A": {}}).text

    newest_output(home, "A").unlink()
    newest_output(home, "A").parent.rmdir() if newest_output(home, "A").parent.exists() else None
    for folder in pathlib.Path(home.artifacts, "A", "out").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert run({"A": {}})["A"].reason == "its earlier output is gone"


def test_damaged_artifact_is_not_resolved(run, home):
    run({"A": {}})
    nodes = {"Live": {"resolves": True}, "B": {"needs": ["Live"]}}
    assert run(nodes).outcomes == {"Live": "ran", "B": "ran"}
    newest_output(home, "B").write_text("(b)")

    seen = run(nodes)

    assert "an earlier output is damaged and not used" in seen.text
    assert newest_output(home, "B").read_text() == "(B (A))"
    assert "running" not in {execution.state.value for execution in executions(home)}


def test_resolver_that_finds_nothing_fails_in_words(run):
    seen = run({"Live": {"resolves": True}})

    assert seen["Live"].reason.startswith("its inputs cannot be found: Error while resolving inputs for Live")


def test_executions_name_their_process(run, home):
    import os

    from pipeline import processes

    run({"A": {}})

    [execution] = executions(home)
    properties = execution.properties
    assert (properties["pid"], properties["host"]) == (os.getpid(), processes.HOST)
    assert processes.alive(properties["pid"], properties["process_started"])
    assert properties["heartbeat"] > 0


def test_from_runs_a_node_and_what_follows_afresh_on_earlier_outputs(run, home):
    first = run(DIAMOND)

    seen = run(DIAMOND, start="b")

    assert seen.outcomes == {"A": "reused", "B": "ran", "C": "reused", "D": "ran"}
    assert seen["A"].reason == f"from run {first.result.run_id}"
    assert newest_output(home, "D").read_text() == "(D (B (A)) (C (A)))"


def test_only_runs_one_node(run):
    run(DIAMOND)

    seen = run(DIAMOND, only="B")

    assert seen.outcomes == {"A": "reused", "B": "ran", "C": "reused", "D": "skipped"}
    assert seen["D"].reason == "not asked for"


def test_partial_run_passes_over_a_run_that_failed_early(run):
    whole = run(DIAMOND)
    run(DIAMOND | {"A": failing("value")})

    assert run(DIAMOND, start="D")["B"].reason == f"from run {whole.result.run_id}"


def test_partial_run_resolves_again(run, home):
    nodes = {"A": {}, "Live": {"resolves": True}, "B": {"needs": ["A", "Live"]}}
    run(nodes)

    seen = run(nodes, only="B")

    assert seen.outcomes == {"A": "reused", "Live": "ran", "B": "ran"}


def test_partial_run_without_what_it_needs_says_so(run):
    with pytest.raises(
        ConfigError, match=r"Dependencies were not executed: \[A, B, C\]\n  -> run `headrace run` first"
    ):
        run(DIAMOND, start="D")


def test_partial_run_refuses_a_damaged_output(run, home):
    run(DIAMOND)
    newest_output(home, "A").write_text("(b)")

    with pytest.raises(IntegrityError, match="its contents are not those that were written"):
        run(DIAMOND, start="B")


def test_misspelt_node_is_answered_by_the_nearest(run):
    with pytest.raises(ConfigError, match="no node is called 'Trian'\n  -> did you mean Train"):
        run({"Train": {}, "Clean": {}}, start="Trian")


def test_resumed_partial_run_keeps_what_it_had_finished(run):
    from pipeline.runs import Command

    run(DIAMOND)
    broken = run(DIAMOND | {"D": {"needs": ["B", "C"], "does": {"raise": "value"}}}, start="B")
    assert broken.outcomes["B"] == "ran"

    resumed = run(DIAMOND, start="B", command=Command(resumes=broken.result.run_id))

    assert resumed.outcomes == {"A": "reused", "B": "cached", "C": "reused", "D": "ran"}


def test_run_within_a_run_is_refused(run, home):
    from pipeline import locks

    with locks.HomeLock(home_made(home), ("headrace", "run")), pytest.raises(BusyError, match="headrace run"):
        run({"A": {}})


def home_made(home):
    home.root.mkdir(parents=True)
    return home


def test_events_tell_the_whole_run(run):
    from pipeline import runs

    seen = run({"A": {}, "B": failing("known", "A"), "C": {"needs": ["B"]}})

    events = list(runs.read_events(seen.result.directory))
    assert events[0]["event"] == "run_started"
    assert [(node["node"], node["upstream"]) for node in events[0]["nodes"]] == [("A", []), ("B", ["A"]), ("C", ["B"])]
    ended = {event["node"]: event for event in events if event["event"] == "node_ended"}
    assert {name: event["outcome"] for name, event in ended.items()} == {"A": "ran", "B": "failed", "C": "skipped"}
    assert ended["B"]["failure"]["remedy"] == "lower training.learning_rate"
    assert ended["A"]["execution_id"] == 1
    assert (events[-1]["event"], events[-1]["status"]) == ("run_ended", "failed")


def test_record_lets_a_run_be_resumed(run, home):
    from pipeline import runs

    seen = run({"A": failing("value")}, command=runs.Command(("run", "training.steps=2"), "d1", ("training.steps=2",)))

    record = runs.last_run(home)
    assert record.run_id == seen.result.run_id
    assert record.status is runs.Status.FAILED
    assert record.command.argv == ("run", "training.steps=2")
    assert str(record.command) == "headrace run training.steps=2"


def test_progress_of_what_takes_longer_is_shown_with_rate_and_time_left(run):
    text = run({"A": {"does": {"sleep": 2.6, "steps": 26}}}).text

    assert re.search(r"at work +A +stepping  \d+/26 steps  [\d.]+/s  [\d.]+ s left  [\d.]+ s so far", text)


def test_time_left_of_a_node_without_counters_comes_from_the_last_time(run):
    nodes = {"A": {"does": {"sleep": 2.6}}}
    run(nodes)

    text = run(nodes, start="A").text

    assert re.search(r"at work +A +[\d.]+ s left  [\d.]+ s so far", text)


def test_plain_local_dag_runner_runs_the_same_pipeline(home, run):
    import toy_pipeline
    from tfx.orchestration.local import local_dag_runner

    local_dag_runner.LocalDagRunner().run(toy_pipeline.build(home, {"nodes": DIAMOND}))

    assert newest_output(home, "D").read_text() == "(D (B (A)) (C (A)))"
    assert set(run(DIAMOND).outcomes.values()) == {"cached"}


def test_lineage_of_a_real_run_leads_to_its_beginning(run, home):
    from lineage import graph, store

    run(DIAMOND)
    run(DIAMOND)
    connected = store.connect(home)
    [last] = connected.artifacts_of_type("headrace.ToyText")[:1]

    found = graph.ancestry(connected, last)

    assert {maker.node for maker in found.makers.values()} == {"A", "B", "C", "D"}
    assert {maker.state.value for maker in found.makers.values()} == {"complete"}
    assert json.loads(str(found.makers[last.id].properties["does"]))["name"] == "D"
