import pathlib
import re
import subprocess
import sys
import textwrap

import pyarrow as pa
import pytest

from components.cleaning import own_rules
from components.cleaning.config import OwnRule
from components.cleaning.faults import Fault
from schemas import records, tables
from schemas.config import from_json, to_json
from schemas.errors import ConfigError, HeadraceError

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "your-own-rule.md"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of a user's own, importable from the working directory, and names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(source, name="own_module_of_a_test"):
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text("from components.cleaning.faults import Fault\n" + textwrap.dedent(source))
        for stale in [other for other in sys.modules if other.startswith("own_")]:
            del sys.modules[stale]
        return path

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


@pytest.fixture
def batch(record, batch_of):
    return batch_of([record(number, "text", content) for number, content in enumerate([b"one", b"two words", b""])])


def rule(function, **arguments):
    return OwnRule(function=f"own_module_of_a_test:{function}", arguments=arguments)


LENGTH = """
    def too_long(records, limit=5):
        return [Fault("too_long", str(len(c)), str(limit)) if len(c) > limit else None for c in records["content"].to_pylist()]
"""


def test_a_function_rejects_with_its_arguments(module, batch):
    module(LENGTH)
    assert own_rules.load(rule("too_long", limit=8))(batch) == [None, Fault("too_long", "9", "8"), None]
    assert own_rules.load(rule("too_long", limit=2))(batch)[0] == Fault("too_long", "3", "2")
    assert own_rules.load(rule("too_long"))(batch.slice(0, 0)) == []


def test_a_rule_may_live_in_a_package(module, batch):
    module(LENGTH, "own_package.rules")
    assert own_rules.load(OwnRule(function="own_package.rules:too_long"))(batch)[1] is not None


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("own_missing:too_long", {}, "there is no module own_missing"),
        ("own_module_of_a_test:too_lnog", {}, "did you mean `too_long`?"),
        ("own_module_of_a_test:xyz", {}, r"define `def xyz\(records, ...\)`"),
        ("own_module_of_a_test:Fault2", {}, "has no function Fault2"),
        ("own_module_of_a_test:too_long", {"limt": 4}, r"did you mean `limit`\?; it is defined as `too_long\(records, limit=5\)"),
        ("own_module_of_a_test:no_arguments", {}, "its arguments do not fit: too many positional arguments"),
        ("own_module_of_a_test:needs", {}, "missing a required argument: 'limit'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_any_data_is_read(module, function, arguments, said):
    module(LENGTH + "\n    def no_arguments():\n        pass\n\n    def needs(records, limit):\n        pass\n")
    with pytest.raises(ConfigError, match=said) as caught:
        own_rules.load(OwnRule(function=function, arguments=arguments))
    assert function in str(caught.value)
    assert caught.value.remedy


def test_a_module_that_cannot_be_imported_says_why(module):
    module("import own_other_thing_that_is_missing\n")
    with pytest.raises(ConfigError, match=r"cannot be imported: ModuleNotFoundError.*own_other_thing"):
        own_rules.load(rule("too_long"))
    module("1 / 0\n")
    with pytest.raises(ConfigError, match="cannot be imported: ZeroDivisionError"):
        own_rules.load(rule("too_long"))


def test_a_rule_that_raises_names_itself_and_the_record(module, batch):
    module("""
        def fails(records):
            return [None if len(c) // len(c) else None for c in records["content"].to_pylist()]
    """)
    with pytest.raises(HeadraceError, match="the rule raised ZeroDivisionError") as caught:
        own_rules.load(rule("fails"))(batch)
    assert "own_module_of_a_test:fails" in caught.value.where
    assert batch["record_id"][2].as_py() in caught.value.where


def test_a_rule_that_fails_on_no_record_alone_is_still_named(module, batch):
    module("""
        def fails(records):
            if records.num_rows > 1:
                raise ValueError("too many")
            return [None]
    """)
    with pytest.raises(HeadraceError, match="a batch of 3 records, none of them alone"):
        own_rules.load(rule("fails"))(batch)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("[None]", "returned 1 answers to 3 records"),
        ("None", "returned NoneType, not a list"),
        ("[None, True, None]", "returned bool, neither a Fault nor None"),
    ],
)
def test_an_answer_that_does_not_fit_the_records_is_an_error(module, batch, answer, said):
    module(f"""
        def answers(records):
            return {answer}
    """)
    with pytest.raises(HeadraceError, match=said) as caught:
        own_rules.load(rule("answers"))(batch)
    assert "own_module_of_a_test:answers" in caught.value.where


def test_the_digest_follows_the_source(module):
    module(LENGTH)
    before = own_rules.source_digest(rule("too_long"))
    module(LENGTH)
    assert own_rules.source_digest(rule("too_long", limit=3)) == before, "arguments are part of the configuration"
    module(textwrap.dedent(LENGTH) + "# edited\n")
    assert own_rules.source_digest(rule("too_long")) != before


def test_the_digest_follows_every_module_of_a_package(module):
    module("", "own_package.__init__")
    module("LIMIT = 3\n", "own_package.helper")
    module("from own_package.helper import LIMIT\n" + textwrap.dedent(LENGTH), "own_package.rules")
    own = OwnRule(function="own_package.rules:too_long")
    before = own_rules.source_digest(own)
    module("LIMIT = 4\n", "own_package.helper")
    assert own_rules.source_digest(own) != before


def test_arguments_keep_their_types_through_json():
    own = rule("f", a=True, b=1, c=0.5, d="x")
    again = from_json(OwnRule, to_json(own))
    assert again == own
    assert [type(value) for value in again.arguments.values()] == [bool, int, float, str]


@pytest.mark.parametrize("function", ["too_long", "a.b", "a:b.c", "a b:c", "a:b()", ":b"])
def test_a_name_that_is_no_function_is_refused(function):
    with pytest.raises(ValueError, match="pattern"):
        OwnRule(function=function)


def test_the_page_about_rules_writes_one_that_works(tmp_path, monkeypatch):
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "".join(block for block in blocks if "headrace" not in block)
    script = script.replace("python -m", f"{sys.executable} -m").replace("pytest -q", "pytest -q -p no:cacheprovider")
    environment = {"PYTHONPATH": str(PAGE.parents[1]), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    monkeypatch.chdir(tmp_path)
    named = re.search(r'function: "(.*?)", arguments: {limit: (.*?)}', PAGE.read_text())
    own = OwnRule(function=named[1], arguments={"limit": float(named[2])})
    rows = tables.from_rows([], records.RECORD)
    assert own_rules.load(own)(rows) == []
    assert isinstance(rows, pa.RecordBatch)
