"""The records, samples and rejections that pass between nodes, as Arrow schemas.

They are stored as sharded Parquet (see `schemas.tables`), which Beam, Spark, Arrow and DuckDB all read.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

MODALITIES = ("text", "image", "code")

# A region is a box in an image (left, top, right, bottom in pixels), a span in a text (start, end in characters, 0, 0)
# or a line range in code (first, last, 0, 0).
REGION = pa.struct([("label", pa.string()), ("bounds", pa.list_(pa.int64(), 4))])

# A region of a sample: of which of its records, and bounds within the sample's own text, image or code. Regions of
# different modalities that are of one thing have the same number `link`.
SAMPLE_REGION = pa.struct(
    [
        ("record_id", pa.string()),
        ("modality", pa.string()),
        ("label", pa.string()),
        ("bounds", pa.list_(pa.int64(), 4)),
        ("link", pa.int64()),
    ]
)

# How a record came into a sample, where that was not by a common key: how sure it is, and of a join by time how far it
# was from the reference, after what was added to its time because its clock differs.
JOIN = pa.struct(
    [
        ("record_id", pa.string()),
        ("method", pa.string()),
        ("score", pa.float64()),
        ("gap_us", pa.int64()),
        ("clock_correction_us", pa.int64()),
    ]
)

RECORD = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("content_sha256", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("media_type", pa.string(), nullable=False),
        pa.field("content", pa.binary(), nullable=False),
        pa.field("timestamp", pa.timestamp("us", tz="UTC")),
        pa.field("source", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("license", pa.string()),
        pa.field("regions", pa.list_(REGION)),
        pa.field("attributes", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)

SAMPLE = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("text", pa.string()),
        pa.field("image", pa.binary()),
        pa.field("code", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("record_ids", pa.list_(pa.string()), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("parent", pa.string()),
        pa.field("weight", pa.float64(), nullable=False),
        pa.field("joins", pa.list_(JOIN)),
        pa.field("regions", pa.list_(SAMPLE_REGION)),
        pa.field("attributes", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)

REJECTED = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("content_sha256", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("measured", pa.string()),
        pa.field("limit", pa.string()),
    ]
)


def content_sha256(content: bytes) -> str:
    """The identity of some content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def record_id(source: str, position: str) -> str:
    """The identity of a record: where it came from, not what it holds.

    Args:
        source: the source's name in the configuration.
        position: its place within the source (path, line, member), stable across reads.
    """
    return hashlib.sha256(f"{source}\0{position}".encode()).hexdigest()[:32]
