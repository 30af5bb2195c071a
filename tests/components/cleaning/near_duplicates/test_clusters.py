import numpy as np
import pyarrow as pa
import pytest

from components.cleaning.near_duplicates import clusters as library
from components.cleaning.near_duplicates.clusters import NO_TIMESTAMP, clusters, survivors

RNG = np.random.default_rng(0)


def documents(count):
    """Texts of 60 words of 3,000; each third one is an edited copy of an earlier one."""
    words = np.array([f"word{number}" for number in range(3000)])
    texts = []
    for row in range(count):
        chosen = RNG.choice(words, 60)
        if row % 3 == 2:
            chosen = np.array(texts[RNG.integers(len(texts))].split())
            chosen[RNG.random(60) < 0.04] = "edited"
        texts.append(" ".join(chosen))
    return texts


TEXTS = documents(400)


def by_comparing(texts, threshold, words=3):
    """The clusters, by comparing each document with each."""
    sets = []
    for text in texts:
        split = text.split()
        sets.append({tuple(split[at : at + words]) for at in range(max(1, len(split) - words + 1))})
    labels = list(range(len(texts)))
    for b in range(len(texts)):
        for a in range(b):
            if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold and labels[a] != labels[b]:
                one, other = sorted((labels[a], labels[b]))
                labels = [one if label == other else label for label in labels]
    return labels


@pytest.mark.parametrize("threshold", [0.7, 0.85, 1.0])
def test_clusters_are_those_of_comparing_each_with_each(threshold):
    expected = by_comparing(TEXTS, threshold)
    found = clusters(pa.array(TEXTS), threshold=threshold)
    assert found.dtype == np.int64
    assert found.tolist() == expected
    assert threshold == 1.0 or len(set(expected)) < 380


def test_clusters_do_not_depend_on_the_order_of_documents():
    order = np.random.default_rng(1).permutation(len(TEXTS))
    found = clusters(pa.array([TEXTS[row] for row in order]))
    members = {}
    for row, label in zip(order.tolist(), found.tolist(), strict=True):
        members.setdefault(label, []).append(row)
    expected = {}
    for row, label in enumerate(clusters(pa.array(TEXTS)).tolist()):
        expected.setdefault(label, []).append(row)
    assert sorted(sorted(rows) for rows in members.values()) == sorted(expected.values())


def test_a_corpus_too_large_to_keep_its_shingles_has_the_same_clusters(monkeypatch):
    expected = clusters(pa.array(TEXTS)).tolist()
    monkeypatch.setattr(library, "_SLICE_BYTES", 5_000)
    assert clusters(pa.array(TEXTS)).tolist() == expected
    monkeypatch.setattr(library, "_KEPT_BYTES", 0)
    monkeypatch.setattr(library, "_BLOCK_BYTES", 3_000)
    assert clusters(pa.array(TEXTS)).tolist() == expected


def test_nulls_and_documents_without_words_are_like_nothing():
    texts = pa.array([None, "", "...", None, "", "...", "a b c d", None, "A, b. c? D!"])
    assert clusters(texts).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 6]


@pytest.mark.parametrize("texts", [[], [None], ["one document"]])
def test_too_few_documents_have_no_clusters(texts):
    assert clusters(pa.array(texts, pa.large_string())).tolist() == list(range(len(texts)))


def test_a_slice_of_documents_counts_its_own_rows():
    assert clusters(pa.array(["x y z w", "a b c d", "q r s t", "a b c d"])[1:]).tolist() == [0, 1, 0]


def test_the_best_then_the_earliest_then_the_smallest_id_survives():
    labels = np.array([0, 0, 0, 3, 3, 3, 6, 6, 8])
    quality = np.array([0.1, 0.9, 0.5, 0.5, 0.5, 0.5, np.nan, 0.0, 0.0])
    timestamps = np.array([1, 9, 1, NO_TIMESTAMP, 5, 5, 1, 2, NO_TIMESTAMP])
    ids = np.array([b"a", b"b", b"c", b"d", b"f", b"e", b"g", b"h", b"i"])
    kept = survivors(labels, quality=quality, timestamps=timestamps, ids=ids)
    assert kept.tolist() == [1, 5, 7, 8]
    order = np.random.default_rng(0).permutation(9)
    again = survivors(labels[order], quality=quality[order], timestamps=timestamps[order], ids=ids[order])
    assert sorted(order[again].tolist()) == kept.tolist()


def test_nothing_has_no_survivors():
    nothing = np.zeros(0, np.int64)
    assert len(survivors(nothing, quality=nothing.astype(float), timestamps=nothing, ids=nothing)) == 0
