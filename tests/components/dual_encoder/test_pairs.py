import numpy as np
import pytest

from components.dual_encoder import pairs
from schemas.errors import SourceError
from tests.components.dual_encoder import drawings

TOWERS = drawings.TINY.towers


def test_a_split_s_samples_with_text_and_image_come_in_order_without_copies(tmp_path):
    samples = str(drawings.write(tmp_path / "samples"))
    found = pairs.read(samples, "eval", TOWERS, limit=100)
    assert list(found.clusters) == sorted("-".join(one) for one in drawings.combinations("eval"))
    assert found.texts == tuple(cluster.replace("-", " ") for cluster in found.clusters)
    assert found.images.shape == (8, drawings.SIZE, drawings.SIZE, 3)
    assert pairs.read(samples, "eval", TOWERS, limit=3).clusters == found.clusters[:3]
    assert len(pairs.read(samples, "train", TOWERS, limit=100)) == 40


def test_a_split_without_pairs_is_empty(tmp_path):
    samples = str(drawings.write(tmp_path / "samples", text=None))
    assert len(pairs.read(samples, "train", TOWERS, limit=100)) == 0


def test_an_image_that_cannot_be_read_is_named_by_its_sample(tmp_path):
    samples = str(drawings.write(tmp_path / "samples", image=b"no image"))
    with pytest.raises(SourceError, match="sample red-disc: no PNG image") as caught:
        pairs.read(samples, "train", TOWERS, limit=100)
    assert caught.value.remedy


def test_one_of_each_cluster_is_its_first():
    three = drawings.pairs("eval").take([0, 1, 2])
    variants = pairs.Pairs(three.texts, three.images, ("a", "b", "a"))
    single = variants.one_a_cluster()
    assert single.texts == three.texts[:2]
    assert np.array_equal(single.images, three.images[:2])


def test_pairs_of_several_splits_together_are_those_of_each():
    parts = [drawings.pairs("eval"), drawings.pairs("train")]
    every = pairs.Pairs.together(parts)
    assert every.texts == parts[0].texts + parts[1].texts
    assert every.clusters == parts[0].clusters + parts[1].clusters
    assert np.array_equal(every.images[8:], parts[1].images)
