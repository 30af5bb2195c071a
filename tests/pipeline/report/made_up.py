"""Facts of a run that never was, with something in every part."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import io
import math

from PIL import Image, ImageDraw

from components.alignment.report import Ambiguous, Associated, Doubts, SemanticReport, StreamReport, Unmatched
from components.compression import report as compression
from components.evaluation import report as evaluation
from components.infra_validation import report as serving
from components.release import report as release
from pipeline import runs
from pipeline.report import facts as f
from pipeline.runs import Failure, Status

UPSTREAM = {
    "Ingest": (),
    "Clean": ("Ingest",),
    "Align": ("Clean",),
    "Augment": ("Align",),
    "ExampleGen": ("Augment",),
    "StatisticsGen": ("ExampleGen",),
    "SchemaImport": (),
    "ExampleValidator": ("StatisticsGen", "SchemaImport"),
    "Tokenize": ("Align",),
    "Transform": ("ExampleGen", "SchemaImport", "Tokenize"),
    "Train": ("Transform", "Tokenize", "ExampleValidator"),
    "Compress": ("Train", "Align"),
    "LiveModel": ("Compress",),
    "Evaluate": ("Compress", "Train", "LiveModel", "Align"),
    "InfraValidate": ("Compress", "Align"),
    "Release": ("Compress", "Evaluate", "InfraValidate", "LiveModel"),
}
SECONDS = (9.4, 14.2, 1.3, 4.9, 6.1, 6.6, 0.1, 0.9, 2.8, 24.0, 151.0, 31.0, 0.2, 18.0, 7.0, 0.5)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe\x07"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)">\n  <circle cx="36" cy="36" r="23"/>\n</svg>\n'


def png(colour: str = "#f5b942", size: int = 64) -> bytes:
    """A face."""
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, size - 4, size - 4), fill=colour)
    for left in (0.3, 0.6):
        draw.ellipse((size * left, size * 0.35, size * (left + 0.1), size * 0.5), fill="#333")
    draw.arc((size * 0.25, size * 0.3, size * 0.75, size * 0.8), 20, 160, fill="#333", width=3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture(colour: str = "#f5b942") -> f.Picture:
    return f.Picture("data:image/png;base64," + base64.b64encode(png(colour)).decode())


def nodes(**changes: f.Node) -> tuple[f.Node, ...]:
    """All nodes, each begun as soon as what it waits for was done."""
    ended: dict[str, float] = {}
    found = []
    for (name, upstream), seconds in zip(UPSTREAM.items(), SECONDS, strict=True):
        start = max((ended[other] for other in upstream), default=0.4) + 0.05
        ended[name] = start + seconds
        node = f.Node(name, upstream, runs.Outcome.RAN, start, seconds, 1, "first run", f"{name}.log")
        found.append(changes.get(name, node))
    return tuple(found)


def run(status: Status = Status.DONE, of: tuple[f.Node, ...] | None = None) -> f.Run:
    return f.Run(
        run_id="20250301-101112",
        status=status,
        command="headrace run training.steps=900",
        config_digest="9f2c41d08ab7",
        started=datetime.datetime(2025, 3, 1, 10, 11, 12, tzinfo=datetime.timezone.utc),
        seconds=268.3,
        reason="",
        machine={"host": "mill", "cores": "2", "memory": "7.8 GB", "system": "Linux 6.1 x86_64"},
        versions={"Python": "3.11.2", "tfx": "1.16.0", "tensorflow": "2.16.2", "keras": "3.12.0"},
        go_on="headrace resume",
        directory="/home/someone/headrace/.headrace/runs/20250301-101112",
        logs=("run.log", "Train.log", "Compress.log"),
        nodes=nodes() if of is None else of,
    )


def stream() -> StreamReport:
    """A join by time with something in every part."""
    alone = Unmatched("notes", "n7", "2026-01-02T03:04:05+00:00", "l7", 9.5)
    return StreamReport(
        dataset="days",
        reference="log",
        source="notes",
        how="one_to_one",
        tolerance_s=0.015,
        origin="2026-01-01T00:00:00+00:00",
        offset_s=4.1998,
        offset_error_s=0.001,
        drift_ppm=40.0,
        drift_error_ppm=0.5,
        spread_s=0.005,
        evidence=900.0,
        pairs=320,
        unmatched_reference=80,
        unmatched=2,
        untimed=1,
        gaps_s={"50%": 0.0001},
        doubts=Doubts(
            1, (Ambiguous("l1", "n1", "2026-01-01T00:00:01+00:00", 0.002, "n2", "notes", 0.003),), (alone,), ()
        ),
    )


def association() -> SemanticReport:
    """A join by meaning with something in every part."""
    return SemanticReport(
        dataset="shop",
        reference="catalogue",
        source="drawings",
        encoder="lexical",
        how="one_to_one",
        min_score=0.8,
        pairs=40,
        expected_wrong=1.25,
        scores=(0, 0, 0, 0, 0, 0, 0, 0, 3, 37),
        ambiguous=2,
        unmatched_reference=8,
        unmatched=5,
        least_sure=(Associated("c1", ("d1",), 0.81),),
        ambiguous_examples=(Associated("c2", ("d2", "d3"), None),),
        unmatched_examples=("d9",),
    )


def funnel() -> f.Funnel:
    ingested = {
        ("emoji_datasource", "image"): 3786,
        ("emoji_datasource", "text"): 3786,
        ("openmoji", "code"): 4495,
        ("openmoji", "text"): 4495,
        ("python", "code"): 3000,
        ("python", "text"): 3000,
    }
    samples = {
        ("emoji", "train"): 3601,
        ("emoji", "eval"): 447,
        ("emoji", "test"): 452,
        ("python", "train"): 2400,
        ("python", "eval"): 306,
        ("python", "test"): 294,
    }
    return f.Funnel(
        stages=(
            f.Stage("Ingest", 22562, "records"),
            f.Stage("Clean", 22417, "records"),
            f.Stage("Align", 7500, "samples"),
            f.Stage("Augment", 10301, "samples", "2,801 of them augmented copies"),
            f.Stage("ExampleGen", 10301, "examples"),
        ),
        ingested=f.Grid(("emoji_datasource", "openmoji", "python"), ("text", "image", "code"), ingested),
        rejections=(
            f.Rejections("cleaning", "exact_duplicate", 131),
            f.Rejections("cleaning", "too_short", 14),
            f.Rejections("ingestion", "not_utf8", 3),
        ),
        samples=f.Grid(("emoji", "python"), ("train", "eval", "test"), samples),
        modalities=(("text+code", 3987), ("text+image+code", 3501), ("code", 12)),
        notes=("4,112 clusters of alike samples, the largest of 42; none is in more than one split.",),
        cleaning=f.Cleaning(
            counts=(
                f.Counts("Clusters of near duplicates", "records in it", "clusters", (("2", 310), ("7", 4))),
                f.Counts("Texts by language", "language", "texts", (("en", 9012), ("und", 12))),
            ),
            lengths=(f.Lengths("text", "before", 11281, 12, 80, 1900), f.Lengths("text", "after", 11140, 12, 82, 1910)),
            examples=(f.RejectedRecord("too_short", "emoji.json#12", "1 bytes", "2 bytes"),),
        ),
        tables=(f.Table("notes joined to log by time", ("", ""), (("how", "one to one"), (HOSTILE, HOSTILE))),),
    )


def gallery() -> f.Gallery:
    code = "def clamp(value, low, high):\n    if value < low:\n        return low\n    return min(value, high)\n"
    samples = [
        f.Sample("3f1c9a20b7d84e55", "emoji", "train", "grinning face\nface, happy, smile", SVG, picture()),
        f.Sample("77aa01e2c4d94b10", "python", "train", "Keep a value within limits.", code, None),
        f.Sample("hostile-" + "x" * 24, "mine", "eval", HOSTILE, HOSTILE, f.Missing("not a PNG")),
        f.Sample("b0b0b0b0b0b0b0b0", "emoji", "test", None, SVG, picture("#7ac27a")),
        f.Sample("c1c1c1c1c1c1c1c1", "emoji", "train", "flag: Egypt\n" + "tag " * 120 + "…", None, picture("#c27a7a")),
    ]
    parent = f.Sample("3f1c9a20b7d84e55", "emoji", "train", "grinning face\nface, happy, smile", SVG, picture())
    child = f.Sample("3f1c9a20b7d84e55-1", "emoji", "train, augmented", parent.text, SVG, picture("#e8a11d"))
    return f.Gallery(tuple(samples), (parent, child))


def training(image_low: float = 0.41) -> f.Training:
    held_out = tuple((step, 1.42 + 4.6 * math.exp(-step / 160)) for step in range(0, 901, 100))
    train = tuple((step, 1.31 + 4.7 * math.exp(-step / 150) + 0.06 * math.sin(step)) for step in range(0, 901, 10))
    return f.Training(
        architecture="gpt",
        parameters=1_843_200,
        samples=6001,
        steps=900,
        seconds=142.0,
        tokens_per_s=5120.0,
        padding=0.062,
        train=train,
        held_out=held_out,
        final=1.4366,
        unigram=4.871,
        trigram=2.263,
        image_effect=f.Interval(0.83, image_low, 1.25, 351),
    )


def evaluated(*, blessed: bool = True, has_baseline: bool = False) -> evaluation.Report:
    slices = [
        (evaluation.Slice(), 1492, 301_220, 1.437),
        (evaluation.Slice.of(modality="text"), 746, 41_002, 1.912),
        (evaluation.Slice.of(modality="code"), 746, 260_218, 1.361),
        (evaluation.Slice.of(source="emoji"), 700, 201_118, 0.914),
        (evaluation.Slice.of(source="python"), 792, 100_102, 2.488),
    ]
    Role, Outcome, Verdict, Metric = evaluation.Role, evaluation.Outcome, evaluation.Verdict, evaluation.Metric
    roles = [(Role.SERVED, "litert", "dynamic_wi8_afp32", 0.001), (Role.REFERENCE, "saved_model", "none", 0)]
    if has_baseline:
        roles.append((Role.BASELINE, "litert", "dynamic_wi8_afp32", 0.021))
    models = tuple(
        evaluation.ModelFigures(
            role, kind, recipe, tuple(evaluation.SliceFigures(s, n, size, value + more) for s, n, size, value in slices)
        )
        for role, kind, recipe, more in roles
    )
    judged = Outcome.PASSED if blessed else Outcome.FAILED
    verdicts = (
        Verdict(Metric.BITS_PER_BYTE, slices[0][0], 1.438, 4.0, Outcome.PASSED, "within"),
        Verdict(Metric.BITS_PER_BYTE, slices[4][0], 2.489, 2.4 if not blessed else 3.0, judged, "-"),
        Verdict(
            Metric.REGRESSION, slices[0][0], None, 0.02, Outcome.NOT_JUDGED,
            "regression on overall not judged: no model is live yet, nothing to compare with",
        ),
    )  # fmt: skip
    refusal = "bits_per_byte on python is 2.4890, above the limit of 2.4"
    message = "every limit that was judged is met" if blessed else refusal
    whole = evaluation.SliceFigures(
        evaluation.Slice(), 1492, 301_220, 1.438, (1.402, 1.474), 19.4, (18.1, 20.8), ((1, 0.34), (5, 0.49)), 0.008
    )
    served = dataclasses.replace(models[0], slices=(whole, *models[0].slices[1:]))
    example = evaluation.FailingExample(Metric.BITS_PER_BYTE, slices[4][0], "s-17", "code", 120, 4.25, None, 12.0)
    return evaluation.Report(
        "test",
        746,
        has_baseline,
        blessed,
        message,
        (served, *models[1:]),
        verdicts,
        failing=() if blessed else (example,),
        robustness=(evaluation.Robustness("truncated_image", 40, 38, None, None),),
        retrieval=evaluation.Retrieval(20, 10, ((1, 0.25),)),
        memorisation=evaluation.Memorisation(1100, 1000, 95, 50, 50, 15, ()),
        notes=("the live model cannot be asked",) if has_baseline else (),
    )


def compressed() -> compression.Report:
    def measured(size: int, wall: float, processor: float, loss: float, rise: float) -> compression.Measured:
        latencies = tuple(
            compression.Latency(
                tokens, 1, 100, wall * part, wall * part * 1.2, processor * part, processor * part * 1.1
            )
            for tokens, part in ((195, 1.0), (64, 0.3))
        )
        slices = (
            compression.SliceLoss("text", 190, 12_220, loss + 0.5, rise * 2),
            compression.SliceLoss("source emoji", 100, 69_000, loss - 0.1, rise / 2),
        )
        return compression.Measured(
            size, size // 10 * 9, 148, 96_000_000, 21_000_000, latencies, loss, rise, slices
        )  # fmt: skip

    float_model = measured(7_412_000, 4.12, 4.1, 1.4366, 0.0)
    dynamic = compression.Variant(
        "dynamic_wi8_afp32",
        "chosen: fastest of 2 variants that keep the limits",
        quantized_operations=22,
        measured=measured(2_231_000, 1.84, 1.83, 1.4367, 0.0001),
        layers=(compression.LayerError("gpt/norm/Mean", 0.0241),),
    )
    static = compression.Variant(
        "static_wi8_ai8",
        "keeps the limits; dynamic_wi8_afp32 is better by latency: 1.83 against 3.10 ms",
        quantized_operations=96,
        measured=measured(2_231_900, 3.12, 3.1, 1.4401, 0.0035),
        sensitivity=(
            compression.Sensitivity("SELECT_V2", "", 3, None, True),
            compression.Sensitivity("FULLY_CONNECTED", "gpt/block_0/expand/MatMul", 1, 0.0012, False),
        ),
        calibration=compression.Calibration(64, 96, 1, "gpt/norm/Mean by 0.7 times its range"),
    )
    failed = compression.Variant("dynamic_wi4_afp32", "no kernel", "no kernel")
    return compression.Report(
        chosen="dynamic_wi8_afp32",
        reason="fastest of 2 variants that keep the limits",
        prefer="latency",
        samples=200,
        bytes=81_220,
        saved_model_bytes=9_120_000,
        float_model=float_model,
        variants=(dynamic, static, failed),
    )


def served() -> serving.Report:
    checks = (
        serving.Check("loads", True, "1.9 s"),
        serving.Check("same answer twice", True, "20 requests, equal bit for bit"),
    )
    return serving.Report(True, "answers every golden request", 20, 1.9, 2.1, 4.4, checks)


def released() -> release.Report:
    return release.Report(
        pushed=True,
        reason="blessed, replaces version 2",
        model_name="headrace",
        version=3,
        destination="/home/someone/headrace/.headrace/served/headrace/3",
        replaces=2,
        files=6,
        bytes=2_301_442,
    )


def facts(**changes: object) -> f.Facts:
    """A whole run; `changes` replace parts."""
    parts: dict[str, object] = {
        "run": run(),
        "funnel": funnel(),
        "gallery": gallery(),
        "training": training(),
        "evaluation": evaluated(),
        "compression": compressed(),
        "serving": served(),
        "release": released(),
        "lineage": f.Lineage(
            "version 3", "pushed_model 41  headrace.PushedModel\n└─ Release\n   └─ model 33\n      └─ Compress"
        ),
    }
    return f.Facts(**(parts | changes))  # type: ignore[arg-type]


def failed() -> f.Facts:
    """A run that failed in Train, with nothing after it."""
    failure = Failure(
        "the loss is not a number after step 12",
        where="Train, step 12",
        remedy="lower training.learning_rate",
        frame="components/training/loop.py:88 in run\nraise TrainingError(",
        kind="HeadraceError",
    )
    train = f.Node("Train", UPSTREAM["Train"], runs.Outcome.FAILED, 56.0, 14.0, 2, failure.what, "Train.log", failure)
    later = list(UPSTREAM)[list(UPSTREAM).index("Train") + 1 :]
    lost = {name: f.Node(name, UPSTREAM[name], runs.Outcome.SKIPPED, reason="because of Train") for name in later}
    missing = f.Missing("Train failed")
    return facts(
        run=run(Status.FAILED, nodes(Train=train, **lost)),
        **dict.fromkeys(("training", "evaluation", "compression", "serving", "release", "lineage"), missing),
    )
