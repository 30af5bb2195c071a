"""A SavedModel behind the serving interface: tokenised inside its own graph."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokeniser's operations)

from schemas.errors import IntegrityError
from serving import checks, operations
from serving.instance import Instance, InstanceError, Score
from serving.manifest import Manifest
from serving.model import Model

SIGNATURE = "serving_default"
BATCH = 32


class SavedModel(Model):
    """The signature `serving_default` of a SavedModel, up to 32 instances a call.

    Args:
        directory: the exported model.
        manifest: what it says of itself.

    Raises:
        IntegrityError: it is not a SavedModel with that signature.
        OperationError: it has an operation that is not allowed.
    """

    def __init__(self, directory: pathlib.Path, manifest: Manifest):
        super().__init__(manifest)
        operations.check_saved_model(directory)
        try:
            self._loaded = tf.saved_model.load(str(directory))  # must outlive the signature, which holds it weakly
            self._call = self._loaded.signatures[SIGNATURE]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise IntegrityError(
                f"not a SavedModel with the signature {SIGNATURE}: {error}",
                where=str(directory),
                remedy="export the model again",
            ) from error

    def score(self, instances: Sequence[Instance]) -> list[Score]:
        for instance in instances:
            checks.check_instance(instance)
        scores: list[Score] = []
        for start in range(0, len(instances), BATCH):
            scores += self._score(instances[start : start + BATCH])
        return scores

    def _score(self, instances: Sequence[Instance]) -> list[Score]:
        try:
            answer = self._call(
                text=tf.constant([_utf8(instance.text) for instance in instances]),
                image=tf.constant([instance.image or b"" for instance in instances]),
                code=tf.constant([_utf8(instance.code) for instance in instances]),
            )
        except tf.errors.InvalidArgumentError as error:
            raise InstanceError(
                f"an image is not a PNG: {error.message.splitlines()[0]}", remedy="send the bytes of a PNG file"
            ) from error
        columns = [answer[name].numpy().tolist() for name in ("text_nll", "text_bytes", "code_nll", "code_bytes")]
        return [Score(*row) for row in zip(*columns, strict=True)]


def _utf8(text: str | None) -> bytes:
    try:
        return (text or "").encode()
    except UnicodeEncodeError as error:
        raise InstanceError(f"not Unicode text: {error}", remedy="replace lone surrogates") from error
