import base64
import datetime
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion.items import Document, Reason
from components.ingestion.rows import read_jsonl, read_parquet
from schemas.errors import SourceError
from schemas.times import LocalTimes

UTC = datetime.timezone.utc


@pytest.fixture
def jsonl(tmp_path):
    """Writes rows (dicts, or lines as bytes) and reads them back."""

    def read(*rows, max_file_bytes=1000, **options):
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        (tmp_path / "rows.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        return list(read_jsonl(tmp_path / "rows.jsonl", max_file_bytes=max_file_bytes, license_="MIT", **options))

    return read


def test_a_row_gives_a_document_a_modality(jsonl, tmp_path):
    (tmp_path / "soup.png").write_bytes(b"png")
    items = jsonl(
        {"text": "Soup", "image": "soup.png", "code": "boil()", "key": 7, "cluster": "soups", "language": "python"}
    )
    assert {(item.modality, item.content, item.language) for item in items} == {
        ("text", b"Soup", None),
        ("image", b"png", None),
        ("code", b"boil()", "python"),
    }
    assert {(item.key, item.cluster, item.license) for item in items} == {("7", "soups", "MIT")}
    assert len({item.position for item in items}) == 3


def test_rows_without_a_key_stay_apart(jsonl):
    assert [item.key for item in jsonl({"text": "one"}, {"text": "two"})] == ["rows.jsonl:1", "rows.jsonl:2"]


def test_an_image_may_come_in_base64(jsonl):
    [item] = jsonl({"image_base64": base64.b64encode(b"png").decode()})
    assert (item.modality, item.content) == ("image", b"png")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-01T12:00:00Z", datetime.datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01T12:00:00+02:00", datetime.datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01", datetime.datetime(2024, 5, 1, tzinfo=UTC)),
        (0, datetime.datetime(1970, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_timestamps_are_utc(jsonl, value, expected):
    [item] = jsonl({"text": "x", "timestamp": value})
    assert item.timestamp == expected


def test_a_time_without_an_offset_is_of_the_sources_zone_and_an_offset_wins(jsonl):
    rows = [
        {"text": "x", "timestamp": value} for value in ("2024-05-01T12:00:00", "2024-05-01", "2024-05-01T12:00:00Z", 0)
    ]
    items = jsonl(*rows, local_times=LocalTimes("America/New_York"))
    assert [item.timestamp for item in items] == [
        datetime.datetime(2024, 5, 1, 16, tzinfo=UTC),
        datetime.datetime(2024, 5, 1, 4, tzinfo=UTC),
        datetime.datetime(2024, 5, 1, 12, tzinfo=UTC),
        datetime.datetime(1970, 1, 1, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("time", "fault"),
    [("2024-10-27T02:30:00", "comes twice"), ("2024-03-31T02:30:00", "never comes")],
)
def test_a_row_with_a_doubtful_time_is_rejected_with_time_zone_and_remedy(jsonl, time, fault):
    rejected, taken = jsonl(
        {"text": "x", "timestamp": time},
        {"text": "x", "timestamp": time + "+01:00"},
        local_times=LocalTimes("Europe/Berlin"),
    )
    assert (rejected.position, rejected.reason) == ("rows.jsonl:1", Reason.BAD_FIELD)
    assert rejected.measured == f"timestamp: {time} {fault} in Europe/Berlin"
    assert "ambiguous_times" in rejected.limit
    assert "missing_times" in rejected.limit
    assert taken.content == b"x"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{broken", Reason.NOT_JSON),
        (b"[1, 2]", Reason.NOT_JSON),
        (b"[" * 100_000, Reason.TOO_LARGE),
        (b"[" * 3_000, Reason.NOT_JSON),
        (b'{"text": "caf\xe9"}', Reason.NOT_UTF8),
        ({"text": "\ud800"}, Reason.NOT_UTF8),
        ({"text": "x" * 1001}, Reason.TOO_LARGE),
        ({"text": 5}, Reason.BAD_FIELD),
        ({"text": "x", "key": [1]}, Reason.BAD_FIELD),
        ({"text": "x", "timestamp": "yesterday"}, Reason.BAD_FIELD),
        ({"text": "x", "timestamp": True}, Reason.BAD_FIELD),
        ({"text": "x", "timestamp": 1e300}, Reason.BAD_FIELD),
        ({"image_base64": "***"}, Reason.BAD_FIELD),
        ({"image": 5}, Reason.BAD_FIELD),
        ({"image": "missing.png"}, Reason.UNREADABLE),
        ({"image": "../secret.png"}, Reason.LINK),
        ({"image": "link.png"}, Reason.LINK),
        ({"image": "nul\0.png"}, Reason.BAD_FIELD),
        ({"note": "no content"}, Reason.NO_CONTENT),
    ],
)
def test_a_bad_row_is_rejected_by_its_line_and_the_others_are_taken(jsonl, tmp_path, row, reason):
    (tmp_path.parent / "secret.png").write_bytes(b"secret")
    (tmp_path / "link.png").symlink_to(tmp_path.parent / "secret.png")
    first, bad, last = jsonl({"text": "first"}, row, {"text": "last"})
    assert isinstance(first, Document) and isinstance(last, Document)
    assert bad.reason is reason
    assert bad.position.startswith("rows.jsonl:2")
    assert last.key == "rows.jsonl:3"


def test_a_bad_field_does_not_take_the_others_along(jsonl):
    text, image = jsonl({"text": "Soup", "image": "missing.png"})
    assert (text.modality, text.content) == ("text", b"Soup")
    assert image.position == "rows.jsonl:1:image"


def test_a_directory_gives_all_its_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "x"}\n')
    items = read_jsonl(tmp_path, max_file_bytes=100, license_=None)
    assert [item.position for item in items] == ["a.jsonl:1:text", "b.jsonl:1:text"]


@pytest.mark.parametrize("read", [read_jsonl, read_parquet])
@pytest.mark.parametrize("name", ["missing", "."])
def test_a_missing_file_or_empty_directory_is_named(tmp_path, read, name):
    with pytest.raises(SourceError) as caught:
        list(read(tmp_path / name, max_file_bytes=100, license_=None))
    assert caught.value.where == str(tmp_path / name)


def test_parquet_has_the_same_columns(tmp_path):
    when = datetime.datetime(2024, 5, 1, 12)
    table = pa.table(
        {
            "text": ["Soup", None],
            "image": [b"png", None],
            "code": [None, "boil()"],
            "timestamp": pa.array([when, None], pa.timestamp("us")),
            "other": [1, 2],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    items = list(read_parquet(tmp_path / "rows.parquet", max_file_bytes=100, license_=None))
    assert [(item.position, item.content) for item in items] == [
        ("rows.parquet:1:text", b"Soup"),
        ("rows.parquet:1:image", b"png"),
        ("rows.parquet:2:code", b"boil()"),
    ]
    assert items[0].timestamp == when.replace(tzinfo=UTC)


def test_images_may_be_structs_with_bytes(tmp_path):
    pq.write_table(pa.table({"image": [{"bytes": b"png", "path": "x.png"}]}), tmp_path / "rows.parquet")
    [item] = read_parquet(tmp_path / "rows.parquet", max_file_bytes=100, license_=None)
    assert (item.modality, item.content) == ("image", b"png")


def test_a_broken_parquet_file_is_rejected_by_name_and_the_others_are_taken(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    pq.write_table(pa.table({"text": ["Soup"]}), tmp_path / "b.parquet")
    broken, taken = read_parquet(tmp_path, max_file_bytes=100, license_=None)
    assert (broken.position, broken.reason) == ("a.parquet:1", Reason.UNREADABLE)
    assert taken.content == b"Soup"


@pytest.mark.parametrize(
    ("kind", "hour"),
    [
        (pa.timestamp("us"), 14),
        (pa.timestamp("ns"), 14),
        (pa.timestamp("us", "Europe/Berlin"), 12),
        (pa.timestamp("us", "Nowhere/Land"), 12),
        (pa.timestamp("ms", "+02:00"), 12),
    ],
)
def test_times_of_parquet_are_instants_if_they_have_a_zone_whatever_its_name(tmp_path, kind, hour):
    noon = datetime.datetime(2024, 11, 3, 12, tzinfo=UTC)
    count = int(noon.timestamp()) * {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[kind.unit]
    table = pa.table({"text": ["Soup", "Bread"], "timestamp": pa.array([count, None], kind)})
    pq.write_table(table, tmp_path / "rows.parquet", version="2.6")
    soup, bread = read_parquet(
        tmp_path / "rows.parquet", max_file_bytes=100, license_=None, local_times=LocalTimes("America/Noronha")
    )
    assert soup.timestamp == noon.replace(hour=hour)
    assert bread.timestamp is None


def test_a_time_beyond_the_calendar_rejects_its_row_alone(tmp_path):
    table = pa.table({"text": ["Soup", "Bread"], "timestamp": pa.array([2**62, 0], pa.timestamp("us", "UTC"))})
    pq.write_table(table, tmp_path / "rows.parquet")
    rejected, taken = read_parquet(tmp_path / "rows.parquet", max_file_bytes=100, license_=None)
    assert (rejected.position, rejected.reason) == ("rows.parquet:1", Reason.BAD_FIELD)
    assert f"{2**62} us since 1970" in rejected.measured
    assert taken.content == b"Bread"
