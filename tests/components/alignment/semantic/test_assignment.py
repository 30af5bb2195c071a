import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from components.alignment.semantic import assignment, candidates, features, texts
from components.alignment.semantic.candidates import Pairs
from components.alignment.semantic.comparing import LEXICAL
from components.alignment.semantic.model import calibration_error, fit_chosen

GRAPHS = st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), st.integers(-20, 40), max_size=25)


def graph(edges):
    ordered = sorted(edges)
    left, right = (np.array([edge[side] for edge in ordered], np.int64) for side in (0, 1))
    return Pairs(left, right), np.array([edges[edge] / 4 for edge in ordered], float)


@given(GRAPHS)
def test_one_to_one_gains_as_much_as_the_best_of_all_assignments(edges):
    pairs, odds = graph(edges)
    taken = assignment.one_to_one(pairs, odds, -1.0)
    gains = np.zeros((7, 7))
    np.maximum.at(gains, (pairs.left, pairs.right), odds + 1)
    best = gains[scipy.optimize.linear_sum_assignment(-gains)].sum()
    assert np.isclose((odds[taken] + 1).sum(), best, atol=1e-3)
    assert len(set(pairs.left[taken].tolist())) == len(set(pairs.right[taken].tolist())) == len(taken)
    assert (odds[taken] > -1).all()


@given(GRAPHS)
def test_mutual_best_are_the_best_of_both(edges):
    pairs, odds = graph(edges)
    for index in assignment.mutual_best(pairs, odds).tolist():
        same = (pairs.left == pairs.left[index]) | (pairs.right == pairs.right[index])
        assert odds[index] == odds[same].max()


@given(GRAPHS)
def test_rivals_are_the_best_other_pairs(edges):
    pairs, odds = graph(edges)
    found = assignment.rivals(pairs, odds, assignment.mutual_best(pairs, odds))
    for index in range(len(pairs)):
        others = [place for place in range(len(pairs)) if place != index]
        left = [odds[place] for place in others if pairs.left[place] == pairs.left[index]]
        right = [odds[place] for place in others if pairs.right[place] == pairs.right[index]]
        for margin, rivals in ((found.of_left[index], left), (found.of_right[index], right)):
            assert margin == np.clip(odds[index] - max(rivals, default=-np.inf), -assignment.FAR, assignment.FAR)
        assert found.equals[index] == 1 + max(left.count(odds[index]), right.count(odds[index]))


def test_nothing_that_speaks_for_a_pair_lowers_its_score():
    random = np.random.default_rng(3)
    seen = random.normal(size=(400, 6))
    right = seen @ [-3.0, 2.0, -1.0, 0.5, -4.0, 1.0] > 0
    weights = fit_chosen(seen, right).weights
    assert min(weights[:4]) >= 0
    assert weights[4] < -0.5


def test_the_calibration_error_is_how_far_scores_are_from_shares():
    scores = np.tile([0.3, 0.7], 500)
    assert calibration_error(scores, scores > 0.5) == pytest.approx(0.3)
    right = np.tile([True] * 3 + [False] * 7, 100)
    assert calibration_error(np.full(1000, 0.3), right) == pytest.approx(0.0)


def test_words_are_read_without_case_accents_signs_and_inflection():
    one, other, vocabulary = texts.read(
        [["SKIS, Third Crème-Bar’s"]], [["ski; 3RD creme bars", "ski, Ski!, a-b\nsnow"]], 200
    )
    assert vocabulary.words == ("3rd", "a", "b", "bar", "creme", "ski", "snow")
    assert one.words.tolist() == other.words[:4].tolist() == [5, 0, 4, 3]
    assert [len(side.starts) - 1 for side in (one, other)] == [1, 4]


def test_signs_stand_for_themselves_where_there_is_no_word():
    assert texts.split("♪ ♫") == ["♪", "♫"]
    assert texts.split("a ♪") == ["a"]


def test_candidates_of_more_things_than_the_budget_are_those_that_share_what_is_rare(monkeypatch):
    monkeypatch.setattr(candidates, "_BUDGET", 300)
    names = [[f"common common{number % 7} rare{number}"] for number in range(1000)]
    read = texts.read(names, names[::-1], 200)
    found = candidates.by_words(*candidates.weigh(*read), 3)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert {(number, 999 - number) for number in range(1000)} <= pairs
    assert len(pairs) <= 6000


def test_features_tell_agreement_from_what_is_missing():
    read = features.read([["red circle"]], [["circle, red"], ["blue square"], ["red circle shape", "round"]], 200)
    pairs = Pairs(np.zeros(3, np.int64), np.arange(3))
    found = features.lexical(read, pairs, features.Habits.unknown(len(read.vocabulary.words)))
    told = dict(zip(LEXICAL, found.T, strict=True))
    assert told["name_agreement"][0] == pytest.approx(1) and told["name_agreement"][1] == 0
    assert told["evidence"][0] > told["evidence"][1] == 0
    assert told["same_name"].tolist() == [0, 0, 0] and told["same_words"].tolist() == [1, 0, 0]
    assert told["most_missing"][0] == 0 < told["most_missing"][2] < told["most_missing"][1]
    assert told["least_missing"][2] == 0 < told["least_missing"][1]
    assert told["most_shared"][2] == pytest.approx(1) and 0 < told["least_shared"][2] < 1


def test_pairs_beyond_doubt_tell_which_word_stands_for_another():
    names = ["sun", "sun", "moon", "rain", "snow"]
    read = features.read([[f"squared {name}"] for name in names], [[f"{name} button"] for name in names], 200)
    pairs = Pairs(np.arange(5), np.arange(5))
    learnt = features.learn(read, pairs)
    words = list(read.vocabulary.words)
    squared, button = words.index("squar"), words.index("button")
    assert learnt.keys.tolist() == [squared * len(words) + button]
    assert learnt.kept[0, squared] < 0.5 < learnt.kept[0, words.index("moon")]
    before = features.lexical(read, pairs, features.Habits.unknown(len(words)))
    after = features.lexical(read, pairs, learnt)
    missing = LEXICAL.index("most_missing")
    assert (after[:, missing] < before[:, missing]).all()
