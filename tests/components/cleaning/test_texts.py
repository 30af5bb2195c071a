import unicodedata

import ftfy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.cleaning import texts
from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault, Reason
from components.cleaning.texts import standard_code, standard_text

LOOSE = CleaningConfig(min_text_bytes=0, min_code_bytes=0)
ANY = CleaningConfig(min_text_bytes=1, min_code_bytes=1)
TANGLED = st.text(st.sampled_from("aé ́\r\n\t\0\ufeffÃ©â€\u200b“ﬁ&amp;\x1b[0m\x85")) | st.text()


def text(raw, config=LOOSE):
    result = standard_text(raw if isinstance(raw, bytes) else raw.encode(), config)
    return result.decode() if isinstance(result, bytes) else result


def code(raw, config=LOOSE):
    result = standard_code(raw if isinstance(raw, bytes) else raw.encode(), config)
    return result.decode() if isinstance(result, bytes) else result


def test_broken_encodings_are_mended():
    assert text("The cafÃ© â€” closed") == "The café — closed"


def test_mending_can_be_switched_off():
    assert text("cafÃ©", CleaningConfig(mend_text=False)) == "cafÃ©"


def test_texts_are_composed_and_have_one_kind_of_line_end():
    assert text("\ufeff cafe\u0301\r\nbar\rend \n") == "café\nbar\nend"


def test_how_somebody_chose_to_write_is_left_alone():
    chosen = "“quotes” ﬁne ｗｉｄｅ &amp; <b>"
    assert text(chosen) == chosen


def test_code_keeps_whatever_its_language_could_care_about():
    kept = 'if x:\n\ty = "cafe\u0301 cafÃ© ﬁ"  \n\n'
    assert code("\ufeff" + kept.replace("\n", "\r\n")) == kept


def test_what_is_not_utf8_is_rejected_with_its_place():
    assert text(b"caf\xe9 x") == Fault(Reason.NOT_UTF8, "byte 0xe9 at offset 3", "UTF-8")
    assert code(b"\xff") == Fault(Reason.NOT_UTF8, "byte 0xff at offset 0", "UTF-8")


def test_binary_is_not_code():
    assert code("ELF\0").reason is Reason.BINARY


def test_empty_and_tiny_records_are_rejected_with_measure_and_limit():
    assert text(" \n\t\ufeff").reason is Reason.EMPTY
    assert code(" \n\t").reason is Reason.EMPTY
    assert text(" é ", CleaningConfig(min_text_bytes=3)) == Fault(Reason.TOO_SHORT, "2 bytes", "3 bytes")
    assert code("x=1", CleaningConfig(min_code_bytes=4)) == Fault(Reason.TOO_SHORT, "3 bytes", "4 bytes")


@example("\rÂ 0", True)
@example(" \ufeff x", False)
@given(TANGLED, st.booleans())
def test_a_standard_text_is_standard(raw, mend):
    config = CleaningConfig(min_text_bytes=1, mend_text=mend)
    once = text(raw, config)
    if not isinstance(once, Fault):
        assert text(once, config) == once
        assert unicodedata.is_normalized("NFC", once)
        assert "\r" not in once and once == once.strip()


@given(TANGLED)
def test_a_standard_code_is_standard(raw):
    once = code(raw, ANY)
    if not isinstance(once, Fault):
        assert code(once, ANY) == once
        assert "".join(once.split()) == "".join(raw.lstrip("\ufeff").split()), "only white space changes"


@settings(max_examples=300)
@given(
    st.text(
        st.sampled_from("ab \t\n\x07\x1b[31mé\x85\u2028\u201c") | st.characters(exclude_categories=["Cs"]), max_size=40
    )
)
def test_mending_only_unusual_lines_gives_what_mending_all_does(text):
    text = text.replace("\r", "\n")
    assert texts._mended(text) == ftfy.fix_text(text, texts._MENDING)


@pytest.mark.parametrize("standard", [texts.standard_text, texts.standard_code])
def test_a_document_over_the_limit_is_rejected_before_it_is_read(standard):
    config = CleaningConfig(max_document_bytes=100)
    assert standard(b"\xff" * 101, config) == Fault(Reason.TOO_LARGE, "101 bytes", "100 bytes")
    assert standard(b"x" * 100, config) == b"x" * 100
