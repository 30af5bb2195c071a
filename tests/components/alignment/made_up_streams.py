"""Two streams of events whose relation is known."""

import dataclasses

import numpy as np

START_US = 1_600_000_000_000_000


@dataclasses.dataclass(frozen=True)
class Streams:
    """Times of both streams, sorted, and for each event of the other the index of its partner, -1 if it has none."""

    reference: np.ndarray
    other: np.ndarray
    partner: np.ndarray
    offset_us: float
    drift_ppm: float

    def offset_at(self, time_us: int) -> float:
        return self.offset_us + self.drift_ppm * 1e-6 * (time_us - int(self.reference[0]))


def derived(reference, generator, *, offset_us, drift_ppm=0.0, jitter_us=5e3, missing=0.3, spurious=0.1):
    """A second stream: some events are missing, the others are late or early by chance, and some are of its own."""
    kept = np.flatnonzero(generator.random(len(reference)) >= missing)
    times = reference[kept] + offset_us + drift_ppm * 1e-6 * (reference[kept] - reference[0])
    times = times + generator.normal(0, jitter_us, len(kept))
    own = generator.uniform(times.min(), times.max(), int(spurious * len(times)))
    times = np.rint(np.concatenate([times, own])).astype(np.int64)
    order = np.argsort(times, kind="stable")
    partner = np.concatenate([kept, np.full(len(own), -1)])[order]
    return Streams(reference, times[order], partner, offset_us, drift_ppm)


def random_events(generator, number, mean_gap_us=1e6):
    return START_US + np.cumsum(generator.exponential(mean_gap_us, number)).astype(np.int64)


def f1(pairs, partner):
    """Of pairs against the truth."""
    right = int((partner[pairs.other] == pairs.reference).sum())
    return 2 * right / (len(pairs.other) + int((partner >= 0).sum()))
