"""A pipeline of small components for the runner's tests, and a program that runs it.

    python toy_pipeline.py HOME SPEC.json

SPEC: `nodes` (name -> what it does), `command`, `plain` (stock LocalDagRunner), `from`, `only`, `workers`, `retries`.
"""

from __future__ import annotations

import errno
import json
import os
import pathlib
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from tfx.dsl.components.base import base_component, base_executor, executor_spec  # noqa: E402
from tfx.dsl.components.common import resolver  # noqa: E402
from tfx.dsl.input_resolution.strategies import latest_artifact_strategy  # noqa: E402
from tfx.orchestration import metadata, pipeline  # noqa: E402
from tfx.types import artifact, channel  # noqa: E402
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter  # noqa: E402

from schemas import progress  # noqa: E402
from schemas.errors import GateRefused, HeadraceError  # noqa: E402


class Text(artifact.Artifact):
    TYPE_NAME = "headrace.ToyText"


class ToySpec(ComponentSpec):
    PARAMETERS = {"does": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}
    INPUTS = {f"in{i}": ChannelParameter(type=Text, optional=True) for i in range(3)}
    OUTPUTS = {"out": ChannelParameter(type=Text)}


class Executor(base_executor.BaseExecutor):
    """Does what `does` (JSON) says: sleep, fail, count attempts, start a child; then writes its inputs and its name."""

    def Do(self, input_dict, output_dict, exec_properties):
        does = json.loads(exec_properties["does"])
        [output] = output_dict["out"]
        target = pathlib.Path(output.uri, "text.txt")
        target.write_text("half")
        with open(does["journal"], "a") as journal:
            journal.write(f"{does['name']} start {time.time()}\n")
        act(does)
        texts = [pathlib.Path(a.uri, "text.txt").read_text() for key in sorted(input_dict) for a in input_dict[key]]
        if "pushed" in does:
            output.set_int_custom_property("pushed", does["pushed"])
            output.set_string_custom_property("reason", "evaluation: accuracy on slice `code` is 0.1, at least 0.5")
        target.write_text("(" + " ".join([does["name"], *texts]) + ")")
        with open(does["journal"], "a") as journal:
            journal.write(f"{does['name']} end {time.time()}\n")


def act(does):
    print(f"{does['name']} says this on stdout")
    if "child" in does:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
        pathlib.Path(does["child"]).write_text(str(child.pid))
        if child.wait():
            raise RuntimeError("the child ended badly")
    if "steps" in does:
        progress.start(does["name"], "stepping", total=does["steps"], unit="steps")
        for _ in range(does["steps"]):
            time.sleep(does["sleep"] / does["steps"])
            progress.advance(does["name"])
    else:
        time.sleep(does.get("sleep", 0))
    kind = does.get("raise")
    if kind == "flaky":
        path = pathlib.Path(does["journal"] + ".flaky")
        tries = int(path.read_text()) if path.exists() else 0
        path.write_text(str(tries + 1))
        if tries < 2:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    elif kind == "value":
        raise ValueError("the answer is not 42")
    elif kind == "known":
        raise HeadraceError("the loss is not a number", where="step 7", remedy="lower training.learning_rate")
    elif kind == "refused":
        raise GateRefused("feature `text` is missing in 3 examples", where="split train")
    elif kind == "full":
        with open("/dev/full", "w") as full:
            full.write("x" * 100_000)


class Toy(base_component.BaseComponent):
    SPEC_CLASS = ToySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, does, code, inputs):
        channels = {f"in{i}": given for i, given in enumerate(inputs)}
        super().__init__(ToySpec(does=does, code=code, out=channel.OutputChannel(Text, self, "out"), **channels))


def build(home, spec):
    """The pipeline of a spec: each node `{"needs": [...], "code": ..., "does": {...}}`; `resolves` makes a resolver."""
    made = {}
    for name, node in spec["nodes"].items():
        if node.get("resolves"):
            made[name] = resolver.Resolver(
                strategy_class=latest_artifact_strategy.LatestArtifactStrategy, out=channel.Channel(type=Text)
            ).with_id(name)
            continue
        does = json.dumps({"name": name, "journal": str(home.root.parent / "journal")} | node.get("does", {}))
        inputs = [made[need].outputs["out"] for need in node.get("needs", [])]
        made[name] = Toy(does, node.get("code", "1"), inputs).with_id(name)
    return pipeline.Pipeline(
        pipeline_name="toy",
        pipeline_root=str(home.artifacts),
        components=list(made.values()),
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(home.metadata)),
    )


def main():
    from pipeline import local, partial
    from pipeline.runs import Command
    from schemas.home import Home

    home = Home(pathlib.Path(sys.argv[1]).absolute())
    spec = json.loads(sys.argv[2])
    built = build(home, spec)
    runner = local.HeadraceRunner(
        home,
        workers=spec.get("workers", 2),
        retries=spec.get("retries", 2),
        command=Command(tuple(spec.get("command", ["run"])), resumes=spec.get("resumes")),
    )
    options = None
    if "from" in spec:
        options = partial.from_node(built, spec["from"])
    if "only" in spec:
        options = partial.only_node(built, spec["only"])
    try:
        result = runner.run(built, run_options=options)
    except HeadraceError as error:
        print(f"headrace: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print("RESULT " + json.dumps({n.node: [n.outcome.value, n.attempts, n.reason] for n in result.nodes}))
    sys.exit(result.exit_code)


if __name__ == "__main__":
    import toy_pipeline  # by the name that the store knows its classes by

    toy_pipeline.main()
