"""Loads an exported model, whatever holds its weights, behind one interface.

Evaluation, infrastructure validation and the server all meet a model here, so what is judged is what serves.
"""

from __future__ import annotations

import abc
import os
import pathlib
from collections.abc import Sequence

from serving import signing
from serving.instance import Instance, Score
from serving.keys import PublicKey
from serving.manifest import Manifest, ModelFormat


class Model(abc.ABC):
    """A loaded model. Safe to call from several threads.

    Attributes:
        manifest: what the model is.
    """

    def __init__(self, manifest: Manifest):
        self.manifest = manifest

    @abc.abstractmethod
    def score(self, instances: Sequence[Instance]) -> list[Score]:
        """How well the model predicts each instance; the answer's order is the question's.

        Raises:
            InstanceError: a text is not Unicode or an image is not a PNG.
        """


def load(directory: str | os.PathLike[str], *, threads: int = 1, trusted: Sequence[PublicKey] | None = None) -> Model:
    """The model in a directory, ready to score.

    TensorFlow is imported only for a SavedModel.

    Args:
        directory: holds `headrace_model.json`, `tokenizer.model` and the weights.
        threads: how many instances a LiteRT model scores at once, each on a thread of its own; a SavedModel uses the
            threads that TensorFlow is set to.
        trusted: whose signature it must have beside it, checked before a file of it is opened; None asks for none.

    Raises:
        IntegrityError: something is missing there, or is not what the manifest says.
        SignatureError: it is not what a trusted key signed.
    """
    if trusted is not None:
        signing.verify(directory, trusted)
    manifest = Manifest.read(directory)
    if manifest.format is ModelFormat.LITERT:
        from serving.litert import LiteRTModel

        return LiteRTModel(pathlib.Path(directory), manifest, threads=threads)
    from serving.saved_model import SavedModel

    return SavedModel(pathlib.Path(directory), manifest)
