"""A short request is answered by a graph of its own, with the same answer."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compression import buckets, convert, footprint, representative, timing, variants
from serving.litert import Request, Runner
from serving.manifest import LITERT_FILE
from tests.fixtures import exports

LONGEST = 24
_IMAGE = tf.TensorSpec([1, 4, 4, 3], tf.float32, "image"), tf.TensorSpec([1], tf.float32, "has_image")


class AnyLength(tf.Module):
    """Looks at the token before and at how many came."""

    def __init__(self) -> None:
        super().__init__()
        self.table = tf.Variable(np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32))

    def _nll(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = tf.matmul(tf.one_hot(ids[0, :-1], 50), self.table)
        right = tf.one_hot(ids[0, 1:], 50)
        nll = -tf.reduce_sum(tf.nn.log_softmax(logits) * right, -1)
        return {"nll": tf.pad(nll * tf.cast(ids[0, 1:] != 0, tf.float32), [[1, 0]])[None]}

    @tf.function(input_signature=[tf.TensorSpec([1, LONGEST], tf.int32, "ids"), *_IMAGE])
    def score_tokens(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._nll(ids)

    @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int32, "ids"), *_IMAGE])
    def score_any(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._nll(ids)


def request(tokens: int, seed: int = 0) -> Request:
    ids = np.zeros(LONGEST, np.int32)
    ids[:tokens] = np.random.default_rng(seed).integers(1, 50, tokens)
    return Request(ids, (ids > 0).astype(np.int32), np.zeros((4, 4, 3), np.float32), False, tokens, 0)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, pathlib.Path]:
    """Directories of LiteRT models: of one length, and of three, float and quantised."""
    root, module = tmp_path_factory.mktemp("buckets"), AnyLength()
    signatures = {"score_tokens": module.score_tokens, buckets.ANY_LENGTH: module.score_any}
    tf.saved_model.save(module, str(root / "saved"), signatures=signatures)
    names = buckets.write(root / "saved", root / "several", (12, 6))
    assert names == ("score_tokens", "score_tokens_12", "score_tokens_6")
    several = convert.to_litert(root / "several", signatures=names)
    unique = convert.with_unique_names(several)
    ranges = representative.ranges(unique, "static_wi8_ai8", [request(20, seed) for seed in range(4)])
    made = {
        "one": convert.to_litert(root / "saved"),
        "several": several,
        "dynamic": convert.quantize(several, "dynamic_wi8_afp32"),
        "static": convert.quantize(unique, "static_wi8_ai8", ranges=ranges),
    }
    for name, model in made.items():
        (root / name).mkdir(exist_ok=True)
        (root / name / LITERT_FILE).write_bytes(model)
    return {name: root / name for name in made}


@pytest.mark.parametrize("tokens", [0, 1, 5, 6, 7, 12, 13, 24])
def test_a_request_is_answered_alike_by_whatever_bucket_holds_it(models, tokens):
    one, several = (Runner(models[name] / LITERT_FILE) for name in ("one", "several"))
    assert one.buckets == (LONGEST,) and several.buckets == (LONGEST, 12, 6)
    asked = request(tokens)
    np.testing.assert_allclose(several(asked), one(asked), atol=1e-5)
    assert several(asked).shape == (LONGEST,)


@pytest.mark.parametrize("name", ["dynamic", "static"])
def test_every_bucket_is_quantised(models, name):
    quantised, whole = Runner(models[name] / LITERT_FILE), Runner(models["one"] / LITERT_FILE)
    for tokens in (5, 11, 24):
        np.testing.assert_allclose(quantised(request(tokens)), whole(request(tokens)), atol=0.3)
    size = {key: (path / LITERT_FILE).stat().st_size for key, path in models.items()}
    assert size[name] < size["several"] and size["several"] < 2 * size["one"]  # the weights are there once


def test_what_is_in_the_same_place_of_each_bucket_is_one_unit(models):
    found = variants.units("dynamic_wi8_afp32", variants.operations((models["several"] / LITERT_FILE).read_bytes()))
    assert [(unit.kind, len(unit.layers)) for unit in found] == [("EMBEDDING_LOOKUP", 3)]


def test_each_bucket_is_timed_with_all_models_in_turn(models):
    found = timing.latencies([models["several"], models["dynamic"]], [request(24)], runs=10, node="Compress")
    assert [[latency.tokens for latency in of_model] for of_model in found] == [[24, 12, 6]] * 2
    assert all(latency.runs == 10 and latency.processor_p50_ms > 0 for of_model in found for latency in of_model)


def test_memory_is_that_of_a_fresh_process(models):
    ballast = np.ones(30_000_000)  # of this one, which a child's own account of its peak would include
    peak, added = footprint.measure(models["one"] / LITERT_FILE, [request(24)], node="Compress")
    assert 0 < added < peak < ballast.nbytes


def test_a_model_of_one_length_is_told_from_others(tmp_path):
    with pytest.raises(convert.ConversionError, match="it takes sequences of one length alone") as caught:
        buckets.write(exports.saved_model() / "Format-Serving", tmp_path, (12,))
    assert caught.value.where == "compression.buckets"


@given(st.integers(1, 5000), st.lists(st.floats(0.001, 0.999), max_size=6))
@settings(max_examples=100)
def test_buckets_grow_shorter_and_none_is_the_longest(longest, fractions):
    found = buckets.lengths(longest, fractions)
    assert all(1 <= tokens < longest for tokens in found)
    assert list(found) == sorted(set(found), reverse=True)
    assert all(any(fraction * longest <= tokens < fraction * longest + 1 for fraction in fractions) for tokens in found)
