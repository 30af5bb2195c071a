"""The tokeniser gives back every text, says the same inside and outside a graph, and learns from what it may."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.tokenization import vocabulary
from components.tokenization.config import TokenizationConfig
from components.tokenization.executor import Executor
from components.transform import preprocessing
from schemas import artifacts, tables
from schemas.errors import SourceError
from schemas.records import SAMPLE
from serving import sequence
from tests.fixtures import exports
from tests.fixtures.standin import CORPUS

CONFIG = TokenizationConfig(vocabulary_size=600)
AWKWARD = [
    "\t",
    "  ",
    "\n\n",
    "\r\n",
    "\u2581",
    "\u2581a",
    "😀",
    "<code>",
    "<0x41>",
    "<s>",
    "\x00",
    "\ufeff",
    "é",
    "\ufffd",
]
texts = st.lists(st.one_of(st.text(max_size=8), st.sampled_from(AWKWARD + CORPUS[:9])), max_size=8).map("".join)


def sample(number: int, **fields: Any) -> dict[str, Any]:
    return {"sample_id": f"s{number}", "split": "train", "parent": None, "text": None, "code": None} | fields


SAMPLES = [sample(n, **{"text" if n % 2 else "code": line}) for n, line in enumerate(CORPUS)]


@pytest.fixture(scope="module")
def model() -> bytes:
    return vocabulary.learn(SAMPLES, CONFIG)


@pytest.fixture(scope="module")
def processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=model)


@pytest.fixture(scope="module")
def in_graph(model: bytes) -> Any:
    import tensorflow_text

    return tensorflow_text.SentencepieceTokenizer(model)


@settings(max_examples=300, deadline=None)
@given(text=texts)
def test_every_text_comes_back(processor: sentencepiece.SentencePieceProcessor, text: str) -> None:
    assert processor.decode(processor.encode(text)) == text


@settings(max_examples=50, deadline=None)
@given(batch=st.lists(texts, min_size=1, max_size=6))
def test_a_graph_finds_the_same_tokens(
    processor: sentencepiece.SentencePieceProcessor, in_graph: Any, batch: list[str]
) -> None:
    assert in_graph.tokenize(tf.constant([text.encode() for text in batch])).to_list() == processor.encode(batch)


@settings(max_examples=50, deadline=None)
@given(text=texts, limit=st.integers(1, 12))
def test_bytes_of_a_cut_text_are_those_of_its_tokens(
    processor: sentencepiece.SentencePieceProcessor, in_graph: Any, text: str, limit: int
) -> None:
    ids, size = preprocessing.tokens(in_graph, tf.constant([text]), limit)
    kept = ids.to_list()[0]
    assert kept == processor.encode(sequence.cut(text, limit))[:limit]
    spelt = processor.decode(kept).encode()
    whole = text.encode()[: int(size[0])].decode()  # never in the middle of a character
    assert spelt.startswith(whole.encode())


def test_ids_with_a_meaning_are_where_the_layout_wants_them(processor: sentencepiece.SentencePieceProcessor) -> None:
    special = (sequence.PAD, sequence.UNKNOWN, sequence.BOS, sequence.EOS, sequence.CODE)
    assert (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()) == special[:4]
    assert processor.piece_to_id(sequence.CODE_PIECE) == sequence.CODE
    assert not set(special) & set(processor.encode("<pad> <unk> <s> </s> <code>"))


def test_it_compresses(processor: sentencepiece.SentencePieceProcessor) -> None:
    assert sum(map(len, processor.encode(CORPUS))) < 0.4 * sum(map(len, CORPUS))


def test_the_same_samples_give_the_same_bytes_in_any_order(model: bytes) -> None:
    assert vocabulary.learn(SAMPLES[::-1], CONFIG) == model


def test_only_the_training_split_and_what_nobody_made_up_is_learnt_from(model: bytes) -> None:
    others = [
        sample(1, split="eval", text="zzqx " * 50),
        sample(2, split="test", text="zzqx " * 50),
        sample(3, parent="s1", text="zzqx " * 50),
    ]
    assert vocabulary.learn([*SAMPLES, *others], CONFIG) == model
    assert vocabulary.learn([*SAMPLES, sample(4, text="zzqx " * 50)], CONFIG) != model


def test_a_capped_corpus_is_drawn_by_hash_and_not_by_order() -> None:
    capped = TokenizationConfig(vocabulary_size=600, corpus_characters=1500)
    drawn = vocabulary.learn(SAMPLES, capped)
    assert drawn == vocabulary.learn(SAMPLES[::-1], capped)
    assert drawn != vocabulary.learn(SAMPLES, CONFIG)
    kept = vocabulary.drawn(SAMPLES, capped)
    assert 1200 < sum(map(len, kept)) <= 1500


def test_few_texts_make_a_small_vocabulary() -> None:
    model = vocabulary.learn([sample(1, text="ab")], TokenizationConfig())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert 261 <= processor.vocab_size() < 300
    assert processor.decode(processor.encode("other")) == "other"


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(SourceError, match="no text and no code"):
        vocabulary.learn([sample(1, split="eval", text="a")], CONFIG)


def test_the_node_writes_the_model_and_its_digest(tmp_path: pathlib.Path, model: bytes) -> None:
    from schemas.config import to_json

    rows = [
        {"image": None, "source": "toy", "record_ids": [], "method": "key", "score": 1.0, "cluster": row["sample_id"]}
        | {"weight": 1.0, "attributes": {}}
        | row
        for row in SAMPLES
    ]
    tables.write(tmp_path / "samples", [tables.from_rows(rows, SAMPLE)], SAMPLE)
    samples = exports.made(artifacts.Samples, tmp_path / "samples")
    tokenizer = exports.made(artifacts.Tokenizer, tmp_path / "tokenizer")
    Executor().Do({"samples": [samples]}, {"tokenizer": [tokenizer]}, {"config": to_json(CONFIG), "code": ""})
    assert (tmp_path / "tokenizer" / "tokenizer.model").read_bytes() == model
    assert tokenizer.get_string_custom_property("digest") == vocabulary.digest(model)
