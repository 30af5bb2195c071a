"""Code of a user's own is found from any process of a run, and the line of it that failed is known."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from components import own_code

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = "own_code_of_a_test:fails"


@pytest.fixture
def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    (tmp_path / "own_code_of_a_test.py").write_text(
        "def fails(x):\n    return other(\n        x)\ndef other(x):\n    1 / x\n"
    )
    monkeypatch.delenv(own_code.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_code_of_a_test", None)


def test_a_process_that_works_elsewhere_finds_it_and_shadows_nothing(project: pathlib.Path) -> None:
    (project / "colorsys.py").write_text("1 / 0\n")
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    program = (
        "from components import own_code\n"
        f"print(own_code.function({NAMED!r}, key='k', parameters='x').__code__.co_filename, own_code.path_of('a.txt'))\nimport colorsys"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=elsewhere,
        env={"PYTHONPATH": str(ROOT), **own_code.environment()},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [str(project / "own_code_of_a_test.py"), str(project / "a.txt")]
    assert own_code.path_of("/absolute/a.txt") == pathlib.Path("/absolute/a.txt")


def test_the_innermost_line_of_ones_own_is_named(project: pathlib.Path) -> None:
    called = own_code.function(NAMED, key="k", parameters="x")
    with pytest.raises(ZeroDivisionError) as caught:
        called(0)
    assert own_code.line_of(caught.value, NAMED, key="k") == "own_code_of_a_test.py, line 5"
    assert own_code.line_of(ValueError("elsewhere"), NAMED, key="k") is None
    quoted = ValueError(f'in user code:\n    File "{project}/own_code_of_a_test.py", line 3, in fails\n')
    assert own_code.line_of(quoted, NAMED, key="k") == "own_code_of_a_test.py, line 3"
