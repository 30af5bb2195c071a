"""A model serves only if it loads and answers in a process that has seen nothing else."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import shutil

import pytest
from tfx.types import standard_artifacts

from components.evaluation import held_out
from components.infra_validation import executor, golden, interface, malformed, probe, reference
from components.infra_validation.config import InfraValidationConfig
from components.infra_validation.golden import Golden
from components.infra_validation.report import Report
from schemas.artifacts import Samples
from schemas.config import to_json
from serving import checks, keys, signing
from serving.instance import Instance, InstanceError, Score
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest
from serving.model import load
from serving.tokens import Tokenizer
from tests.fixtures import exports

CONFIG = InfraValidationConfig(golden_samples=3)


def validate(
    tmp_path: pathlib.Path,
    model: pathlib.Path,
    config: InfraValidationConfig = CONFIG,
    *,
    reference: pathlib.Path | None = None,
):
    blessing = exports.made(standard_artifacts.InfraBlessing, tmp_path / "blessing")
    executor.Executor().Do(
        {
            "model": [exports.made(standard_artifacts.Model, model)],
            "samples": [exports.made(Samples, exports.samples())],
            **({"reference": [exports.made(standard_artifacts.Model, reference)]} if reference else {}),
        },
        {"blessing": [blessing]},
        {"config": to_json(config), "signing": to_json(exports.signing())},
    )
    return blessing, Report.read(blessing.uri)


@pytest.mark.parametrize("build", [exports.litert, exports.saved_model], ids=["litert", "saved_model"])
def test_a_model_that_serves_is_blessed_and_its_answers_kept(build, tmp_path: pathlib.Path) -> None:
    blessing, report = validate(tmp_path, build(), reference=exports.saved_model())
    assert report.blessed and all(check.passed for check in report.checks), report
    compared = report.checks[-1].name.endswith("of the float model's")
    assert compared == (build is exports.litert), "a model is not compared with itself"
    assert len(report.checks) == 11 + compared
    assert report.signed_by == keys.public_half(str(exports.signing().key)).identity
    assert 50 < report.peak_memory_mb < 2048
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
    exports.sign_as_the_node_does(copy)
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


def test_the_answers_are_held_against_those_of_the_float_model(tmp_path: pathlib.Path) -> None:
    _, report = validate(tmp_path, exports.litert(0.5), reference=exports.saved_model())
    assert not report.blessed and not report.checks[-1].passed and "sample 0" in report.message
    assert all(check.passed for check in report.checks[:-1])


def test_a_float_model_that_cannot_be_asked_blesses_nothing(tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(exports.saved_model(), tmp_path / "model")
    (copy / "Format-Serving" / "more").touch()
    _, report = validate(tmp_path, exports.litert(), reference=copy)
    assert not report.blessed and "the float model cannot be asked" in report.message


@pytest.mark.parametrize("fault", ["changed", "added", "not signed", "not trusted"])
def test_what_no_trusted_key_signed_is_not_loaded_and_not_blessed(tmp_path: pathlib.Path, fault: str) -> None:
    copy = shutil.copytree(exports.litert(), tmp_path / "model")
    model = copy / "Format-Serving"
    if fault == "changed":
        manifest = model / "headrace_model.json"
        manifest.write_text(manifest.read_text().replace("bigrams", "trigrams"))
    elif fault == "added":
        (model / "more").touch()
    elif fault == "not signed":
        signing.path_of(model).unlink()
    else:
        keys.make(tmp_path / "another.pem")
        signing.sign(model, tmp_path / "another.pem")
    _, report = validate(tmp_path, copy)
    said = {"changed": "headrace_model.json", "added": "more"}.get(fault, fault)
    assert not report.blessed and said in report.message and report.load_s is None and report.signed_by is None


def test_a_model_that_would_reach_out_is_not_blessed(tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(
        lambda text, image, code: {"text_nll": tf.map_fn(tf.io.read_file, text)},
        input_signature=[tf.TensorSpec([None], tf.string, name) for name in ("text", "image", "code")],
    )
    model = tmp_path / "model" / "Format-Serving"
    tf.saved_model.save(module, str(model), signatures={"serving_default": module.serve})
    for name in ("headrace_model.json", TOKENIZER_FILE):
        shutil.copy(exports.saved_model() / "Format-Serving" / name, model / name)
    exports.sign_as_the_node_does(tmp_path / "model")
    _, report = validate(tmp_path, tmp_path / "model")
    assert not report.blessed and "ReadFile" in report.message


def test_too_much_memory_is_not_blessed(tmp_path: pathlib.Path) -> None:
    _, report = validate(tmp_path, exports.litert(), InfraValidationConfig(golden_samples=3, max_memory_mb=40))
    assert not report.blessed and "memory within 40 MB" in report.message


@pytest.mark.parametrize("build", [exports.litert, exports.saved_model], ids=["litert", "saved_model"])
def test_the_signatures_are_held_against_the_manifest(build) -> None:
    directory = build() / "Format-Serving"
    manifest = Manifest.read(directory)
    assert interface.check(directory, manifest).passed
    for wrong in ({"image_size": 8}, {"text_tokens": 25}):
        check = interface.check(directory, dataclasses.replace(manifest, **wrong))
        name = "image" if "image_size" in wrong else "ids"
        assert not check.passed and f"input {name} of score_tokens is" in check.detail


def test_a_missing_signature_and_a_further_input_are_named() -> None:
    promised = interface.Signature({"ids": "int32 [1, 9]"}, {"nll": "float32 [1, 9]"})
    odd = interface.Signature(
        {"ids": "int32 [1, 9]", "key": "string []"}, {"nll": "float16 [1, 9]", "more": "int32 []"}
    )
    assert interface._faults("score", promised, {}) == ["there is no signature score"]
    assert interface._faults("score", promised, {"score": odd}) == [
        "score takes key, which no one sends",
        "output nll of score is float16 [1, 9], not float32 [1, 9]",
    ]


class Careless:
    """Answers whatever it is asked, or falls over."""

    def __init__(self, does):
        self.score = does


def test_a_model_that_answers_what_it_should_refuse_is_told_of(tmp_path: pathlib.Path) -> None:
    directory = exports.saved_model() / "Format-Serving"
    manifest = Manifest.read(directory)

    def falls_over(instances):
        raise ValueError("index out of range")

    def names_nothing(instances):
        raise InstanceError("bad request")

    for does, said in (
        (lambda instances: [], "text of bytes: it is answered"),
        (falls_over, "text of bytes: ValueError: index out of range"),
        (names_nothing, "text of bytes: nothing is named, not text"),
    ):
        check = malformed.check(directory, manifest, Careless(does))
        assert not check.passed and said in check.detail


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, None),
        ({"text_nll": 3.25}, None),
        ({"text_nll": 5.0}, "one"),
        ({"text_nll": math.nan}, "one"),
        ({"text_bytes": 8}, "one"),
        ({"code_nll": 0.3}, None),
    ],
)
def test_near_is_a_share_of_the_bits_per_byte(change: dict, broken: str | None) -> None:
    expected = Score(text_nll=3.0, text_bytes=3, code_nll=0.0, code_bytes=9)
    check = reference.check([Golden("one", (), (dataclasses.replace(expected, **change),))], [(expected,)], 0.1)
    assert check.passed == (broken is None) and (broken or "") in check.detail


def test_an_answer_that_is_missing_is_far() -> None:
    assert not reference.check([Golden("one", (), ())], [(GOOD,)], 0.1).passed


@pytest.mark.parametrize("build", [exports.litert, exports.saved_model], ids=["litert", "saved_model"])
def test_what_is_malformed_is_refused_at_the_edge_by_both_formats(build) -> None:
    directory = build() / "Format-Serving"
    check = malformed.check(directory, Manifest.read(directory), load(directory))
    assert check.passed, check.detail
    assert load(directory).score([Instance(text="x" * 100_000)]), "long is not too long"
    assert checks.MOST_TEXT_BYTES > 10_000_000, "whatever is ingested by default can be scored"
