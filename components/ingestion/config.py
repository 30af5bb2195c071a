"""What to ingest: the `ingestion` section."""

from __future__ import annotations

from typing import Annotated, Literal, Union

import pydantic

from schemas import times
from schemas.config import section

SourceName = Annotated[str, pydantic.StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
_Path = Annotated[str, pydantic.Field(min_length=1)]
_Limit = Annotated[int, pydantic.Field(ge=1)]
_TimeZone = Annotated[str, pydantic.AfterValidator(times.known_zone)]


@section
class OpenMoji:
    """The OpenMoji package: drawings as SVG code, annotations as text with dates. Fetched from the npm registry."""

    kind: Literal["openmoji"] = "openmoji"
    """What this source is."""
    dataset: str = "emoji"
    """The data set that its records belong to; only records of one data set are joined."""
    limit: _Limit | None = None
    """Take no more than so many emoji, chosen by hash with their variants; all if null."""


@section
class EmojiDatasource:
    """The emoji-datasource-google package: 64x64 images and names. Fetched from the npm registry."""

    kind: Literal["emoji_datasource"] = "emoji_datasource"
    """What this source is."""
    dataset: str = "emoji"
    """The data set that its records belong to; only records of one data set are joined."""
    limit: _Limit | None = None
    """Take no more than so many emoji, chosen by hash with their variants; all if null."""


@section
class PythonLibrary:
    """Functions and docstrings of the standard library of the Python that runs."""

    kind: Literal["python"] = "python"
    """What this source is."""
    dataset: str = "python"
    """The data set that its records belong to; only records of one data set are joined."""
    limit: _Limit | None = 3000
    """Take no more than so many functions, chosen by hash; all if null."""


@section
class Directory:
    """Files of your own. A file's key is its path without the extension: `a/x.txt` and `a/x.png` make one sample."""

    kind: Literal["directory"] = "directory"
    """What this source is."""
    path: _Path
    """The directory, relative to the working directory or absolute."""
    patterns: tuple[str, ...] = ("**/*",)
    """Which files, as glob patterns within the directory. Hidden files are never taken."""
    dataset: str | None = None
    """The data set that its records belong to; only records of one data set are joined. Null: the source's name."""
    license: str | None = None
    """The licence of the data, recorded with every record."""


@section
class JsonLines:
    """Rows of your own in JSON, one a line: `text`, `image` (a path beside the file) or `image_base64`, `code`; and if
    you like `key`, `cluster`, `timestamp` (ISO 8601 or seconds since 1970), `language`, `license`, `regions`."""

    kind: Literal["jsonl"] = "jsonl"
    """What this source is."""
    path: _Path
    """The file, or a directory of `*.jsonl` files; relative to the working directory or absolute."""
    dataset: str | None = None
    """The data set that its records belong to; only records of one data set are joined. Null: the source's name."""
    license: str | None = None
    """The licence of the data where a row does not name its own."""
    timezone: _TimeZone = "UTC"
    """The time zone of timestamps without an offset, by its IANA name, for instance Europe/Berlin."""
    ambiguous_times: times.Ambiguous = "refuse"
    """What a timestamp without an offset is that comes twice, as clocks are put back: rejected with its row, or the
    earlier or later of the two."""
    missing_times: times.Missing = "refuse"
    """What a timestamp without an offset is that never comes, as clocks are put forward: rejected with its row, or put
    forward as well."""


@section
class Parquet:
    """Rows of your own in Parquet: columns `text`, `image` (encoded bytes), `code`; and if you like `key`, `cluster`,
    `timestamp`, `language`, `license`, `regions`."""

    kind: Literal["parquet"] = "parquet"
    """What this source is."""
    path: _Path
    """The file, or a directory of `*.parquet` files; relative to the working directory or absolute."""
    dataset: str | None = None
    """The data set that its records belong to; only records of one data set are joined. Null: the source's name."""
    license: str | None = None
    """The licence of the data where a row does not name its own."""
    timezone: _TimeZone = "UTC"
    """The time zone of timestamps without an offset, by its IANA name, for instance Europe/Berlin."""
    ambiguous_times: times.Ambiguous = "refuse"
    """What a timestamp without an offset is that comes twice, as clocks are put back: rejected with its row, or the
    earlier or later of the two."""
    missing_times: times.Missing = "refuse"
    """What a timestamp without an offset is that never comes, as clocks are put forward: rejected with its row, or put
    forward as well."""


Source = Annotated[
    Union[OpenMoji, EmojiDatasource, PythonLibrary, Directory, JsonLines, Parquet],  # noqa: UP007
    pydantic.Field(discriminator="kind"),
]


def default_sources() -> dict[str, Source]:
    """The real data of the default run."""
    return {"openmoji": OpenMoji(), "emoji-datasource": EmojiDatasource(), "python": PythonLibrary()}


@section
class IngestionConfig:
    """Which data comes in."""

    sources: Annotated[dict[SourceName, Source], pydantic.Field(min_length=1)] = pydantic.Field(
        default_factory=default_sources
    )
    """The sources by name. Where order matters (which of two copies stays), it is that of the names."""
    max_file_bytes: Annotated[int, pydantic.Field(ge=1)] = 10_000_000
    """The largest file, or field of a row, that is taken; larger ones are rejected."""
