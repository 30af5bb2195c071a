"""What readers yield, and how it becomes records and rejections."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union

import pyarrow as pa

from schemas import progress, records, regions, tables
from schemas.regions import Region

NODE = "Ingest"
_BATCH_ROWS = 512
_BATCH_BYTES = 8_000_000


class Reason(str, enum.Enum):
    """Why a file, a row or a region of a row is not taken."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    UNKNOWN_TYPE = "unknown_type"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not_a_file"
    LINK = "link"
    NOT_JSON = "not_json"
    BAD_FIELD = "bad_field"
    BAD_REGION = "bad_region"
    NO_CONTENT = "no_content"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """One document, image or code file of a source.

    Attributes:
        position: its place within the source, unique and stable across reads: a path, or path and line.
        key: what it is joined by; unique within the data set up to modality.
        cluster: the thing that it is a variant of, if the source knows.
        attributes: further facts, kept with the record.
        regions: its parts that have a label; see `schemas.regions`.
    """

    position: str
    modality: str
    media_type: str
    content: bytes
    key: str
    cluster: str | None = None
    timestamp: datetime.datetime | None = None
    language: str | None = None
    license: str | None = None
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    regions: Sequence[Region] = ()


@dataclasses.dataclass(frozen=True)
class Rejection:
    """A file or row that was not taken.

    Attributes:
        position: as a document's.
        reason: why.
        measured: what was found.
        limit: what is allowed.
        modality: as far as is known, else empty.
    """

    position: str
    reason: Reason
    measured: str
    limit: str = ""
    modality: str = ""


Item = Union[Document, Rejection]  # noqa: UP007


def check_text(content: bytes) -> str | None:
    """What is wrong with bytes that should be UTF-8, or None."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte 0x{content[error.start]:02x} at offset {error.start}"
    return None


def checked(document: Document) -> Item:
    """The document, or its rejection if it is text or code and not UTF-8."""
    if document.modality != "image":
        fault = check_text(document.content)
        if fault:
            return Rejection(document.position, Reason.NOT_UTF8, fault, "UTF-8", document.modality)
    return document


def write(source: str, dataset: str, items: Iterable[Item], directory: pathlib.Path) -> None:
    """Writes the items of a source as two tables, `records` and `rejected`, in their order."""
    rejected: list[dict[str, Any]] = []

    def documents() -> Iterator[Document]:
        for item in items:
            if isinstance(item, Document):
                yield item
            else:
                rejected.append(_rejected_row(source, item))

    tables.write(directory / "records", _batches(source, dataset, documents()), records.RECORD)
    tables.write(directory / "rejected", [tables.from_rows(rejected, records.REJECTED)], records.REJECTED)


def _batches(source: str, dataset: str, documents: Iterable[Document]) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    size = 0
    for document in documents:
        rows.append(_record_row(source, dataset, document))
        size += len(document.content)
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield tables.from_rows(rows, records.RECORD)
            progress.advance(NODE, len(rows))
            rows, size = [], 0
    yield tables.from_rows(rows, records.RECORD)
    progress.advance(NODE, len(rows))


def _record_row(source: str, dataset: str, document: Document) -> dict[str, Any]:
    attributes = {**document.attributes, "dataset": dataset, "key": document.key, "origin": document.position}
    if document.cluster is not None:
        attributes["cluster"] = document.cluster
    return {
        "record_id": records.record_id(source, document.position),
        "content_sha256": records.content_sha256(document.content),
        "modality": document.modality,
        "media_type": document.media_type,
        "content": document.content,
        "timestamp": document.timestamp,
        "source": source,
        "language": document.language,
        "license": document.license,
        "regions": regions.to_rows(document.regions),
        "attributes": attributes,
    }


def _rejected_row(source: str, rejection: Rejection) -> dict[str, Any]:
    return {
        "record_id": records.record_id(source, rejection.position),
        "content_sha256": "",  # its content was not read, or is not that of a record
        "source": source,
        "modality": rejection.modality,
        "origin": rejection.position,
        "stage": "ingestion",
        "reason": rejection.reason.value,
        "measured": rejection.measured,
        "limit": rejection.limit,
    }
