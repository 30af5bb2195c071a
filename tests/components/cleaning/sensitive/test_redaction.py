import dataclasses
import pickle
import sys
import traceback

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.cleaning.sensitive import presidio
from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.findings import Finding, Kind
from components.cleaning.sensitive.redaction import Reason, redact, value_hash
from schemas.config import from_json, to_json
from schemas.errors import ConfigError
from tests.components.cleaning.sensitive.examples import INNOCENT, VALID
from tests.components.cleaning.sensitive.test_detection import MIXED

POLICIES = st.fixed_dictionaries(
    {kind.value: st.sampled_from(["redact", "redact", "drop", "keep"]) for kind in Kind}
).map(lambda policies: Sensitive(**policies))


@pytest.mark.parametrize(("kind", "around", "value"), VALID)
def test_a_typed_placeholder_takes_the_place_of_a_value(kind, around, value):
    (outcome,) = redact([around.format(value)], Sensitive())
    assert outcome.text == around.format(f"<{kind.upper()}>")
    assert outcome.found == ((kind, 1),) and outcome.fault is None


def test_a_text_without_values_is_left_alone():
    for outcome, text in zip(redact(INNOCENT, Sensitive()), INNOCENT, strict=True):
        assert outcome.text == text and outcome.found == () and outcome.fault is None


@pytest.mark.parametrize(("kind", "around", "value"), VALID)
def test_a_value_to_drop_rejects_its_text_and_is_nowhere_in_the_outcome(kind, around, value):
    outcomes = redact([around.format(value)], Sensitive(**{kind: "drop"}))
    fault = outcomes[0].fault
    assert fault.reason == f"sensitive_{kind}" and fault.limit == "0"
    assert fault.measured == f"{kind} {value_hash(value)}"
    for shown in (repr(outcomes), str(outcomes), pickle.dumps(outcomes).decode("latin-1")):
        assert value not in shown and "".join(c for c in value if c.isalnum()) not in shown


@pytest.mark.parametrize(("kind", "around", "value"), VALID)
def test_a_value_to_keep_is_counted_and_stays(kind, around, value):
    (outcome,) = redact([around.format(value)], Sensitive(**{kind: "keep"}))
    assert outcome.text == around.format(value) and outcome.found == ((kind, 1),) and outcome.fault is None


def test_the_first_value_to_drop_is_the_one_reported():
    text = "see jane@example.com, 212-736-5000 and joe@example.com"
    (outcome,) = redact([text], Sensitive(email="drop", phone="drop"))
    assert outcome.fault.measured == f"email {value_hash('jane@example.com')}"
    assert outcome.found == (("email", 2), ("phone", 1))


@settings(max_examples=200, deadline=None)
@given(MIXED, POLICIES, st.booleans())
@example("536-22-8145 0142685300", Sensitive(), False)
@example("81.2.69.142-X2482300W", Sensitive(), False)
def test_redacting_a_redacted_text_changes_nothing(text, config, code):
    (once,) = redact([text], config, code=code)
    if once.fault is None:
        (twice,) = redact([once.text], config, code=code)
        assert twice.text == once.text and twice.fault is None


def test_a_text_that_never_settles_is_rejected(monkeypatch):
    from components.cleaning.sensitive import redaction

    monkeypatch.setattr(redaction, "find_fast", lambda text, config, code: (Finding(Kind.EMAIL, 0, 3),))
    (outcome,) = redact(["abcdef"], Sensitive())
    assert outcome.fault.reason == Reason.UNSETTLED and outcome.text == ""


def test_the_hash_depends_on_the_key_in_the_environment(monkeypatch):
    monkeypatch.delenv("HEADRACE_SENSITIVE_KEY", raising=False)
    plain = value_hash("jane@example.com")
    assert plain == value_hash("jane@example.com") and len(plain) == 12 and int(plain, 16) >= 0
    monkeypatch.setenv("HEADRACE_SENSITIVE_KEY", "of my own")
    assert value_hash("jane@example.com") != plain


def test_every_kind_has_a_policy_and_a_reason():
    policies = {field.name for field in dataclasses.fields(Sensitive)}
    assert {kind.value for kind in Kind} <= policies
    assert {f"sensitive_{kind.value}" for kind in Kind} | {"sensitive_unsettled"} == {reason.value for reason in Reason}
    assert from_json(Sensitive, to_json(Sensitive(email="drop"))) == Sensitive(email="drop")


def test_asking_for_presidio_without_having_it_says_so_and_shows_no_value(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio._analyser.cache_clear()
    with pytest.raises(ConfigError, match="presidio_analyzer is not installed") as error:
        redact(["write to jane@example.com"], Sensitive(presidio=True))
    assert "jane@example.com" not in "".join(traceback.format_exception_only(error.value))
