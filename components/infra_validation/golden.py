"""Golden requests: what every model must be able to answer before it serves, and a file that keeps the answers."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence

from components.evaluation.held_out import HeldOut
from serving.instance import Instance, Score

FILE_NAME = "golden.json"
_PART = 1000
_UNICODE = "naïve Ελλάδα 日本語 \U0001f9d1\U0001f3fd\u200d\U0001f680 e\u0301 \u202eright to left\u202c\ttab\r\n\x00nul"


@dataclasses.dataclass(frozen=True)
class Golden:
    """One request, and the answer to it once there is one.

    Attributes:
        name: which case it is.
        instances: what is asked, none to many.
        scores: what was answered, one an instance.
    """

    name: str
    instances: tuple[Instance, ...]
    scores: tuple[Score, ...] = ()


def requests(samples: Sequence[HeldOut], *, text_tokens: int, code_tokens: int) -> list[Golden]:
    """The golden requests.

    Args:
        samples: held-out samples; each is a request, and all of them together another.
        text_tokens: the model's budget, which one request exceeds.
        code_tokens: likewise.
    """
    whole = [sample.instance for sample in samples]
    words = next((instance.text for instance in whole if instance.text), "a word")
    program = next((instance.code for instance in whole if instance.code), "x = 1\n")
    image = next((instance.image for instance in whole if instance.image), None)
    cases: dict[str, tuple[Instance, ...]] = {f"sample {number}": (instance,) for number, instance in enumerate(whole)}
    cases |= {
        "all samples at once": tuple(whole),
        "text only": (Instance(text=words),),
        "code only": (Instance(code=program),),
        "no image": (Instance(text=words, code=program),),
        "nothing in it": (Instance(),),
        "Unicode": (Instance(text=_UNICODE, code=f"s = {_UNICODE!r}\n", image=image),),
        "too long": (
            Instance(text=f"{words[:_PART]} " * (text_tokens + 1), code=f"{program[:_PART]}\n" * (code_tokens + 1)),
        ),
        "no instance": (),
    }
    if image is not None:
        cases["image only"] = (Instance(image=image),)
    return [Golden(name, instances) for name, instances in cases.items()]


def write(directory: str | os.PathLike[str], requests: Sequence[Golden]) -> None:
    """Writes `golden.json`: images in base64, an absent modality as null."""
    plain = [dataclasses.asdict(request) for request in requests]
    text = json.dumps(plain, indent=2, default=lambda image: base64.b64encode(image).decode())
    pathlib.Path(directory, FILE_NAME).write_text(text + "\n")


def digest(directory: str | os.PathLike[str]) -> str:
    """The canonical digest of requests and answers, to a ten-thousandth of a nat, hexadecimal."""
    facts = [
        (item.name, [(round(score.text_nll, 4), round(score.code_nll, 4)) for score in item.scores])
        for item in read(directory)
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read(directory: str | os.PathLike[str]) -> list[Golden]:
    """What `write` wrote."""
    return [
        Golden(
            item["name"],
            tuple(
                Instance(one["text"], one["image"] and base64.b64decode(one["image"]), one["code"])
                for one in item["instances"]
            ),
            tuple(Score(**score) for score in item["scores"]),
        )
        for item in json.loads(pathlib.Path(directory, FILE_NAME).read_text())
    ]
