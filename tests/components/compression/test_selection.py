"""What serves is what was asked for, among what keeps the limits; and each of the others is told why not."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compression.config import CompressionConfig
from components.compression.report import Calibration, Latency, Measured, Report, SliceLoss, Variant
from components.compression.selection import BudgetError, choose


def variant(name: str, ms: float = 1.0, size: int = 1000, rise: float = 0.0, **changes: object) -> Variant:
    slices = (SliceLoss("text", 50, 999, 2 + rise, rise), SliceLoss("source rare", 3, 9, 2.0, 5.0))
    latency = Latency(195, 1, 100, ms * 3, ms * 4, ms, ms * 2)
    measured = Measured(size, size, 9, None, None, (latency,), 2 + rise, rise, slices)
    return dataclasses.replace(Variant(name, measured=measured), **changes)


FAST, SMALL, GOOD = variant("fast", ms=1.0, size=3000, rise=0.01), variant("small", ms=2.0, size=1000, rise=0.01), (
    variant("good", ms=3.0, size=4000, rise=0.0)
)  # fmt: skip


@pytest.mark.parametrize(("prefer", "chosen"), [("latency", "fast"), ("size", "small"), ("quality", "good")])
def test_what_is_preferred_is_chosen(prefer, chosen):
    choice = choose([SMALL, FAST, GOOD], CompressionConfig(prefer=prefer))
    assert choice.name == chosen and "of 3 variants that keep the limits" in choice.reason
    told = {item.name: item.verdict for item in choice.variants}
    assert told.pop(chosen).startswith("chosen: ")
    assert all(f"{chosen} is better by {prefer}" in verdict for verdict in told.values())


def test_what_is_nearly_as_fast_is_as_fast_and_then_size_decides():
    choice = choose([variant("a", ms=1.0, size=2000), variant("b", ms=1.04, size=1000)], CompressionConfig())
    assert choice.name == "b" and "smallest of those as good by latency" in choice.reason
    assert "b is better by size: 1,000 against 2,000 bytes" in choice.variants[0].verdict


def test_equals_are_taken_in_the_order_they_are_named():
    choice = choose([variant("a"), variant("b")], CompressionConfig())
    assert choice.name == "a" and "named after it" in choice.variants[1].verdict


@pytest.mark.parametrize(
    ("candidate", "limits", "told"),
    [
        (variant("a", rise=0.03), {}, "loses 0.0300 bits per byte, above max_bits_per_byte_rise 0.02"),
        (variant("a", rise=0.03), {"max_bits_per_byte_rise": 1.0, "max_slice_bits_per_byte_rise": 0.01},
         "loses 0.0300 bits per byte on text, above max_slice_bits_per_byte_rise 0.01"),
        (variant("a", size=5000), {"max_bytes": 4999}, "takes 5,000 bytes, above max_bytes 4,999"),
        (variant("a", calibration=Calibration(8, 10, 2, "x by 3.0 times its range")), {},
         "2 of 10 activations reach far outside their ranges on held-out samples (x by 3.0 times its range)"),
        (Variant("a", failure="no kernel"), {}, "no kernel"),
    ],
)  # fmt: skip
def test_a_broken_limit_is_named_and_what_keeps_it_is_taken(candidate, limits, told):
    with pytest.raises(BudgetError) as caught:
        choose([candidate], CompressionConfig(**limits))
    assert told in caught.value.what and caught.value.exit_code == 3
    assert choose([candidate], CompressionConfig(when_none_fits="float", **limits)).name == "float"
    choice = choose([candidate, variant("b", ms=99.0)], CompressionConfig(**limits))
    assert choice.name == "b" and told in choice.variants[0].verdict


def test_a_slice_of_few_samples_is_not_judged():
    assert choose([variant("a")], CompressionConfig()).name == "a"
    with pytest.raises(BudgetError, match="on source rare"):
        choose([variant("a")], CompressionConfig(min_slice_samples=3))


@given(st.lists(st.tuples(st.floats(0.1, 10), st.integers(1, 10**6), st.floats(0, 0.04)), min_size=1, max_size=5))
@settings(max_examples=60)
def test_the_choice_keeps_the_limits_and_nothing_much_better_does(found):
    variants = [variant(str(number), *values) for number, values in enumerate(found)]
    config = CompressionConfig(when_none_fits="float")
    fitting = [item for item in variants if item.measured.rise <= config.max_bits_per_byte_rise]
    choice = choose(variants, config)
    if not fitting:
        assert choice.name == "float"
        return
    [chosen] = [item for item in fitting if item.name == choice.name]
    fastest = min(item.measured.latencies[0].processor_p50_ms for item in fitting)
    assert chosen.measured.latencies[0].processor_p50_ms <= 1.05 * fastest


def test_the_digest_of_a_report_knows_losses_and_no_times():
    def report(**changes: object) -> Report:
        told = Report("a", "why", "latency", 5, 99, 9000, FAST.measured, (variant("a", **changes),))
        return dataclasses.replace(told, chosen=changes.pop("chosen", "a"))

    assert report(ms=5.0).digest() == report(ms=1.0).digest() != report(rise=0.001).digest()
    assert report(failure="no kernel", measured=None).digest() != report().digest()


def test_a_report_is_read_as_it_was_written(tmp_path):
    told = Report("float", "why", "size", 5, 99, 9000, FAST.measured, (SMALL, Variant("x", "no kernel", "no kernel")))
    told.write(tmp_path)
    assert Report.read(tmp_path) == told and told.serving == FAST.measured
    assert json.loads((tmp_path / "report.json").read_text())["chosen"] == "float"
