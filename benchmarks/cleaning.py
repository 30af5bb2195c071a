"""Cleaning: near duplicates, the whole stage, sensitive data, growth, what an engine costs.

python -m benchmarks.cleaning [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import clean_stage, harness, near_duplicates, sensitive_data

BENCHMARKS = (*near_duplicates.BENCHMARKS, *clean_stage.BENCHMARKS, *sensitive_data.BENCHMARKS)

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
