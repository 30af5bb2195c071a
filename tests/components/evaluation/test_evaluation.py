"""Real models, real TFMA: who is blessed, by which figures, and what is said where it is not."""

from __future__ import annotations

import json
import math
import pathlib
import shutil

import pytest
import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from components.evaluation import executor, held_out
from components.evaluation.config import (
    EvaluationConfig,
    MemorisationConfig,
    RobustnessConfig,
    SliceLimit,
    TokensConfig,
)
from components.evaluation.report import OVERALL, Metric, Outcome, Report, Role, Slice
from components.release.executor import why_not
from schemas.artifacts import Samples
from schemas.config import to_json
from schemas.errors import ConfigError, SourceError
from serving.model import load
from tests.fixtures import exports

CONFIG = EvaluationConfig(
    max_bits_per_byte=4.0,
    min_examples=10,
    memorisation=MemorisationConfig(prompts=20, prompt_tokens=15, continued_tokens=15),
)
ALONE = {
    "tokens": TokensConfig(samples=0),
    "robustness": RobustnessConfig(samples=0),
    "memorisation": MemorisationConfig(prompts=0),
}
"""Bits per byte and nothing else."""


def evaluate(tmp_path: pathlib.Path, model: pathlib.Path, config: EvaluationConfig = CONFIG, **others: pathlib.Path):
    """Runs the node; `others` are the directories of the reference and the baseline."""
    inputs = {
        key: [exports.made(standard_artifacts.Model, path, identity)]
        for identity, (key, path) in enumerate({"model": model, **others}.items(), 1)
    }
    inputs["samples"] = [exports.made(Samples, exports.samples())]
    evaluation = exports.made(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    blessing = exports.made(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=["--direct_running_mode=in_memory", "--direct_num_workers=1"], tmp_dir=str(tmp_path / "tmp")
    )
    executor.Executor(context).Do(
        inputs, {"evaluation": [evaluation], "blessing": [blessing]}, {"config": to_json(config)}
    )
    return blessing, Report.read(evaluation.uri)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory):
    """The INT8 model beside its float model, with nothing live: blessing, report, directory."""
    path = tmp_path_factory.mktemp("first")
    return *evaluate(path, exports.litert(), reference=exports.saved_model()), path / "evaluation"


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory):
    """A worse model against a live one: the blessing, the report."""
    path = tmp_path_factory.mktemp("second")
    return evaluate(path, exports.litert(0.8), reference=exports.saved_model(0.8), baseline=exports.litert())


def figures(report: Report, role: Role, where: Slice = OVERALL):
    [model] = [model for model in report.models if model.role is role]
    [found] = [item for item in model.slices if item.slice == where]
    return found


def verdict(report: Report, metric: Metric, where: Slice = OVERALL):
    [found] = [item for item in report.verdicts if (item.metric, item.slice) == (metric, where)]
    return found


def test_a_good_first_model_is_blessed_as_tfx_would_bless_it(first) -> None:
    blessing, report, _ = first
    assert report.blessed and not report.has_baseline
    assert "no model is live yet" in report.message
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY) == 1
    assert blessing.get_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY) == str(
        exports.litert()
    )
    assert not blessing.has_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY)
    assert [path.name for path in pathlib.Path(blessing.uri).iterdir()] == [constants.BLESSED_FILE_NAME]


def test_without_a_live_model_the_regression_is_not_judged_and_that_is_said(first) -> None:
    _, report, _ = first
    found = verdict(report, Metric.REGRESSION)
    assert found.outcome is Outcome.NOT_JUDGED and found.value is None
    assert "no model is live yet" in found.reason


def test_every_figure_is_all_bits_over_all_bytes(first) -> None:
    _, report, _ = first
    samples = held_out.read(exports.samples(), "test")
    scores = load(exports.litert() / "Format-Serving").score([sample.instance for sample in samples])
    pairs = list(zip(samples, scores, strict=True))
    expected = {
        Slice.of(modality="text", source="emoji"): [
            (s.text_nll, s.text_bytes) for h, s in pairs if h.source == "emoji" and s.text_bytes
        ],
        Slice.of(modality="code"): [(s.code_nll, s.code_bytes) for _, s in pairs if s.code_bytes],
        Slice.of(source="python"): [
            pair
            for h, s in pairs
            if h.source == "python"
            for pair in ((s.text_nll, s.text_bytes), (s.code_nll, s.code_bytes))
            if pair[1]
        ],
    }
    for where, rows in expected.items():
        found = figures(report, Role.SERVED, where)
        size = sum(row[1] for row in rows)
        assert (found.examples, found.bytes) == (len(rows), size)
        assert found.bits_per_byte == pytest.approx(math.fsum(row[0] for row in rows) / math.log(2) / size, rel=1e-9)


def test_the_slices_are_the_whole_each_modality_each_source_and_both(first) -> None:
    _, report, _ = first
    for model in report.models:
        assert [str(item.slice) for item in model.slices] == [
            "overall", "code", "text", "emoji", "python",
            "modalities code", "modalities image+code", "modalities text+code", "modalities text+image+code",
            "language unknown", "length 65 to 512 bytes", "length up to 64 bytes",
            "code of emoji", "code of python", "text of emoji", "text of python",
        ]  # fmt: skip


def test_the_float_model_stands_beside_it(first) -> None:
    _, report, _ = first
    served, reference = report.models
    assert (served.role, served.format, served.quantization) == (Role.SERVED, "litert", "dynamic_wi8_afp32")
    assert (reference.role, reference.format, reference.quantization) == (Role.REFERENCE, "saved_model", "none")
    difference = figures(report, Role.SERVED).bits_per_byte - figures(report, Role.REFERENCE).bits_per_byte
    assert 0 < abs(difference) < 0.05


def test_whoever_knows_tfma_finds_its_files(first) -> None:
    _, report, directory = first
    assert tfma.load_validation_result(str(directory)).validation_ok
    result = tfma.load_eval_result(str(directory), model_name="served")
    [overall] = [metrics for key, metrics in result.slicing_metrics if key == ()]
    assert overall[""][""]["bits_per_byte"]["doubleValue"] == figures(report, Role.SERVED).bits_per_byte


def test_a_model_worse_than_the_live_one_is_not_blessed_and_the_slices_are_named(second) -> None:
    blessing, report = second
    assert not report.blessed and report.has_baseline
    found = verdict(report, Metric.REGRESSION)
    change = figures(report, Role.SERVED).bits_per_byte - figures(report, Role.BASELINE).bits_per_byte
    assert found.outcome is Outcome.FAILED and found.value == pytest.approx(change, abs=1e-9) and change > 0.02
    assert "regression_bits_per_byte on text of emoji" in report.message
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 0
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY) == 3
    assert blessing.get_string_custom_property(constants.ARTIFACT_PROPERTY_BLESSING_MESSAGE_KEY) == report.message
    assert [path.name for path in pathlib.Path(blessing.uri).iterdir()] == [constants.NOT_BLESSED_FILE_NAME]


def test_release_names_the_metric_and_the_slice_too(second, tmp_path: pathlib.Path) -> None:
    blessing, report = second
    model = exports.made(standard_artifacts.Model, exports.litert(0.8))
    infra = exports.made(standard_artifacts.InfraBlessing, tmp_path / "infra", blessed=1)
    refusal = why_not({"model": [model], "model_blessing": [blessing], "infra_blessing": [infra]})
    assert refusal == f"evaluation: {report.message}"
    assert "regression_bits_per_byte on text of emoji is " in refusal


def test_a_slice_with_too_few_examples_is_not_judged_and_not_passed_over(second) -> None:
    _, report = second
    found = verdict(report, Metric.REGRESSION, Slice.of(modality="text", source="python"))
    assert found.outcome is Outcome.NOT_JUDGED
    assert "7 examples, at least 10 are needed" in found.reason
    assert found.value > found.limit, "it would have failed"
    assert found.reason not in report.message


def test_one_bad_slice_is_enough(tmp_path: pathlib.Path) -> None:
    limits = (
        SliceLimit(modality="code", source="emoji", max_bits_per_byte=0.5),
        SliceLimit(source="nowhere", max_bits_per_byte=1.0),
    )
    _, report = evaluate(tmp_path, exports.litert(), EvaluationConfig(min_examples=10, slice_limits=limits, **ALONE))
    assert verdict(report, Metric.BITS_PER_BYTE).outcome is Outcome.PASSED
    assert verdict(report, Metric.BITS_PER_BYTE, Slice.of(modality="code", source="emoji")).outcome is Outcome.FAILED
    assert "0 examples" in verdict(report, Metric.BITS_PER_BYTE, Slice.of(source="nowhere")).reason
    assert not report.blessed and report.message.startswith("bits_per_byte on code of emoji is ")


def test_too_little_data_blesses_nothing(tmp_path: pathlib.Path) -> None:
    blessing, report = evaluate(tmp_path, exports.litert(), EvaluationConfig(min_examples=1000, **ALONE))
    assert not report.blessed and "overall not judged: 44 examples" in report.message
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 0


def test_a_model_that_answers_with_no_number_is_not_blessed(tmp_path: pathlib.Path) -> None:
    _, report = evaluate(tmp_path, exports.litert(math.nan))
    assert not report.blessed and "bits_per_byte on overall is not a number" in report.message
    assert figures(report, Role.SERVED).bits_per_byte is None
    json.loads((tmp_path / "evaluation" / "report.json").read_text(), parse_constant=pytest.fail)


def test_the_digest_is_of_the_figures_not_of_the_run(tmp_path: pathlib.Path, first) -> None:
    _, report, _ = first
    _, again = evaluate(tmp_path, exports.litert(), reference=exports.saved_model())
    assert again.digest() == report.digest()


def test_an_empty_split_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SourceError, match="no sample in the split `nix`"):
        held_out.read(exports.samples(), "nix")


def test_the_served_model_is_judged_against_its_float_model_on_every_slice(first) -> None:
    _, report, _ = first
    rises = [item for item in report.verdicts if item.metric is Metric.COMPRESSION]
    assert len(rises) == len(report.models[0].slices)
    found = verdict(report, Metric.COMPRESSION)
    change = figures(report, Role.SERVED).bits_per_byte - figures(report, Role.REFERENCE).bits_per_byte
    assert found.outcome is Outcome.PASSED and found.value == pytest.approx(change, abs=1e-9)


def test_a_rise_that_chance_may_bring_is_no_regression(second) -> None:
    _, report = second
    for item in report.verdicts:
        if item.metric is Metric.REGRESSION and item.outcome is not Outcome.NOT_JUDGED:
            assert (item.outcome is Outcome.FAILED) == (item.value > max(item.limit, item.chance)), str(item.slice)


def test_the_examples_that_weigh_most_in_a_failure_are_named(second) -> None:
    _, report = second
    [*found] = [item for item in report.failing if (item.metric, item.slice) == (Metric.REGRESSION, OVERALL)]
    assert len(found) == 5 and [item.excess_bits for item in found] == sorted(
        (i.excess_bits for i in found), reverse=True
    )
    assert all(item.bits_per_byte > item.compared_bits_per_byte for item in found)


def test_intervals_perplexity_hits_and_calibration_stand_beside_the_figure(first) -> None:
    _, report, _ = first
    whole = figures(report, Role.SERVED)
    assert whole.interval[0] < whole.bits_per_byte < whole.interval[1]
    assert 1 < whole.perplexity_interval[0] < whole.perplexity < whole.perplexity_interval[1]
    (one, at_one), (five, at_five) = whole.accuracy
    assert (one, five) == (1, 5) and 0 < at_one < at_five < 1
    assert 0 < whole.calibration_error < 1
    assert figures(report, Role.REFERENCE).accuracy == ()


def test_damaged_samples_and_memory_are_reported(first) -> None:
    _, report, _ = first
    found = {item.condition: item for item in report.robustness}
    assert found["truncated_image"].refused == found["truncated_image"].samples > 0
    assert found["other_script"].bits_per_byte > found["other_script"].undamaged_bits_per_byte
    assert report.memorisation.prompts == 20
    assert verdict(report, Metric.EXTRACTED).outcome is Outcome.PASSED


def test_a_key_that_nothing_has_is_refused_before_anything_is_scored(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match="no slice key 'colour'"):
        evaluate(tmp_path, tmp_path / "no model here", EvaluationConfig(slices=(("colour",),)))


def test_a_live_model_that_cannot_be_asked_is_not_judged_by_and_blesses_nothing(tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(exports.litert(), broken)
    (broken / "Format-Serving" / "model.tflite").write_bytes(b"of another signature")
    limits = (
        SliceLimit(condition="typos", max_bits_per_byte=0.1),
        SliceLimit(condition="very_long", max_bits_per_byte=9),
    )
    config = EvaluationConfig(min_examples=10, slice_limits=limits, **(ALONE | {"robustness": RobustnessConfig()}))
    _, report = evaluate(tmp_path, exports.litert(), config, baseline=broken)
    found = verdict(report, Metric.REGRESSION)
    assert found.outcome is Outcome.NOT_JUDGED and "the live model cannot be asked" in found.reason
    assert not report.blessed and found.reason in report.message
    assert [model.role for model in report.models] == [Role.SERVED]
    assert verdict(report, Metric.BITS_PER_BYTE, Slice.of(condition="typos")).outcome is Outcome.FAILED
    assert verdict(report, Metric.BITS_PER_BYTE, Slice.of(condition="very_long")).outcome is Outcome.PASSED
