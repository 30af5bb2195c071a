import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.alignment.regions import RecordPart, RegionLink, of_sample
from components.cleaning.images import encode
from schemas import records, regions, tables
from schemas.regions import Region

IMAGE = encode(Image.new("RGB", (30, 20)))
CODE = b"ball = Ball()\nball.paint(RED)\nball.draw()\n"


def text(content, *own, record_id="text"):
    return RecordPart(record_id, "text", content.encode(), own)


def image(*own, content=IMAGE):
    return RecordPart("image", "image", content, own)


def code(*own):
    return RecordPart("code", "code", CODE, own)


def span(label, start, end):
    return Region(label, (start, end, 0, 0))


def labelled(sample):
    return [
        (sample.regions[link.one].modality, sample.regions[link.other].modality, sample.regions[link.one].label)
        for link in sample.links
    ]


def test_regions_of_equal_labels_are_linked_across_modalities():
    sample = of_sample(
        [
            text("a red ball", span("ball", 6, 10), span("red", 2, 5)),
            image(Region("ball", (3, 4, 9, 12))),
            code(span("ball", 1, 3), span("red", 2, 2), span("draw", 3, 3)),
        ]
    )
    assert [(region.modality, region.label) for region in sample.regions] == [
        ("text", "red"),
        ("text", "ball"),
        ("image", "ball"),
        ("code", "ball"),
        ("code", "red"),
        ("code", "draw"),
    ]
    assert labelled(sample) == [
        ("text", "code", "red"),
        ("text", "image", "ball"),
        ("text", "code", "ball"),
        ("image", "code", "ball"),
    ]
    assert (sample.ambiguous, sample.dropped) == (0, {})


def test_labels_that_occur_as_often_are_linked_in_order():
    boxes = [Region("ball", (20, 0, 25, 9)), Region("ball", (0, 9, 9, 19)), Region("ball", (0, 0, 9, 9))]
    sample = of_sample(
        [text("one two three", span("ball", 8, 13), span("ball", 0, 3), span("ball", 4, 7)), image(*boxes)]
    )
    assert [region.bounds for region in sample.regions[3:]] == [(0, 0, 9, 9), (20, 0, 25, 9), (0, 9, 9, 19)]
    assert sample.links == (RegionLink(0, 3), RegionLink(1, 4), RegionLink(2, 5))


def test_labels_that_occur_unequally_often_are_not_linked_but_counted():
    sample = of_sample(
        [
            text("one two three", span("ball", 0, 3), span("ball", 4, 7)),
            image(Region("ball", (0, 0, 9, 9))),
            code(span("ball", 1, 1), span("only here", 2, 2)),
        ]
    )
    assert labelled(sample) == [("image", "code", "ball")]
    assert sample.ambiguous == 4
    assert len(sample.regions) == 5


def test_regions_of_one_modality_are_not_linked():
    assert of_sample([text("one two", span("ball", 0, 3), span("ball", 4, 7))]).links == ()


def test_spans_lie_in_the_text_that_several_texts_are_joined_to():
    parts = [
        text("\U0001f600 smile", span("smile", 2, 7), record_id="a"),
        text("no region", record_id="b"),
        text("grinning face", span("face", 9, 13), record_id="c"),
    ]
    joined = "\n".join(part.content.decode() for part in parts)
    found = {region.label: (joined[slice(*region.bounds[:2])], region.record_id) for region in of_sample(parts).regions}
    assert found == {"smile": ("smile", "a"), "face": ("face", "c")}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (text("abc", span("x", 1, 4)), "outside"),
        (text("abc", span("x", 2, 2)), "empty"),
        (text("abc", span("", 1, 2)), "bad_label"),
        (text("abc", Region("x", (1, 2, 3, 4))), "malformed"),
        (text("abc", span("x", 1, 2), span("x", 1, 2)), "duplicate"),
        (code(span("x", 1, 4)), "outside"),
        (code(span("x", 0, 1)), "outside"),
        (image(Region("x", (0, 0, 31, 20))), "outside"),
        (image(Region("x", (0, 0, 20, 30))), "outside"),
    ],
)
def test_what_does_not_lie_in_its_content_is_dropped_and_counted(part, reason):
    sample = of_sample([part])
    assert sample.dropped == {reason: 1}
    assert len(sample.regions) == len(part.regions) - 1


def test_the_content_of_an_image_without_regions_is_not_read():
    assert of_sample([image(content=b"not read")]).to_rows() is None


TEXTS = st.lists(st.text(st.sampled_from("ab é\U0001f600\n"), min_size=1, max_size=12), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.data())
def test_every_region_is_kept_in_its_place_or_counted(contents, data):
    bounds = st.tuples(st.integers(-2, 14), st.integers(-2, 14), st.just(0), st.just(0))
    labels = st.sampled_from(["x", "y", ""])
    own = st.lists(st.builds(Region, labels, bounds), max_size=4)
    parts = [text(content, *data.draw(own), record_id=str(number)) for number, content in enumerate(contents)]
    parts += [code(*data.draw(own)), image(*data.draw(own))]
    sample = of_sample(parts)
    assert len(sample.regions) + sum(sample.dropped.values()) == sum(len(part.regions) for part in parts)
    joined = "\n".join(contents)
    for region in sample.regions:
        size = {"text": (len(joined),), "code": (3,), "image": (30, 20)}[region.modality]
        assert regions.check(Region(region.label, region.bounds), region.modality, size) is None
        if region.modality == "text":
            start, end = region.bounds[:2]
            content = contents[int(region.record_id)]
            assert joined[start:end] in content, "never across two texts"
    for link in sample.links:
        one, other = sample.regions[link.one], sample.regions[link.other]
        assert one.label == other.label and link.one < link.other and one.modality != other.modality
    pairs = [(link.one, sample.regions[link.other].modality) for link in sample.links]
    assert len(set(pairs)) == len(pairs), "one to one"
    assert sample == of_sample(
        [part.__class__(part.record_id, part.modality, part.content, part.regions[::-1]) for part in parts]
    ), "whatever the order of the regions"


def test_the_rows_are_those_of_the_schema_of_samples(tmp_path):
    sample = of_sample([text("a red ball", span("ball", 6, 10)), image(Region("ball", (3, 4, 9, 12)))])
    row = {
        "sample_id": "1",
        "text": "a red ball",
        "source": "mine",
        "record_ids": ["text", "image"],
        "method": "key",
        "score": 1.0,
        "cluster": "1",
        "split": "train",
        "weight": 1.0,
        "regions": sample.to_rows(),
        "attributes": {},
    }
    tables.write(tmp_path, [tables.from_rows([row], records.SAMPLE)], records.SAMPLE)
    [back] = tables.rows(tmp_path)
    assert back["regions"] == [
        {"record_id": "text", "modality": "text", "label": "ball", "bounds": [6, 10, 0, 0], "link": 0},
        {"record_id": "image", "modality": "image", "label": "ball", "bounds": [3, 4, 9, 12], "link": 0},
    ]


def test_an_image_s_size_is_that_of_its_header():
    file = io.BytesIO()
    Image.new("RGB", (5, 50)).save(file, "PNG")
    assert of_sample([image(Region("x", (0, 0, 5, 50)), content=file.getvalue()[:60])]).dropped == {}
