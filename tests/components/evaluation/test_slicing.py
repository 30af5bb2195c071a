"""Slices are by the keys that are asked for, and keys that nothing has are named."""

from __future__ import annotations

import pytest

from components.evaluation import slicing
from components.evaluation.held_out import HeldOut
from components.evaluation.report import OVERALL, Slice
from schemas.errors import ConfigError
from serving.instance import Instance

SAMPLE = HeldOut(
    "s",
    "emoji",
    Instance("héllo", b"png", "x" * 100),
    attributes={"text_language": "en", "group": "flags", "kind": "a"},
)


@pytest.mark.parametrize(
    ("key", "modality", "expected"),
    [
        ("modality", "code", "code"),
        ("source", "text", "emoji"),
        ("modalities", "text", "text+image+code"),
        ("language", "text", "en"),
        ("language", "code", "unknown"),
        ("length", "text", "up to 6 bytes"),
        ("length", "code", "over 50 bytes"),
        ("group", "text", "flags"),
        ("kind", "text", "a"),
        ("augmented", "text", "no"),
        ("other", "text", None),
    ],
)
def test_an_example_has_a_value_for_each_key(key: str, modality: str, expected: str | None) -> None:
    assert slicing.value(key, SAMPLE, modality, (6, 50)) == expected


def test_between_two_bounds_is_told_by_both() -> None:
    assert slicing.value("length", SAMPLE, "code", (6, 100)) == "7 to 100 bytes"


def test_a_key_that_no_sample_has_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no slice key 'colour'") as caught:
        slicing.check(["source", "colour"], [SAMPLE])
    assert "modality, source, modalities, language, length, group, augmented" in str(caught.value)
    assert "kind" in str(caught.value)
    slicing.check(["source", "kind", "group"], [SAMPLE])


def test_an_example_without_a_value_is_in_no_slice_of_that_key() -> None:
    values = {"group": ("a", None, "a"), "source": ("x", "x", "y")}
    found = slicing.members(values, [("group",), ("group", "source")], 3)
    assert {where: places.tolist() for where, places in found.items()} == {
        OVERALL: [0, 1, 2],
        Slice.of(group="a"): [0, 2],
        Slice.of(source="x", group="a"): [0],
        Slice.of(source="y", group="a"): [2],
    }
