"""Compression: how much smaller and faster int8 is than float on LiteRT, what it loses, and what folding is worth.

python -m benchmarks.compression [--only FIGURE] [--quick] [--json] [--seed N]
"""

from __future__ import annotations

import sys

from benchmarks import harness, int8_conv, int8_gpt

BENCHMARKS = (*int8_conv.BENCHMARKS, *int8_gpt.BENCHMARKS)

if __name__ == "__main__":
    sys.exit(harness.main(BENCHMARKS))
