"""Damaged samples: what is damaged, what a model may refuse, and that nothing depends on chance."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluation import robustness
from components.evaluation.config import CONDITIONS
from components.evaluation.held_out import HeldOut
from serving.instance import Instance, InstanceError, Score
from serving.model import Model
from tests.fixtures import exports, standin

WHOLE = Instance("a long enough text of words", standin.png(), "def f(x):\n    return x\n")


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, 0]))


class Picky(Model):
    """Refuses an image that is not whole."""

    def __init__(self) -> None:
        pass

    def score(self, instances):
        if any(one.image and one.image != WHOLE.image for one in instances):
            raise InstanceError("not a PNG")
        return [Score(len(one.text or "") * 1.0, len((one.text or "").encode()), 0.0, 0) for one in instances]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_damage_changes_what_it_names_and_leaves_something_to_predict(condition: str) -> None:
    damaged = robustness.damage(WHOLE, condition, generator())
    assert damaged is not None and damaged != WHOLE and (damaged.text or damaged.code)
    assert damaged == robustness.damage(WHOLE, condition, generator())
    touched = {
        "typos": {"text"}, "truncated_image": {"image"}, "other_script": {"text"}, "very_long": {"text", "code"},
    }.get(condition)  # fmt: skip
    changed = {name for name in ("text", "image", "code") if getattr(damaged, name) != getattr(WHOLE, name)}
    assert changed == touched if touched else len(changed) == 1


def test_what_cannot_be_damaged_is_left_out() -> None:
    assert robustness.damage(Instance(code="1\n"), "typos", generator()) is None
    assert robustness.damage(Instance(text="word"), "truncated_image", generator()) is None
    assert robustness.damage(Instance(text="word"), "empty_modality", generator()) is None
    assert robustness.damage(Instance(text="日本語"), "other_script", generator()) is None
    for seed in range(20):
        left = robustness.damage(Instance(text="word", image=b"png"), "empty_modality", generator(seed))
        assert left == Instance(text="word"), "the text alone can be predicted"


def test_what_a_model_refuses_is_counted_and_the_rest_is_answered() -> None:
    samples = [HeldOut(str(n), "s", WHOLE if n % 2 else Instance(text="only text")) for n in range(8)]
    scores = Picky().score([sample.instance for sample in samples])
    found = robustness.test(Picky(), samples, scores, ("truncated_image", "typos"), most=3, seed=0, node="Evaluate")
    images, typos = found["truncated_image"].figures, found["typos"].figures
    assert (images.samples, images.refused, images.bits_per_byte) == (3, 3, None)
    assert (typos.samples, typos.refused) == (3, 0)
    assert typos.bits_per_byte == pytest.approx(1 / np.log(2))
    assert robustness.counts(found) == {"truncated_image": 0, "typos": 3}


def test_the_same_seed_damages_alike_and_another_otherwise() -> None:
    samples = [HeldOut(str(n), "s", Instance(text=f"sample {n} " * 20)) for n in range(4)]

    def asked(seed: int) -> list[Instance]:
        seen: list[Instance] = []

        class Watching(Picky):
            def score(self, instances):
                seen.extend(instances)
                return super().score(instances)

        scores = Picky().score([sample.instance for sample in samples])
        robustness.test(Watching(), samples, scores, ("typos", "other_script"), most=4, seed=seed, node="Evaluate")
        return seen

    assert asked(1) == asked(1) != asked(2)


def test_a_real_model_refuses_half_an_image_in_words_and_answers_the_rest() -> None:
    from serving.model import load

    model = load(exports.litert() / "Format-Serving")
    sample = HeldOut("one", "emoji", WHOLE)
    scores = model.score([WHOLE])
    found = robustness.test(model, [sample], scores, CONDITIONS, most=1, seed=0, node="Evaluate")
    assert {name: damaged.figures.refused for name, damaged in found.items()} == {
        **dict.fromkeys(CONDITIONS, 0),
        "truncated_image": 1,
    }
    assert all(damaged.figures.bits_per_byte for name, damaged in found.items() if name != "truncated_image")
