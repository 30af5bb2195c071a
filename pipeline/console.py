"""What a run looks like while it runs: a line a node, progress of what takes longer, a table at the end.

On a terminal the progress is redrawn in place; elsewhere it is a line now and then, without control codes.
"""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

import rich.console
import rich.live
import rich.text

from pipeline import logs
from pipeline.runs import NodeResult, Outcome, RunResult, Status
from schemas import progress

_SHOWN_AFTER_S = 2.0
_HEARTBEAT_S = 10.0
_RATE_WINDOW_S = 10.0

_STYLES = {
    Outcome.RAN: "green",
    Outcome.CACHED: "cyan",
    Outcome.REUSED: "cyan",
    Outcome.FAILED: "bold red",
    Outcome.REFUSED: "bold yellow",
    Outcome.SKIPPED: "dim",
}


class Console:
    """Draws a run.

    Args:
        stream: where to; by default standard output, also while that is redirected.
        expected: how many seconds a node took the last time, None if unknown.
    """

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or logs.terminal()
        self._live: rich.live.Live | None = None
        self._rich = rich.console.Console(file=self._stream, highlight=False, soft_wrap=True)
        self._expected: Callable[[str], float | None] = lambda node: None
        self._running: dict[str, float] = {}
        self._seen: dict[tuple[str, str, float], collections.deque[tuple[float, int]]] = {}
        self._width = 0
        self._beat = -_HEARTBEAT_S

    def begin(self, title: str, nodes: Iterable[str], expected: Callable[[str], float | None]) -> None:
        """Starts drawing."""
        self._width = max(map(len, ("node", *nodes)))
        self._expected = expected
        self.say(title)
        if self._rich.is_terminal:
            self._live = rich.live.Live(
                console=self._rich, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()

    def started(self, node: str) -> None:
        """A node begins."""
        self._running[node] = time.monotonic()

    def ended(self, result: NodeResult) -> None:
        """A node is over: its line."""
        self._running.pop(result.node, None)
        self._print(self._line(result))
        self.tick()

    def note(self, node: str, text: str) -> None:
        """Something to know about a node that is not over yet."""
        self._print(rich.text.Text.assemble(("  note      ", "yellow"), f"{node:<{self._width}}  {text}"))

    def say(self, text: str) -> None:
        """A line of its own."""
        self._print(rich.text.Text(text))

    def tick(self) -> None:
        """Time passed: redraws, or writes a line if the last is long enough ago."""
        now = time.monotonic()
        lines = [
            self._progress(node, now - since) for node, since in self._running.items() if now - since > _SHOWN_AFTER_S
        ]
        if self._live:
            self._live.update(
                rich.text.Text("\n".join(f"  …         {line}" for line in lines), style="dim"), refresh=True
            )
        elif lines and now - self._beat >= _HEARTBEAT_S:
            self._beat = now
            self.say(f"  at work   {' | '.join(lines)}")

    @contextlib.contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Shows that something is being done that does not say how far it is."""
        if not self._rich.is_terminal:
            yield
            return
        with self._rich.status(text):
            yield

    def stop(self) -> None:
        """Ends drawing; what is said from now on is the last word."""
        if self._live:
            self._live.stop()
            self._live = None
        self._stream.flush()

    def finish(self, result: RunResult, summary: list[str], block: list[str]) -> None:
        """The table and the summary, and after them the block on what went wrong, if something did."""
        self.stop()
        counts = collections.Counter(node.outcome.value for node in result.nodes)
        total = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        seconds = (result.ended - result.started).total_seconds()
        self.say(f"\nrun {result.run_id} {result.status.value} in {_duration(seconds)}: {total}\n")
        self.say(f"  {'node':<{self._width}}  {'outcome':<8}  {'time':>10}  {'attempts':>8}")
        for node in result.nodes:
            row = f"{_duration(node.seconds):>10}  {node.attempts or '':>8}" if node.attempts else ""
            name = f"  {node.node:<{self._width}}  "
            outcome = (f"{node.outcome.value:<8}", _STYLES[node.outcome])
            self._print(rich.text.Text.assemble(name, outcome, f"  {row}".rstrip()))
        if summary:
            self.say("\n" + "\n".join(summary))
        if block:
            refused = result.status is Status.REFUSED
            self._print(rich.text.Text("\n" + block[0], _STYLES[Outcome.REFUSED if refused else Outcome.FAILED]))
            for line in block[1:]:
                self.say(line)
        self._stream.flush()

    def _line(self, result: NodeResult) -> rich.text.Text:
        facts = [result.reason] if result.reason else []
        if result.attempts > 1:
            facts.append(f"{result.attempts} attempts")
        seconds = f"{_duration(result.seconds):>10}" if result.attempts else f"{'':>10}"
        note = f"  {'; '.join(facts)}" if facts else ""
        return rich.text.Text.assemble(
            "  ",
            (f"{result.outcome.value:<8}", _STYLES[result.outcome]),
            f"  {result.node:<{self._width}}{seconds}{note}",
        )

    def _progress(self, node: str, elapsed: float) -> str:
        """`Train  train  120/400 steps  3.1/s  90 s left`."""
        state = progress.snapshot().get(node)
        parts = [f"{node:<{self._width}}"]
        left: float | None = None
        if state:
            parts.append(state.stage)
            rate = self._rate(state)
            if state.total is not None:
                parts.append(f"{state.done:,}/{state.total:,} {state.unit}")
                left = (state.total - state.done) / rate if rate > 0 else None
            elif state.done:
                parts.append(f"{state.done:,} {state.unit}")
            if rate > 0:
                parts.append(f"{rate:,.1f}/s" if rate < 100 else f"{rate:,.0f}/s")
        if left is None:
            expected = self._expected(node)
            if expected is not None and expected > elapsed:
                left = expected - elapsed
            elif expected is not None and not state:
                parts.append(f"longer than last time ({_duration(expected)})")
        if left is not None:
            parts.append(f"{_duration(left)} left")
        parts.append(f"{_duration(elapsed)} so far")
        return "  ".join(parts)

    def _rate(self, state: progress.Progress) -> float:
        """Units a second: of late, since the first often take longest; if nothing was done of late, from the start."""
        now = time.monotonic()
        seen = self._seen.setdefault((state.node, state.stage, state.started), collections.deque([(state.started, 0)]))
        seen.append((now, state.done))
        while len(seen) > 2 and seen[1][0] < now - _RATE_WINDOW_S:
            seen.popleft()
        for since, done in (seen[0], (state.started, 0)):
            if state.done > done and now > since:
                return (state.done - done) / (now - since)
        return 0.0

    def _print(self, text: rich.text.Text) -> None:
        if self._rich.is_terminal:
            self._rich.print(text)
        else:
            self._stream.write(text.plain.rstrip(" ") + "\n")
            self._stream.flush()


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
