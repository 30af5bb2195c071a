"""What the served model holds of its tokens, and what that says of its memory."""

from __future__ import annotations

import dataclasses
import math
import types

import numpy as np
import pytest

from components.evaluation import comparison, held_out, memorisation, retrieval, tokens
from components.evaluation.config import MemorisationConfig, RetrievalConfig
from components.evaluation.examples import CALIBRATION_GROUPS
from components.evaluation.held_out import HeldOut
from serving import sequence
from serving.instance import Instance, Score
from serving.model import Model, load
from tests.fixtures import exports

PATH = "Format-Serving"


@pytest.fixture(scope="module")
def read():
    """Requests of held-out samples, what a real LiteRT model holds of their tokens, and the samples."""
    samples = held_out.read(exports.samples(), "test", 8)
    reader = tokens.Reader(exports.litert() / PATH, threads=2)
    requests = [reader.encoder.encode(sample.instance) for sample in samples]
    return samples, requests, reader.read(requests, node="Evaluate")


def test_the_tokens_are_those_of_the_answer_that_serves(read) -> None:
    samples, requests, places = read
    scores = load(exports.litert() / PATH).score([sample.instance for sample in samples])
    for request, found, score in zip(requests, places, scores, strict=True):
        text = found.nll[request.segments == sequence.TEXT_SEGMENT].sum(dtype=np.float64)
        assert text == pytest.approx(score.text_nll, abs=1e-9)


def test_a_token_is_the_likeliest_exactly_where_none_is_likelier(read) -> None:
    _, requests, places = read
    seen = set()
    for request, found in zip(requests, places, strict=True):
        chosen = request.segments != sequence.NONE_SEGMENT
        own, likeliest, ranks = np.exp(-found.nll[chosen]), found.likeliest[chosen], found.ranks[chosen]
        assert (own <= likeliest + 1e-5).all()
        assert ((ranks == 0) == (np.abs(own - likeliest) < 1e-5)).all()
        seen |= set(np.minimum(ranks, 3).tolist())
    assert seen == {0, 1, 2, 3}


def test_an_examples_facts_add_up() -> None:
    places = tokens.Places(
        np.zeros(4, np.float32), np.array([0, 2, 0, 7], np.int32), np.array([0.95, 0.91, 0.31, 0.5], np.float32)
    )
    count, *rest = tokens.facts(places, np.array([True, True, True, False]), (1, 5))
    surplus, hits = np.array(rest[:CALIBRATION_GROUPS]), rest[CALIBRATION_GROUPS:]
    assert count == 3 and hits == [2, 3]
    assert surplus[9] == pytest.approx(0.95 + 0.91 - 1) and surplus[3] == pytest.approx(0.31 - 1)
    assert np.count_nonzero(surplus) == 2


def test_a_saved_model_says_why_its_tokens_are_not_looked_at() -> None:
    with pytest.raises(tokens.NotReadableError, match="saved_model"):
        tokens.Reader(exports.saved_model() / PATH, threads=1)


class Remembering:
    """Stands where a reader does: it knows some samples by heart, from a place on."""

    def __init__(self, known: dict[str, int], samples: list[HeldOut]):
        self.encoder = tokens.Reader(exports.litert() / PATH, threads=1).encoder
        self._known = {self.encoder.encode(s.instance).ids[:12].tobytes(): known.get(s.sample_id, 999) for s in samples}

    def read(self, requests, *, node):
        answers = []
        for request in requests:
            ranks = (np.arange(len(request.ids)) < self._known[request.ids[:12].tobytes()]).astype(np.int32)
            answers.append(types.SimpleNamespace(ranks=ranks))
        return answers


def code_of(number: int) -> str:
    return f"value_{number} = {number} * (alpha + {number + 1}) / {number + 3}\n"


SAMPLES = [HeldOut(f"s{n}", "python", Instance(code=code_of(1000 + 37 * n))) for n in range(12)]
CONFIG = MemorisationConfig(prompts=10, prompt_tokens=12, continued_tokens=8, common=2)


def remembered(known: dict[str, int], samples: list[HeldOut] = SAMPLES, config: MemorisationConfig = CONFIG):
    reader = Remembering(known, samples)
    return memorisation.test(reader, exports.litert() / PATH, samples, config, node="Evaluate")


def test_what_comes_out_word_for_word_counts_and_one_wrong_token_does_not() -> None:
    found = remembered({"s1": 13, "s2": 14, "s3": 5})
    assert found.extracted == ("s1", "s3"), "s2 goes wrong at the first token after the prompt"
    assert (found.prompts, found.common) == (10, 0)


def test_what_many_samples_hold_is_no_secret() -> None:
    copies = [dataclasses.replace(SAMPLES[1], sample_id=f"copy{n}") for n in range(2)]
    found = remembered({"s1": 0, "s3": 0, "copy0": 0, "copy1": 0}, [*SAMPLES, *copies])
    assert (found.extracted, found.common) == (("s3",), 1)


def test_short_samples_give_shorter_prompts_or_none() -> None:
    short = [HeldOut("tiny", "python", Instance(code="a"))]
    config = dataclasses.replace(CONFIG, prompt_tokens=40)
    found = remembered({"s1": 999}, [*short, *SAMPLES], config)
    assert found.prompts == 10 and found.shortened == 10 and found.samples == 11


class Knowing(Model):
    """Predicts a text best beside the image of the same number; how well, `sure` of ten."""

    def __init__(self, sure: int):
        self._sure = sure

    def score(self, instances):
        scores = []
        for one in instances:
            known = one.image is not None and one.image.decode() == one.text and int(one.text) % 10 < self._sure
            length = float(int(one.text))  # a text of its own likelihood, which must not matter
            scores.append(Score(length - 5 * known, 4, 0.0, 0))
        return scores


@pytest.mark.parametrize(("sure", "first"), [(10, 1.0), (4, 0.4), (0, 0.0)])
def test_an_images_own_text_is_found_as_often_as_the_model_knows_it(sure: int, first: float) -> None:
    pairs = [HeldOut(str(n), "emoji", Instance(text=str(n), image=str(n).encode())) for n in range(1000, 1020)]
    found = retrieval.test(
        Knowing(sure), pairs, RetrievalConfig(images=20, candidates=10, recall_at=(1, 10)), node="Evaluate"
    )
    assert found is not None and (found.images, found.candidates) == (20, 10)
    assert found.recall == ((1, first), (10, 1.0))


def test_without_two_images_with_texts_there_is_no_retrieval() -> None:
    one = [HeldOut("1", "emoji", Instance(text="1", image=b"1")), HeldOut("2", "emoji", Instance(code="x"))]
    assert retrieval.test(Knowing(1), one, RetrievalConfig(images=5), node="Evaluate") is None


class Short(Model):
    """Looks at so many characters, and needs one nat for each."""

    def __init__(self, characters: int, nats: float = 1.0):
        self._characters, self._nats = characters, nats

    def score(self, instances):
        sizes = [len((one.text or "")[: self._characters].encode()) for one in instances]
        return [Score(size * self._nats, size, 0.0, 0) for size in sizes]


def test_models_that_look_at_different_beginnings_are_compared_on_what_both_look_at() -> None:
    samples = [HeldOut("long", "s", Instance(text="é" * 10)), HeldOut("short", "s", Instance(text="abc"))]
    one, other = Short(8), Short(5, 2.0)
    scores = [model.score([sample.instance for sample in samples]) for model in (one, other)]
    ours, theirs = comparison.paired(samples, (one, scores[0]), (other, scores[1]), node="Evaluate")
    assert [score.text_bytes for score in ours] == [score.text_bytes for score in theirs] == [10, 3]
    assert [score.text_nll for score in theirs] == [20.0, 6.0]
    assert scores[0][0].text_bytes == 16 and math.isclose(scores[0][0].text_nll, 16)
