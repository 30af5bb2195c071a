"""The home of a run that never was: its folder, its metadata store and its artifacts, as the real ones are written."""

from __future__ import annotations

import dataclasses
import json
import pathlib

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from components.alignment.report import AlignmentReport
from components.cleaning.report import CleaningReport, Example, Funnel, Lengths, NearDuplicates
from pipeline import runs
from schemas import records, tables
from schemas.home import Home
from tests.pipeline.report import made_up

COMPLETE = metadata_store_pb2.Execution.COMPLETE
_OUTPUT, _INPUT = metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INPUT


class MadeUpHome:
    """Writes a run, a node at a time.

    Attributes:
        home: where.
        run: the run's folder.
        raw: the metadata store.
    """

    def __init__(self, root: pathlib.Path):
        self.home = Home(root)
        root.mkdir(parents=True)
        self.run = runs.RunDirectory.create(self.home, runs.Command(("run", "training.steps=9"), "c0ffee"))
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(self.home.metadata)
        self.raw = metadata_store.MetadataStore(config)
        self._context = self._put_context("pipeline_run", self.run.run_id)
        graph = [{"node": name, "upstream": list(others), "type": name} for name, others in made_up.UPSTREAM.items()]
        self.run.event("run_started", run_id=self.run.run_id, command="headrace run training.steps=9", nodes=graph)
        self.run.log.write_text("[-] began\n")

    def ended(self, node: str, outcome: runs.Outcome = runs.Outcome.RAN, **more: object) -> None:
        """Has a node begin and end, by the events alone."""
        if outcome is not runs.Outcome.SKIPPED:
            self.run.event("node_started", node=node)
            log = self.run.node_log(node)
            log.write_text("INFO something\n")
            more = {"seconds": 1.5, "attempts": 1, "log": log, **more}
        self.run.event("node_ended", **dataclasses.asdict(runs.NodeResult(node, outcome, **more)))  # type: ignore[arg-type]

    def publish(
        self,
        node: str,
        outputs: dict[str, tuple[str, dict[str, str | int]]],
        inputs: dict[str, int] | None = None,
        state: int = COMPLETE,
    ) -> dict[str, pathlib.Path]:
        """Puts an execution with its outputs (key: type and custom properties) into the store.

        Returns:
            The directories of the outputs, made, by key.
        """
        kind = self.raw.put_execution_type(metadata_store_pb2.ExecutionType(name=f"components.{node}"))
        execution = metadata_store_pb2.Execution(type_id=kind, last_known_state=state)
        events, artifacts, places = [], [], {}
        for key, (type_name, properties) in outputs.items():
            place = self.home.artifacts / node / key / str(len(self.raw.get_executions()) + 1)
            place.mkdir(parents=True)
            artifact_type = self.raw.put_artifact_type(metadata_store_pb2.ArtifactType(name=type_name))
            artifact = metadata_store_pb2.Artifact(
                type_id=artifact_type, uri=str(place), state=metadata_store_pb2.Artifact.LIVE
            )
            for name, value in properties.items():
                field = "int_value" if isinstance(value, int) else "string_value"
                setattr(artifact.custom_properties[name], field, value)
            artifacts.append((artifact, key))
            places[key] = place
        context = self._put_context("node", f"headrace.{node}")
        for artifact, key in artifacts:
            event = metadata_store_pb2.Event(type=_OUTPUT)
            event.path.steps.add().key = key
            events.append((artifact, event))
        for key, artifact_id in (inputs or {}).items():
            event = metadata_store_pb2.Event(type=_INPUT, artifact_id=artifact_id)
            event.path.steps.add().key = key
            [artifact] = self.raw.get_artifacts_by_id([artifact_id])
            events.append((artifact, event))
        self.raw.put_execution(execution, events, [self._context, context])
        return places

    def artifact_id(self, node: str, key: str) -> int:
        """The artifact that lies where `publish` said."""
        return max(item.id for item in self.raw.get_artifacts() if f"/{node}/{key}/" in item.uri)

    def _put_context(self, kind: str, name: str) -> metadata_store_pb2.Context:
        type_id = self.raw.put_context_type(metadata_store_pb2.ContextType(name=kind))
        found = self.raw.get_context_by_type_and_name(kind, name)
        if found:
            return found
        [context_id] = self.raw.put_contexts([metadata_store_pb2.Context(type_id=type_id, name=name)])
        return self.raw.get_contexts_by_id([context_id])[0]


def sample(number: int, **changes: object) -> dict[str, object]:
    """A row of a table of samples."""
    return {
        "sample_id": f"{number:032x}",
        "text": f"thing {number}",
        "image": made_up.png(),
        "code": made_up.SVG,
        "source": "emoji",
        "record_ids": [f"r{number}"],
        "method": "key",
        "score": 1.0,
        "cluster": f"emoji:{number}",
        "split": ("train", "eval", "test")[number % 3],
        "parent": None,
        "weight": 1.0,
        "attributes": {},
    } | changes


def samples() -> list[dict[str, object]]:
    """Samples of several kinds, a hostile one among them, and copies at the end."""
    rows = [sample(number) for number in range(20)]
    rows += [sample(100 + n, source="python", image=None, text=f"Return {n}.", code=f"x = {n}\n") for n in range(20)]
    rows += [sample(200, text=made_up.HOSTILE, code=made_up.HOSTILE, image=b"GIF89a not a PNG", source="mine")]
    rows += [sample(300 + n, parent=f"{n:032x}", split="train", text=f"thing {n}") for n in (0, 3, 6)]
    return rows


def write_table(directory: pathlib.Path, rows: list[dict[str, object]], schema: object = records.SAMPLE) -> None:
    tables.write(
        directory, [tables.from_rows(rows[start : start + 16], schema) for start in range(0, len(rows), 16)], schema
    )


def data(home: MadeUpHome) -> None:
    """Ingest to ExampleGen, done."""
    places = home.publish(
        "Ingest", {"records": ("headrace.Records", {"rows": 90}), "rejected": ("headrace.Rejected", {})}
    )
    rejected = dict.fromkeys(records.REJECTED.names, "x") | {"stage": "ingestion", "reason": "not_utf8"}
    write_table(places["rejected"], [rejected] * 2, records.REJECTED)
    home.ended("Ingest")
    places = home.publish(
        "Clean",
        {"cleaned": ("headrace.Records", {"rows": 85}), "report": ("headrace.CleaningReport", {})},
        {"records": home.artifact_id("Ingest", "records")},
    )
    funnels = (
        Funnel("openmoji", "code", 50, 47, {"exact_duplicate": 3}),
        Funnel("python", "text", 40, 38, {"empty": 2}),
    )
    CleaningReport(
        records_in=90,
        records_out=85,
        dropped={"exact_duplicate": 3, "empty": 2},
        funnels=funnels,
        near_duplicates=NearDuplicates({"2": 3, "3": 1, "9": 1}, {"python -> openmoji": 4}),
        redacted={"email": 2},
        languages={"en": 30, "und": 8},
        lengths=(Lengths("text", "after", 38, 4000, 10, 90, 300), Lengths("text", "before", 40, 4100, 9, 88, 300)),
        examples=(Example("empty", "0f", "mine/a.txt", "", ""),),
        engine="beam",
        seconds=1.0,
    ).write(places["report"])
    home.ended("Clean")
    places = home.publish(
        "Align",
        {"samples": ("headrace.Samples", {"rows": 41}), "report": ("headrace.AlignmentReport", {})},
        {"records": home.artifact_id("Clean", "cleaned")},
    )
    by_source = {"emoji": {"train": 14, "eval": 3, "test": 3}, "python": {"train": 15, "eval": 3, "test": 3}}
    modalities = {"text+image+code": 20, "text+code": 21}
    splits = {"train": 29, "eval": 6, "test": 6}
    told = AlignmentReport(41, modalities, splits, by_source, {"key": 41}, {"code": 1}, 2, 3, 37, 4, 0)
    dataclasses.replace(
        told, streams=(made_up.stream(),), associations=(made_up.association(),), regions={"kept": 9, "outside": 1}
    ).write(places["report"])
    write_table(places["samples"], [row for row in samples() if row["parent"] is None])
    home.ended("Align")
    places = home.publish(
        "Augment",
        {
            "augmented": (
                "headrace.Samples",
                {"rows": 44, "copies": '{"image": 3}', "skipped": '{"code: nothing_to_vary": 5}'},
            )
        },
        {"samples": home.artifact_id("Align", "samples")},
    )
    write_table(places["augmented"], samples())
    home.ended("Augment")
    home.publish("ExampleGen", {"examples": ("Examples", {"rows": 44})})
    home.ended("ExampleGen")


def whole(root: pathlib.Path) -> MadeUpHome:
    """Every node done, and a model released."""
    home = MadeUpHome(root)
    data(home)
    for name in ("StatisticsGen", "SchemaImport", "ExampleValidator", "Tokenize", "Transform", "LiveModel"):
        home.ended(name, runs.Outcome.CACHED)
    places = home.publish(
        "Train",
        {"model": ("Model", {}), "model_run": ("ModelRun", {})},
        {"samples": home.artifact_id("Align", "samples")},
    )
    write_training(places["model_run"])
    home.ended("Train")
    places = home.publish(
        "Compress",
        {"compressed_model": ("Model", {}), "report": ("headrace.CompressionReport", {})},
        {"model": home.artifact_id("Train", "model")},
    )
    made_up.compressed().write(places["report"])
    home.ended("Compress")
    places = home.publish(
        "Evaluate", {"evaluation": ("ModelEvaluation", {}), "blessing": ("ModelBlessing", {"blessed": 1})}
    )
    made_up.evaluated().write(places["evaluation"])
    home.ended("Evaluate")
    made_up.served().write(home.publish("InfraValidate", {"blessing": ("InfraBlessing", {"blessed": 1})})["blessing"])
    home.ended("InfraValidate")
    places = home.publish(
        "Release",
        {"pushed_model": ("PushedModel", {"pushed": 1, "pushed_version": "3"})},
        {"model": home.artifact_id("Compress", "compressed_model")},
    )
    made_up.released().write(places["pushed_model"])
    home.ended("Release")
    home.run.close(runs.Status.DONE)
    return home


def write_training(directory: pathlib.Path, points: int = 900) -> None:
    """The training of `made_up.training`, with a point of the curve at each step."""
    from components.training import measuring, report  # TensorFlow comes along

    told = made_up.training()
    report.Report(
        architecture=told.architecture,
        parameters=told.parameters,
        steps=told.steps,
        seconds=told.seconds,
        tokens_per_s=told.tokens_per_s,
        padding=told.padding,
        resumed_from_step=300,
        notes=("checkpoint 400 was damaged, gone on from 300",),
        weights_digest="0" * 64,
        bits_per_byte=told.final,
        unigram_bits_per_byte=told.unigram,
        trigram_bits_per_byte=told.trigram,
        image_effect=measuring.Interval(**dataclasses.asdict(told.image_effect)),
        train_samples=told.samples,
        eval_samples=753,
    ).write(directory)
    curve = report.Curve(directory / report.CURVE_FILE_NAME)
    for step in range(1, points + 1):
        held_out = 2.0 if step % 100 == 0 else None
        curve.add(report.Point(step, 3.0, 1e-3, 2.0 + 1 / step, held_out, 5000.0, 1.0, 30.0, 0.05, 0.3))


def failed(root: pathlib.Path) -> MadeUpHome:
    """The data done, Train failed, the rest skipped."""
    home = MadeUpHome(root)
    data(home)
    failure = runs.Failure("the loss is not a number", "step 12", "lower training.learning_rate", None, "TrainingError")
    home.ended("Train", runs.Outcome.FAILED, reason=failure.what, failure=failure)
    for name in ("Compress", "LiveModel", "Evaluate", "InfraValidate", "Release"):
        home.ended(name, runs.Outcome.SKIPPED, reason="because of Train")
    home.run.close(runs.Status.FAILED)
    return home


def damage(home: MadeUpHome) -> None:
    """Breaks a report, a table, and the last line of the events."""
    for path in home.home.artifacts.glob("Compress/report/*/report.json"):
        path.write_text(json.dumps({"recipe": "none"}))
    for path in home.home.artifacts.glob("Augment/augmented/*/*.parquet"):
        path.write_bytes(b"PAR1 no more")
    with (home.run.path / "events.jsonl").open("a") as file:
        file.write('{"time": "2025-')
