"""Times at which people worked: of the commits of this project, and of the changes of Debian's packages.

Unlike times that are made up they come in bursts, by day, by week and by release, and some are equal.
"""

from __future__ import annotations

import datetime
import email.utils
import pathlib
import re
import subprocess
import zlib

import numpy as np

from benchmarks.contest import ROOT

_US = 1_000_000
_FEWEST = 100
_DOCUMENTATION = pathlib.Path("/usr/share/doc")
_MOST_LOGS = 2_000
_MOST_BYTES = 1_000_000  # of one log, unpacked
_MOST_COMMITS = 100_000
_GZIP = 31  # zlib's number for that format
# deb-changelog(5): the first line of an entry, and its last.
_VERSION = re.compile(rb"^([a-z0-9][a-z0-9+.-]{1,200}) \(([^()\s]{1,200})\)")
_SIGNED = re.compile(rb"^ -- [^<>]{0,200}<[^<>]{0,200}>  (.{20,60})$")


def commits() -> np.ndarray | None:
    """When the commits of this checkout were made: int64 [n], microseconds, sorted; None if there are too few."""
    command = ["git", "log", f"--max-count={_MOST_COMMITS}", "--format=%at"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or no checkout
        return None
    return _enough([int(time) for time in answer.stdout.split()])


def package_changes() -> np.ndarray | None:
    """When versions of the installed Debian packages were made, each once: like `commits`."""
    found: dict[tuple[bytes, bytes], int] = {}
    for path in sorted(_DOCUMENTATION.glob("*/changelog.Debian.gz"))[:_MOST_LOGS]:
        version = None
        for line in _unpacked(path).split(b"\n"):
            if first := _VERSION.match(line):
                version = (first[1], first[2])
            elif version and (last := _SIGNED.match(line)) and (time := _seconds(last[1])) is not None:
                found[version] = time
                version = None
    return _enough(list(found.values()))


def with_mean_gap(times_us: np.ndarray, mean_gap_s: float) -> np.ndarray:
    """The same times, closer to each other or farther apart, all in proportion: int64 [n], microseconds, sorted."""
    since = (times_us - times_us[0]).astype(np.float64)
    return times_us[0] + np.rint(since * (mean_gap_s * _US * (len(times_us) - 1) / since[-1])).astype(np.int64)


def _enough(seconds: list[int]) -> np.ndarray | None:
    return np.sort(np.array(seconds, np.int64)) * _US if len(seconds) >= _FEWEST else None


def _unpacked(path: pathlib.Path) -> bytes:
    """The beginning of a packed log; nothing of one that is broken."""
    try:
        with path.open("rb") as log:
            return zlib.decompressobj(_GZIP).decompress(log.read(_MOST_BYTES), _MOST_BYTES)
    except (OSError, zlib.error):  # a dangling link, a damaged file
        return b""


def _seconds(date: bytes) -> int | None:
    try:
        time = email.utils.parsedate_to_datetime(date.decode("ascii"))
        return int(time.replace(tzinfo=time.tzinfo or datetime.timezone.utc).timestamp())
    except ValueError:  # not a date
        return None
