"""The samples that ranges are found on come from the training split, and the seed says which."""

from __future__ import annotations

import pytest

from components.compression import representative
from schemas import records, tables
from tests.fixtures import exports


def drawn(count: int = 5, seed: int = 0) -> list[str]:
    return [sample.sample_id for sample in representative.read(exports.samples(), count=count, seed=seed)]


def test_they_are_training_samples_and_the_same_each_time():
    assert len(drawn()) == 5 and all(name.startswith("train-") for name in drawn(99))
    assert drawn() == drawn() == drawn(9)[:5] != drawn(seed=1)


def test_an_empty_training_split_is_named(tmp_path):
    rows = [row for row in tables.rows(exports.samples()) if row["split"] != "train"]
    tables.write(tmp_path, [tables.from_rows(rows, records.SAMPLE)], records.SAMPLE)
    with pytest.raises(representative.RepresentativeError, match="no sample in the split `train`") as caught:
        representative.read(tmp_path, count=5, seed=0)
    assert "compression.variants" in caught.value.remedy


def test_a_range_that_is_left_by_half_its_width_is_left_by_far():
    def one(least: float, most: float) -> representative.Ranges:
        return {"x": {"min": least, "max": most}}  # type: ignore[dict-item]

    assert representative.excess(one(0, 2), one(-0.9, 2.9)).outside == 0
    assert representative.excess(one(0, 2), one(-1.1, 2)) == representative.Excess(1, 1, "x by 0.6 times its range")
    assert representative.excess(one(0, 2), one(0, float("nan"))).outside == 1
    assert representative.excess(one(0, 2), {"y": one(0, 9)["x"]}).tensors == 0
