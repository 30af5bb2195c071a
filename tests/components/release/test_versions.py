"""Versions are whole, numbered once, and anything done to them afterwards is found."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import textwrap

import pytest

from components.release import versions
from schemas.errors import IntegrityError, StorageError
from serving import signing

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    return export(tmp_path / "export", "weights")


@pytest.fixture
def model(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "served" / "headrace"


def export(directory: pathlib.Path, content: str) -> pathlib.Path:
    (directory / "variables").mkdir(parents=True, exist_ok=True)
    (directory / "headrace_model.json").write_text("{}")
    (directory / "variables" / "weights").write_text(content * 1000)
    return directory


def files(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_a_version_holds_what_was_exported_and_cannot_be_written(source: pathlib.Path, model: pathlib.Path) -> None:
    version = versions.push(source, model)
    assert version == versions.Version(1, model / "1", 2, 7002)
    assert files(version.path) == files(source)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in version.path.rglob("*") if path.is_file()}
    assert modes == {0o444}
    versions.verify(version.path)


def test_each_push_is_one_more_and_leaves_the_others_alone(source: pathlib.Path, model: pathlib.Path) -> None:
    numbers = []
    for content in ("one", "two", "three"):
        numbers.append(versions.push(export(source, content), model).number)
    assert numbers == [1, 2, 3]
    assert (model / "1" / "variables" / "weights").read_text() == "one" * 1000
    # Whatever lies beside the versions has no number: TF Serving looks at numbers only.
    assert {path.name for path in model.iterdir()} == {"1", "2", "3", "digests", ".lock"}


def test_the_same_push_again_finds_its_version(source: pathlib.Path, model: pathlib.Path) -> None:
    versions.push(source, model)
    assert versions.push(source, model).number == 1
    versions.push(export(source, "other"), model)
    assert versions.push(export(source, "weights"), model).number == 3, "going back is a new version"


def test_a_number_is_never_used_twice(source: pathlib.Path, model: pathlib.Path) -> None:
    versions.push(source, model)
    shutil.rmtree(model / "1")
    assert versions.push(source, model).number == 2


@pytest.mark.parametrize("harm", ["changed", "missing", "added"])
def test_a_tampered_version_is_found_and_named(source: pathlib.Path, model: pathlib.Path, harm: str) -> None:
    version = versions.push(source, model)
    weights = version.path / "variables" / "weights"
    weights.chmod(0o644)
    if harm == "changed":
        content = bytearray(weights.read_bytes())
        content[500] ^= 1
        weights.write_bytes(content)
    elif harm == "missing":
        weights.unlink()
    else:
        (version.path / "variables" / "extra").touch()
    name = "variables/extra was added" if harm == "added" else f"variables/weights (is|was) {harm}"
    with pytest.raises(IntegrityError, match=name):
        versions.verify(version.path)
    assert versions.push(source, model).number == 2, "a harmed version is not taken for the same"


def test_a_version_without_digests_is_not_trusted(source: pathlib.Path, model: pathlib.Path) -> None:
    version = versions.push(source, model)
    (model / "digests" / "1.json").unlink()
    with pytest.raises(IntegrityError, match="digests"):
        versions.verify(version.path)


def test_a_place_that_cannot_be_written_is_named(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "served").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="served"):
        versions.push(source, tmp_path / "served" / "headrace")


def test_a_full_disk_leaves_nothing_behind(
    source: pathlib.Path, model: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    versions.push(source, model)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        versions.push(export(source, "other"), model)
    monkeypatch.undo()
    assert {path.name for path in model.iterdir()} == {"1", "digests", ".lock"}


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from components.release import versions

    source, place, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def kill_at_step(event, arguments):
        # Python tells of every open, mkdir, rename, chmod and removal before it happens, whoever asks for it.
        global steps
        if event.startswith(("open", "os.", "shutil.")) and any(place in str(argument) for argument in arguments):
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            steps -= 1

    sys.addaudithook(kill_at_step)
    versions.push(source, place)
    """
)


def test_killed_at_any_step_nothing_half_is_left_and_the_next_push_is_right(
    source: pathlib.Path, model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    before = versions.push(source, model)
    export(source, "new weights")
    for step in range(100):
        place = tmp_path / f"killed-{step}" / "headrace"
        shutil.copytree(model, place)
        done = subprocess.run([sys.executable, "-c", KILLED, source, place, str(step)], cwd=ROOT, timeout=60)
        visible = [path for path in place.iterdir() if path.name.isdecimal()]
        for version in visible:
            versions.verify(version)
            assert files(version) == files(before.path if version.name == "1" else source)
        after = versions.push(source, place)
        assert files(after.path) == files(source)
        assert {path.name for path in place.iterdir()} <= {"1", "2", "3", "digests", ".lock"}, "not swept"
        if done.returncode == 0:
            break
        assert done.returncode == -9
    assert step > 15, "it was killed too seldom to mean anything"


def test_pushes_at_once_get_different_numbers(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def push_five(mine: int) -> list[int]:
        sources = [export(tmp_path / f"{mine}-{number}", f"{mine}-{number}") for number in range(5)]
        return [versions.push(source, model).number for source in sources]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        numbers = sorted(number for some in pool.map(push_five, range(4)) for number in some)
    assert numbers == list(range(1, 21))
    for number in numbers:
        versions.verify(model / str(number))


def test_the_signature_comes_along_and_lies_beside_the_version(source: pathlib.Path, model: pathlib.Path) -> None:
    signing.path_of(source).write_text("first")
    version = versions.push(source, model)
    assert signing.path_of(version.path).read_text() == "first"
    assert {path.name for path in model.iterdir()} == {"1", "1.sig", "digests", ".lock"}
    signing.path_of(source).write_text("by another key")
    assert versions.push(source, model).number == 1
    assert signing.path_of(version.path).read_text() == "by another key"


def test_a_copy_that_does_not_pass_the_check_never_becomes_a_version(source: pathlib.Path, model: pathlib.Path) -> None:
    seen = []

    def check(copy: pathlib.Path) -> None:
        seen.append((files(copy), signing.path_of(copy).exists()))
        raise IntegrityError("no")

    signing.path_of(source).touch()
    with pytest.raises(IntegrityError):
        versions.push(source, model, check=check)
    assert seen == [(files(source), True)]
    assert {path.name for path in model.iterdir()} == {"digests", ".lock"}
