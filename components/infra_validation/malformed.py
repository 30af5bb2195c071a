"""Requests that no model can answer, each with the field that must be named when it is refused."""

from __future__ import annotations

import dataclasses
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from components.infra_validation.report import Check
from serving import checks, sequence
from serving.instance import Instance, InstanceError
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest, ModelFormat
from serving.model import Model
from serving.tokens import Tokenizer

NAME = "what cannot be answered is refused by name"


@dataclasses.dataclass(frozen=True)
class Malformed:
    """One such request.

    Attributes:
        name: what is wrong with it.
        field: what must be named.
        ask: asks it.
    """

    name: str
    field: str
    ask: Callable[[], object]


def check(directory: pathlib.Path, manifest: Manifest, model: Model) -> Check:
    """Whether a model refuses each of them by the right name, and none ends it."""
    cases = _instances(model)
    if manifest.format is ModelFormat.LITERT:
        cases += _tokens(directory, manifest)
    faults = [fault for case in cases if (fault := _fault(case))]
    return Check(NAME, not faults, "; ".join(faults) or f"{len(cases)} malformed requests")


def _fault(case: Malformed) -> str:
    try:
        case.ask()
    except InstanceError as error:
        return (
            "" if error.where == case.field else f"{case.name}: {error.where or 'nothing'} is named, not {case.field}"
        )
    except Exception as error:  # whatever it is, a server must not meet it
        return f"{case.name}: {type(error).__name__}: {str(error)[:100]}"
    return f"{case.name}: it is answered"


def _instances(model: Model) -> list[Malformed]:
    def case(name: str, field: str, **wrong: Any) -> Malformed:
        return Malformed(name, field, lambda: model.score([Instance(text="a word"), Instance(**wrong)]))

    return [
        case("text of bytes", "text", text=b"bytes"),
        case("text that is a number", "text", text=7),
        case("a list of texts", "text", text=["one", "two"]),
        case("text with a lone surrogate", "text", text="lone \ud800"),
        case("text that is too long", "text", text="x" * (checks.MOST_TEXT_BYTES + 1)),
        case("code of bytes", "code", code=b"x = 1"),
        case("code that is too long", "code", code="é" * (checks.MOST_TEXT_BYTES // 2 + 1)),
        case("image of text", "image", image="PNG"),
        case("image of pixels", "image", image=np.zeros((8, 8, 3), np.float32)),
        case("image that is no PNG", "image", image=b"GIF89a" + bytes(64)),
        case("image that is too long", "image", image=bytes(checks.MOST_IMAGE_BYTES + 1)),
        case("image of too many pixels", "image", image=_png(1 << 15, 1 << 15)),
        Malformed("what is no instance", "instance", lambda: model.score([cast(Instance, "a word")])),
    ]


def _tokens(directory: pathlib.Path, manifest: Manifest) -> list[Malformed]:
    from serving.litert import Request, Runner  # LiteRT; this module serves SavedModels as well

    vocabulary = Tokenizer(directory / TOKENIZER_FILE).vocabulary
    runner = Runner(directory / LITERT_FILE, vocabulary=vocabulary)
    length, size = sequence.length(manifest.text_tokens, manifest.code_tokens), manifest.image_size
    ids, segments = sequence.layout([], [], text_tokens=manifest.text_tokens, code_tokens=manifest.code_tokens)
    sound = Request(ids, segments, np.zeros((size, size, 3), np.float32), False, 0, 0)

    def first(value: int) -> Any:
        return np.concatenate([[value], ids[1:]]).astype(np.int32)

    def case(name: str, field: str, **wrong: Any) -> Malformed:
        return Malformed(name, field, lambda: runner(dataclasses.replace(sound, **wrong)))

    return [
        case("ids of 64 bits", "ids", ids=ids.astype(np.int64)),
        case("ids that are fractions", "ids", ids=ids.astype(np.float32)),
        case("ids of another rank", "ids", ids=ids[None]),
        case("too many ids", "ids", ids=np.zeros(length + 1, np.int32)),
        case("an id below the vocabulary", "ids", ids=first(-1)),
        case("an id above the vocabulary", "ids", ids=first(vocabulary)),
        case("pixels that are no numbers", "image", image=np.full((size, size, 3), np.nan, np.float32)),
        case("pixels without bounds", "image", image=np.full((size, size, 3), np.inf, np.float32)),
        case("pixels of 64 bits", "image", image=np.zeros((size, size, 3))),
        case("an image without colour", "image", image=np.zeros((size, size), np.float32)),
        case("an image of another size", "image", image=np.zeros((size + 1, size, 3), np.float32)),
    ]


def _png(width: int, height: int) -> bytes:
    """A PNG that says how large it is and no more."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + bytes(64)
