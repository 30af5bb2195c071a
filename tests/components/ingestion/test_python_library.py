import ast
import json
import pathlib
import shutil

import pytest

from components.ingestion.items import Document, Reason
from components.ingestion.python_library import read_python, standard_library
from schemas.regions import check, lines_of

MODULE = '''
import os

def greet(name):
    """Says hello."""

    return f"hello {name}"

class Door:
    @property
    def open(self):
        """Whether it is open.

            Indented further.
        """
        return self._open

    def plain(self):
        return 1

def only_docstring():
    """Nothing else."""

def one_line(): """Doc."""; return 1

if os.name == "nt":
    def twice():
        """On Windows."""
        return 1
else:
    def twice():
        """Elsewhere."""
        return 2
'''


@pytest.fixture
def library(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(MODULE)
    return tmp_path


def read(root, *, max_file_bytes=100_000, limit=None):
    return list(read_python(root, max_file_bytes=max_file_bytes, limit=limit))


def by_key(items, modality):
    return {item.key: item.content.decode() for item in items if item.modality == modality}


def test_a_function_gives_its_docstring_and_its_source_without_it(library):
    items = read(library)
    assert by_key(items, "text")["python:package:greet"] == "Says hello."
    assert by_key(items, "code")["python:package:greet"] == 'def greet(name):\n    return f"hello {name}"\n'


def test_methods_are_dedented_with_their_decorators(library):
    items = read(library)
    assert by_key(items, "text")["python:package:Door.open"] == "Whether it is open.\n\nIndented further."
    assert by_key(items, "code")["python:package:Door.open"] == ("@property\ndef open(self):\n    return self._open\n")


def test_what_has_no_docstring_or_nothing_else_is_left_out(library):
    keys = by_key(read(library), "code").keys()
    assert keys == {f"python:package:{name}" for name in ("greet", "Door.open", "twice", "twice#2")}


def test_two_definitions_of_one_name_share_a_cluster(library):
    clusters = {item.key: item.cluster for item in read(library)}
    assert clusters["python:package:twice"] == clusters["python:package:twice#2"]


def test_the_limit_takes_the_same_functions_every_time(library):
    once = read(library, limit=2)
    assert len({item.key for item in once}) == 2
    assert once == read(library, limit=2)


def test_a_broken_module_is_rejected_by_name(library):
    (library / "broken.py").write_text("def (")
    rejection, *others = read(library)
    assert (rejection.position, rejection.reason) == ("broken.py", Reason.UNREADABLE)
    assert all(isinstance(other, Document) for other in others)


def test_a_module_over_the_limit_is_rejected_by_name(library):
    [rejection] = read(library, max_file_bytes=10)
    assert (rejection.position, rejection.reason) == ("package/__init__.py", Reason.TOO_LARGE)


def test_tests_and_installed_packages_are_not_the_library(library):
    for folder in ("test", "site-packages/other", "package/tests"):
        (library / folder).mkdir(parents=True)
        shutil.copy(library / "package" / "__init__.py", library / folder / "module.py")
    assert {item.position.split(":")[0] for item in read(library)} == {"package/__init__.py"}


def test_the_real_library_gives_source_that_parses(tmp_path):
    assert standard_library() == pathlib.Path(json.__file__).parents[1]
    shutil.copytree(standard_library() / "json", tmp_path / "json")
    codes = by_key(read(tmp_path), "code")
    assert "python:json:dumps" in codes
    for code in codes.values():
        assert ast.get_docstring(ast.parse(code).body[0]) is None


PARAMETERS = '''
class Kettle:
    @heated
    def boil(self, water, *, minutes: int = 3, a=None, salt=None, lid=None):
        """Boil it in this Kettle, self.

        Args:
            minutes: how long; minutes count from when water boils.
            salt: a pinch.
            lid: never used.
        """

        pot = water
        if minutes > 3:
            pot = pot + minutes
        return [pot, a, salt, water, self]
'''


def test_parameters_have_a_region_where_they_are_spoken_of_and_where_they_are_used(tmp_path):
    (tmp_path / "kettle.py").write_text(PARAMETERS)
    text, code = read(tmp_path)
    docstring, lines = text.content.decode(), code.content.decode().splitlines()
    assert [region.label for region in text.regions] == ["minutes", "water", "salt"], "not self, a, lid"
    for region in text.regions:
        start, end = region.bounds[:2]
        assert docstring[start:end] == region.label
        assert start == docstring.index(region.label), "the first mention"
    assert {region.label: lines[region.bounds[0] - 1 : region.bounds[1]] for region in code.regions} == {
        "water": ["    pot = water"],
        "minutes": ["    if minutes > 3:", "        pot = pot + minutes"],
        "salt": ["    return [pot, a, salt, water, self]"],
    }


def test_regions_of_the_real_library_cover_what_they_name():
    read_items = read(standard_library() / "importlib") + read(standard_library() / "unittest")
    items = [item for item in read_items if isinstance(item, Document)]
    found = 0
    for item in items:
        content = item.content.decode()
        size = len(content) if item.modality == "text" else lines_of(content)
        for region in item.regions:
            found += 1
            first, last = region.bounds[:2]
            assert check(region, item.modality, (size,)) is None
            covered = content[first:last] if item.modality == "text" else content.split("\n")[first - 1 : last]
            assert region.label in "\n".join(covered) if item.modality == "code" else region.label == covered
    assert found > 100
