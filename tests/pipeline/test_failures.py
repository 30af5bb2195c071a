"""What exceptions mean to a person, without TFX."""

import errno
import json

import pytest

from pipeline import failures
from pipeline.runs import Command, Failure, NodeResult, Outcome
from schemas.errors import GateRefused, HeadraceError, SourceError, StorageError
from schemas.home import Home


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("raised nothing")


def wrapped_as_beam_does(error):
    """Beam builds a new exception within the handler of the old one: the cause is only its context."""

    def raises():
        try:
            raise error
        except Exception as inner:
            raise RuntimeError(f"{inner} [while running 'Step']")  # noqa: B904

    return caught(raises)


class UnavailableError(Exception):
    """As TensorFlow and gRPC have one."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (TimeoutError(), True),
        (OSError(errno.EAGAIN, "again"), True),
        (UnavailableError(), True),
        (ValueError("no"), False),
        (OSError(errno.ENOSPC, "full"), False),
        (FileNotFoundError(errno.ENOENT, "none"), False),
        (SourceError("no such source"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error, expected):
    assert failures.transient(error) is expected
    assert failures.transient(wrapped_as_beam_does(error)) is expected


def test_known_error_is_final_whatever_caused_it():
    def raises():
        try:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        except OSError as error:
            raise SourceError("the registry does not answer") from error

    assert not failures.transient(caught(raises))


def test_known_error_speaks_through_beams_wrapping():
    error = wrapped_as_beam_does(HeadraceError("no text", where="record 7", remedy="drop it"))
    failure = failures.describe(error)

    assert (failure.what, failure.where, failure.remedy) == ("no text", "record 7", "drop it")
    assert failures.outcome(wrapped_as_beam_does(GateRefused("no"))) is Outcome.REFUSED
    assert failures.outcome(error) is Outcome.FAILED


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "the disk is full"),
        (RuntimeError("ResourceExhausted: /data/x; No space left on device"), "the disk is full"),
        (RuntimeError("mysql error: database or disk is full"), "the disk is full"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/x"),
            "a file cannot be read or written: permission denied",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/data/x"),
            "a file cannot be read or written: read-only file system",
        ),
    ],
)
def test_disk_that_cannot_be_written_is_named(error, what):
    failure = failures.describe(wrapped_as_beam_does(error))

    assert (failure.kind, failure.what) == (StorageError.__name__, what)
    assert failure.where == getattr(error, "filename", None)
    assert failure.remedy


def test_frame_is_the_deepest_of_our_own_not_the_librarys():
    failure = failures.describe(caught(lambda: json.loads("{")))

    assert failure.what.startswith("JSONDecodeError: ")
    assert "test_failures.py:" in failure.frame
    assert 'json.loads("{")' in failure.frame


def test_block_stays_within_22_lines_and_ends_with_the_command(tmp_path):
    long = Failure("\n".join(f"line {i}" for i in range(40)), "here\n" * 20, "do\nthis", "a.py:1 in f\ncode", "X")
    results = (
        NodeResult("Refused", Outcome.REFUSED, reason="no", failure=Failure("no")),
        NodeResult("Train", Outcome.FAILED, log=tmp_path / "Train.log", failure=long),
    )
    block = failures.block(Home(tmp_path), results)

    assert len(block) == 22
    assert block[0] == "Train failed: line 0"
    assert block[-1] == f"  go on with  headrace --home {tmp_path} resume"


def test_resume_command_is_short_in_the_projects_own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert failures.resume_command(Home(tmp_path / ".headrace")) == "headrace resume"
    assert failures.resume_command(Home(tmp_path / "elsewhere")) == "headrace --home elsewhere resume"


def test_command_is_shown_as_it_can_be_typed():
    assert str(Command(("run", "release.model_name=a b"))) == "headrace run 'release.model_name=a b'"
