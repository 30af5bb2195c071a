"""What `headrace clean` removes: by rule, never what a later run could use."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import stat
from collections.abc import Iterator

from lineage import integrity, store
from pipeline import locks
from schemas.errors import BusyError
from schemas.home import Home

KEPT_RUNS = 20
"""So many run folders stay."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What would be removed.

    Attributes:
        bytes: how much it takes on disk together.
    """

    paths: tuple[pathlib.Path, ...]
    bytes: int


def plan(home: Home, *, cache: bool = False, everything: bool = False) -> Plan:
    """What the rules say.

    Args:
        home: whose state.
        cache: downloads and ingested sources too.
        everything: the whole home.
    """
    if everything:
        paths = [home.root] if home.root.exists() else []
    else:
        paths = [*_unpublished(home), *_old_runs(home)]
        if cache:
            paths += [path for path in (home.downloads, home.ingested) if path.exists()]
    return Plan(tuple(paths), sum(_size(path) for path in paths))


def remove(home: Home, planned: Plan) -> None:
    """Removes it.

    Raises:
        BusyError: a run is at work on this home.
    """
    if not home.root.exists():
        return
    holder = locks.holder(home)
    if holder:
        raise BusyError(
            f"a run is at work here (process {holder.pid})", where=str(home.root), remedy="wait for it, or end it"
        )
    for path in planned.paths:
        if path.is_dir() and not path.is_symlink():
            _make_writable(path)
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _unpublished(home: Home) -> Iterator[pathlib.Path]:
    """Output directories that no live artifact in the store names: of failed, interrupted and withdrawn executions."""
    if not home.metadata.is_file():
        return
    named = {integrity.local_path(artifact.uri) for artifact in store.connect(home).live_artifacts()}
    for node in sorted(home.artifacts.glob("*")):
        for output in sorted(path for path in node.glob("*") if path.name != ".system"):
            for execution in sorted(output.iterdir()) if output.is_dir() else ():
                if execution not in named:
                    yield execution


def _old_runs(home: Home) -> list[pathlib.Path]:
    return sorted(path for path in home.runs.glob("*") if path.is_dir())[:-KEPT_RUNS]


def _size(path: pathlib.Path) -> int:
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(path) for name in names)


def _make_writable(path: pathlib.Path) -> None:
    """Released versions are read-only, their directories too."""
    for at, folders, _ in os.walk(path):
        for folder in (at, *(os.path.join(at, name) for name in folders)):
            if not os.path.islink(folder):
                os.chmod(folder, os.stat(folder).st_mode | stat.S_IRWXU)
