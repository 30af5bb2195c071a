"""kill -9 at any moment: whatever is left, the same command ends where an uninterrupted one would."""

import io
import os
import pathlib
import random
import signal
import time

from lineage import store
from pipeline import runs, status

NODES = {
    "A": {},
    "B": {"needs": ["A"], "does": {"sleep": 0.05}},
    "C": {"needs": ["A"], "does": {"sleep": 0.02}},
    "D": {"needs": ["B", "C"]},
}
KILLS = 25


def invariants(home):
    """Nothing runs, and what lies on disk was published."""
    connected = store.connect(home)
    rows = connected.recent_executions(1000)
    assert {row.state.value for row in rows} <= {"complete", "cached", "failed"}
    made = [e.artifact for e in connected.events_of_executions(row.id for row in rows) if e.role is store.Role.OUTPUT]
    published = {artifact.uri for artifact in connected.artifacts(made) if artifact.live}
    assert {str(path) for path in home.artifacts.glob("*/out/*")} == published
    assert all(record.status is not runs.Status.RUNNING for record in runs.records(home))


def test_kill_at_any_moment_leaves_what_the_next_run_completes(home, run):
    """Forks of this warm process are killed at random moments, some before, some within, some after a run."""
    import toy_pipeline

    from pipeline import local
    from pipeline.console import Console

    began = time.monotonic()
    run(NODES)
    span = 1.5 * (time.monotonic() - began)
    generator = random.Random(7)
    ended = 0
    for kill in range(KILLS):
        # An edit of the code, so that there is something to do each time.
        nodes = {name: node | {"code": str(kill)} for name, node in NODES.items()}
        pid = os.fork()
        if pid == 0:
            built = toy_pipeline.build(home, {"nodes": nodes})
            local.HeadraceRunner(home, console=Console(io.StringIO())).run(built)
            os._exit(0)
        time.sleep(generator.uniform(0.0, span))
        os.kill(pid, signal.SIGKILL)
        ended += os.WIFEXITED(os.waitpid(pid, 0)[1])
        if kill % 2:
            status.status(home)
            invariants(home)
    assert ended < KILLS

    assert set(run(nodes).outcomes.values()) <= {"ran", "cached"}
    assert set(run(nodes).outcomes.values()) == {"cached"}
    invariants(home)
    newest = max(pathlib.Path(home.artifacts, "D", "out").iterdir(), key=lambda path: int(path.name))
    assert (newest / "text.txt").read_text() == "(D (B (A)) (C (A)))"
