import os

import pytest

from components.ingestion import sources
from components.ingestion.config import Directory, EmojiDatasource, IngestionConfig, JsonLines, OpenMoji, PythonLibrary
from schemas import tables
from schemas.config import from_json, to_json
from schemas.errors import SourceError, StorageError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "soup.txt").write_text("Soup")
    (tmp_path / "data" / "bad.txt").write_bytes(b"\xff")
    return tmp_path / "data"


@pytest.fixture
def ingest(home, tmp_path):
    """Ingests sources; their records and rejections as rows."""

    def run(**named):
        records, rejected = tmp_path / "records", tmp_path / "rejected"
        sources.ingest(IngestionConfig(sources=named), home, records, rejected)
        return list(tables.rows(records)), list(tables.rows(rejected))

    return run


@pytest.fixture
def reads(monkeypatch):
    """The names of the sources that were really read."""
    names = []
    write = sources.items.write

    def spy(name, *arguments):
        names.append(name)
        write(name, *arguments)

    monkeypatch.setattr(sources.items, "write", spy)
    return names


def touch_later(path, text):
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def test_a_record_says_where_it_came_from(ingest, data):
    [record], [rejected] = ingest(mine=Directory(path=str(data), license="MIT"))
    assert record["attributes"] == {"dataset": "mine", "key": "soup", "origin": "soup.txt"}
    assert (record["source"], record["content"], record["license"]) == ("mine", b"Soup", "MIT")
    assert (rejected["source"], rejected["origin"], rejected["stage"]) == ("mine", "bad.txt", "ingestion")
    assert (rejected["reason"], rejected["measured"]) == ("not_utf8", "byte 0xff at offset 0")


def test_an_unchanged_source_is_not_read_twice(ingest, reads, data):
    assert ingest(mine=Directory(path=str(data))) == ingest(mine=Directory(path=str(data)))
    assert reads == ["mine"]


def test_only_the_source_that_changed_is_read_again(ingest, reads, data, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "Bread"}\n')
    both = {"files": Directory(path=str(data)), "rows": JsonLines(path=str(tmp_path / "rows.jsonl"))}
    ingest(**both)
    touch_later(data / "soup.txt", "Stew")  # as long as before
    records, _ = ingest(**both)
    assert reads == ["files", "rows", "files"]
    assert [record["content"] for record in records] == [b"Stew", b"Bread"]


def test_an_image_that_a_row_refers_to_is_part_of_the_source(ingest, tmp_path):
    (tmp_path / "soup.png").write_bytes(b"one")
    (tmp_path / "rows.jsonl").write_text('{"image": "soup.png"}\n')
    source = JsonLines(path=str(tmp_path / "rows.jsonl"))
    ingest(rows=source)
    touch_later(tmp_path / "soup.png", "two")
    [record], _ = ingest(rows=source)
    assert record["content"] == b"two"


def test_a_damaged_cache_is_found_and_read_anew(ingest, reads, data, home):
    before = ingest(mine=Directory(path=str(data)))
    [shard] = home.ingested.glob("*/records/*.parquet")
    content = bytearray(shard.read_bytes())
    content[10] ^= 1
    shard.write_bytes(content)
    assert ingest(mine=Directory(path=str(data))) == before
    assert reads == ["mine", "mine"]


def test_reading_that_fails_leaves_nothing_behind(ingest, home, data, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "_seal", fail)
    with pytest.raises(KeyboardInterrupt):
        ingest(mine=Directory(path=str(data)))
    assert list(home.ingested.iterdir()) == []


def test_sources_come_in_the_order_of_their_names(ingest, data):
    records, _ = ingest(b=Directory(path=str(data)), a=Directory(path=str(data)))
    assert [record["source"] for record in records] == ["a", "b"]
    assert len({record["record_id"] for record in records}) == 2


@pytest.mark.parametrize("kind", [Directory, JsonLines])
def test_a_missing_source_is_named_with_its_path_and_a_remedy(ingest, kind):
    with pytest.raises(SourceError) as caught:
        ingest(mine=kind(path="no/such/place"))
    assert "mine" in caught.value.where and "no/such/place" in caught.value.where
    assert "relative paths start at the working directory" in caught.value.remedy


def test_an_empty_source_is_named(ingest, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no data") as caught:
        ingest(mine=Directory(path=str(tmp_path / "empty")))
    assert "mine" in caught.value.where and str(tmp_path / "empty") in caught.value.where


def test_a_source_of_which_nothing_can_be_taken_says_why(ingest, data):
    (data / "soup.txt").unlink()
    with pytest.raises(SourceError, match=r"1 rejected; the first: bad\.txt: not_utf8"):
        ingest(mine=Directory(path=str(data)))


def test_an_unwritable_home_is_named(ingest, data, home):
    home.ingested.parent.mkdir(parents=True)
    home.ingested.write_text("a file where a directory should be")
    with pytest.raises(StorageError) as caught:
        ingest(mine=Directory(path=str(data)))
    assert caught.value.where == str(home.ingested)


def test_the_python_library_is_ingested_as_a_data_set(ingest):
    records, rejected = ingest(stdlib=PythonLibrary(limit=5))
    assert rejected == []
    assert len(records) == 10
    assert {record["attributes"]["dataset"] for record in records} == {"python"}


def test_fetching_takes_just_the_packages_that_are_needed(home, monkeypatch):
    monkeypatch.setattr(sources.packages, "fetch", lambda package, home: home.downloads / package.file_name)
    one = IngestionConfig(sources={"x": OpenMoji(), "y": PythonLibrary(), "z": OpenMoji(limit=3)})
    both = IngestionConfig(sources={"x": OpenMoji(), "y": EmojiDatasource()})
    assert [path.name for path in sources.fetch(one, home)] == ["openmoji-17.0.0.tgz"]
    assert [path.name for path in sources.fetch(both, home)] == [
        "emoji-datasource-google-16.0.0.tgz",
        "openmoji-17.0.0.tgz",
    ]


def test_the_fingerprint_follows_data_and_configuration(data):
    def of(**options):
        return sources.sources_fingerprint(IngestionConfig(sources={"mine": Directory(path=str(data), **options)}))

    before = of()
    assert of() == before
    assert of(license="MIT") != before
    touch_later(data / "soup.txt", "Stew")
    changed = of()
    assert changed != before
    (data / "new.txt").write_text("New")
    assert of() not in (before, changed)


def test_rows_are_read_anew_when_the_time_zone_or_its_rule_changes(ingest, reads, tmp_path):
    (tmp_path / "log.jsonl").write_text('{"text": "x", "timestamp": "2024-10-27T02:30:00"}\n{"text": "y"}\n')

    def hours(**options):
        taken, rejected = ingest(log=JsonLines(path=str(tmp_path / "log.jsonl"), **options))
        return [record["timestamp"] and record["timestamp"].hour for record in taken], len(rejected)

    berlin = {"timezone": "Europe/Berlin"}
    assert hours() == ([2, None], 0)
    assert hours(**berlin) == ([None], 1)
    assert hours(**berlin, ambiguous_times="earlier") == ([0, None], 0)
    assert hours(**berlin, ambiguous_times="later") == ([1, None], 0)
    assert hours(timezone="America/Havana", missing_times="forward") == ([6, None], 0)
    assert hours(**berlin) == ([None], 1)
    assert reads == ["log"] * 5


def test_a_missing_source_has_a_fingerprint_so_that_ingest_itself_can_complain():
    config = IngestionConfig(sources={"mine": Directory(path="no/such/place"), "python": PythonLibrary()})
    assert sources.sources_fingerprint(config)


def test_a_configuration_survives_being_a_parameter():
    config = IngestionConfig(sources={"mine": Directory(path="x", patterns=("*.txt",)), "python": PythonLibrary()})
    assert from_json(IngestionConfig, to_json(config)) == config
    assert from_json(IngestionConfig, to_json(IngestionConfig())) == IngestionConfig()


@pytest.mark.parametrize(
    "text",
    [
        '{"sources": {}}',
        '{"sources": {"a.b": {"kind": "python"}}}',
        '{"sources": {"a": {"kind": "pythons"}}}',
        '{"sources": {"a": {"kind": "directory"}}}',
        '{"sources": {"a": {"kind": "python", "limit": 0}}}',
        '{"sources": {"a": {"kind": "python", "limits": 1}}}',
        '{"sources": {"a": {"kind": "jsonl", "path": "x", "timezone": "Europe/Berlim"}}}',
        '{"sources": {"a": {"kind": "parquet", "path": "x", "timezone": "../Europe/Berlin"}}}',
        '{"sources": {"a": {"kind": "parquet", "path": "x", "ambiguous_times": "forward"}}}',
        '{"max_file_bytes": 0}',
    ],
)
def test_a_wrong_configuration_is_refused(text):
    with pytest.raises(ValueError, match="validation error"):
        from_json(IngestionConfig, text)
