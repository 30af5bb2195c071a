import collections
import datetime
import json

from hypothesis import given
from hypothesis import strategies as st

from components.ingestion import emoji
from components.ingestion.items import Document, Reason, Rejection

TONES = ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")
POINTS = st.sampled_from(["1F44B", "1F9D1", "200D", "2764", "1F468"])


def openmoji(pack, *hexcodes, tags="wave, hand"):
    rows = [
        {
            "hexcode": hexcode,
            "annotation": f"name of {hexcode}",
            "tags": tags,
            "openmoji_tags": "drawn",
            "openmoji_date": "2018-04-18",
            "group": "people-body",
            "subgroups": "hand",
            "skintone": "",
        }
        for hexcode in hexcodes
    ]
    drawings = {f"color/svg/{hexcode}.svg": f"<svg>{hexcode}</svg>".encode() for hexcode in hexcodes}
    return pack({"data/openmoji.json": json.dumps(rows).encode(), **drawings, "black/svg/X.svg": b"<svg/>"})


def datasource(pack):
    row = {
        "name": "WAVING HAND",
        "unified": "1F44B-FE0F",
        "image": "1f44b-fe0f.png",
        "category": "People",
        "subcategory": "hand",
        "skin_variations": {"1F3FB": {"unified": "1F44B-1F3FB", "image": "1f44b-1f3fb.png"}},
    }
    images = {"img/google/64/1f44b-fe0f.png": b"png one", "img/google/64/1f44b-1f3fb.png": b"png two"}
    return pack({"emoji.json": json.dumps([row]).encode(), **images, "img/google/sheets/64.png": b"sheet"})


def read(reader, path, *, max_file_bytes=1000, limit=None):
    return list(reader(path, max_file_bytes=max_file_bytes, limit=limit))


@given(st.lists(POINTS, min_size=1, max_size=4), st.lists(st.tuples(st.integers(0, 4), st.sampled_from(TONES))))
def test_skin_tones_do_not_change_the_cluster(points, insertions):
    varied = list(points)
    for place, tone in insertions:
        varied.insert(place, tone)
    assert emoji.cluster_of("-".join(varied)) == emoji.cluster_of("-".join(points))


@given(st.lists(POINTS, min_size=1, max_size=4))
def test_the_variation_selector_does_not_change_the_key(points):
    assert emoji.key_of("-fe0f-".join(points).lower()) == "-".join(points)


def test_a_skin_tone_alone_is_a_thing_of_its_own():
    assert len({emoji.cluster_of(tone) for tone in TONES}) == len(TONES)


@given(st.sets(st.from_regex(r"1F[0-9A-F]{3}", fullmatch=True), min_size=3), st.data())
def test_two_packages_choose_the_same_emoji(keys, data):
    fewer = frozenset(data.draw(st.sets(st.sampled_from(sorted(keys)))))
    chosen = emoji.chosen(keys, 2)
    assert len(chosen) == 2
    assert chosen & fewer <= emoji.chosen(fewer, 2)


def test_openmoji_gives_dated_text_and_code(pack):
    text, code = read(emoji.read_openmoji, openmoji(pack, "2764-FE0F"))
    assert (text.modality, text.content) == ("text", b"name of 2764-FE0F\nwave, hand")
    assert (code.modality, code.language, code.content) == ("code", "svg", b"<svg>2764-FE0F</svg>")
    assert text.key == code.key == "2764"
    assert text.timestamp == code.timestamp == datetime.datetime(2018, 4, 18, tzinfo=datetime.timezone.utc)
    assert text.license == "CC-BY-SA-4.0"


def test_openmoji_without_tags_takes_the_artists(pack):
    text, _ = read(emoji.read_openmoji, openmoji(pack, "1F44B", tags=""))
    assert text.content == b"name of 1F44B\ndrawn"


def test_variants_come_along_within_the_limit():
    keys = [f"1F44{digit}{tone}" for digit in "BCDE" for tone in ("", *(f"-{tone}" for tone in TONES))]
    for limit in range(1, len(keys) + 1):
        taken = collections.Counter(emoji.cluster_of(key) for key in emoji.chosen(keys, limit))
        assert sum(taken.values()) == limit
        assert sum(count < 6 for count in taken.values()) <= 1, "at most the last thing lacks variants"


def test_the_datasource_gives_names_and_images_of_variants_too(pack):
    items = read(emoji.read_emoji_datasource, datasource(pack))
    assert {(item.key, item.modality, item.content) for item in items} == {
        ("1F44B", "text", b"WAVING HAND"),
        ("1F44B", "image", b"png one"),
        ("1F44B-1F3FB", "text", b"WAVING HAND"),
        ("1F44B-1F3FB", "image", b"png two"),
    }
    assert {item.cluster for item in items} == {"emoji:1F44B"}


def test_a_drawing_over_the_limit_is_rejected_by_name_and_the_rest_taken(pack):
    text, drawing = read(emoji.read_openmoji, openmoji(pack, "1F44B"), max_file_bytes=10)
    assert isinstance(text, Document)
    assert drawing == Rejection("color/svg/1F44B.svg", Reason.TOO_LARGE, "16 bytes", "10 bytes", "code")
