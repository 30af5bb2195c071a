"""What quantises badly is found, and left in float as far as the budget goes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compression import convert, measure, representative, sensitivity, variants
from components.compression.sensitivity import Found
from components.compression.variants import Unit
from serving.litert import Request

TOKENS = 12


def requests(count: int = 6, seed: int = 0, scale: float = 1.0) -> list[Request]:
    random = np.random.default_rng(seed)
    return [
        Request(
            random.integers(1, 30, TOKENS).astype(np.int32),
            np.ones(TOKENS, np.int32),
            (random.random((4, 4, 3)) * scale).astype(np.float32),
            True,
            TOKENS,
            0,
        )
        for _ in range(count)
    ]


class Masked(tf.Module):
    """One head of causal attention, its mask written as -1e9, and a head that finds the token itself again."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(1)
        self.table = tf.Variable(random.normal(size=(30, 16)).astype(np.float32))
        self.mix = tf.Variable(np.eye(16, dtype=np.float32) / 2)

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, TOKENS], tf.int32, "ids"),
            tf.TensorSpec([1, 4, 4, 3], tf.float32, "image"),
            tf.TensorSpec([1], tf.float32, "has_image"),
        ]
    )
    def score_tokens(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = tf.gather(self.table, ids[0]) + tf.reduce_mean(image) * has_image
        mixed = hidden @ self.mix
        before = tf.range(TOKENS)[:, None] >= tf.range(TOKENS)[None, :]
        scores = tf.where(before, tf.matmul(hidden, mixed, transpose_b=True), -1e9)
        logits = tf.matmul(tf.nn.softmax(scores) @ hidden, self.table, transpose_b=True)
        return {"nll": -tf.reduce_sum(tf.nn.log_softmax(logits) * tf.one_hot(ids[0], 30), -1)[None]}


@pytest.fixture(scope="module")
def masked(tmp_path_factory) -> bytes:
    module, path = Masked(), tmp_path_factory.mktemp("masked")
    tf.saved_model.save(module, str(path), signatures={"score_tokens": module.score_tokens})
    return convert.with_unique_names(convert.to_litert(path))


def bits(model: bytes) -> float:
    return measure.nats_per_byte(model, [(request, TOKENS) for request in requests(seed=9)]) / math.log(2)


def test_a_mask_of_a_billion_is_found_and_left_in_float(masked):
    ranges = representative.ranges(masked, "static_wi8_ai8", requests())
    units = variants.units("static_wi8_ai8", variants.operations(masked))
    whole = convert.apply(masked, variants.recipe("static_wi8_ai8"), "static_wi8_ai8", ranges)
    assert bits(whole) - bits(masked) > 0.5
    found = sensitivity.scan(masked, "static_wi8_ai8", units, ranges=ranges, bits_per_byte=bits, node="Compress")
    assert {item.unit for item in found} == set(units)
    assert found[0].rise > 0.5 and found[0].unit.kind in ("SELECT_V2", "SOFTMAX")
    size = sum(len(unit.layers) for unit in units)
    left = sensitivity.left_in_float(found, limit=0.05, operations=size // 2)
    assert "SELECT_V2" in {unit.kind for unit in left}
    mended = convert.apply(masked, variants.recipe("static_wi8_ai8", without=left), "static_wi8_ai8", ranges)
    assert bits(mended) - bits(masked) < 0.1
    kinds = {(item.kind, item.layer) for item in variants.operations(mended)}
    assert any(kind == "SELECT_V2" for kind, _ in kinds)


def test_inputs_and_outputs_are_no_operations_and_weights_are_units_of_their_own(masked):
    found = variants.units("static_wi8_ai8", variants.operations(masked))
    assert not {"INPUT", "OUTPUT"} & {unit.kind for unit in found}
    connected = [unit for unit in found if unit.kind == "FULLY_CONNECTED"]
    assert [unit.layers == (unit.layer,) for unit in connected] == [
        True,
        True,
        False,
    ]  # of the last, both are activations
    assert {unit.kind for unit in variants.units("dynamic_wi8_afp32", variants.operations(masked))} <= {
        "FULLY_CONNECTED", "BATCH_MATMUL", "EMBEDDING_LOOKUP",
    }  # fmt: skip


def test_samples_unlike_the_representative_ones_leave_the_ranges(masked):
    name = "static_wi8_ai8"
    known = representative.ranges(masked, name, requests(40))
    assert representative.excess(known, representative.ranges(masked, name, requests(20, seed=1))).outside == 0
    found = representative.excess(known, representative.ranges(masked, name, requests(20, seed=1, scale=100.0)))
    assert found.outside > found.tensors / 4
    assert "times its range" in found.worst


def test_what_the_variant_cannot_do_is_said_in_words(masked):
    with pytest.raises(convert.ConversionError, match="the variant static_wi8_ai8 does not fit this model"):
        convert.quantize(masked, "static_wi8_ai8")  # without ranges


_UNITS = st.lists(
    st.tuples(st.integers(1, 6), st.one_of(st.floats(-0.1, 2.0), st.just(math.inf))), min_size=1, max_size=8
)


@given(_UNITS, st.floats(0, 1), st.integers(0, 20))
@settings(max_examples=100)
def test_the_budget_is_kept_and_the_worst_go_first(drawn, limit, budget):
    found = [
        Found(Unit("ADD", f"{number}", tuple(f"{number}/{i}" for i in range(size))), rise)
        for number, (size, rise) in enumerate(sorted(drawn, key=lambda item: -item[1]))
    ]
    left = sensitivity.left_in_float(found, limit=limit, operations=budget)
    assert sum(len(unit.layers) for unit in left) <= budget
    rises = {item.unit: item.rise for item in found}
    assert all(rises[unit] > 0 for unit in left)
    rest = sum(max(item.rise, 0.0) for item in found if item.unit not in left)
    taken = sum(len(unit.layers) for unit in left)
    smallest = min((len(item.unit.layers) for item in found if item.unit not in left and item.rise > 0), default=99)
    assert rest <= limit + 1e-9 or taken + smallest > budget
    if sum(max(item.rise, 0.0) for item in found) <= limit:
        assert not left
