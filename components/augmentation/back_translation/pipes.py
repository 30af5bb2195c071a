"""A pipeline of programs that answers text by text, watched: hangs, crashes and endless answers end it."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence

from components.augmentation.back_translation.translators import Failure

_CHUNK = 1 << 16
_SLACK_BYTES = 1000


class Pipeline:
    """Programs joined by pipes. Not for use after a failure.

    Args:
        commands: each with its arguments, the first reads what is sent, the last writes the answers.
    """

    def __init__(self, commands: Sequence[Sequence[str]]):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        self._processes: list[subprocess.Popen[bytes]] = []
        for command in commands:
            before = self._processes[-1].stdout if self._processes else subprocess.PIPE
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdin=before,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    bufsize=0,
                )
            )
            if len(self._processes) > 1:
                before.close()  # type: ignore[union-attr]  # the next program alone reads it
        first, last = self._processes[0].stdin, self._processes[-1].stdout
        assert first is not None and last is not None
        self._entrance, self._exit = first, last
        os.set_blocking(first.fileno(), False)
        os.set_blocking(last.fileno(), False)

    def exchange(
        self, blocks: Sequence[bytes], answers: list[bytes], time_limit_s: float, max_growth: float
    ) -> Failure | None:
        """Sends blocks, all ahead of the answers, and appends each answer as it comes.

        Args:
            blocks: without zero bytes.
            answers: where to put the answers, in the order of the blocks.
            time_limit_s: between one answer and the next.
            max_growth: an answer may have so many times the bytes of its block, and a thousand.

        Returns:
            What befell the first block without an answer; None if all have one.
        """
        waiting = memoryview(b"\0".join([*blocks, b""]))
        done, partial = 0, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._exit, selectors.EVENT_READ)
            if waiting:
                selector.register(self._entrance, selectors.EVENT_WRITE)
            deadline = time.monotonic() + time_limit_s
            while done < len(blocks):
                ready = selector.select(max(deadline - time.monotonic(), 0))
                if not ready:
                    return Failure.TIMED_OUT
                for key, _ in ready:
                    if key.fileobj is self._entrance:
                        with contextlib.suppress(BrokenPipeError):  # what was answered before is still to be read
                            waiting = waiting[os.write(self._entrance.fileno(), waiting[:_CHUNK]) :]
                            if waiting:
                                continue
                        selector.unregister(self._entrance)
                        continue
                    read = os.read(self._exit.fileno(), _CHUNK)
                    if not read:
                        return Failure.CRASHED
                    *whole, partial = (partial + read).split(b"\0")
                    if len(whole) > len(blocks) - done:  # more than was asked for: which is whose is not known
                        answers.clear()
                        return Failure.GARBAGE
                    for answer in whole:
                        if len(answer) > _most(blocks[done], max_growth):
                            return Failure.GARBAGE
                        answers.append(answer)
                        done += 1
                    if whole:
                        deadline = time.monotonic() + time_limit_s
                    if done < len(blocks) and len(partial) > _most(blocks[done], max_growth):
                        return Failure.GARBAGE
                if time.monotonic() > deadline:
                    return Failure.TIMED_OUT
        return None

    def close(self) -> None:
        """Ends the programs."""
        self._entrance.close()
        self._exit.close()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def _most(block: bytes, max_growth: float) -> float:
    return len(block) * max_growth + _SLACK_BYTES
