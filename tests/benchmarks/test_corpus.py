"""The benchmark corpus: the same for the same seed, with the copies it says, and nothing alike by accident."""

import collections
import random
import re

import pytest

from benchmarks import corpus, sources, truth


@pytest.fixture(scope="module")
def documents():
    return corpus.documents(800, seed=3)


def test_the_same_seed_gives_the_same_documents(documents):
    assert corpus.documents(800, seed=3).equals(documents)
    assert not corpus.documents(800, seed=4).equals(documents)


def test_half_of_the_copies_are_edited_little_and_half_more(documents):
    shares = collections.Counter(documents["edited"].to_pylist())
    assert shares == {0.0: 720, 0.01: 40, 0.05: 40}
    texts = documents["text"].to_pylist()
    for text, original, share in zip(
        texts, *(documents[name].to_pylist() for name in ("copy_of", "edited")), strict=True
    ):
        assert (original is None) == (share == 0.0)
        if original is None:
            continue
        words, before = re.findall(r"\w+", text), re.findall(r"\w+", texts[original])
        assert len(words) == len(before)
        changed = sum(a != b for a, b in zip(words, before, strict=True))
        assert 0 < changed <= max(1, round(share * len(words)))


def test_true_pairs_are_what_was_copied_and_few_besides(documents):
    found = truth.pairs(documents["text"].to_pylist())
    originals = documents["copy_of"].to_pylist()
    planted = {tuple(sorted((row, original))) for row, original in enumerate(originals) if original is not None}
    true = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert len(planted & true) >= 0.9 * len(planted)
    assert len(true - planted) <= 0.2 * len(planted)  # real texts repeat themselves


def test_more_documents_than_material_are_not_near_duplicates(monkeypatch):
    draw = random.Random(5)
    material = [" ".join(f"w{draw.randrange(10**6)}" for _ in range(50)) for _ in range(1200)]
    monkeypatch.setattr(corpus, "_material", lambda count, seed: material)
    texts = corpus.documents(1500, seed=1, copies=0.0)["text"].to_pylist()
    assert len(set(texts)) == 1500
    assert len(truth.pairs(texts).first) == 0


def test_boilerplate_is_alike_in_its_header_only():
    table = corpus.boilerplate(400, seed=2)
    texts = table["text"].to_pylist()
    originals = [text for text, of in zip(texts, table["copy_of"].to_pylist(), strict=True) if of is None]
    assert len({text[:300] for text in originals}) == 1
    nearly = truth.pairs(texts, threshold=0.5)
    assert 0.53 < sorted(nearly.similarity)[len(nearly.similarity) // 2] < 0.58
    assert 0.95 * 80 <= len(truth.pairs(texts).first) <= 1.05 * 80


def test_a_manual_page_is_read_without_its_layout():
    page = '.\\" a comment\n.TH CAT 1\n.SH NAME\ncat \\- \\fBjoin\\fR files\n.PP\n.BR "see" also\n.sp\n'
    assert sources.manual(page) == "CAT 1\nNAME\ncat - join files\nsee also"


def test_passages_keep_lines_whole_and_within_their_limits():
    text = "\n".join(f"line {number} of a text" for number in range(100))
    pieces = list(sources.passages(text, 100, 200))
    assert all(100 <= len(piece) + 1 <= 200 for piece in pieces)
    assert set("\n".join(pieces).split("\n")) <= set(text.split("\n"))
