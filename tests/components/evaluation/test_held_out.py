from __future__ import annotations

import pathlib
import random

from components.evaluation import held_out
from schemas import records, tables
from tests.fixtures import exports


def test_the_choice_depends_on_nothing_but_the_ids(tmp_path: pathlib.Path) -> None:
    rows = list(tables.rows(exports.samples()))
    random.Random(0).shuffle(rows)
    tables.write(tmp_path / "shuffled", [tables.from_rows(rows, records.SAMPLE)], records.SAMPLE)
    chosen = held_out.read(exports.samples(), "test", 5)
    assert held_out.read(tmp_path / "shuffled", "test", 5) == chosen
    assert held_out.read(exports.samples(), "test")[:5] == chosen, "fewer are the first of more"


def test_only_unaugmented_samples_with_something_to_predict_count(tmp_path: pathlib.Path) -> None:
    rows = list(tables.rows(exports.samples()))
    [first, second, third] = [row for row in rows if row["split"] == "test"][:3]
    first["parent"] = "another"
    second |= {"text": None, "code": ""}
    tables.write(tmp_path / "some", [tables.from_rows([first, second, third], records.SAMPLE)], records.SAMPLE)
    assert [sample.sample_id for sample in held_out.read(tmp_path / "some", "test")] == [third["sample_id"]]
