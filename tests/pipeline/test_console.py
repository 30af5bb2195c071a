"""What a run looks like on a terminal, and that it leaves the terminal as it was."""

import io
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios

from pipeline.console import Console
from pipeline.runs import NodeResult, Outcome
from schemas import progress

PROGRAM = pathlib.Path(__file__).resolve().parent / "toy_pipeline.py"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


def test_terminal_shows_progress_in_place_and_is_restored_after_ctrl_c(home):
    nodes = {"A": {}, "B": {"needs": ["A"], "does": {"sleep": 60, "steps": 600}}}
    parent, child = pty.openpty()
    before = termios.tcgetattr(child)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(PROGRAM), str(home.root), json.dumps({"nodes": nodes})],
        stdin=child,
        stdout=child,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"},
    )
    seen, asked = b"", False
    while select.select([parent], [], [], 40)[0]:
        seen += os.read(parent, 65536)
        if not asked and b"left" in seen:
            os.killpg(process.pid, signal.SIGINT)
            asked = True
        if asked and b" resume" in seen:
            break
    assert process.wait(10) == 130
    after = termios.tcgetattr(child)
    os.close(parent)
    os.close(child)

    plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).decode()
    assert re.search(r"B +stepping  \d+/600 steps  [\d.]+/s  [\d.]+ s left", plain)
    assert "ran       A" in plain
    assert seen.count(HIDE_CURSOR) == seen.count(SHOW_CURSOR) > 0
    assert seen.rindex(SHOW_CURSOR) > seen.rindex(HIDE_CURSOR)
    assert after == before


def test_a_line_now_and_then_where_there_is_no_terminal(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("pipeline.console.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.begin("run r", ["Train"], lambda node: 60.0)
    console.started("Train")
    for _ in range(400):  # 40 s
        clock[0] += 0.1
        console.tick()

    beats = [line for line in stream.getvalue().splitlines() if "at work" in line]
    assert len(beats) == 4
    assert beats[0] == "  at work   Train  57.9 s left  2.1 s so far"


def test_node_that_takes_longer_than_last_time_says_so(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("pipeline.console.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.begin("run r", ["Train"], lambda node: 60.0)
    console.started("Train")
    clock[0] += 90
    console.tick()

    assert "longer than last time (60.0 s)  90.0 s so far" in stream.getvalue()


def test_line_of_a_node_names_outcome_time_and_reason():
    stream = io.StringIO()
    console = Console(stream)
    console.begin("run r", ["Train", "Evaluate"], lambda node: None)
    console.ended(NodeResult("Train", Outcome.RAN, 83.24, 2, "changed: steps"))
    console.ended(NodeResult("Evaluate", Outcome.SKIPPED, reason="because of Train"))

    assert stream.getvalue().splitlines()[1:] == [
        "  ran       Train       83.2 s  changed: steps; 2 attempts",
        "  skipped   Evaluate            because of Train",
    ]


def test_time_left_goes_by_the_rate_of_late(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("pipeline.console.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("schemas.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.begin("run r", ["Train"], lambda node: None)
    console.started("Train")
    progress.start("Train", "training", total=1000, unit="steps")
    for tick in range(600):  # the first 30 s are spent on compiling, then 10 steps/s
        clock[0] += 0.1
        if tick >= 300:
            progress.advance("Train")
        console.tick()
    progress.finish("Train")

    assert "training  226/1,000 steps  10.0/s  77.4 s left" in stream.getvalue().splitlines()[-1]
