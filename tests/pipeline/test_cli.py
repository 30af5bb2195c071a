"""The command line as a user meets it: a process, its output, its exit code."""

import json
import os
import pathlib
import resource
import stat
import statistics
import subprocess
import sys

import pytest

from serving import keys

HEADRACE = str(pathlib.Path(sys.executable).parent / "headrace")


def headrace(*arguments, cwd=None, home=None):
    environment = {**os.environ, "HEADRACE_HOME": str(home)} if home else dict(os.environ)
    return subprocess.run([HEADRACE, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "headrace.yaml").write_text("version: 1\n")
    return tmp_path


def test_help_answers_in_a_blink_and_imports_nothing_heavy():
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = headrace("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time, since a busy machine is no fault of the command's.
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert answer.returncode == 0
    assert "run" in answer.stdout
    assert statistics.median(seconds) < 0.3
    loaded = "import sys, pipeline.cli; print({'tensorflow', 'tfx', 'apache_beam', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "set()\n"


def test_version_is_printed():
    answer = headrace("--version")
    assert answer.returncode == 0
    assert "0.1.0" in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [("runn",), ("run", "--form", "train"), ("run", "--from", "a", "--only", "b"), ("config", "show", "sead=3")],
)
def test_wrong_usage_ends_with_exit_code_2(project, arguments):
    answer = headrace(*arguments, cwd=project)
    assert answer.returncode == 2
    assert answer.stderr
    assert "Traceback" not in answer.stderr


def test_config_show_prints_the_overridden_value_as_yaml_and_as_json(project):
    assert "\nseed: 5\n" in headrace("config", "show", "seed=5", cwd=project).stdout
    assert json.loads(headrace("config", "show", "seed=5", "--json", cwd=project).stdout)["seed"] == 5


def test_config_check_says_right_or_what_is_wrong(project):
    assert "right" in headrace("config", "check", cwd=project).stdout
    answer = headrace("config", "check", "training.stepz=3", cwd=project)
    assert answer.returncode == 2
    assert "did you mean `steps`" in answer.stderr


def test_config_schema_is_json(project):
    assert json.loads(headrace("config", "schema").stdout)["title"] == "headrace.yaml"


def test_config_migrate_keeps_the_old_file_beside_the_new(tmp_path):
    path = tmp_path / "headrace.yaml"
    path.write_text("seed: 3\n")
    answer = headrace("config", "migrate", cwd=tmp_path)
    assert answer.returncode == 0
    assert path.read_text() == "version: 1\nseed: 3\n"
    assert (tmp_path / "headrace.yaml.bak").read_text() == "seed: 3\n"
    assert "up to date" in headrace("config", "migrate", cwd=tmp_path).stdout


def test_verbs_that_need_a_run_say_that_there_was_none(project):
    for arguments in [("resume",), ("lineage", "show", "latest"), ("data", "rejected")]:
        answer = headrace(*arguments, cwd=project, home=project / "home")
        assert answer.returncode in (1, 2), arguments
        assert "headrace run" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_status_of_an_unused_home_says_how_to_start(project):
    answer = headrace("status", cwd=project, home=project / "home")
    assert answer.returncode == 0
    assert "headrace run" in answer.stdout


def test_init_lays_out_a_project_that_checks_and_refuses_to_overwrite_it(tmp_path):
    answer = headrace("init", "My Recipes", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    directory = tmp_path / "My Recipes"
    assert {path.name for path in directory.iterdir()} >= {"headrace.yaml", "data", "README.md", ".gitignore"}
    assert headrace("config", "check", cwd=directory).returncode == 0
    key = directory / ".headrace" / "keys" / "signing.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and keys.public_half(key)
    assert ".headrace/" in (directory / ".gitignore").read_text().split(), "or the key would be committed"
    again = headrace("init", "My Recipes", cwd=tmp_path)
    assert again.returncode == 2
    assert "already" in again.stderr


def test_nothing_in_the_project_imports_tfx_v1():
    root = pathlib.Path(__file__).resolve().parents[2]
    for folder in ("pipeline", "components", "schemas", "serving", "lineage"):
        for path in (root / folder).rglob("*.py"):
            text = path.read_text()
            assert "import v1" not in text and "tfx.v1" not in text, path
