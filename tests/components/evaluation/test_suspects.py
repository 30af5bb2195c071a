"""Pairs whose partner is no better than another's are listed, and no others."""

import dataclasses

import pytest

from components.evaluation import suspects
from components.evaluation.held_out import HeldOut
from serving.instance import Instance, Score


def sample(number, source="emoji", image=True):
    return HeldOut(
        f"s{number}",
        source,
        Instance(f"text {number}", b"image %d" % number if image else None, f"code {number}"),
    )


def number_in(value):
    return int((value.decode() if isinstance(value, bytes) else value).split()[-1])


def score(instances):
    """A model that knows what belongs together: by the number."""
    scores = []
    for instance in instances:
        code = number_in(instance.code)
        text_fits = number_in(instance.text) == code
        image_fits = instance.image is None or number_in(instance.image) == code
        scores.append(Score(10.0 if image_fits else 14.0, 8, (10.0 if text_fits else 13.0) + (not image_fits), 8))
    return scores


def exchanged(samples, one, other, partner):
    """The samples with the partners of two of them exchanged."""
    changed = list(samples)
    for place, from_place in ((one, other), (other, one)):
        instance = dataclasses.replace(
            samples[place].instance, **{partner: getattr(samples[from_place].instance, partner)}
        )
        changed[place] = dataclasses.replace(samples[place], instance=instance)
    return changed


SAMPLES = [sample(number) for number in range(20)]


def test_where_all_belong_together_none_is_suspect():
    found = suspects.find(score, SAMPLES, others=3, seed=0)
    assert [(one.partner, one.samples, one.suspects) for one in found] == [("image", 20, ()), ("text", 20, ())]


@pytest.mark.parametrize("partner", suspects.PARTNERS)
def test_a_wrong_partner_is_found(partner):
    found = {one.partner: one for one in suspects.find(score, exchanged(SAMPLES, 3, 7, partner), others=3, seed=0)}
    assert {suspect.sample_id for suspect in found[partner].suspects} == {"s3", "s7"}
    [other] = set(suspects.PARTNERS) - {partner}
    assert found[other].suspects == ()


def test_the_worst_comes_first():
    def half(instances):
        return [
            dataclasses.replace(one, text_nll=one.text_nll + 5 * (instance.text == "text 3"))
            if instance.image == b"image 7"
            else one
            for one, instance in zip(score(instances), instances, strict=True)
        ]

    [images, _] = suspects.find(half, exchanged(SAMPLES, 3, 7, "image"), others=3, seed=0)
    assert [suspect.sample_id for suspect in images.suspects] == ["s3", "s7"]
    assert images.suspects[0].excess_nats > images.suspects[1].excess_nats >= 0


def test_partners_are_exchanged_within_a_data_set_and_only_where_there_are_any():
    samples = [*SAMPLES, *(sample(number, "python", image=False) for number in range(30, 34)), sample(40, "alone")]
    seen = []

    def watching(instances):
        seen.extend(instances)
        return score(instances)

    images, texts = suspects.find(watching, samples, others=20, seed=0)
    assert (images.samples, texts.samples) == (20, 24)
    assert not [one for one in seen if number_in(one.text) < 20 <= number_in(one.code)]
    assert not [one for one in seen if one.code == "code 40"]


def test_the_same_seed_asks_the_same():
    asked = []
    for _ in range(2):
        seen = []
        suspects.find(
            lambda instances, seen=seen: seen.extend(instances) or score(instances), SAMPLES, others=2, seed=4
        )
        asked.append(seen)
    assert asked[0] == asked[1]
