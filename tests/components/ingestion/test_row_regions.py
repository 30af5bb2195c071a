import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingestion import items, rows
from components.ingestion.items import Document, Reason, Rejection
from components.ingestion.row_regions import RowRegions
from schemas import regions, tables
from schemas.regions import Region

ROW = {
    "text": "a red ball",
    "code": "ball = Ball()\nball.paint(RED)\n",
    "regions": [
        {"label": "ball", "span": [6, 10]},
        {"label": "ball", "lines": [1, 2], "modality": "code"},
        {"label": "red", "span": [2, 5], "modality": "text"},
    ],
}
OF_TEXT = (Region("ball", (6, 10, 0, 0)), Region("red", (2, 5, 0, 0)))
OF_CODE = (Region("ball", (1, 2, 0, 0)),)


@pytest.fixture
def read(tmp_path):
    """Reads one row of JSONL: the documents' regions by modality, and the rejections."""

    def read(**row):
        (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
        found = list(rows.read_jsonl(tmp_path / "rows.jsonl", max_file_bytes=100_000, license_=None))
        documents = {item.modality: tuple(item.regions) for item in found if isinstance(item, Document)}
        return documents, [item for item in found if isinstance(item, Rejection)]

    return read


def test_each_region_goes_to_the_document_that_it_is_of(read):
    assert read(**ROW) == ({"text": OF_TEXT, "code": OF_CODE}, [])


def test_boxes_go_to_the_image(read):
    row = {"text": "x", "image_base64": "iVBO", "regions": [{"label": "ball", "box": [0, 1.0, 5, 9]}]}
    assert read(**row) == ({"text": (), "image": (Region("ball", (0, 1, 5, 9)),)}, [])


@pytest.mark.parametrize("one_shape", [True, False])
def test_parquet_rows_have_the_same_regions(tmp_path, one_shape):
    row = {**ROW, "regions": ROW["regions"][::2]} if one_shape else ROW
    pq.write_table(pa.Table.from_pylist([row, {"text": "none here"}]), tmp_path / "rows.parquet")
    found = list(rows.read_parquet(tmp_path / "rows.parquet", max_file_bytes=1000, license_=None))
    assert [tuple(item.regions) for item in found] == [OF_TEXT, () if one_shape else OF_CODE, ()]


def test_regions_are_stored_with_their_record(tmp_path):
    document = Document(
        position="1", modality="text", media_type="text/plain", content=b"a red ball", key="1", regions=OF_TEXT
    )
    plain = Document(position="2", modality="text", media_type="text/plain", content=b"a ball", key="2")
    items.write("mine", "mine", [document, plain], tmp_path)
    one, other = tables.rows(tmp_path / "records")
    assert regions.from_rows(one["regions"]) == OF_TEXT
    assert other["regions"] is None


@pytest.mark.parametrize(
    ("region", "measured"),
    [
        (5, "int"),
        (None, "nothing"),
        ({}, "[]"),
        ({"label": "x"}, "['label']"),
        ({"\ud800": "x"}, "['\\ud800']"),
        ({"label": "x", "span": [0, 1], "lines": [1, 1]}, "span and lines"),
        ({"label": "x", "span": [0, 1], "modality": "image"}, "span in 'image'"),
        ({"span": [0, 1]}, "label: nothing"),
        ({"label": 5, "span": [0, 1]}, "label: int"),
        ({"label": "\ud800", "span": [0, 1]}, "label: str"),
        ({"label": "", "span": [0, 1]}, "bad_label: [0, 1]"),
        ({"label": "x" * 201, "span": [0, 1]}, "bad_label: [0, 1]"),
        ({"label": "x", "span": 5}, "span: 5"),
        ({"label": "x", "span": [0, 1, 2]}, "span: [0, 1, 2]"),
        ({"label": "x", "span": [0, 1.5]}, "span: [0, 1.5]"),
        ({"label": "x", "span": [False, True]}, "span: [False, True]"),
        ({"label": "x", "span": [0, float("inf")]}, "span: [0, inf]"),
        ({"label": "x", "span": [0, float("nan")]}, "span: [0, nan]"),
        ({"label": "x", "span": [0, 2**70]}, f"span: [0, {2**70}]"),
        ({"label": "x", "span": [0, 11]}, "outside: [0, 11]"),
        ({"label": "x", "span": [3, 3]}, "empty: [3, 3]"),
        ({"label": "x", "lines": [0, 1]}, "outside: [0, 1]"),
        ({"label": "x", "lines": [1, 3]}, "outside: [1, 3]"),
        ({"label": "x", "box": [0, 0, 1, 1]}, "no image"),
    ],
)
def test_a_wrong_region_is_rejected_alone_and_its_record_stays(read, region, measured):
    documents, [rejection] = read(**{**ROW, "regions": [*ROW["regions"], region]})
    assert documents == {"text": OF_TEXT, "code": OF_CODE}
    assert (rejection.position, rejection.reason) == ("rows.jsonl:1:regions:3", Reason.BAD_REGION)
    assert rejection.measured == measured
    assert rejection.limit


def test_a_box_that_no_image_has_room_for_is_rejected(read):
    _, [rejection] = read(image_base64="iVBO", regions=[{"label": "x", "box": [0, 0, 2**40, 1]}])
    assert rejection.measured == f"outside: [0, 0, {2**40}, 1]"


@pytest.mark.parametrize(("value", "measured"), [({"label": "x"}, "dict"), ("x", "str"), ([{}] * 1001, "1001 regions")])
def test_what_is_no_list_of_regions_is_rejected_as_a_whole(read, value, measured):
    documents, [rejection] = read(**{**ROW, "regions": value})
    assert documents == {"text": (), "code": ()}
    assert (rejection.position, rejection.measured) == ("rows.jsonl:1:regions", measured)


def test_regions_of_a_document_that_is_rejected_are_told_as_well(read):
    _, rejections = read(text=5, code="x = 1", regions=[{"label": "x", "span": [0, 1]}])
    assert [rejection.reason for rejection in rejections] == [Reason.BAD_FIELD, Reason.BAD_REGION]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "span", "box", "lines", "modality", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON | st.lists(JSON, max_size=4))
def test_whatever_a_row_says_each_region_is_taken_or_rejected(value):
    own = RowRegions(value, "here")
    content = b"some text\n"
    kept = {modality: own.taken(modality, content) for modality in ("text", "code", "image")}
    told = list(own.rejections())
    expected = len(value) if isinstance(value, list) else value is not None
    assert sum(map(len, kept.values())) + len(told) == expected
    for rejection in told:
        "".join((rejection.position, rejection.measured, rejection.limit)).encode()
