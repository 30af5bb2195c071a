import os

import pytest

from components.ingestion.files import read_directory
from components.ingestion.items import Document, Reason
from schemas.errors import SourceError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "soup.txt").write_text("Soup")
    (tmp_path / "data" / "deep" / "soup.PNG").write_bytes(b"png")
    (tmp_path / "data" / "deep" / "soup.py").write_text("boil()")
    return tmp_path / "data"


def read(root, patterns=("**/*",), max_file_bytes=100):
    return list(read_directory(root, patterns, max_file_bytes=max_file_bytes, license_=None))


def rejections(root, **options):
    return {
        item.position: (item.reason, item.measured) for item in read(root, **options) if not isinstance(item, Document)
    }


def test_files_that_share_a_path_without_extension_share_a_key(data):
    items = read(data)
    assert {(item.key, item.modality, item.content) for item in items} == {
        ("deep/soup", "text", b"Soup"),
        ("deep/soup", "image", b"png"),
        ("deep/soup", "code", b"boil()"),
    }
    assert len({item.position for item in items}) == 3


def test_patterns_choose(data):
    assert [item.position for item in read(data, patterns=("**/*.py", "*/*.txt"))] == ["deep/soup.py", "deep/soup.txt"]


def test_hidden_files_are_left_out(data):
    (data / ".git").mkdir()
    (data / ".git" / "config.txt").write_text("secret")
    (data / ".hidden.txt").write_text("hidden")
    assert len(read(data)) == 3


def test_what_cannot_be_taken_is_rejected_by_name_and_the_rest_is_taken(data):
    (data / "long.txt").write_bytes(b"x" * 101)
    (data / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (data / "latin.py").write_bytes(b"'\xff'")
    (data / "table.xlsx").write_bytes(b"PK")
    assert rejections(data) == {
        "long.txt": (Reason.TOO_LARGE, "101 bytes"),
        "latin.txt": (Reason.NOT_UTF8, "byte 0xe9 at offset 3"),
        "latin.py": (Reason.NOT_UTF8, "byte 0xff at offset 1"),
        "table.xlsx": (Reason.UNKNOWN_TYPE, "xlsx"),
    }
    assert len(read(data)) == 3 + 4


def test_links_out_of_the_directory_are_not_followed(data, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "other.txt").write_text("other")
    (data / "file.txt").symlink_to(tmp_path / "secret.txt")
    (data / "folder").symlink_to(tmp_path / "outside")
    (data / "dangling.txt").symlink_to(tmp_path / "nowhere")
    (data / "circle.txt").symlink_to(data / "circle.txt")
    reasons = {position: reason for position, (reason, _) in rejections(data).items()}
    assert reasons == {
        "file.txt": Reason.LINK,
        "folder": Reason.LINK,
        "dangling.txt": Reason.UNREADABLE,
        "circle.txt": Reason.UNREADABLE,
    }
    through = rejections(data, patterns=("folder/*.txt",))
    assert through["folder/other.txt"][0] is Reason.LINK


def test_a_link_within_the_directory_is_a_file(data):
    (data / "again.txt").symlink_to(data / "deep" / "soup.txt")
    assert {item.content for item in read(data, patterns=("again.txt",))} == {b"Soup"}


def test_a_pipe_is_not_waited_for(data):
    os.mkfifo(data / "pipe.txt")
    assert rejections(data)["pipe.txt"][0] is Reason.NOT_A_FILE


def test_a_name_that_is_not_utf8_does_no_harm(data):
    with open(os.fsencode(data) + b"/\xff.txt", "w") as file:
        file.write("odd")
    assert "\\udcff.txt" in {item.position for item in read(data)}


@pytest.mark.parametrize("pattern", ["", "/etc/*"])
def test_a_bad_pattern_is_named(data, pattern):
    with pytest.raises(SourceError, match="bad pattern"):
        read(data, patterns=(pattern,))


def test_a_pattern_does_not_lead_out(data):
    (data.parent / "outside.txt").write_text("outside")
    assert read(data, patterns=("../*.txt",)) == []


@pytest.mark.parametrize("name", ["missing", "deep/soup.txt"])
def test_what_is_no_directory_is_named(data, name):
    with pytest.raises(SourceError) as caught:
        read(data / name)
    assert caught.value.where == str(data / name)
    assert caught.value.remedy
