from __future__ import annotations

import pathlib

import pytest
import sentencepiece
import tensorflow as tf
import tensorflow_text
from hypothesis import given, settings
from hypothesis import strategies as st

from components.transform import preprocessing
from serving.tokens import Tokenizer
from tests.fixtures import standin

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text("\u2581 \t\r\na<code>", max_size=60)


@pytest.fixture(scope="module")
def proto() -> bytes:
    return standin.tokenizer()


@pytest.fixture(scope="module")
def tokenizer(proto: bytes, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: pathlib.Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    path.write_bytes(proto)
    return Tokenizer(path)


@settings(max_examples=150, deadline=None)
@given(text=TEXT, limit=st.integers(0, 40))
def test_bytes_are_those_that_the_kept_tokens_spell(tokenizer: Tokenizer, proto: bytes, text: str, limit: int) -> None:
    ids, size = tokenizer.encode(text, limit)
    assert len(ids) <= limit
    whole_characters = text.encode()[:size].decode()  # never cut within one
    spelt = sentencepiece.SentencePieceProcessor(model_proto=proto).decode(ids)
    assert spelt.rstrip("\ufffd") == whole_characters.rstrip("\ufffd")
    if limit >= len(text.encode()):
        assert whole_characters == text


@settings(max_examples=60, deadline=None)
@given(text=TEXT, limit=st.integers(1, 40))
def test_the_tokeniser_in_the_graph_says_the_same(tokenizer: Tokenizer, proto: bytes, text: str, limit: int) -> None:
    in_graph = tensorflow_text.SentencepieceTokenizer(proto)
    ids, size = preprocessing.tokens(in_graph, tf.constant([text.encode()]), limit)
    assert tokenizer.encode(text, limit) == (ids[0].numpy().tolist(), int(size[0]))


def test_nothing_has_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(None, 5) == tokenizer.encode("", 5) == ([], 0)
