"""A network of one's own: what is wrong with it is said before anything is learnt, and what is right is taken as it is."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
from tfx.types import channel

from components.training import architectures, export, flops, network
from components.training.component import Train
from components.training.config import GptConfig, TrainingConfig
from components.training.network import Shape
from schemas.errors import ConfigError
from tests.fixtures import own_network, transformed

SHAPE = Shape(vocabulary=60, tokens=12, image_size=8)
SMALL = TrainingConfig(gpt=GptConfig(width=16, depth=1, heads=2, patch_size=4))
GOOD = "tests.fixtures.own_network:build"

PREAMBLE = """
    import keras
    import numpy as np
    import tensorflow as tf

    class Network(keras.Model):
        def __init__(self, shape, units=None):
            super().__init__()
            self.table = keras.layers.Embedding(shape.vocabulary, 8)
            self.table.build([None, None])
            self.head = keras.layers.Dense(units or shape.vocabulary, kernel_initializer="zeros")
            self.head.build([None, None, 8])
            self.built = True

        def call(self, features, training=False):
            return self.head(self.between(self.table(features["ids"]), training))

        def between(self, hidden, training):
            return hidden
"""

Write = Callable[[str], TrainingConfig]


@pytest.fixture
def own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module of a user's own after a preamble; the training that names its function `build`."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    numbers = itertools.count()

    def write(source: str) -> TrainingConfig:
        name = f"own_network_of_a_test_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(PREAMBLE) + textwrap.dedent(source))
        return TrainingConfig(model=f"{name}:build")

    yield write
    for name in [name for name in sys.modules if name.startswith("own_network_of_a_test")]:
        del sys.modules[name]


def between(body: str) -> str:
    """A module whose network does something between its table and its head."""
    return f"""
    class Own(Network):
        def between(self, hidden, training):
            {body}

    def build(shape):
        return Own(shape)
    """


@pytest.mark.parametrize(
    ("source", "said", "remedy"),
    [
        ("def other(shape): ...", "has no function build", r"define `def build\(shape\)`"),
        ("def build(): ...", "its arguments do not fit: too many positional", r"it is defined as `build\(\)`"),
        ("def build(shape): return shape", "build returned Shape, not a Keras model", "return a built"),
        ("def build(shape): return Network", "build returned the class Network", "return a built"),
        ("def build(shape):\n    return 1 / 0", r"build raised ZeroDivisionError in own_\w+\.py, line 21: division", "mend"),
        (
            "def build(shape):\n    return keras.Sequential([keras.layers.Dense(3)])",
            "no weights to learn yet",
            "call it once",
        ),
        ("def build(shape): return Network(shape, 7)", r"gives float32 \[8, 12, 7\]", r"give floats \[8, 12, 60\]"),
        (between("return tf.reduce_mean(hidden, 1)"), r"gives float32 \[8, 60\] for 8 rows of 12 tokens", "of each row"),
        (between("return tf.concat([hidden, tf.zeros([1, 2])], 0)"), r"raised ValueError in own_\w+\.py, line 23: Shape must", "mend"),
        (between("return hidden + tf.zeros([hidden.shape[1], 1])"), r"raised TypeError in own_\w+\.py, line 23", "mend"),
        (between("return hidden if training else hidden / 0.0"), "no finite numbers", "divisions"),
        (between("return hidden + {}['missing']"), r"KeyError in own_\w+\.py, line 23: missing$", "mend"),
        (between("return hidden[:, :1] * 1.0 if training else hidden"), r"gives float32 \[8, 1, 60\]", "of each row"),
        (between("return hidden + tf.random.normal(tf.shape(hidden))"), "differently from call to call", "training=False"),
        (between("return tf.nn.dropout(hidden, 0.5)"), "differently from call to call", "training"),
        (between("return hidden + tf.reduce_mean(hidden, 1, keepdims=True)"), "looks ahead", "causal"),
        (between("return tf.roll(hidden, -1, 1)"), "looks ahead", "causal"),
        (between("return tf.reverse(tf.cumsum(tf.reverse(hidden, [1]), 1), [1])"), "looks ahead", "causal"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_refused_in_words(own: Write, source: str, said: str, remedy: str) -> None:
    config = own(source)
    with pytest.raises(ConfigError, match=remedy) as caught:
        architectures.build(config, SHAPE)
    assert caught.value.where == f"training.model: {config.model}"
    assert re.search(said, caught.value.what)


TIED = """
    class Tied(Network):
        def __init__(self, shape):
            super().__init__(shape)
            self.output_embedding = self.table.embeddings

        def call(self, features, training=False, hidden=False):
            states = self.table(features["ids"])
            return states if hidden else {logits}

    def build(shape):
        return Tied(shape)
"""


@pytest.mark.parametrize(
    ("logits", "said"),
    [
        ("tf.matmul(states, self.output_embedding, transpose_b=True) + 1", "times that are not its logits"),
        ("tf.matmul(hidden, states)", r"called on 8 rows of 12 tokens, it raised \w+"),
    ],
)
def test_an_output_embedding_is_compared_with_the_logits(own: Write, logits: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        architectures.build(own(TIED.format(logits=logits)), SHAPE)


def test_an_output_embedding_without_hidden_states_is_refused(own: Write) -> None:
    source = """
    class Half(Network):
        def __init__(self, shape):
            super().__init__(shape)
            self.output_embedding = self.table.embeddings

    def build(shape):
        return Half(shape)
    """
    with pytest.raises(ConfigError, match="called with hidden=True, it raised TypeError"):
        architectures.build(own(source), SHAPE)


def test_a_network_with_an_output_embedding_learns_as_without(own: Write) -> None:
    model = architectures.build(
        own(TIED.format(logits="tf.matmul(states, self.output_embedding, transpose_b=True)")), SHAPE
    )
    rng = np.random.default_rng(0)
    features = {"ids": rng.integers(5, 60, (3, 7)).astype(np.int32)}
    targets, weights = rng.integers(5, 60, (3, 7)).astype(np.int32), rng.random((3, 7)).astype(np.float32)
    whole = (network.cross_entropy(targets, model(features)) * weights).numpy().sum()
    assert float(network.loss_sum(model, features, targets, weights)) == pytest.approx(whole, rel=1e-6)


def test_a_network_that_only_float32_suits_says_so_of_the_precision(own: Write) -> None:
    config = own(between("return tf.matmul(hidden, tf.eye(8))"))
    with architectures.precision("mixed_bfloat16"), pytest.raises(ConfigError, match=r"cannot compute in mixed_bfloat16: .*TypeError in own_\w+\.py, line 23") as caught:  # fmt: skip
        architectures.build(config, SHAPE)
    assert "training.precision to float32" in str(caught.value.remedy)
    assert keras.config.dtype_policy().name == "float32"
    ahead = own(between("return tf.roll(hidden, -1, 1)"))
    with architectures.precision("mixed_bfloat16"), pytest.raises(ConfigError, match="looks ahead"):
        architectures.build(ahead, SHAPE)


def test_recomputing_is_the_own_networks_affair() -> None:
    with pytest.raises(ConfigError, match=f"{GOOD} is not known to compute its activations anew"):
        architectures.build(TrainingConfig(model=GOOD, recompute=True), SHAPE)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("function", ["build", "build_of_text", "build_recurrent", "build_with_dropout"])
def test_a_network_is_taken_with_the_weights_that_it_was_made_with(function: str, precision: str) -> None:
    config = TrainingConfig(model=f"tests.fixtures.own_network:{function}")
    with architectures.precision(precision):
        keras.utils.set_random_seed(3)
        built = architectures.build(config, SHAPE)
        keras.utils.set_random_seed(3)
        made = getattr(own_network, function)(SHAPE)
    assert all(
        (np.array(one) == np.array(other)).all() for one, other in zip(built.variables, made.variables, strict=True)
    )
    features = {
        "ids": np.ones((2, 5), np.int32),
        "image": np.zeros((2, 8, 8, 3), np.float32),
        "has_image": np.zeros(2, np.float32),
        "noise": np.zeros(2, np.int32),
    }
    assert built(features, training=True).shape == (2, 5, 60)


def test_tables_are_spared_by_weight_decay_and_cost_nothing_unless_they_are_the_head() -> None:
    built = architectures.build(TrainingConfig(model=GOOD), SHAPE)
    [table] = network.tables(built)
    assert table.name == "embeddings"
    multiplied = [weight for weight in built.trainable_variables if len(weight.shape) > 1 and weight is not table]
    spared = {weight.path for weight in network.spared(built)}
    assert spared == {weight.path for weight in built.trainable_variables} - {weight.path for weight in multiplied}
    assert flops.of_token(built) == 6 * sum(int(np.prod(weight.shape)) for weight in multiplied)
    gpt = architectures.build(SMALL, SHAPE)
    head = 60 * 16
    in_blocks = sum(int(np.prod(w.shape)) for w in gpt.trainable_variables if "kernel" in w.path)
    assert flops.of_token(gpt) == 6 * (head + in_blocks)


@pytest.mark.parametrize("function", [None, "build", "build_with_dropout", "build_recurrent"])
def test_weights_are_those_of_the_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, function: str | None
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    config = TrainingConfig(model=f"tests.fixtures.own_network:{function}") if function else SMALL
    keras.utils.set_random_seed(1)
    earlier = getattr(own_network, function)(SHAPE) if function else architectures.build(config, SHAPE)
    earlier.save_weights(tmp_path / "earlier.weights.h5")
    keras.utils.set_random_seed(2)
    other = architectures.build(config, SHAPE)
    with architectures.precision("mixed_bfloat16"):
        loaded = architectures.build(dataclasses.replace(config, weights="earlier.weights.h5"), SHAPE)
    assert export.weights_digest(loaded) == export.weights_digest(earlier) != export.weights_digest(other)


def test_weights_of_another_network_or_of_none_are_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    deeper = dataclasses.replace(SMALL, gpt=dataclasses.replace(SMALL.gpt, depth=2))
    wider = dataclasses.replace(SMALL, gpt=dataclasses.replace(SMALL.gpt, width=32))
    for name, config in (("deeper", deeper), ("wider", wider), ("own", TrainingConfig(model=GOOD))):
        architectures.build(config, SHAPE).save_weights(tmp_path / f"{name}.weights.h5")
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    (tmp_path / "pickled.h5").write_bytes(b"no weights")
    for name, said in (
        ("missing.weights.h5", r"there is no file .*missing\.weights\.h5"),
        ("pickled.h5", "pickled.h5 does not end in .weights.h5"),
        ("broken.weights.h5", "cannot be read"),
        ("deeper.weights.h5", r"holds \d+ numbers, and the network has \d+"),
        ("wider.weights.h5", "cannot be read"),
        ("own.weights.h5", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=said) as caught:
            architectures.build(dataclasses.replace(SMALL, weights=name), SHAPE)
        assert caught.value.where == "training.weights" and "save_weights" in str(caught.value.remedy)


def test_train_runs_anew_when_the_module_or_the_weights_are_edited(own: Write, tmp_path: pathlib.Path) -> None:
    def code(config: TrainingConfig) -> str:
        inputs = {name: channel.Channel(type=one.type) for name, one in Train.SPEC_CLASS.INPUTS.items()}
        return Train(**inputs, config=config, budgets=transformed.BUDGETS, seed=0).exec_properties["code"]

    config = own("def build(shape): ...")
    (tmp_path / "w.weights.h5").write_bytes(b"one")
    weighted = dataclasses.replace(config, weights="w.weights.h5")
    before, with_weights = code(config), code(weighted)
    assert before == code(config) and len({before, with_weights, code(TrainingConfig())}) == 3
    (tmp_path / "w.weights.h5").write_bytes(b"two")
    assert code(weighted) != with_weights
    [path] = tmp_path.glob("own_*.py")
    path.write_text(path.read_text() + "# edited\n")
    assert code(config) != before
    path.unlink()
    with pytest.raises(ConfigError, match="there is no module own_network_of_a_test_9"):
        code(TrainingConfig(model="own_network_of_a_test_9:build"))
    with pytest.raises(ConfigError, match="there is no file"):
        code(dataclasses.replace(TrainingConfig(), weights="missing.weights.h5"))
