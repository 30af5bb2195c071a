"""Writes the report of a run: `HOME/runs/RUN/report.html`."""

from __future__ import annotations

import pathlib

from pipeline.report import collect, page
from schemas.errors import StorageError
from schemas.home import Home

FILE_NAME = "report.html"


def write(home: Home, run_id: str) -> pathlib.Path:
    """Collects what is there, draws the page and puts it into the run's folder, whole or not at all.

    Returns:
        The path of the page.

    Raises:
        StorageError: the folder cannot be written. A part that is missing or broken is no error: its section says so.
    """
    path = home.runs / run_id / FILE_NAME
    html = page.render(collect.collect(home, run_id))
    aside = path.with_name(f".{FILE_NAME}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What is not Unicode after all (a lone surrogate in a damaged file) is no reason to have no report.
        aside.write_text(html, encoding="utf-8", errors="backslashreplace")
        aside.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror or error}", where=str(path), remedy="free space or fix permissions"
        ) from error
    return path
