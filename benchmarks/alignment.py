"""Alignment and augmentation: joins by time and by meaning, images found by text, copies of texts and images, their effect.

python -m benchmarks.alignment [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import (
    align_images,
    align_semantic,
    align_timestamps,
    augmentation_effect,
    back_translation,
    harness,
    image_augmentation,
)

BENCHMARKS = (
    *align_timestamps.BENCHMARKS,
    *align_semantic.BENCHMARKS,
    *align_images.BENCHMARKS,
    *back_translation.BENCHMARKS,
    *image_augmentation.BENCHMARKS,
    *augmentation_effect.BENCHMARKS,
)

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
