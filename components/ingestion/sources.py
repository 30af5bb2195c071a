"""From the configured sources to one table of records: each source is read only when it has changed."""

from __future__ import annotations

import hashlib
import json
import logging
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pyarrow as pa

from components.ingestion import config as sections
from components.ingestion import emoji, files, items, packages, python_library, rows
from lineage.fingerprint import fingerprint
from schemas import progress, records, storage, tables, times
from schemas.config import to_plain
from schemas.errors import SourceError, StorageError
from schemas.home import Home

_SEAL = "sha256.json"
_PACKAGES = {"openmoji": packages.OPENMOJI, "emoji_datasource": packages.EMOJI_DATASOURCE}


def ingest(
    config: sections.IngestionConfig,
    home: Home,
    records_directory: storage.Location,
    rejected_directory: storage.Location,
) -> None:
    """Writes the records of all sources, and what was not taken, as two tables, sources in the order of their names.

    Raises:
        SourceError: a source is missing, or gives no record at all.
    """
    read = [_ensure_read(name, config, home) for name in sorted(config.sources)]
    tables.write(records_directory, _chain(read, "records"), records.RECORD)
    tables.write(rejected_directory, _chain(read, "rejected"), records.REJECTED)


def fetch(config: sections.IngestionConfig, home: Home) -> list[pathlib.Path]:
    """Fetches the packages that the sources need, unless they are here; their paths."""
    needed = {_PACKAGES[source.kind] for source in config.sources.values() if source.kind in _PACKAGES}
    return [packages.fetch(package, home) for package in sorted(needed, key=lambda package: package.name)]


def sources_fingerprint(config: sections.IngestionConfig) -> str:
    """What the records depend on: the sources' configuration, the state of their data and the code that reads them.

    A source that is missing or out of reach has a fingerprint as well; what is wrong is said by whoever reads it.
    """
    return _hash([source_fingerprint(name, config) for name in sorted(config.sources)])


def source_fingerprint(name: str, config: sections.IngestionConfig) -> str:
    """The part of one source in `sources_fingerprint`."""
    source = config.sources[name]
    try:
        state = _state(source, config.max_file_bytes)
    except (SourceError, StorageError) as error:
        state = str(error)
    return _hash([name, to_plain(source), config.max_file_bytes, state, fingerprint(__name__)])


def _ensure_read(name: str, config: sections.IngestionConfig, home: Home) -> pathlib.Path:
    """The folder with the source's `records` and `rejected`, read now or before."""
    place = home.ingested / source_fingerprint(name, config)
    if place.is_dir():
        if _sealed(place):
            return place
        logging.warning("%s was damaged: source %s is read again", place, name)
        shutil.rmtree(place)
    try:
        home.ingested.mkdir(parents=True, exist_ok=True)
        aside = pathlib.Path(tempfile.mkdtemp(prefix=".reading-", dir=home.ingested))
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", where=str(home.ingested), remedy="free space or fix permissions"
        ) from error
    try:
        source = config.sources[name]
        content = _read(source, config.max_file_bytes, home)
        progress.start(items.NODE, f"reading {name}")
        items.write(name, source.dataset or name, content, aside)
        _require_records(name, source, aside)
        _seal(aside)
        try:
            aside.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was quicker, with the same
                raise
    except SourceError as error:
        raise SourceError(error.what, where=f"source {name}: {error.where}", remedy=error.remedy) from error
    finally:
        progress.finish(items.NODE)
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _read(source: sections.Source, max_bytes: int, home: Home) -> Iterator[items.Item]:
    if isinstance(source, sections.OpenMoji):
        archive = packages.fetch(packages.OPENMOJI, home)
        return emoji.read_openmoji(archive, max_file_bytes=max_bytes, limit=source.limit)
    if isinstance(source, sections.EmojiDatasource):
        archive = packages.fetch(packages.EMOJI_DATASOURCE, home)
        return emoji.read_emoji_datasource(archive, max_file_bytes=max_bytes, limit=source.limit)
    if isinstance(source, sections.PythonLibrary):
        root = python_library.standard_library()
        return python_library.read_python(root, max_file_bytes=max_bytes, limit=source.limit)
    path = storage.location(source.path)
    if isinstance(source, sections.Directory):
        return files.read_directory(path, source.patterns, max_file_bytes=max_bytes, license_=source.license)
    read = rows.read_jsonl if isinstance(source, sections.JsonLines) else rows.read_parquet
    local_times = times.LocalTimes(source.timezone, source.ambiguous_times, source.missing_times)
    return read(path, max_file_bytes=max_bytes, license_=source.license, local_times=local_times)


def _state(source: sections.Source, max_bytes: int) -> object:
    if isinstance(source, (sections.OpenMoji, sections.EmojiDatasource)):
        return _PACKAGES[source.kind].sha512
    if isinstance(source, sections.PythonLibrary):
        return sys.version
    path = storage.location(source.path)
    if isinstance(source, sections.Directory):
        found = files.find(path, source.patterns)
        return [[entry.position, entry.status if isinstance(entry, files.Found) else entry.measured] for entry in found]
    statuses = rows.row_file_states(path, source.kind)
    if isinstance(source, sections.JsonLines):
        return [statuses, sorted(set(rows.referenced_images(path, max_file_bytes=max_bytes)))]
    return statuses


def _require_records(name: str, source: sections.Source, directory: pathlib.Path) -> None:
    if tables.count(directory / "records"):
        return
    where = getattr(source, "path", source.kind)
    rejected = list(tables.rows(directory / "rejected"))
    if rejected:
        first = rejected[0]
        raise SourceError(
            f"no record could be taken, {len(rejected)} rejected; the first: {first['origin']}: {first['reason']} "
            f"({first['measured']}; allowed: {first['limit']})",
            where=where,
            remedy="mend the files, or take the source out of `ingestion.sources`",
        )
    raise SourceError("holds no data", where=where, remedy="put files there, or correct its `path` and `patterns`")


def _chain(read: list[pathlib.Path], table: str) -> Iterator[pa.RecordBatch]:
    for place in read:
        for shard, group in tables.groups(place / table):
            yield tables.read_group(shard, group)


def _seal(directory: pathlib.Path) -> None:
    (directory / _SEAL).write_text(json.dumps(_checksums(directory)))


def _sealed(directory: pathlib.Path) -> bool:
    try:
        return bool(json.loads((directory / _SEAL).read_text()) == _checksums(directory))
    except (OSError, ValueError):
        return False


def _checksums(directory: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.glob("*/*.parquet"))
    }


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
