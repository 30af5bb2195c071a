"""Cleaning: near duplicates, the whole stage, sensitive data, growth, what an engine costs.

python -m benchmarks.cleaning [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import harness, near_duplicates

BENCHMARKS = near_duplicates.BENCHMARKS

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
