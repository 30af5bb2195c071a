"""A seal breaks when the bytes change, and only then."""

import os
import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage import integrity


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x").write_bytes(b"x" * 3_000_000)
    (root / "y").write_bytes(b"")
    return root


def test_copy_has_the_same_digest_whatever_its_times_and_place(tree, tmp_path):
    before = integrity.tree_digest(tree)
    moved = tree.rename(tmp_path / "elsewhere")
    os.utime(moved / "y", (1, 1))
    (moved / "empty").mkdir()

    assert integrity.tree_digest(moved) == before
    assert integrity.damage(moved, integrity.seal(moved)) is None


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (
            lambda root: (root / "a" / "x").write_bytes(b"x" * 2_999_999 + b"z"),
            "its contents are not those that were written",
        ),
        (lambda root: (root / "a" / "x").write_bytes(b"x"), "3,000,000 bytes were written, 1 are there"),
        (lambda root: (root / "y").unlink(), "2 files were written, 1 are there"),
        (lambda root: (root / "y").rename(root / "z"), "its contents are not those that were written"),
        (lambda root: root.rename(root.parent / "gone"), "its files are gone"),
    ],
)
def test_harm_is_found_and_named(tree, harm, words):
    sealed = integrity.seal(tree)
    assert (sealed.files, sealed.bytes) == (2, 3_000_000)

    harm(tree)

    assert integrity.damage(tree, sealed) == words


_TREES = st.dictionaries(st.text("ab/", min_size=1, max_size=3), st.binary(max_size=4), max_size=3)


@given(_TREES, _TREES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_different_trees_have_different_digests(tmp_path, one, other):
    def write(files):
        root = pathlib.Path(tmp_path, str(len(list(tmp_path.iterdir()))))
        root.mkdir()
        written = {}
        for name, content in files.items():
            path = root / name.strip("/").replace("//", "/").replace("/", "/d")
            if path == root or path.exists() or any(parent.is_file() for parent in path.parents):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written[path.relative_to(root)] = content
        return root, written

    (first, first_files), (second, second_files) = write(one), write(other)
    assert (integrity.tree_digest(first) == integrity.tree_digest(second)) == (first_files == second_files)


def test_a_file_alone_can_be_sealed(tree):
    sealed = integrity.seal(tree / "a" / "x")
    assert (sealed.files, sealed.bytes) == (1, 3_000_000)


def test_seal_is_read_back_from_properties():
    properties = {integrity.DIGEST: "d", integrity.FILES: 2, integrity.BYTES: 3, "rows": 4}
    assert integrity.Seal.of_properties(properties) == integrity.Seal("d", 2, 3)
    assert integrity.Seal.of_properties({"rows": 4}) is None


@pytest.mark.parametrize(("uri", "path"), [("/a/b", "/a/b"), ("file:///a", "/a"), ("s3://bucket/x", None)])
def test_only_what_lies_here_is_looked_at(uri, path):
    assert integrity.local_path(uri) == (pathlib.Path(path) if path else None)
