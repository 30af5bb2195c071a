import hashlib
import os
import shutil
import threading

import pytest

from components.ingestion import packages
from schemas.errors import IntegrityError, SourceError, StorageError


@pytest.fixture
def packed(pack):
    return pack({"hello.txt": b"hello"})


@pytest.fixture
def package(packed):
    content = packed.read_bytes()
    return packages.Package("hello", "1.0.0", hashlib.sha512(content).hexdigest(), len(content), "MIT")


def test_a_package_is_fetched_once(package, packed, npm, home):
    calls = npm(f"cp {packed} hello-1.0.0.tgz")
    first = packages.fetch(package, home)
    assert first.read_bytes() == packed.read_bytes()
    assert packages.fetch(package, home) == first
    assert calls.read_text().splitlines() == ["pack hello@1.0.0"]


def test_a_cut_download_is_never_used_and_starts_over(package, packed, npm, home):
    npm(f"head -c 20 {packed} > hello-1.0.0.tgz; echo 'npm error network aborted'; exit 1")
    with pytest.raises(SourceError, match="network aborted"):
        packages.fetch(package, home)
    assert [path.name for path in home.downloads.iterdir()] == [".lock"]

    npm(f"cp {packed} hello-1.0.0.tgz")
    assert packages.fetch(package, home).read_bytes() == packed.read_bytes()


def test_a_download_that_is_cut_once_is_tried_again_at_once(package, packed, npm, home, tmp_path):
    calls = npm(f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}; cp {packed} hello-1.0.0.tgz")
    assert packages.fetch(package, home).is_file()
    assert len(calls.read_text().splitlines()) == 2


def test_what_a_killed_process_left_aside_is_not_used(package, packed, npm, home):
    aside = home.downloads / ".fetching"
    aside.mkdir(parents=True)
    (aside / package.file_name).write_bytes(b"half")
    npm(f"cp {packed} hello-1.0.0.tgz")
    assert packages.fetch(package, home).read_bytes() == packed.read_bytes()
    assert not aside.exists()


def test_a_wrong_checksum_is_refused(package, npm, home):
    npm("echo something else > hello-1.0.0.tgz")
    with pytest.raises(IntegrityError, match="not the pinned one"):
        packages.fetch(package, home)
    assert not (home.downloads / package.file_name).exists()


def test_a_damaged_package_in_the_cache_is_fetched_again(package, packed, npm, home):
    npm(f"cp {packed} hello-1.0.0.tgz")
    path = packages.fetch(package, home)
    path.write_bytes(b"damaged")
    assert packages.fetch(package, home).read_bytes() == packed.read_bytes()


def test_without_network_and_cache_the_error_names_the_package_and_a_way_on(package, npm, home):
    npm("echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(SourceError) as caught:
        packages.fetch(package, home)
    assert caught.value.where == "hello-1.0.0.tgz"
    assert "ENOTFOUND" in caught.value.what
    assert str(home.downloads) in caught.value.remedy


def test_without_any_npm_the_error_says_so(package, home, monkeypatch):
    monkeypatch.setattr(packages, "npm_command", lambda: None)
    with pytest.raises(SourceError, match="no npm"):
        packages.fetch(package, home)


def test_where_no_npm_is_on_path_the_one_in_the_wheel_is_taken(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    node, script = packages.npm_command()
    assert os.access(node, os.X_OK)
    assert os.path.isfile(script)


def test_fetching_at_once_fetches_once(package, packed, npm, home):
    calls = npm(f"sleep 0.3; cp {packed} hello-1.0.0.tgz")
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(packages.fetch(package, home))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 1 and len(paths) == 3
    assert len(calls.read_text().splitlines()) == 1


def test_npm_writes_nothing_outside_the_home(package, packed, npm, home, tmp_path):
    npm(f'echo "$npm_config_cache" > {tmp_path}/cache; cp {packed} hello-1.0.0.tgz')
    packages.fetch(package, home)
    assert (tmp_path / "cache").read_text().startswith(str(home.root))


def test_an_unwritable_cache_is_named(package, home):
    home.downloads.parent.mkdir(parents=True)
    home.downloads.write_text("a file where a directory should be")
    with pytest.raises(StorageError) as caught:
        packages.fetch(package, home)
    assert caught.value.where == str(home.downloads)


def test_a_package_that_is_cut_is_named(packed):
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(IntegrityError) as caught:
        list(packages.members(packed, ("hello",)))
    assert caught.value.where == str(packed)
