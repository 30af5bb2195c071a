"""Evaluation: what it costs beside the predictions alone, and how well the gate tells a worse model from chance.

python -m benchmarks.evaluation [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import evaluation_cost, gate_quality, harness

BENCHMARKS = (*evaluation_cost.BENCHMARKS, *gate_quality.BENCHMARKS)

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
