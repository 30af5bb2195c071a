"""A network that goes on learning with the weights that it will have: on LiteRT's grid, with zeros that stay, smaller."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pathlib
import zlib
from typing import Any

import keras
import numpy as np
import pydantic
import pytest
import tensorflow as tf
from ai_edge_litert.tools import flatbuffer_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compression import convert
from components.retraining import fine_tuning, main, matrices, narrowing, pruning
from components.retraining.config import RetrainingConfig
from components.retraining.fake_quantization import FakeQuantization, best_step, folded, on_grid
from components.retraining.pruning import MagnitudePruning
from components.training import architectures, network
from components.training.config import GptConfig, TrainingConfig
from components.training.examples import Examples
from components.training.feeding import Feed
from components.training.loop import Trainer
from components.training.steps import Steps
from components.transform.config import TransformConfig
from schemas.errors import ConfigError, IntegrityError
from serving import sequence

BUDGETS = TransformConfig(text_tokens=6, code_tokens=8, image_size=8)
TOKENS = sequence.length(BUDGETS.text_tokens, BUDGETS.code_tokens)
VOCABULARY = 60
SHAPE = network.Shape(VOCABULARY, TOKENS, BUDGETS.image_size)
# Dropout, so that randomness would show if it were not part of the state.
TRAINING = TrainingConfig(
    gpt=GptConfig(width=16, depth=2, heads=2, patch_size=4, dropout=0.1), batch_size=4, checkpoint_every_steps=5
)
FURTHER = RetrainingConfig(steps=10, warmup_steps=2, prune_every_steps=1)


def split(samples: int = 12) -> Examples:
    """Samples whose tokens follow each other by a rule."""
    rng = np.random.default_rng(0)
    laid = [
        sequence.layout(
            [10 + (start + i) % 40 for i in range(6)],
            [10 + (start + 3 * i) % 40 for i in range(8)],
            text_tokens=BUDGETS.text_tokens,
            code_tokens=BUDGETS.code_tokens,
        )
        for start in rng.integers(0, 40, samples)
    ]
    return Examples(
        ids=np.stack([ids for ids, _ in laid]),
        segments=np.stack([segments for _, segments in laid]).astype(np.int8),
        sizes=np.full((samples, 2), 7),
        images=rng.integers(0, 256, (samples, 8, 8, 3)).astype(np.uint8),
        has_image=np.ones(samples, np.float32),
        weights=np.ones(samples, np.float32),
        keys=np.arange(samples),
        flips=np.zeros(samples, bool),
        names=np.array([f"sample {number}".encode() for number in range(samples)]),
    )


def trained() -> keras.Model:
    """A network none of whose weights are as they begin."""
    keras.utils.set_random_seed(1)
    model = architectures.build(TRAINING, SHAPE)
    rng = np.random.default_rng(1)
    for weight in model.trainable_variables:
        weight.assign_add(rng.normal(0, 0.05, weight.shape))
    return model


def further(
    directory: pathlib.Path, model: keras.Model | None = None, *, transform: Any = None, **changes: Any
) -> fine_tuning.Retrained:
    config = dataclasses.replace(FURTHER, **changes)
    return fine_tuning.fine_tune(
        model or trained(),
        split(),
        split(),
        config,
        training=TRAINING,
        budgets=BUDGETS,
        vocabulary=VOCABULARY,
        seed=5,
        directory=directory,
        transform=transform,
    )


def litert(model: keras.Model, directory: pathlib.Path) -> bytes:
    """The float LiteRT model of a network."""

    class Scoring(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = [variable.value for variable in model.variables]

        @tf.function(
            input_signature=[
                tf.TensorSpec([1, TOKENS], tf.int32, "ids"),
                tf.TensorSpec([1, 8, 8, 3], tf.float32, "image"),
                tf.TensorSpec([1], tf.float32, "has_image"),
            ]
        )
        def score_tokens(self, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": network.token_nll(model, ids, image, has_image)}

    module = Scoring()
    tf.saved_model.save(module, str(directory), signatures={"score_tokens": module.score_tokens})
    return convert.to_litert(directory)


def held(model: bytes) -> list[np.ndarray]:
    """The matrices of integers that a LiteRT model holds, as the floats that they stand for."""
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    found = []
    for tensor in unpacked.subgraphs[0].tensors:
        data, four = unpacked.buffers[tensor.buffer].data, tensor.type == flatbuffer_utils.schema_fb.TensorType.INT4
        if data is None or not (four or tensor.type == flatbuffer_utils.schema_fb.TensorType.INT8):
            continue
        values = np.asarray(data).view(np.uint8)
        if four:
            values = np.stack([values & 15, values >> 4], axis=1).ravel()[: math.prod(tensor.shape)]
            values = np.where(values > 7, values.astype(np.int16) - 16, values)
        values = values.view(np.int8) if values.dtype == np.uint8 else values
        scale = np.ones(len(tensor.shape), int)
        scale[tensor.quantization.quantizedDimension] = -1
        found.append(values.reshape(tensor.shape) * np.asarray(tensor.quantization.scale).reshape(scale))
    return found


def numbers(values: np.ndarray) -> np.ndarray:
    return np.sort(values.ravel())


@pytest.mark.parametrize("bits", [8, 4])
def test_the_weights_that_were_judged_are_those_that_litert_holds(bits: int, tmp_path: pathlib.Path) -> None:
    model = further(tmp_path / "state", weight_bits=bits).model
    own = [model.trainable_variables[matrix.place].numpy() for matrix in matrices.of(model)]
    for matrix, weight in zip(matrices.of(model), own, strict=True):
        for channel in np.moveaxis(weight, matrix.axis, 0):
            assert len(np.unique(np.abs(channel))) <= 2 ** (bits - 1)
    found = held(convert.quantize(litert(model, tmp_path / "saved"), f"dynamic_wi{bits}_afp32"))
    assert sorted(map(np.size, found)) == sorted(map(np.size, own))
    for weight in own:
        # The converter doubles the first matrix, since the network does so with the image: the same grid, twice as wide.
        factor = 2 if weight.ndim == 4 else 1
        assert any(
            weight.size == other.size and np.allclose(factor * numbers(weight), numbers(other), rtol=0, atol=1e-6)
            for other in found
        )


def test_zeros_last_into_the_int8_file_and_make_it_smaller_when_compressed(tmp_path: pathlib.Path) -> None:
    pruned = further(tmp_path / "pruned", sparsity=0.5)
    assert pruned.sparsity == pytest.approx(0.5, abs=1e-3)
    plain = further(tmp_path / "plain")
    assert plain.sparsity == 0
    files = {
        name: convert.quantize(litert(result.model, tmp_path / name / "saved"), "dynamic_wi8_afp32")
        for name, result in (("pruned", pruned), ("plain", plain))
    }
    zeros = sum(int((values == 0).sum()) for values in held(files["pruned"]))
    assert zeros >= 0.5 * sum(values.size for values in held(files["pruned"])) - len(matrices.of(pruned.model))
    weights = sum(values.size for values in held(files["plain"]))
    assert len(zlib.compress(files["pruned"])) < len(zlib.compress(files["plain"])) - 0.25 * weights


class Coarse:
    """Matrices in steps of 0.05, the gradient straight through."""

    def __init__(self) -> None:
        self.name, self.variables, self.learnt, self.on_grid = "coarse", {}, (), False

    def begin(self, matrices, weights, steps) -> None: ...

    def advance(self, step, weights) -> None: ...

    def __call__(self, weights):
        return [weight + tf.stop_gradient(coarse(weight) - weight) for weight in weights]


def coarse(weight: tf.Tensor) -> tf.Tensor:
    return tf.round(weight / 0.05) * 0.05


def test_the_gradient_is_taken_at_the_weights_seen_and_moves_those_behind(tmp_path: pathlib.Path) -> None:
    start = trained()
    given = [weight.numpy() for weight in start.trainable_variables]
    result = further(tmp_path, start, transform=Coarse(), steps=1, warmup_steps=0)
    config = dataclasses.replace(
        TRAINING, steps=1, learning_rate=FURTHER.learning_rate, warmup_steps=0, written_samples=0
    )
    by_hand = Trainer(config, BUDGETS, vocabulary=VOCABULARY, seed=5)
    give(by_hand.model, given)
    make_coarse(by_hand.model)
    feed = Feed(config, split(), model=by_hand.model, shape=SHAPE, seed=5, compiled=False, variation=None)
    steps = Steps(by_hand.model, by_hand.optimizer, config, strategy=by_hand.strategy, specs=feed.specs, xla=False)
    gradient = steps.gradient(feed.batch(0))
    give(by_hand.model, given)
    steps.update(gradient)
    make_coarse(by_hand.model)
    for own, other in zip(result.model.trainable_variables, by_hand.model.trainable_variables, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-6)
    assert all(np.array_equal(own, weight) for own, weight in zip(given, start.trainable_variables, strict=True))


def give(model: keras.Model, values: list[np.ndarray]) -> None:
    for weight, value in zip(model.trainable_variables, values, strict=True):
        weight.assign(value)


def make_coarse(model: keras.Model) -> None:
    for matrix in matrices.of(model):
        weight = model.trainable_variables[matrix.place]
        weight.assign(coarse(tf.convert_to_tensor(weight)))


def test_gradients_on_the_grid_are_those_of_learned_step_sizes() -> None:
    weight, step = tf.constant([[0.26, -0.9, 0.04, 3.0]]), tf.constant([[0.1]])
    with tf.GradientTape() as tape:
        tape.watch([weight, step])
        made = on_grid(weight, 4, 0, step)
    np.testing.assert_allclose(made, [[0.3, -0.7, 0.0, 0.7]], atol=1e-6)
    of_weight, of_step = tape.gradient(made, [weight, step])
    np.testing.assert_array_equal(of_weight, [[1, 0, 1, 0]])
    np.testing.assert_allclose(of_step, [[(3 - 2.6) - 7 + (0 - 0.4) + 7]], atol=1e-5)  # Esser et al., equation 3


@settings(max_examples=60, deadline=None)
@given(bits=st.integers(2, 8), axis=st.integers(0, 1), seed=st.integers(0, 99))
def test_the_first_step_moves_weights_no_further_than_the_quantizers_own(bits: int, axis: int, seed: int) -> None:
    weight = np.random.default_rng(seed).standard_t(4, size=(6, 40)).astype(np.float32)
    step = best_step(weight, bits, axis)
    assert step.shape == ((6, 1) if axis == 0 else (1, 40))
    best, own = (np.square(on_grid(tf.constant(weight), bits, axis, given) - weight).sum() for given in (step, None))
    assert best <= own * (1 + 1e-5)


def test_the_grids_learn_along(tmp_path: pathlib.Path) -> None:
    transform = FakeQuantization(4)
    further(tmp_path, transform=transform)
    model, fresh = trained(), FakeQuantization(4)
    found = matrices.of(model)
    fresh.begin(found, [model.trainable_variables[matrix.place].numpy() for matrix in found], 1)
    assert all((own.numpy() != start.numpy()).any() for own, start in zip(transform.learnt, fresh.learnt, strict=True))


def test_what_the_converter_would_fold_is_folded_to_the_same_answers() -> None:
    model, batch = trained(), split()
    features = {"ids": batch.ids, "image": batch.images / np.float32(255), "has_image": batch.has_image}
    before = model(features)
    held = folded(model)
    assert len(held) == 4
    np.testing.assert_allclose(model(features), before, atol=1e-5)


def test_with_nothing_asked_for_it_is_the_training_going_on(tmp_path: pathlib.Path) -> None:
    start = trained()
    result = further(tmp_path / "further", start)
    config = dataclasses.replace(
        TRAINING,
        steps=FURTHER.steps,
        learning_rate=FURTHER.learning_rate,
        warmup_steps=FURTHER.warmup_steps,
        written_samples=0,
    )
    plain = Trainer(config, BUDGETS, vocabulary=VOCABULARY, seed=5)
    for variable, value in zip(plain.model.variables, start.variables, strict=True):
        variable.assign(value)
    plain.fit(split(), split(), tmp_path / "plain")
    for own, other in zip(result.model.variables, plain.model.variables, strict=True):
        np.testing.assert_array_equal(own.numpy(), other.numpy())


def test_interrupted_it_goes_on_to_the_same_bits_and_another_is_refused(tmp_path: pathlib.Path) -> None:
    asked = {"sparsity": 0.6, "weight_bits": 4, "prune_until": 0.8}
    straight = further(tmp_path, **asked)
    for path in tmp_path.glob("checkpoints/ckpt-10.*"):
        path.unlink()
    again = further(tmp_path, **asked)
    assert again.trained.resumed_from_step == 5
    for own, other in zip(straight.model.variables, again.model.variables, strict=True):
        np.testing.assert_array_equal(own.numpy(), other.numpy())
    with pytest.raises(IntegrityError):
        further(tmp_path, **asked | {"weight_bits": 8})


def test_once_the_share_is_reached_the_masks_stay() -> None:
    weight = keras.Variable(np.arange(1.0, 17.0, dtype=np.float32).reshape(2, 8))
    pruned = MagnitudePruning(0.5, until=0.5, every=2)
    pruned.begin([matrices.Matrix(0, 1)], [weight.numpy()], 8)
    counts = []
    for step in range(9):
        if step == 6:
            weight.assign(17 - weight)
        pruned.advance(step, [weight])
        [seen] = pruned([tf.convert_to_tensor(weight)])
        counts.append(int((seen.numpy() == 0).sum()))
    assert counts == [0, 0, 7, 7, 8, 8, 8, 8, 8]
    np.testing.assert_array_equal(seen.numpy() == 0, [[True] * 8, [False] * 8])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4),
    sparsity=st.floats(0, 0.99),
    over=st.sampled_from(["matrix", "network"]),
    seed=st.integers(0, 99),
)
def test_masks_take_the_share_asked_for_and_no_weight_larger_than_one_that_stays(sizes, sparsity, over, seed) -> None:
    weights = [np.random.default_rng(seed).normal(size=size).astype(np.float32) for size in sizes]
    kept = pruning.masks(weights, sparsity, over)
    pairs = list(zip(weights, kept, strict=True))
    if over == "network":
        pairs = [tuple(np.concatenate([value.ravel() for value in values]) for values in (weights, kept))]
    for weight, mask in pairs:
        assert (mask == 0).sum() == round(sparsity * weight.size)
        assert np.abs(weight[mask == 0]).max(initial=0) <= np.abs(weight[mask == 1]).min(initial=np.inf)


@settings(max_examples=60, deadline=None)
@given(final=st.floats(0, 0.99))
def test_the_schedule_rises_from_nothing_to_all_and_ever_slower(final: float) -> None:
    shares = [pruning.cubic(final, done / 20) for done in range(21)]
    assert [shares[0], shares[10], shares[20]] == pytest.approx([0, final * 7 / 8, final])
    rises = [after - before for before, after in itertools.pairwise(shares)]
    assert all(before >= after - 1e-12 and after >= 0 for before, after in itertools.pairwise(rises))


@settings(max_examples=60, deadline=None)
@given(
    bits=st.integers(2, 8),
    axis=st.integers(0, 1),
    seed=st.integers(0, 99),
    size=st.floats(1e-6, 1e6),
    learnt=st.none() | st.floats(0.2, 3),
)
def test_what_is_on_a_grid_is_put_there_again_by_the_quantizer(bits, axis, seed, size, learnt) -> None:
    weight = tf.constant(np.random.default_rng(seed).normal(size=(5, 7)) * size, tf.float32)
    own = np.abs(weight).max(1 - axis, keepdims=True) / (2 ** (bits - 1) - 1)
    step = own * min(1, learnt or 1)
    once = on_grid(weight, bits, axis, None if learnt is None else tf.constant(own * learnt, tf.float32))
    cut_off = np.clip(weight, -step * (2 ** (bits - 1) - 1), step * (2 ** (bits - 1) - 1))
    assert (np.abs(once - cut_off) <= 0.5001 * step).all()
    np.testing.assert_allclose(on_grid(once, bits, axis), once, rtol=1e-6)


def test_a_network_without_the_units_that_say_nothing_says_the_same() -> None:
    model = trained()
    for block in model.blocks:
        kernel = block.contract.kernel.numpy()
        kernel[::2] = 0
        block.contract.kernel.assign(kernel)
    smaller, config = narrowing.narrowed(model, TRAINING, SHAPE, share=0.5)
    assert config.gpt.feed_forward == 32 and smaller.count_params() < model.count_params()
    batch = split()
    features = {"ids": batch.ids, "image": batch.images / np.float32(255), "has_image": batch.has_image}
    np.testing.assert_allclose(smaller(features), model(features), atol=1e-5)


def test_a_narrowed_network_learns_on_and_can_be_built_again(tmp_path: pathlib.Path) -> None:
    result = further(tmp_path, feed_forward_pruned=0.75)
    assert result.training.gpt.feed_forward == 16
    again = architectures.build(result.training, SHAPE)
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in result.model.weights]


def of_text(shape: network.Shape) -> keras.Model:
    ids = keras.Input([None], dtype="int32", name="ids")
    return keras.Model({"ids": ids}, keras.layers.Embedding(shape.vocabulary, shape.vocabulary)(ids))


def test_what_cannot_be_is_refused_in_words(tmp_path: pathlib.Path) -> None:
    for wrong in (1.0, -0.1, math.nan):
        with pytest.raises(ConfigError, match="cannot be pruned"):
            MagnitudePruning(wrong)
        with pytest.raises(pydantic.ValidationError, match="sparsity"):
            RetrainingConfig(sparsity=wrong)
    with pytest.raises(ConfigError, match="masks cannot be made every 0 steps"):
        MagnitudePruning(0.5, every=0)
    with pytest.raises(ConfigError, match="weights of 1 bits cannot be simulated"):
        FakeQuantization(1)
    with pytest.raises(pydantic.ValidationError, match="steps"):
        RetrainingConfig(steps=0)
    with pytest.raises(ConfigError, match="has no matrix"):
        matrices.of(of_text(SHAPE))
    with pytest.raises(ConfigError, match="only those of gpt can"):
        narrowing.narrowed(of_text(SHAPE), TRAINING, SHAPE, share=0.5)
    with pytest.raises(ConfigError, match=r"a share of 1\.0 cannot be left out"):
        narrowing.narrowed(trained(), TRAINING, SHAPE, share=1.0)
    other = architectures.build(dataclasses.replace(TRAINING, gpt=GptConfig(width=8, heads=2, patch_size=4)), SHAPE)
    with pytest.raises(IntegrityError, match="of another network than the configuration describes"):
        further(tmp_path, other)


def test_a_model_of_another_network_is_refused(tmp_path):
    module = tf.Module()
    module.weights = [tf.Variable(tf.zeros([3, 3]))]
    tf.saved_model.save(module, str(tmp_path))
    with pytest.raises(IntegrityError, match="another network") as caught:
        main.network_of(tmp_path, TRAINING, SHAPE)
    assert caught.value.where == str(tmp_path)
