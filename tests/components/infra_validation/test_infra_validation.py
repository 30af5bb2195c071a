"""A model serves only if it loads and answers in a process that has seen nothing else."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import shutil

import pytest
from tfx.types import standard_artifacts

from components.evaluation import held_out
from components.infra_validation import executor, golden, probe
from components.infra_validation.config import InfraValidationConfig
from components.infra_validation.golden import Golden
from components.infra_validation.report import Report
from schemas.artifacts import Samples
from schemas.config import to_json
from serving.instance import Instance, Score
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest
from serving.model import load
from serving.tokens import Tokenizer
from tests.fixtures import exports

CONFIG = InfraValidationConfig(golden_samples=3)


def validate(tmp_path: pathlib.Path, model: pathlib.Path, config: InfraValidationConfig = CONFIG):
    blessing = exports.made(standard_artifacts.InfraBlessing, tmp_path / "blessing")
    executor.Executor().Do(
        {
            "model": [exports.made(standard_artifacts.Model, model)],
            "samples": [exports.made(Samples, exports.samples())],
        },
        {"blessing": [blessing]},
        {"config": to_json(config)},
    )
    return blessing, Report.read(blessing.uri)


@pytest.mark.parametrize("build", [exports.litert, exports.saved_model], ids=["litert", "saved_model"])
def test_a_model_that_serves_is_blessed_and_its_answers_kept(build, tmp_path: pathlib.Path) -> None:
    blessing, report = validate(tmp_path, build())
    assert report.blessed and all(check.passed for check in report.checks), report
    assert blessing.get_int_custom_property("blessed") == 1
    assert (pathlib.Path(blessing.uri) / "INFRA_BLESSED").exists()
    assert report.load_s > 0 and 0 < report.latency_p50_ms <= report.latency_max_ms
    kept = golden.read(blessing.uri)
    assert report.requests == len(kept) == 3 + 9
    model = load(build() / "Format-Serving")
    for request in kept:
        for mine, theirs in zip(model.score(request.instances), request.scores, strict=True):
            assert dataclasses.astuple(mine) == pytest.approx(dataclasses.astuple(theirs), rel=1e-5)


def test_a_damaged_model_is_not_blessed_and_says_why(tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(exports.litert(), tmp_path / "model")
    weights = copy / "Format-Serving" / LITERT_FILE
    weights.write_bytes(weights.read_bytes()[:1000])
    blessing, report = validate(tmp_path, copy)
    assert not report.blessed and "model.tflite" in report.message
    assert blessing.get_int_custom_property("blessed") == 0
    assert blessing.get_string_custom_property("blessing_message") == report.message
    assert {path.name for path in pathlib.Path(blessing.uri).glob("INFRA_*")} == {"INFRA_NOT_BLESSED"}


def test_what_is_no_model_is_not_blessed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model" / "Format-Serving").mkdir(parents=True)
    _, report = validate(tmp_path, tmp_path / "model")
    assert not report.blessed and "headrace_model.json" in report.message


def test_a_model_that_takes_too_long_to_load_is_not_blessed(tmp_path: pathlib.Path) -> None:
    _, report = validate(tmp_path, exports.litert(), InfraValidationConfig(golden_samples=3, time_limit_s=0.05))
    assert not report.blessed and "limit of 0.05 s" in report.message


def test_what_is_set_in_the_shell_does_not_reach_the_model(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # Python does not start with it
    _, report = validate(tmp_path, exports.litert())
    assert report.blessed, report.message


def test_a_slow_answer_is_not_blessed(tmp_path: pathlib.Path) -> None:
    config = InfraValidationConfig(golden_samples=3, max_latency_ms=0.001)
    _, report = validate(tmp_path, exports.litert(), config)
    assert not report.blessed and "one instance within 0.001 ms" in report.message


GOOD = Score(text_nll=3.0, text_bytes=9, code_nll=0.0, code_bytes=0)


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ((GOOD,), (GOOD,), None),
        ((), (), "one score an instance"),
        ((dataclasses.replace(GOOD, text_nll=math.nan),) * 1, (GOOD,), "scores are finite and not negative"),
        ((dataclasses.replace(GOOD, code_nll=-1.0),), (GOOD,), "scores are finite and not negative"),
        ((dataclasses.replace(GOOD, text_bytes=8),), (GOOD,), "bytes are those of the tokeniser"),
        ((GOOD,), (dataclasses.replace(GOOD, text_nll=3.0001),), "the same answer twice"),
    ],
)
def test_each_promise_is_checked(first: tuple, second: tuple, broken: str | None) -> None:
    directory = exports.litert() / "Format-Serving"
    answer = probe.Answer(Golden("one", (Instance(text="red heart"),)), first, second, latency_ms=1.0)
    checks = probe.check([answer], Manifest.read(directory), Tokenizer(directory / TOKENIZER_FILE), 10.0)
    failed = {check.name: check.detail for check in checks if not check.passed}
    assert broken in failed if broken else not failed
    assert all("one" in detail for detail in failed.values())


def test_the_hard_cases_are_asked() -> None:
    requests = {
        request.name: request.instances
        for request in golden.requests(held_out.read(exports.samples(), "test", 6), text_tokens=24, code_tokens=32)
    }
    assert requests["no instance"] == ()
    assert requests["text only"][0].code is None and requests["code only"][0].text is None
    assert requests["image only"][0].image and requests["no image"][0].image is None
    assert "\u202e" in requests["Unicode"][0].text
    assert len(requests["too long"][0].text) > 24 * 8
    assert len(requests["all samples at once"]) == 6
