"""The file that says what an exported model is: `headrace_model.json` beside the weights."""

from __future__ import annotations

import enum
import json
import os
import pathlib

import pydantic
import pydantic.dataclasses

from schemas.errors import IntegrityError

FILE_NAME = "headrace_model.json"
TOKENIZER_FILE = "tokenizer.model"
LITERT_FILE = "model.tflite"


class ModelFormat(str, enum.Enum):
    """What holds the weights."""

    SAVED_MODEL = "saved_model"
    LITERT = "litert"


@pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=pydantic.ConfigDict(extra="forbid"))
class Manifest:
    """What a server needs to know to answer requests with a model.

    Attributes:
        format: SavedModel or LiteRT flatbuffer.
        architecture: the name of the network, as in the configuration.
        parameters: number of trainable weights.
        text_tokens: most tokens of text that the model looks at; the rest is cut.
        code_tokens: most tokens of code that the model looks at; the rest is cut.
        image_size: images are seen as `[image_size, image_size, 3]`.
        quantization: the recipe, or `none`.
        weights_digest: canonical digest of the float weights that it stems from.
    """

    format: ModelFormat
    architecture: str
    parameters: int
    text_tokens: int
    code_tokens: int
    image_size: int
    quantization: str = "none"
    weights_digest: str

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes the manifest into a model's directory."""
        text = pydantic.TypeAdapter(Manifest).dump_json(self, indent=2)
        (pathlib.Path(directory) / FILE_NAME).write_bytes(text + b"\n")

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Manifest:
        """The manifest in a model's directory.

        Raises:
            IntegrityError: there is none, or it is not one.
        """
        path = pathlib.Path(directory) / FILE_NAME
        try:
            return pydantic.TypeAdapter(cls).validate_python(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"not a model's manifest: {error}", where=str(path), remedy="export the model again"
            ) from error
