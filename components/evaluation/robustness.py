"""Held-out samples, damaged as those of users are: what a model makes of typing errors, of half an image, of nothing at
all where there was something, of far too much, and of scripts that it has hardly seen.

Everything depends on the seed and the sample's id alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import string
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from components.evaluation import examples
from components.evaluation.examples import BITS, BYTES, EXAMPLES, Floats
from components.evaluation.held_out import HeldOut
from components.evaluation.report import Robustness
from components.evaluation.scoring import score_all
from serving.instance import Instance, InstanceError, Score
from serving.model import Model

_TYPOS = 0.05
"""Share of characters that are hit."""
_KEPT_OF_IMAGE = (0.2, 0.8)
_LONG_CHARACTERS = 20_000
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_SCRIPTS = (
    "абцдефгхийклмнопкрстувшхуз",
    "αβκδεφγηιξκλμνοπκρστυβωχψζ",
    "աբցդեֆգհիջկլմնոպքրստուվխյզ",
    "アブクデエフグヒイジカルムノオパキラスツウヴワシヤザ",
)
"""For each Latin letter one of another script: Cyrillic, Greek, Armenian, Katakana."""

Random = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Damaged:
    """What became of one condition.

    Attributes:
        figures: as the report has them.
        sums: the quantities of what was answered, summed.
    """

    figures: Robustness
    sums: Floats


def damage(instance: Instance, condition: str, random: Random) -> Instance | None:
    """The instance damaged in one way; None where there is nothing to damage, or would be nothing left to predict."""
    return _DAMAGES[condition](instance, random)


def test(
    model: Model,
    samples: Sequence[HeldOut],
    scores: Sequence[Score],
    conditions: Sequence[str],
    *,
    most: int,
    seed: int,
    node: str,
) -> dict[str, Damaged]:
    """Asks a model about damaged samples, the first of them that can be damaged so.

    Args:
        model: it may refuse an instance by an InstanceError, and by nothing else.
        samples: undamaged.
        scores: the model's answers to them.
        conditions: which damages.
        most: samples of each.
        seed: of the damages.
        node: whose progress it is.
    """
    found = {}
    for condition in conditions:
        places: list[int] = []
        instances: list[Instance] = []
        for place, sample in enumerate(samples):
            damaged = damage(sample.instance, condition, _random(seed, condition, sample.sample_id))
            if damaged is not None and len(places) < most:
                places.append(place)
                instances.append(damaged)
        answers = _ask(
            model, [dataclasses.replace(samples[p], instance=i) for p, i in zip(places, instances, strict=True)], node
        )
        answered = [(place, answer) for place, answer in zip(places, answers, strict=True) if answer is not None]
        if places:
            sums = examples.quantities(answer for _, answer in answered)
            before = examples.quantities(scores[place] for place, _ in answered)
            figures = Robustness(
                condition, len(places), len(places) - len(answered), _bits_per_byte(sums), _bits_per_byte(before)
            )
            found[condition] = Damaged(figures, sums)
    return found


def counts(found: Mapping[str, Damaged]) -> dict[str, int]:
    """How many examples each condition has."""
    return {condition: round(float(damaged.sums[EXAMPLES])) for condition, damaged in found.items()}


def _ask(model: Model, samples: Sequence[HeldOut], node: str) -> list[Score | None]:
    try:
        return list(score_all(model, samples, node=node))
    except InstanceError:
        if len(samples) > 1:
            return [score for sample in samples for score in _ask(model, [sample], node)]
        return [None]


def _typos(instance: Instance, random: Random) -> Instance | None:
    """Letters left out, doubled, exchanged with the next, or hit beside, in the text."""
    if not instance.text or not any(character.isalpha() for character in instance.text):
        return None
    characters = list(instance.text)
    letters = [place for place, character in enumerate(characters) if character.isalpha()]
    for place in random.choice(letters, max(1, round(_TYPOS * len(letters))), replace=False).tolist():
        kind = int(random.integers(4))
        if kind == 0:
            characters[place] = ""
        elif kind == 1:
            characters[place] *= 2
        elif kind == 2 and place + 1 < len(characters):
            characters[place : place + 2] = reversed(characters[place : place + 2])
        else:
            characters[place] = string.ascii_lowercase[int(random.integers(26))]
    return dataclasses.replace(instance, text="".join(characters))


def _truncated_image(instance: Instance, random: Random) -> Instance | None:
    if not instance.image or not (instance.text or instance.code):
        return None
    kept = int(len(instance.image) * random.uniform(*_KEPT_OF_IMAGE))
    return dataclasses.replace(instance, image=instance.image[: max(1, kept)])


def _empty_modality(instance: Instance, random: Random) -> Instance | None:
    """One of the modalities left out, where something is left to predict."""
    held = [name for name in ("text", "image", "code") if getattr(instance, name)]
    possible = [name for name in held if any(other in ("text", "code") for other in held if other != name)]
    if not possible:
        return None
    left_out = possible[int(random.integers(len(possible)))]
    if left_out == "image":
        return dataclasses.replace(instance, image=None)
    return dataclasses.replace(instance, text="") if left_out == "text" else dataclasses.replace(instance, code="")


def _very_long(instance: Instance, random: Random) -> Instance | None:
    def long(content: str | None) -> str | None:
        return content and content * (1 + _LONG_CHARACTERS // len(content))

    if not (instance.text or instance.code):
        return None
    return dataclasses.replace(instance, text=long(instance.text), code=long(instance.code))


def _other_script(instance: Instance, random: Random) -> Instance | None:
    script = _SCRIPTS[int(random.integers(len(_SCRIPTS)))]
    table = str.maketrans(_LATIN + _LATIN.upper(), script + script.upper())
    text = (instance.text or "").translate(table)
    return dataclasses.replace(instance, text=text) if text != (instance.text or "") else None


_DAMAGES: Mapping[str, Callable[[Instance, Random], Instance | None]] = {
    "typos": _typos,
    "truncated_image": _truncated_image,
    "empty_modality": _empty_modality,
    "very_long": _very_long,
    "other_script": _other_script,
}


def _random(seed: int, condition: str, sample_id: str) -> Random:
    digest = hashlib.sha256(f"{condition}\0{sample_id}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(digest[:8], "little")]))


def _bits_per_byte(sums: Floats) -> float | None:
    found = float(sums[BITS] / sums[BYTES]) if sums[BYTES] else float("nan")
    return found if np.isfinite(found) else None
