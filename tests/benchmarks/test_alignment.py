"""The benchmark of alignment as a user calls it."""

import json
import subprocess
import sys

from benchmarks.contest import ROOT


def test_a_quick_figure_is_told_within_45_seconds():
    command = [sys.executable, "-m", "benchmarks.alignment", "--quick", "--json", "--only", "align_timestamps.f1"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=45, check=True)
    lines = {line["figure"]: line for line in map(json.loads, answer.stdout.splitlines())}
    assert lines["align_timestamps.f1"]["ours"] > 0.98
    assert lines["align_timestamps.f1.jitter_20ms"]["ours"] > 0.95
    for line in lines.values():
        assert (line["peer"] is None) == bool(line["why"])
