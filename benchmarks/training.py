"""Training: how fast, beside PyTorch, Keras and bare matrix products; how alike and how fast over devices; what it costs.

python -m benchmarks.training [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import harness, train_costs, train_layouts, train_rates

BENCHMARKS = (*train_rates.BENCHMARKS, *train_layouts.BENCHMARKS, *train_costs.BENCHMARKS)

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
