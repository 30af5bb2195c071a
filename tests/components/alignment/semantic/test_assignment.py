import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from components.alignment.semantic import assignment, candidates, texts
from components.alignment.semantic.candidates import Pairs
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
    scores = np.repeat([0.1, 0.9], 500)
    right = np.tile([True] + [False] * 9, 100)
    assert calibration_error(scores, right) == pytest.approx(0.4)
    assert calibration_error(np.full(1000, 0.1), right) == pytest.approx(0.0)


def test_words_are_read_without_case_accents_signs_and_inflection():
    one, other, vocabulary = texts.read(
        [["SKIS, Third Café-Bar’s"]], [["ski; 3RD cafe bars", "ski, Ski!, a-b\nsnow"]], 200
    )
    assert vocabulary.words == ("3rd", "a", "b", "bar", "cafe", "ski", "snow")
    assert one.words.tolist() == other.words[:4].tolist() == [5, 0, 4, 3]
    assert [len(side.starts) - 1 for side in (one, other)] == [1, 4]


def test_signs_stand_for_themselves_where_there_is_no_word():
    assert texts.split("♪ ♫") == ["♪", "♫"]
    assert texts.split("a ♪") == ["a"]


def test_candidates_of_more_things_than_the_budget_are_those_that_share_what_is_rare():
    names = [[f"common common{number % 7} rare{number}"] for number in range(40_000)]
    read = texts.read(names, [["common rare123"], ["rare31999 common"]], 200)
    found = candidates.by_words(*candidates.weigh(*read), 3)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert {(123, 0), (31_999, 1)} <= pairs
    assert len(pairs) < 100_000
