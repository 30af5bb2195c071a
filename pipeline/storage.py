"""Whether a home can be written at all: asked before anything runs."""

from __future__ import annotations

import shutil
import tempfile

from schemas.errors import StorageError
from schemas.home import Home

FREE_FLOOR_BYTES = 1 << 30
"""A run does not start with less free space than this."""


def prepare(home: Home) -> None:
    """Makes the home and tries to write there.

    Raises:
        StorageError: it cannot be made or written, or the disk is nearly full.
    """
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home.root) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        free = shutil.disk_usage(home.root).free
    except OSError as error:
        raise StorageError(
            f"cannot be written: {(error.strerror or str(error)).lower()}",
            where=str(home.root),
            remedy="fix its permissions, free space, or use another HEADRACE_HOME",
        ) from error
    if free < FREE_FLOOR_BYTES:
        raise StorageError(
            f"only {free / 1e6:,.0f} MB are free on this disk; a run needs {FREE_FLOOR_BYTES / 1e6:,.0f} MB",
            where=str(home.root),
            remedy="free space (`headrace clean`), or use a HEADRACE_HOME on another disk",
        )
