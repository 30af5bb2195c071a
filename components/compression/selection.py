"""Which of the variants serves, and why not the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from components.compression.config import CompressionConfig
from components.compression.report import FLOAT, Measured, Variant
from schemas.errors import GateRefused

_EQUAL = 0.05
"""Latencies differ by that much from one measurement to the next."""

_Key = Callable[[Measured], float]


class BudgetError(GateRefused):
    """No variant keeps the limits of `compression`."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """What serves.

    Attributes:
        name: of the variant, or `float`.
        reason: why.
        variants: as they were, each with its verdict.
    """

    name: str
    reason: str
    variants: tuple[Variant, ...]


def choose(variants: Sequence[Variant], config: CompressionConfig) -> Choice:
    """The best of the variants that keep the limits, by what `config.prefer` names.

    Raises:
        BudgetError: none does, and the configuration does not allow the float model.
    """
    broken = {variant.name: _broken(variant, config) for variant in variants}
    fitting = [variant for variant in variants if not broken[variant.name]]
    if not fitting:
        return _none(variants, broken, config)
    best, by = _best(fitting, config)
    told = []
    for variant in variants:
        if broken[variant.name]:
            verdict = "; ".join(broken[variant.name])
        elif variant is best:
            verdict = f"chosen: {by}"
        else:
            verdict = _beaten(variant, best, config)
        told.append(dataclasses.replace(variant, verdict=verdict))
    return Choice(best.name, by, tuple(told))


def _broken(variant: Variant, config: CompressionConfig) -> list[str]:
    """The limits that a variant does not keep, in words."""
    if variant.measured is None:
        return [variant.failure]
    measured, found = variant.measured, []
    rise = measured.rise
    if not rise <= config.max_bits_per_byte_rise:
        found.append(f"loses {rise:.4f} bits per byte, above max_bits_per_byte_rise {config.max_bits_per_byte_rise:g}")
    for item in measured.slices:
        judged = item.samples >= config.min_slice_samples
        if judged and not item.rise <= config.max_slice_bits_per_byte_rise:
            limit = f"max_slice_bits_per_byte_rise {config.max_slice_bits_per_byte_rise:g}"
            found.append(f"loses {item.rise:.4f} bits per byte on {item.slice}, above {limit}")
    if config.max_bytes is not None and measured.bytes > config.max_bytes:
        found.append(f"takes {measured.bytes:,} bytes, above max_bytes {config.max_bytes:,}")
    ranges = variant.calibration
    if ranges is not None and ranges.outside > config.max_outside_calibration * ranges.tensors:
        found.append(
            f"{ranges.outside} of {ranges.tensors} activations reach far outside their ranges on held-out samples "
            f"({ranges.worst}), above max_outside_calibration {config.max_outside_calibration:g}: the representative "
            "samples are unlike them"
        )
    return found


def _none(variants: Sequence[Variant], broken: dict[str, list[str]], config: CompressionConfig) -> Choice:
    told = tuple(dataclasses.replace(variant, verdict="; ".join(broken[variant.name])) for variant in variants)
    if config.when_none_fits == "float":
        return Choice(FLOAT, "no variant keeps the limits, and compression.when_none_fits is float", told)
    each = "; ".join(f"{variant.name} {variant.verdict}" for variant in told)
    raise BudgetError(
        f"no variant of the model keeps the limits: {each}",
        where="compression",
        remedy="name more of compression.variants, raise the limit, or set compression.when_none_fits to float",
    )


_KEYS: dict[str, _Key] = {
    "latency": lambda measured: measured.latencies[0].processor_p50_ms,
    "size": lambda measured: measured.bytes,
    "quality": lambda measured: measured.bits_per_byte,
}
_WORDS = {"latency": "fastest", "size": "smallest", "quality": "best held-out loss"}
_AFTER = {
    "latency": ("latency", "size", "quality"),
    "size": ("size", "latency", "quality"),
    "quality": ("quality", "latency", "size"),
}


def _best(fitting: Sequence[Variant], config: CompressionConfig) -> tuple[Variant, str]:
    """The best, and by what."""
    if len(fitting) == 1:
        return fitting[0], "the only variant that keeps the limits"
    left, of = list(fitting), len(fitting)
    for number, name in enumerate(_AFTER[config.prefer]):
        values = {variant.name: _KEYS[name](_measured(variant)) for variant in left}
        least = min(values.values())
        left = [variant for variant in left if values[variant.name] <= _bar(name, least)]
        if len(left) == 1:
            among = f"of {of} variants that keep the limits"
            return left[0], f"{_WORDS[name]} {among if not number else f'of those as good by {config.prefer}'}"
    return left[0], f"as good as {left[1].name} in all respects, and named before it"


def _bar(name: str, least: float) -> float:
    # Losses are compared as they are: a twentieth of a loss is much.
    return least if name == "quality" else least * (1 + _EQUAL)


def _beaten(variant: Variant, best: Variant, config: CompressionConfig) -> str:
    mine, other = _measured(variant), _measured(best)
    for name in _AFTER[config.prefer]:
        here, there = _KEYS[name](mine), _KEYS[name](other)
        if here > _bar(name, there):
            unit = {"latency": "ms", "size": "bytes", "quality": "bits per byte"}[name]
            digits = {"latency": ".2f", "size": ",.0f", "quality": ".4f"}[name]
            return f"keeps the limits; {best.name} is better by {name}: {there:{digits}} against {here:{digits}} {unit}"
    return f"keeps the limits; as good as {best.name}, and named after it"


def _measured(variant: Variant) -> Measured:
    assert variant.measured is not None
    return variant.measured
