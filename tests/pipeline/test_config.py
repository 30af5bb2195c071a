"""The configuration is read strictly, and every fault is said in words that lead to its repair."""

import json

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import config
from schemas.config import from_json, to_json, to_plain
from schemas.errors import ConfigError, ExitCode


@pytest.fixture
def write(tmp_path):
    def _write(text):
        path = tmp_path / "headrace.yaml"
        path.write_text(text)
        return path

    return _write


def refusal(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        config.load(path, overrides)
    assert caught.value.exit_code == ExitCode.USAGE
    return str(caught.value)


def test_the_default_run_is_one_line_and_every_default_is_visible(write):
    loaded = config.load(write("version: 1\n"))
    shown = yaml.safe_load(config.dump(loaded))
    assert shown["seed"] == 0
    assert set(shown["ingestion"]["sources"]) == {"openmoji", "emoji-datasource", "python"}
    assert config.load(write(config.dump(loaded))) == loaded


def test_an_override_reaches_its_key_with_its_type(write):
    loaded = config.load(write("version: 1\n"), ["training.steps=7", "ingestion.sources.python.limit=null"])
    assert loaded.training.steps == 7
    assert loaded.ingestion.sources["python"].limit is None


def test_an_override_wins_over_the_file(write):
    path = write("version: 1\nseed: 3\n")
    assert config.load(path).seed == 3
    assert config.load(path, ["seed=4"]).seed == 4


def test_a_misspelt_key_is_named_with_the_nearest_right_one(write):
    text = refusal(write("version: 1\ntraining: {stepz: 3}\n"))
    assert "`training.stepz`" in text
    assert "did you mean `steps`?" in text


def test_a_misspelt_section_is_named_with_the_nearest_right_one(write):
    assert "did you mean `training`?" in refusal(write("version: 1\ntrainning: {steps: 3}\n"))


def test_a_key_far_from_any_other_is_answered_with_those_there_are(write):
    assert "known here: workers, retries" in refusal(write("version: 1\nrun: {zzzzzz: 3}\n"))


def test_a_wrong_type_is_named_with_its_value_and_what_is_allowed(write):
    text = refusal(write("version: 1\n"), "training.steps=many")
    assert '`training.steps` = "many"' in text
    assert "integer" in text


def test_a_value_out_of_range_is_named_with_its_bounds(write):
    text = refusal(write("version: 1\n"), "run.workers=0")
    assert "`run.workers` = 0" in text
    assert ">= 1" in text
    assert "<= 64" in text


def test_a_wrong_choice_is_answered_with_the_choices_and_the_nearest(write):
    text = refusal(write("version: 1\n"), "release.variant=flaot")
    assert "int8, float" in text
    assert "did you mean `float`?" in text


def test_a_misspelt_key_of_a_source_is_named_too(write):
    text = refusal(write("version: 1\n"), "ingestion.sources.mine={kind: directory, path: x, pattern: y}")
    assert "did you mean `patterns`?" in text


def test_all_faults_are_said_at_once(write):
    text = refusal(write("version: 1\nsead: 1\nrun: {workers: -1, retires: 2}\n"))
    assert "`sead`" in text
    assert "`run.workers`" in text
    assert "`run.retires`" in text


def test_a_key_that_appears_twice_is_an_error(write):
    assert "twice" in refusal(write("version: 1\nseed: 1\nseed: 2\n"))


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n", "version: [\n", "\x00"])
def test_what_is_no_configuration_is_refused_with_the_file_named(write, text):
    path = write(text)
    assert str(path) in refusal(path)


def test_a_missing_file_is_answered_with_how_to_get_one(tmp_path):
    assert "headrace init" in refusal(tmp_path / "headrace.yaml")


@pytest.mark.parametrize("override", ["steps", "=3", "training.steps.more=3", "a=[", "seed.x=1"])
def test_a_malformed_override_is_refused(write, override):
    assert refusal(write("version: 1\nseed: 1\n"), override)


def test_a_file_without_a_version_is_migrated_and_keeps_its_comments(write):
    path = write("# mine\nseed: 3  # lucky\n")
    assert "config migrate" in refusal(path)
    text = config.migrate(path)
    path.write_text(text)
    assert "# lucky" in text
    assert config.load(path).seed == 3
    assert config.migrate(path) is None


def test_a_file_of_a_later_version_is_refused_in_words(write):
    path = write("version: 99\n")
    with pytest.raises(ConfigError, match="version 99"):
        config.migrate(path)
    assert "version" in refusal(path)


def test_the_json_schema_accepts_what_is_shown_and_refuses_a_misspelt_key(write):
    shown = to_plain(config.load(write("version: 1\n")))
    schema = config.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(shown, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**shown, "sead": 1}, schema)


def test_every_key_is_described_in_the_json_schema():
    def undescribed(node, at, schema):
        for name, child in node.get("properties", {}).items():
            if "$ref" not in child and "description" not in child:
                yield f"{at}.{name}"

    schema = config.json_schema()
    missing = [key for name, node in schema["$defs"].items() for key in undescribed(node, name, schema)]
    assert not missing


@given(seed=st.integers(0, 2**31 - 1), workers=st.integers(1, 64))
def test_a_configuration_survives_its_canonical_json(seed, workers):
    value = config.Config(version=1, seed=seed, run=config.RunConfig(workers=workers))
    assert from_json(config.Config, to_json(value)) == value
    assert json.loads(to_json(value))["seed"] == seed
