"""The executor: what is pushed, what is not, and what is said of it."""

from __future__ import annotations

import pathlib
import shutil

import pytest
from tfx.types import standard_artifacts

from components.release import executor, marks, versions
from components.release.config import ReleaseConfig
from components.release.report import Report
from components.signing import trusted
from schemas.config import to_json
from serving import keys, signing
from serving.config import SigningConfig
from serving.manifest import LITERT_FILE
from serving.signing import verify
from tests.fixtures import exports


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def release(tmp_path: pathlib.Path, *, evaluation=(1, ""), infra=(1, ""), model=None, live=()):
    """Runs the node on a stand-in; `evaluation` and `infra` are (blessed, message)."""
    model = exports.made(standard_artifacts.Model, model or exports.litert(), identity=7)
    pushed = exports.made(standard_artifacts.PushedModel, tmp_path / "pushed")
    blessings = [
        exports.made(kind, tmp_path / kind.__name__, blessed=blessed, blessing_message=message)
        for kind, (blessed, message) in (
            (standard_artifacts.ModelBlessing, evaluation),
            (standard_artifacts.InfraBlessing, infra),
        )
    ]
    blessings[0].set_string_custom_property("current_model", model.uri)
    executor.Executor().Do(
        {"model": [model], "model_blessing": blessings[:1], "infra_blessing": blessings[1:], "live": list(live)},
        {"pushed_model": [pushed]},
        {"config": to_json(ReleaseConfig(model_name="toy")), "signing": to_json(exports.signing())},
    )
    return pushed, Report.read(pushed.uri)


def test_a_blessed_model_is_pushed_and_live(tmp_path: pathlib.Path, home: pathlib.Path) -> None:
    pushed, report = release(tmp_path)
    destination = home / "served" / "toy" / "1"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(destination)
    assert pushed.get_string_custom_property("pushed_version") == "1"
    assert pushed.get_int_custom_property("model_id") == 7
    assert marks.is_live(pushed)
    assert verify(destination, trusted(exports.signing()))
    assert {path.name for path in destination.iterdir()} == {"headrace_model.json", "model.tflite", "tokenizer.model"}
    versions.verify(destination)
    assert (report.pushed, report.version, report.replaces, report.files) == (True, 1, None, 3)


def test_what_it_replaces_is_said(tmp_path: pathlib.Path) -> None:
    first, _ = release(tmp_path)
    _, report = release(tmp_path, model=exports.litert(0.5), live=[first])
    assert (report.version, report.replaces) == (2, 1)
    assert "replaces version 1" in report.reason


def test_an_unblessed_model_is_not_pushed_and_the_metric_and_slice_are_named(
    tmp_path: pathlib.Path, home: pathlib.Path
) -> None:
    pushed, report = release(tmp_path, evaluation=(0, "bits_per_byte on text of emoji is 9, above the limit of 4"))
    assert pushed.get_int_custom_property("pushed") == 0 and not marks.is_live(pushed)
    assert not report.pushed and report.version is None
    assert "bits_per_byte on text of emoji" in report.reason == pushed.get_string_custom_property("reason")
    assert not (home / "served").exists()


def test_every_gate_that_said_no_is_named(tmp_path: pathlib.Path) -> None:
    _, report = release(tmp_path, evaluation=(0, "too bad"), infra=(0, "too slow"))
    assert report.reason == "evaluation: too bad; infrastructure: too slow"


def test_another_models_blessing_does_not_count(tmp_path: pathlib.Path) -> None:
    model = exports.made(standard_artifacts.Model, exports.litert(), identity=7)
    other = exports.made(standard_artifacts.ModelBlessing, tmp_path / "b", blessed=1, current_model="/another/model")
    infra = exports.made(standard_artifacts.InfraBlessing, tmp_path / "i", blessed=1)
    reason = executor.why_not({"model": [model], "model_blessing": [other], "infra_blessing": [infra]})
    assert reason == "evaluation: the blessing is another model's"


def test_a_model_that_was_changed_after_it_was_signed_is_not_pushed(tmp_path: pathlib.Path, home: pathlib.Path) -> None:
    model = shutil.copytree(exports.litert(), tmp_path / "model")
    weights = model / "Format-Serving" / LITERT_FILE
    harmed = bytearray(weights.read_bytes())
    harmed[len(harmed) // 2] ^= 1
    weights.write_bytes(harmed)
    pushed, report = release(tmp_path, model=model)
    assert not report.pushed and report.reason.startswith("signature: ") and LITERT_FILE in report.reason
    assert not marks.is_live(pushed) and not (home / "served").exists()


@pytest.mark.parametrize("fault", ["not signed", "not trusted"])
def test_a_model_without_a_trusted_signature_is_not_pushed(tmp_path: pathlib.Path, fault: str) -> None:
    model = shutil.copytree(exports.litert(), tmp_path / "model")
    if fault == "not signed":
        signing.path_of(model / "Format-Serving").unlink()
    else:
        keys.make(tmp_path / "another.pem")
        signing.sign(model / "Format-Serving", tmp_path / "another.pem")
    _, report = release(tmp_path, model=model)
    assert not report.pushed and fault in report.reason


def test_the_signature_of_a_former_key_counts_where_that_is_trusted(tmp_path: pathlib.Path) -> None:
    former = tmp_path / "former.pub"
    former.write_text(keys.public_half(str(exports.signing().key)).pem)
    keys.make(tmp_path / "new.pem")
    new = SigningConfig(key=str(tmp_path / "new.pem"), trusted=(str(former),))
    assert [key.identity for key in trusted(new)] == [
        keys.public_half(tmp_path / "new.pem").identity,
        keys.read_public(former).identity,
    ]
    assert verify(exports.litert() / "Format-Serving", trusted(new)) == keys.read_public(former)


def test_without_a_key_in_the_configuration_one_is_made_in_the_home(home: pathlib.Path) -> None:
    [own] = trusted(SigningConfig())
    assert own == keys.public_half(home / "keys" / "signing.pem") == keys.read_public(home / "keys" / "signing.pub")
    assert trusted(SigningConfig()) == (own,)


def test_a_key_that_is_named_but_missing_is_not_made(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    with pytest.raises(keys.KeyFileError, match="no such key file") as caught:
        trusted(SigningConfig(key="secrets/signing.pem"))
    assert caught.value.where == str(tmp_path / "secrets" / "signing.pem") and caught.value.exit_code == 2
