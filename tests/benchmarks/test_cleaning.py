"""The cleaning benchmark as a user calls it."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

from benchmarks import growth_chart
from benchmarks.contest import ROOT


def test_a_quick_figure_is_told_within_45_seconds_and_finds_every_pair():
    command = [sys.executable, "-m", "benchmarks.cleaning", "--quick", "--json", "--only", "near_duplicates.recall"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=45, check=True)
    lines = {line["figure"]: line for line in map(json.loads, answer.stdout.splitlines())}
    assert lines.keys() == {f"near_duplicates.recall{part}" for part in ("", ".edited_1", ".edited_5")}
    for line in lines.values():
        assert line["ours"] >= 0.999
        assert (line["peer"] is None) == bool(line["why"])


def test_the_growth_chart_shows_proportional_growth_as_the_dashed_line():
    points = [growth_chart.Point(10**power, 10.0**power / 1000, 10**power * 1000) for power in (4, 5, 6)]
    drawn = ET.fromstring(growth_chart.draw(points))
    dashed, solid, *_ = (line.get("points") for line in drawn.iter("{http://www.w3.org/2000/svg}polyline"))
    assert dashed == solid
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"processor time, s", "peak memory, GB", "1,000,000"} <= set(texts)
