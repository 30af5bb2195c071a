import json
import logging

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.decontamination import ngrams
from components.cleaning.decontamination.benchmarks import Item
from components.cleaning.decontamination.config import Decontamination
from components.cleaning.decontamination.ngrams import Index
from components.cleaning.decontamination.reasons import Reason
from components.cleaning.faults import Fault
from schemas.errors import ConfigError, SourceError

QUESTION = "Which of the three rivers that meet below the old market town rises in the narrowest valley of all?"
SHORT = "Who built the seven bridges of the town?"


def index(*texts, **limits):
    items = [Item("bench.jsonl", f"line {number}", text) for number, text in enumerate(texts, 1)]
    return Index(items, Decontamination(**limits))


WORDS = st.lists(
    st.sampled_from(["river", "Valley", "town", "BRIDGE", "mill", "été", "河", "x1", "İ", "Σ", "ß"]),
    min_size=13,
    max_size=60,
)
SEPARATORS = st.sampled_from([" ", ", ", "\n", " - ", "... "])


@settings(max_examples=150, deadline=None)
@given(WORDS, st.data())
def test_thirteen_words_in_common_are_always_found(words, data):
    start = data.draw(st.integers(0, len(words) - 13))
    part = words[start : start + 13]
    record = "".join(
        word + data.draw(SEPARATORS) for word in [*data.draw(WORDS), *part, *data.draw(st.just([]) | WORDS)]
    )
    fault = index("something else, which is long enough to be looked for in any text", " ".join(words)).fault(record)
    assert fault is not None and fault.reason is Reason.IN_BENCHMARK


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 12), st.integers(0, 20), st.integers(0, 20))
def test_twelve_words_in_common_are_not_enough(shared, before, after):
    theirs = [f"b{number}" for number in range(20)]
    record = [*(f"r{number}" for number in range(before)), *theirs[3 : 3 + shared], *(f"s{n}" for n in range(after))]
    assert index(" ".join(theirs)).fault(" ".join(record)) is None


def test_the_fault_names_the_benchmark_and_the_item():
    found = index("another question that nobody ever asked before, as far as anyone can tell today", QUESTION)
    fault = found.fault(f"He asked: {QUESTION.upper().replace(' ', '  ')} Nobody knew.")
    assert fault == Fault(Reason.IN_BENCHMARK, "13 words in common with bench.jsonl line 2", "12 words in common")


def test_case_and_punctuation_do_not_matter():
    assert index(QUESTION).fault(QUESTION.lower().replace(" ", " - ").replace("?", "")) is not None


def test_case_does_not_matter_in_any_alphabet():
    text = "Ένα ΠΟΤΑΜΙ Река ÉTÉ Straße " * 3
    assert index(text).fault(text.lower()) is not None
    assert index(text.lower()).fault(text) is not None


def test_a_short_question_counts_when_it_occurs_whole():
    found = index(SHORT)
    assert found.fault(f"He asked: {SHORT} Nobody knew.").measured == "8 words in common with bench.jsonl line 1"
    assert found.fault(SHORT.replace("Who built", "Who painted")) is None
    assert found.fault("built the seven bridges of the town") is None


def test_what_is_too_short_is_counted_and_not_looked_for():
    found = index("Who built them?", SHORT)
    assert found.too_short == 1
    assert found.fault("Who built them?") is None
    assert index("Who built them?", min_ngram=3).fault("Nobody knows who built them") is not None


def test_many_texts_are_answered_as_each_alone():
    found = index(QUESTION, SHORT)
    texts = ["", QUESTION, "no words in common", SHORT, "\ud800", QUESTION[20:], "a" * 1000]
    assert found.faults(texts) == [found.fault(text) for text in texts]
    assert [fault is not None for fault in found.faults(texts)] == [False, True, False, True, False, True, False]


def test_equal_hashes_do_not_reject(monkeypatch):
    """With hashes of one bit, everything is a suspect and only the comparison decides."""
    whole = ngrams.shingle

    def coarse(texts, words):
        found = whole(texts, words)
        return type(found)(found.hashes & 1, found.offsets)

    monkeypatch.setattr(ngrams, "shingle", coarse)
    found = index(
        f"{QUESTION} And another one that is as long.",
        SHORT,
        "Last of all a question of thirteen words or more, which is theirs too",
    )
    assert found.fault("Before it: last of all a question of thirteen words or more, which is theirs too") is not None
    assert found.fault("a text of more than thirteen words has many sequences, but none of them is theirs") is None
    assert found.fault(f"x {QUESTION}") is not None


def test_without_benchmarks_there_is_no_index():
    assert ngrams.index_of(Decontamination()) is None


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_benchmarks_are_read_from_json_lines_parquet_and_text(tmp_path):
    lines = [json.dumps({"id": 1, "question": "q " * 20}), "", json.dumps({"options": ["no", QUESTION, 3]})]
    pq.write_table(pa.table({"text": ["x " * 20, QUESTION], "n": [1, 2]}), tmp_path / "b.parquet")
    places = {
        write(tmp_path / "b.jsonl", "\n".join(lines)): "line 3",
        str(tmp_path / "b.parquet"): "row 2",
        write(tmp_path / "b.txt", f"Title\n\n\n{QUESTION.replace(' of ', chr(10) + 'of ')}\n"): "line 4",
    }
    for path, place in places.items():
        fault = ngrams.index_of(Decontamination(benchmarks=(path,))).fault(f"Asked: {QUESTION}")
        assert fault.measured == f"13 words in common with {path} {place}"


def test_only_named_fields_are_read(tmp_path):
    path = write(tmp_path / "b.jsonl", json.dumps({"question": QUESTION, "context": SHORT}))
    found = ngrams.index_of(Decontamination(benchmarks=(path,), fields=("context",)))
    assert found.fault(QUESTION) is None
    assert found.fault(SHORT) is not None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.jsonl", None, "no such file"),
        ("b.jsonl", '{"a": "b"}\n{"a', "b.jsonl, line 2: not JSON"),
        ("b.jsonl", "[1]", "b.jsonl, line 1: not a JSON object"),
        ("b.jsonl", "[" * 100_000, "b.jsonl, line 1: not JSON"),
        ("b.jsonl", "{}", "no text in this benchmark in the fields question"),
        ("b.txt", b"\xff", "not UTF-8 at offset 0"),
        ("b.txt", "\n \n", "no text in this benchmark"),
        ("b.parquet", b"PAR1 cut", "not a whole Parquet file"),
    ],
)
def test_a_missing_or_corrupt_benchmark_is_named_with_a_remedy(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        write(path, content)
    with pytest.raises(SourceError, match=said) as caught:
        ngrams.index_of(Decontamination(benchmarks=(str(path),), fields=("question",)))
    assert name in str(caught.value)
    assert caught.value.remedy


def test_an_unknown_kind_of_benchmark_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'\.pkl'"):
        ngrams.index_of(Decontamination(benchmarks=(write(tmp_path / "b.pkl", "x"),)))


def test_a_changed_benchmark_is_read_again_and_has_another_digest(tmp_path):
    path = write(tmp_path / "b.txt", QUESTION)
    config = Decontamination(benchmarks=(path,))
    before = ngrams.file_digest(path)
    assert ngrams.index_of(config).fault(QUESTION) is not None
    write(tmp_path / "b.txt", "Another question, with other words than the one that stood here a moment ago.")
    assert ngrams.index_of(config).fault(QUESTION) is None
    assert ngrams.file_digest(path) != before
    with pytest.raises(SourceError):
        ngrams.file_digest(str(tmp_path / "gone.txt"))


def test_texts_that_are_too_short_are_told_in_the_log(tmp_path, caplog):
    path = write(tmp_path / "b.txt", f"Too short.\n\n{QUESTION}")
    with caplog.at_level(logging.WARNING):
        ngrams.index_of(Decontamination(benchmarks=(path,)))
    assert "1 of 2 benchmark texts have fewer than 8 words" in caplog.text
