"""What is asked of a model, held against what it can be: refused at the edge, by the name of the field.

Whatever a model is asked comes from outside. Past this point a text is Unicode of bounded length, an image a PNG of bounded
size, and token ids are in the vocabulary.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from serving.images import MAX_PIXELS
from serving.instance import Instance, InstanceError

MOST_TEXT_BYTES = 1 << 24
"""Most UTF-8 bytes of a text, and of a piece of code. A model looks at the beginning only, but all of it is held."""

MOST_IMAGE_BYTES = 1 << 25
"""Most bytes of an encoded image."""

_PNG = b"\x89PNG\r\n\x1a\n"


def check_instance(instance: Instance) -> None:
    """Checks that an instance is one that a model can score.

    Raises:
        InstanceError: it is not; the field is its `where`.
    """
    if not isinstance(instance, Instance):
        raise InstanceError(
            f"not an instance but {_kind(instance)}", where="instance", remedy="send text, image or code"
        )
    _check_text("text", instance.text)
    _check_text("code", instance.code)
    if instance.image is not None:
        _check_image(instance.image)


def check_tokens(ids: Any, image: Any, *, length: int, image_size: int, vocabulary: int | None) -> None:
    """Checks what the signature `score_tokens` is given.

    Args:
        ids: must be int32 `[length]`, each from 0 to below `vocabulary`.
        image: must be float32 `[image_size, image_size, 3]`, each in 0..1.
        length: tokens in a sequence.
        image_size: side of an image, pixels.
        vocabulary: how many tokens there are; None if that is not known, so that ids are only not to be negative.

    Raises:
        InstanceError: something is not so; `ids` or `image` is its `where`.
    """
    _check_array("ids", ids, np.dtype(np.int32), (length,))
    outside = ids[(ids < 0) | (ids >= vocabulary)] if vocabulary is not None else ids[ids < 0]
    if outside.size:
        known = f"0 to {vocabulary - 1}" if vocabulary is not None else "0 and above"
        raise InstanceError(
            f"token id {outside[0]} is outside the vocabulary, {known}",
            where="ids",
            remedy="tokenise with the tokeniser of this model",
        )
    _check_array("image", image, np.dtype(np.float32), (image_size, image_size, 3))
    if not (image.min() >= 0 and image.max() <= 1):  # nor is it if one is no number
        raise InstanceError("a pixel is not from 0 to 1", where="image", remedy="divide bytes by 255")


def _check_text(field: str, text: object) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise InstanceError(f"not a text but {_kind(text)}", where=field, remedy="send a string, or nothing")
    try:
        size = len(text.encode()) if len(text) <= MOST_TEXT_BYTES else len(text)
    except UnicodeEncodeError as error:
        raise InstanceError(f"not Unicode text: {error}", where=field, remedy="replace lone surrogates") from error
    if size > MOST_TEXT_BYTES:
        raise InstanceError(
            f"over the limit of {MOST_TEXT_BYTES:,} bytes",
            where=field,
            remedy="send the beginning: a model looks at no more",
        )


def _check_image(image: object) -> None:
    if not isinstance(image, bytes):
        raise InstanceError(f"not bytes but {_kind(image)}", where="image", remedy="send the bytes of a PNG file")
    if len(image) > MOST_IMAGE_BYTES:
        raise InstanceError(
            f"over the limit of {MOST_IMAGE_BYTES:,} bytes", where="image", remedy="send a smaller picture"
        )
    if not image:
        return  # as good as none
    if not image.startswith(_PNG) or len(image) < 24:
        raise InstanceError("not a PNG image", where="image", remedy="send the bytes of a PNG file")
    width, height = struct.unpack(">II", image[16:24])
    if width * height > MAX_PIXELS:
        raise InstanceError(
            f"image of {width}x{height} pixels is over the limit of {MAX_PIXELS}",
            where="image",
            remedy="send a smaller picture",
        )


def _check_array(field: str, value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape != shape:
        raise InstanceError(
            f"not {dtype} {list(shape)} but {_kind(value)}", where=field, remedy="send it as it is said"
        )


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
