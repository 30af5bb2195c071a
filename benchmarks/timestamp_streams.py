"""Two streams of events whose relation is known: made up, or derived from real times. NumPy only, for every contender."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

START_US = 1_600_000_000_000_000


@dataclasses.dataclass(frozen=True)
class Streams:
    """Times of two streams and the truth about them.

    Attributes:
        reference: int64 [n], microseconds, sorted.
        other: int64 [m], likewise, by the other clock.
        partner: int64 [m], for each event of the other the index of its partner, -1 if it has none.
        offset_us: what the other clock is ahead by at the first time of the reference.
        drift_ppm: what it gains, microseconds a second.
    """

    reference: np.ndarray
    other: np.ndarray
    partner: np.ndarray
    offset_us: float
    drift_ppm: float

    def offset_at(self, time_us: int) -> float:
        """What the other clock is ahead by at some time of the reference, microseconds."""
        return self.offset_us + self.drift_ppm * 1e-6 * (time_us - int(self.reference[0]))

    def corrected(self) -> np.ndarray:
        """The other's times as the reference's clock would have read them: int64 [m]."""
        start = int(self.reference[0])
        since = (self.other - start).astype(np.float64)
        return start + np.rint((since - self.offset_us) / (1 + self.drift_ppm * 1e-6)).astype(np.int64)

    def f1(self, reference: np.ndarray, other: np.ndarray) -> float:
        """Of pairs, given as indices, against the truth: partners of one time cannot be told apart and count alike."""
        partner = self.partner[other]
        right = (partner >= 0) & (self.reference[partner] == self.reference[reference])
        return float(2 * right.sum() / max(len(other) + int((self.partner >= 0).sum()), 1))


def derived(
    reference: np.ndarray,
    generator: np.random.Generator,
    *,
    offset_us: float,
    drift_ppm: float = 0.0,
    jitter_us: float = 5e3,
    missing: float = 0.3,
    spurious: float = 0.1,
) -> Streams:
    """A stream that some events are missing from; the others are late or early by chance, and some are of its own.

    Args:
        reference: int64 [n], microseconds, sorted.
        generator: of what is left to chance.
        offset_us: see `Streams`.
        drift_ppm: see `Streams`.
        jitter_us: standard deviation of what events are late by.
        missing: the share of the reference's events without a partner.
        spurious: how many events of its own the stream has, for each event with a partner.
    """
    kept = np.flatnonzero(generator.random(len(reference)) >= missing)
    times = reference[kept] + offset_us + drift_ppm * 1e-6 * (reference[kept] - reference[0])
    times = times + generator.normal(0, jitter_us, len(kept))
    own = generator.uniform(times.min(), times.max(), int(spurious * len(times)))
    times = np.rint(np.concatenate([times, own])).astype(np.int64)
    order = np.argsort(times, kind="stable")
    partner = np.concatenate([kept, np.full(len(own), -1)])[order]
    return Streams(reference, times[order], partner, offset_us, drift_ppm)


def random_events(generator: np.random.Generator, number: int, mean_gap_us: float = 1e6) -> np.ndarray:
    """Times of events that know nothing of each other, sorted: int64 [number], microseconds."""
    return START_US + np.cumsum(generator.exponential(mean_gap_us, number)).astype(np.int64)


def save(streams: Streams, path: pathlib.Path) -> None:
    """Writes streams for a contender."""
    np.savez(path, **dataclasses.asdict(streams))


def load(path: str) -> Streams:
    """Streams as they were saved."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in ("reference", "other", "partner")}
        return Streams(**arrays, offset_us=float(stored["offset_us"]), drift_ppm=float(stored["drift_ppm"]))
