import concurrent.futures
import itertools
import pathlib
import random
import sysconfig
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.sensitive import trigger
from components.cleaning.sensitive.config import Sensitive
from components.cleaning.sensitive.detection import RULES, find, find_fast
from components.cleaning.sensitive.findings import Finding, Kind, plain_characters, resolve
from components.cleaning.sensitive.secrets import entropy_bits
from components.cleaning.sensitive.trigger import Scanner
from tests.components.cleaning.sensitive.examples import INNOCENT, VALID

CONFIG = Sensitive()
PIECES = st.sampled_from(
    [value for _, _, value in VALID]
    + [around for _, around, _ in VALID]
    + [word for line in INNOCENT for word in line.split(" ")]
    + list("0123456789 -+()./:@=\n\"'<>,éſK\u3000\u2013１９\ud800")
)
MIXED = st.lists(PIECES | st.text(max_size=4), max_size=12).map(lambda pieces: " ".join(pieces)) | st.lists(
    PIECES, max_size=12
).map("".join)


@pytest.mark.parametrize(("kind", "around", "value"), VALID)
def test_a_valid_value_is_found_where_it_is(kind, around, value):
    text = around.format(value)
    start = text.index(value)
    assert find(text, CONFIG) == ((Kind(kind), start, start + len(value)),)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_value_is_not_found(text):
    assert [(f.kind.value, text[f.start : f.end]) for f in find(text, CONFIG)] == []


def test_a_phone_number_without_country_code_is_found_in_the_regions_asked_for():
    text = "see 01 42 68 53 00, or"
    assert find(text, Sensitive(regions=("FR",)))
    assert not find(text, Sensitive(regions=("US",)))
    assert find("see +33 1 42 68 53 00, or", Sensitive(regions=()))


def test_in_code_digits_in_one_run_are_no_phone_and_names_are_no_secret():
    text = "x = 0142685300; password = decode_base64_v8Tq2mWz;"
    assert [f.kind for f in find(text, CONFIG)] == [Kind.SECRET, Kind.PHONE][::-1]
    assert find(text, CONFIG, code=True) == ()
    assert [f.kind for f in find('password = "v8Tq!2mWz#k1"', CONFIG, code=True)] == [Kind.SECRET]


def test_a_chinese_number_in_one_run_is_found_alone_in_its_cell_or_among_chinese():
    for text in (
        "13812345678",
        "| 13812345678 |",
        "Wang, 13812345678, Beijing",
        "- 13812345678\n",
        "打 13812345678 吧",
    ):
        assert [f.kind for f in find(text, CONFIG)] == [Kind.PHONE], text
    for text in ("at step 13812345678 from", "[1, 944309, 13812345678]", "return 13812345678 + x"):
        assert find(text, CONFIG) == (), text


def test_a_number_of_things_is_no_phone_number_whatever_word_stands_before():
    assert find("telephone calls: 637 747 378 minutes; mobile: 2127365000 users; call after 2127365000", CONFIG) == ()
    assert [f.kind for f in find("mobile: 2127365000, users", CONFIG)] == [Kind.PHONE]


def test_a_line_break_ends_the_words_that_count():
    text = "Das Telefon klingelte.\n20200717090454"
    assert find(text, CONFIG) == find_fast(text, CONFIG) == ()


def test_a_card_is_found_behind_other_digits():
    for text in ("20240131 4111111111111111 paid", "31.01.2024 4111 1111 1111 1111", "at 10:20:30 378282246310005"):
        assert [f.kind for f in find(text, CONFIG)] == [Kind.CREDIT_CARD], text
    for text in ("dump 0123 4111 1111 1111 1111 end", "dump 4111 1111 1111 1111 0123 end"):
        assert find(text, CONFIG) == (), text


def test_the_limit_of_entropy_decides_what_a_secret_is():
    assert entropy_bits("aaaa") == 0 and entropy_bits("abab") == 1 and entropy_bits("abcdefgh") == 3
    text = 'password = "abcab9cab9"'
    assert find(text, Sensitive(min_secret_bits=1.0)) and not find(text, Sensitive(min_secret_bits=2.5))


def test_of_overlapping_findings_the_more_telling_kind_stands():
    email, phone, card = (
        Finding(Kind.EMAIL, 4, 9),
        Finding(Kind.PHONE, 0, 5),
        Finding(Kind.CREDIT_CARD, 9, 12),
    )
    for order in itertools.permutations([phone, card, email, phone]):
        assert resolve(order) == (email, card)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 30), st.integers(1, 9))))
def test_what_stands_does_not_overlap_and_leaves_nothing_apart(spans):
    findings = [Finding(kind, start, start + length) for kind, start, length in spans]
    standing = resolve(findings)
    assert all(a.end <= b.start for a, b in itertools.pairwise(standing))
    assert all(any(f.start < s.end and s.start < f.end for s in standing) for f in findings)


@given(st.text())
def test_plain_characters_move_no_position(text):
    assert len(plain_characters(text)) == len(text)


@settings(max_examples=300, deadline=None)
@given(MIXED, st.booleans())
def test_the_fast_way_finds_what_the_plain_rules_find(text, code):
    assert find_fast(text, CONFIG, code=code) == find(text, CONFIG, code=code)


def _library_texts(count):
    """Pieces of the standard library's sources, whose docstrings are its documentation."""
    paths = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py"))
    paths += sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("email/*.py"))
    for path in random.Random(7).sample(paths, 40):
        text = path.read_text(errors="replace")
        yield from (text[place : place + 1100] for place in range(0, min(len(text), 1100 * count // 40), 1100))


def test_the_fast_way_finds_in_library_sources_what_the_plain_rules_find():
    texts = list(_library_texts(800))
    found = [find_fast(text, CONFIG) for text in texts]
    assert found == [find(text, CONFIG) for text in texts]
    assert len(texts) > 400 and sum(map(bool, found)) > 3


def test_most_texts_are_spared_all_rules():
    scanner = Scanner(RULES)
    texts = list(_library_texts(800))
    assert sum(bool(scanner(text)) for text in texts) < 0.25 * len(texts)


def test_every_rule_is_reached_by_its_triggers():
    scanner = Scanner(RULES)
    reached = {number for _, around, value in VALID for number in scanner(plain_characters(around.format(value)))}
    assert reached == set(range(len(RULES)))


def test_many_threads_share_one_scanner():
    texts = [around.format(value) for _, around, value in VALID] * 4
    expected = [find(text, CONFIG) for text in texts]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda text: find_fast(text, CONFIG), texts)) == expected


def test_without_hyperscan_all_rules_run(monkeypatch, caplog):
    monkeypatch.setattr(trigger, "hyperscan", None)
    assert Scanner(RULES)("nothing here") == list(range(len(RULES)))
    assert "hyperscan is not installed" in caplog.text


HOSTILE = [
    *[
        "a",
        "1",
        "1 ",
        "@",
        "a@",
        "a.",
        "1.",
        "1:",
        ":",
        "(",
        "0",
        "-",
        "+1 ",
        "'",
        "\n",
        "１",
        "<EMAIL>",
        "tel ",
        "tel 1 ",
    ],
    *[
        "030/",
        "0303 ",
        "AB12",
        "DE89 ",
        "eyJaaaaaaaaaa.",
        "://a:",
        "[at]",
        "a [at] ",
        " at a dot ",
        "password",
        "password=",
    ],
    *[
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nabcd",
        'token="abc123DEF456" ',
        "key=",
        "a1b2c3",
    ],
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_length_and_not_faster(unit):
    def spent(length):
        text = unit * (length // len(unit))
        start = time.process_time()
        find(text, CONFIG)
        return time.process_time() - start

    short = min(spent(10_000) for _ in range(3))
    assert spent(80_000) < 8 * 4 * short + 0.05
