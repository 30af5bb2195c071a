"""A home that cannot be written is refused before anything runs."""

import collections
import os
import shutil

import pytest

from pipeline import storage
from schemas.errors import StorageError
from schemas.home import Home


def test_home_is_made(tmp_path):
    storage.prepare(Home(tmp_path / "a" / "b"))

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_home_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="cannot be written") as caught:
        storage.prepare(Home(tmp_path / "file" / "home"))
    assert str(tmp_path / "file") in caught.value.where
    assert caught.value.remedy


def test_home_that_is_read_only_is_refused(tmp_path):
    read_only = "/proc/self" if os.geteuid() == 0 else str(tmp_path)
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be written"):
        storage.prepare(Home(type(tmp_path)(read_only) / "home"))
    tmp_path.chmod(0o700)


def test_nearly_full_disk_is_refused(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 300 * 10**6))

    with pytest.raises(StorageError, match="only 300 MB are free"):
        storage.prepare(Home(tmp_path))


def test_run_is_refused_before_anything_runs(run, home, journal, monkeypatch):
    monkeypatch.setattr(storage, "FREE_FLOOR_BYTES", 10**18)

    with pytest.raises(StorageError):
        run({"A": {}})
    assert journal() == {}
    assert not home.runs.exists()
