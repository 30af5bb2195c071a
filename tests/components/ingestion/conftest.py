import io
import os
import stat
import tarfile

import pytest

from schemas.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def pack(tmp_path):
    """Makes a packed package as `npm pack` would, of files by name."""

    def make(files, name="package.tgz"):
        path = tmp_path / name
        with tarfile.open(path, "w:gz") as archive:
            for member, content in files.items():
                info = tarfile.TarInfo(f"package/{member}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    return make


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a program of ours, given as a shell script, in npm's place; its calls are lines of the returned file."""
    calls = tmp_path / "npm-calls"
    calls.touch()
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(script):
        program = folder / "npm"
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return calls

    return install
