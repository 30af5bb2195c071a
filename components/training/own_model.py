"""A network of a user's own: made by the function that `training.model` names, and looked at before anything is learnt.

What it must be is said in `components.training.network`. Everything that can be seen from outside is tried here on a few
random rows, since a fault that shows only after hours, or never, is dear: a network that looks ahead learns splendidly.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import own_code
from components.training import outside
from components.training.network import Features, Shape
from schemas.errors import ConfigError
from serving import sequence

_ROWS = 8
_SHAKE = 0.1
_TOLERANCE, _TOLERANCE_IN_HALF = 1e-4, 2e-2
_PAGE = "docs/your-own-model.md"
_MESSAGE_CHARACTERS = 300
_PREAMBLE = re.compile(r'^(in user code:|File ".*|(\w+: "?)?Exception encountered when calling \S+)')

Logits = npt.NDArray[np.float32]


def build(named: str, shape: Shape) -> keras.Model:
    """The network that a function of a user's own builds, in the precision that the caller has set.

    Raises:
        ConfigError: there is no such function, or what it builds is not a network as `components.training.network` says.
    """
    called = own_code.function(named, key=outside.KEY, parameters=outside.PARAMETERS)
    own_code.check_call(called, named, {}, key=outside.KEY)
    precision = keras.config.dtype_policy().name
    try:
        return _built(named, shape)
    except ConfigError as error:
        if precision == "float32" or not _is_sound_in_float32(named, shape):
            raise
        raise ConfigError(
            f"the network cannot compute in {precision}: {error.what}",
            where=error.where,
            remedy="set training.precision to float32, or have the network's own operations use `self.compute_dtype`",
        ) from error


class Named(keras.Model):
    """A functional network that is given of the features those that it names as its inputs.

    Keras would match a dict that holds more, or less, by the order of its keys.
    """

    def __init__(self, network: keras.Model, inputs: tuple[str, ...]):
        super().__init__(name="named")
        self.network = network
        self._inputs_by_name = inputs
        self.built = True
        for name in ("tables", "tied", "packs", "patches"):
            if hasattr(network, name):
                setattr(self, name, getattr(network, name))

    def call(self, features: Features, training: bool = False) -> tf.Tensor:
        """Logits, as the network itself gives them."""
        return self.network({name: features[name] for name in self._inputs_by_name}, training=training)

    def load_weights(self, filepath: Any, **options: Any) -> None:
        """Reads the weights of the network itself."""
        self.network.load_weights(filepath, **options)


def _is_sound_in_float32(named: str, shape: Shape) -> bool:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        _built(named, shape)
    except ConfigError:
        return False
    finally:
        keras.config.set_dtype_policy(before)
    return True


def _built(named: str, shape: Shape) -> keras.Model:
    try:
        made = own_code.function(named, key=outside.KEY, parameters=outside.PARAMETERS)(shape)
    except Exception as error:  # whatever a user's code raises
        raise _raised(named, "build raised", error) from error
    model = _network(made, named)
    _Examination(model, shape, named).run()
    return model


def _network(made: Any, named: str) -> keras.Model:
    if inspect.isclass(made) or not isinstance(made, keras.Model):
        kind = f"the class {made.__name__}" if inspect.isclass(made) else type(made).__name__
        raise _fault(named, f"build returned {kind}, not a Keras model", "return a built `keras.Model`")
    if not made.built or not made.trainable_variables:
        raise _fault(
            named,
            "the network has no weights to learn yet" if not made.built else "the network has no weights to learn",
            "make its weights in `__init__`, or call it once on a small batch before you return it",
        )
    other = [weight for weight in made.weights if weight.dtype != "float32" and weight.trainable]
    if other:
        raise _fault(
            named,
            f"the weight {other[0].path} is kept in {other[0].dtype}",
            "keep weights in float32: training.precision says what is computed in",
        )
    return Named(made, inputs) if (inputs := _inputs_by_name(made)) else made


def _inputs_by_name(model: keras.Model) -> tuple[str, ...]:
    try:
        given = model.input
    except (AttributeError, ValueError):  # it is no functional one
        return ()
    return tuple(given) if isinstance(given, Mapping) else ()


class _Examination:
    """What is tried on a network. All its variables are put back afterwards."""

    def __init__(self, model: keras.Model, shape: Shape, named: str):
        self._model, self._shape, self._named = model, shape, named
        size = shape.image_size
        specs = {
            "ids": tf.TensorSpec([None, None], tf.int32),
            "image": tf.TensorSpec([None, size, size, 3], tf.float32),
            "has_image": tf.TensorSpec([None], tf.float32),
        }
        # Traced with lengths left open, as it will be in the training.
        self._plain = tf.function(lambda features: model(features, training=False), input_signature=[specs])
        noise = {"noise": tf.TensorSpec([None], tf.int32)}
        self._learning = tf.function(lambda features: model(features, training=True), input_signature=[specs | noise])
        half = keras.config.dtype_policy().compute_dtype != "float32"
        self._tolerance = _TOLERANCE_IN_HALF if half else _TOLERANCE

    def run(self) -> None:
        """Raises a ConfigError that names the first fault."""
        before = [(variable, np.array(variable)) for variable in self._model.variables]
        rng = np.random.default_rng(0)
        try:
            for tokens in (self._shape.tokens, max(2, self._shape.tokens // 2)):
                batch = self._batch(rng, tokens)
                logits = self._logits(batch)
            if not np.isfinite(logits).all():
                raise self._fault("gives logits that are no finite numbers", "check its masks, roots and divisions")
            self._logits({**batch, "noise": np.arange(_ROWS, dtype=np.int32)}, training=True)
            for weight in self._model.trainable_variables:  # one that starts at zero would hide what lies before it
                weight.assign_add(rng.normal(0, _SHAKE, weight.shape).astype(np.float32))
            if not self._same(self._logits(batch), self._logits(batch)):
                raise self._fault(
                    "answers the same batch differently from call to call, also where training=False",
                    "pass `training` on to its layers, and draw no random numbers where it is False",
                )
            self._check_looks_back_only(rng, batch)
            if hasattr(self._model, "output_embedding"):
                self._check_output_embedding(batch)
        finally:
            for variable, value in before:
                variable.assign(value)

    def _check_looks_back_only(self, rng: np.random.Generator, batch: dict[str, Any]) -> None:
        """Compares rows that differ after a place; each row has a place of its own."""
        rows, tokens = batch["ids"].shape
        same = {name: np.repeat(value[:1], rows, axis=0) for name, value in batch.items()}
        places = rng.integers(0, tokens - 1, rows)
        after = np.arange(tokens) > places[:, None]
        changed = {**same, "ids": np.where(after, self._other(same["ids"]), same["ids"])}
        before, now = self._logits(same), self._logits(changed)
        for place, one, other in zip(places, before, now, strict=True):
            if not self._same(one[: place + 1], other[: place + 1]):
                raise self._fault(
                    f"looks ahead: what it says at places up to {place} changes with the tokens after",
                    'pad convolutions with padding="causal", mask attention with use_causal_mask=True, and let neither '
                    "pooling nor normalisation mix places",
                )

    def _check_output_embedding(self, batch: dict[str, Any]) -> None:
        try:
            hidden = self._model(batch, training=False, hidden=True)
            product = tf.matmul(hidden, tf.cast(self._model.output_embedding, hidden.dtype), transpose_b=True)
        except Exception as error:  # whatever a user's code raises
            raise _raised(self._named, "called with hidden=True, it raised", error) from error
        if product.shape != batch["ids"].shape + (self._shape.vocabulary,) or not self._same(
            self._logits(batch), tf.cast(product, tf.float32).numpy()
        ):
            raise self._fault(
                "has an `output_embedding`, and its hidden states times that are not its logits",
                "give with hidden=True what the logits are the product of, or name that weight otherwise",
            )

    def _logits(self, batch: dict[str, Any], *, training: bool = False) -> Logits:
        rows, tokens = batch["ids"].shape
        try:
            logits = (self._learning if training else self._plain)(batch)
        except Exception as error:  # whatever a user's code raises
            raise _raised(self._named, f"called on {rows} rows of {tokens} tokens, it raised", error) from error
        expected = (rows, tokens, self._shape.vocabulary)
        if not tf.is_tensor(logits) or not logits.dtype.is_floating or tuple(logits.shape) != expected:
            found = f"{logits.dtype.name} {list(logits.shape)}" if tf.is_tensor(logits) else type(logits).__name__
            raise self._fault(
                f"gives {found} for {rows} rows of {tokens} tokens and {expected[2]} token ids in all",
                f"give floats {list(expected)}: a logit of each token id, at each place of each row",
            )
        return tf.cast(logits, tf.float32).numpy()

    def _batch(self, rng: np.random.Generator, tokens: int) -> dict[str, Any]:
        size = self._shape.image_size
        ids = rng.integers(sequence.CODE + 1, self._shape.vocabulary, (_ROWS, tokens)).astype(np.int32)
        ids[:, 0] = sequence.BOS
        has_image = (np.arange(_ROWS) % 2 == 0).astype(np.float32)
        image = rng.random((_ROWS, size, size, 3)).astype(np.float32) * has_image[:, None, None, None]
        return {"ids": ids, "image": image, "has_image": has_image}

    def _other(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Each id replaced by another one."""
        first = sequence.CODE + 1
        return first + (ids - first + 1) % (self._shape.vocabulary - first)

    def _same(self, one: Logits, other: Logits) -> bool:
        return bool(np.abs(one - other).max() <= self._tolerance * max(1.0, np.abs(one).max()))

    def _fault(self, what: str, remedy: str) -> ConfigError:
        return _fault(self._named, f"the network {what}", remedy)


def _raised(named: str, when: str, error: Exception) -> ConfigError:
    line = own_code.line_of(error, named, key=outside.KEY)
    said = " ".join(_sentences(error))[:_MESSAGE_CHARACTERS]
    return _fault(
        named,
        f"{when} {type(error).__name__}{f' in {line}' if line else ''}: {said}",
        f"mend it; {_PAGE} has one that works",
    )


def _sentences(error: Exception) -> Iterator[str]:
    """What an exception says, without the quoted source that TensorFlow, and the arguments that Keras adds."""
    text = str(error).replace("\\n", "\n").replace("\\x1b", "\x1b")  # a KeyError escapes what it says
    quoted = False
    for line in text.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines():
        if line.lstrip().startswith(("Arguments received by", "Call arguments received")):
            return
        said = "" if quoted else _PREAMBLE.sub("", line.strip())
        quoted = line.lstrip().startswith('File "')  # the line of source follows
        if said:
            yield said


def _fault(named: str, what: str, remedy: str) -> ConfigError:
    return ConfigError(what, where=f"{outside.KEY}: {named}", remedy=remedy)
