"""What is kept of a record to find those that are alike: shingles and band keys, or a perceptual hash.

Sketches stand for contents: they are small, they are what is compared, and an index of them lets a later cleaning
compare its records with earlier ones without reading or hashing those again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning.near_duplicates import images, minhash
from components.cleaning.near_duplicates.clusters import NO_TIMESTAMP
from components.cleaning.near_duplicates.config import DocumentDuplicates, NearDuplicates
from components.cleaning.near_duplicates.shingles import Shingles, shingle
from schemas import tables

INDEX = pa.schema(
    [
        pa.field("content_sha256", pa.string(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("quality", pa.int64(), nullable=False),  # bytes of a text or code, pixels of an image
        pa.field("timestamp", pa.int64(), nullable=False),  # UTC us; the greatest number where there is none
        pa.field("shingles", pa.list_(pa.uint32())),
        pa.field("bands", pa.list_(pa.uint64())),
        pa.field("pdq", pa.binary(64)),  # of the image and of its mirror image
    ]
)
"""An index: one row a record that was kept and can have near duplicates, sorted by content."""

SKETCH = pa.schema([pa.field("id", pa.int64()), pa.field("earlier", pa.bool_()), *INDEX])
"""A sketch within a cleaning: `id` is its shard and row, with one bit set for those of an earlier cleaning."""

_EARLIER = 1 << 62
_FIRST_BAND = {"text": 0, "code": 100}
_NOWHERE = -1
_IMAGES = 0  # the one block of all images
_IHDR_SIZE = slice(16, 24)  # width and height in a PNG


def sketch(
    records: pa.RecordBatch, shard: int, config: NearDuplicates, earlier: pa.RecordBatch | None
) -> pa.RecordBatch:
    """The sketches of a shard's records, and those of `earlier` that are not among them; a batch of SKETCH.

    Args:
        records: standard records, sorted; those that cannot have near duplicates get no sketch.
        shard: the number of the shard.
        config: which modalities are looked at, and how.
        earlier: rows of INDEX with the same range of content hashes; what is in there is not hashed anew.
    """
    known = _Known(earlier)
    parts = [_sketch_documents(records, shard, "text", config.text, known)]
    parts.append(_sketch_documents(records, shard, "code", config.code, known))
    if config.image.action != "off":
        parts.append(_sketch_images(records, shard, config.image.min_quality, config.image.mirrored, known))
    if earlier is not None and earlier.num_rows:
        taken = set(zip(records["record_id"].to_pylist(), records["content_sha256"].to_pylist(), strict=True))
        names = zip(earlier["record_id"].to_pylist(), earlier["content_sha256"].to_pylist(), strict=True)
        others = pc.filter(earlier, pa.array([name not in taken for name in names], pa.bool_()))
        ids = (_EARLIER | shard << 32) + np.arange(others.num_rows, dtype=np.int64)
        parts.append(_with_ids(others, ids, np.ones(len(ids), bool)))
    return tables.whole(pa.Table.from_batches(parts, SKETCH))


def bands(sketched: pa.RecordBatch) -> Iterator[tuple[int, npt.NDArray[np.uint64], npt.NDArray[np.int64]]]:
    """(band, keys, ids) of documents: those with an equal key in a band may be alike."""
    for modality, first in _FIRST_BAND.items():
        documents = pc.filter(sketched, pc.equal(sketched["modality"], modality))
        if documents.num_rows:
            keys = documents["bands"].flatten().to_numpy().reshape(documents.num_rows, -1)
            for band in range(keys.shape[1]):
                yield first + band, np.ascontiguousarray(keys[:, band]), documents["id"].to_numpy()


def shard_of(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The shards that sketches belong to."""
    shards: npt.NDArray[np.int64] = (ids & ~_EARLIER) >> 32
    return shards


def own_rows(ids: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Which sketches are of this cleaning's records, and the rows of those within their shards."""
    own = ids < _EARLIER
    rows: npt.NDArray[np.int64] = ids[own] & 0xFFFFFFFF
    return own, rows


def in_blocks(sketched: pa.RecordBatch, ids: npt.NDArray[np.int64], blocks: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The sketches with the given ids and those of all images, with a column `block`.

    Images are one block: hashes that may be alike share a byte, and among more than some hundred images that connects
    nearly all of them.

    Args:
        sketched: a batch of SKETCH.
        ids: sorted.
        blocks: the block of each id.
    """
    own = sketched["id"].to_numpy()
    block = np.full(len(own), _NOWHERE)
    if len(ids):
        place = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
        block = np.where(ids[place] == own, blocks[place], block)
    block[pc.equal(sketched["modality"], "image").to_numpy(zero_copy_only=False)] = _IMAGES
    arrays = [*sketched.columns, pa.array(block)]
    together = pa.RecordBatch.from_arrays(arrays, schema=SKETCH.append(pa.field("block", pa.int64())))
    return pc.filter(together, pa.array(block != _NOWHERE))


def shingles_of(sketched: pa.RecordBatch) -> Shingles:
    """The shingles of documents' sketches."""
    lists = pa.concat_arrays([sketched["shingles"]])  # without offset
    values = lists.flatten().to_numpy()
    lengths = pc.list_value_length(lists).to_numpy()
    return Shingles(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def hashes_of(sketched: pa.RecordBatch) -> images.ImageHashes:
    """The perceptual hashes of images' sketches."""
    packed = np.frombuffer(b"".join(sketched["pdq"].to_pylist()), np.uint8).reshape(-1, 64)
    quality = np.full(len(packed), 100, np.int64)  # poorer ones were not sketched
    return images.ImageHashes(np.ascontiguousarray(packed[:, :32]), np.ascontiguousarray(packed[:, 32:]), quality)


def to_index(sketched: pa.RecordBatch, kept: pa.Array) -> pa.RecordBatch:
    """The rows of INDEX of the earlier records and of those in `kept` (record ids), sorted by content."""
    chosen = pc.or_(pc.greater_equal(sketched["id"], _EARLIER), pc.is_in(sketched["record_id"], value_set=kept))
    rows = pc.filter(sketched, chosen)
    index = pa.RecordBatch.from_arrays([rows[name] for name in INDEX.names], schema=INDEX)
    order = pc.sort_indices(
        pa.Table.from_batches([index]), sort_keys=[("content_sha256", "ascending"), ("record_id", "ascending")]
    )
    return pc.take(index, order)


def read_index(uri: str) -> pa.RecordBatch:
    """An index, whole."""
    return tables.whole(pa.Table.from_batches(list(tables.read(uri)), INDEX))


class _Known:
    """What an index knows of contents, by modality and hash."""

    def __init__(self, earlier: pa.RecordBatch | None):
        self._rows: dict[tuple[str, str], int] = {}
        self.names: set[tuple[str, str]] = set()
        self.index = earlier
        if earlier is not None:
            contents = earlier["content_sha256"].to_pylist()
            self._rows = {
                key: row for row, key in enumerate(zip(earlier["modality"].to_pylist(), contents, strict=True))
            }
            self.names = set(zip(earlier["record_id"].to_pylist(), contents, strict=True))

    def rows(self, modality: str, contents: list[str]) -> npt.NDArray[np.int64]:
        """For each content its row in the index, -1 where it is new."""
        return np.array([self._rows.get((modality, content), -1) for content in contents], np.int64)


def _sketch_documents(
    records: pa.RecordBatch, shard: int, modality: str, config: DocumentDuplicates, known: _Known
) -> pa.RecordBatch:
    long_enough = pc.greater_equal(pc.binary_length(records["content"]), config.min_bytes)
    chosen = pc.and_(pc.equal(records["modality"], modality), long_enough)
    if config.action == "off":
        chosen = pc.and_(chosen, False)
    documents = pc.filter(records, chosen)
    at = known.rows(modality, documents["content_sha256"].to_pylist())
    new = pc.filter(documents["content"], pa.array(at < 0))
    shingled = shingle(new, config.words)
    keys = minhash.band_keys(minhash.signatures(shingled))
    shingles = pa.ListArray.from_arrays(pa.array(shingled.offsets, pa.int32()), pa.array(shingled.hashes))
    sketched = _assembled(
        documents,
        _ids(chosen, shard),
        known,
        modality,
        quality=pc.cast(pc.binary_length(documents["content"]), pa.int64()),
        shingles=_merged(shingles, known, "shingles", at),
        bands=_merged(_lists(keys), known, "bands", at),
        pdq=pa.nulls(documents.num_rows, pa.binary(64)),
    )
    return pc.filter(sketched, pc.greater(pc.list_value_length(sketched["shingles"]), 0))


def _sketch_images(
    records: pa.RecordBatch, shard: int, min_quality: int, mirrored: bool, known: _Known
) -> pa.RecordBatch:
    is_image = pc.equal(records["modality"], "image")
    pictures = pc.filter(records, is_image)
    at = known.rows("image", pictures["content_sha256"].to_pylist())
    hashed = images.hashes(pc.filter(pictures["content"], pa.array(at < 0)).to_pylist(), mirrored)
    pdq = pa.array([row.tobytes() for row in np.concatenate([hashed.pdq, hashed.mirror], axis=1)], pa.binary(64))
    contents = pictures["content"].to_pylist()
    sizes = [content[_IHDR_SIZE] for content in contents]
    pixels = [int.from_bytes(size[:4], "big") * int.from_bytes(size[4:], "big") for size in sizes]
    sketched = _assembled(
        pictures,
        _ids(is_image, shard),
        known,
        "image",
        quality=pa.array(pixels, pa.int64()),
        shingles=pa.nulls(pictures.num_rows, pa.list_(pa.uint32())),
        bands=pa.nulls(pictures.num_rows, pa.list_(pa.uint64())),
        pdq=_merged(pdq, known, "pdq", at),
    )
    telling = np.ones(pictures.num_rows, bool)
    telling[at < 0] = hashed.quality >= min_quality
    return pc.filter(sketched, pa.array(telling))


def _assembled(
    records: pa.RecordBatch, ids: npt.NDArray[np.int64], known: _Known, modality: str, **columns: pa.Array
) -> pa.RecordBatch:
    timestamps = pc.fill_null(records["timestamp"].cast(pa.int64()), NO_TIMESTAMP)
    names = zip(records["record_id"].to_pylist(), records["content_sha256"].to_pylist(), strict=True)
    index = pa.RecordBatch.from_arrays(
        [
            records["content_sha256"],
            records["record_id"],
            pa.array([modality] * records.num_rows, pa.string()),
            columns["quality"],
            timestamps,
            columns["shingles"],
            columns["bands"],
            columns["pdq"],
        ],
        schema=INDEX,
    )
    return _with_ids(index, ids, np.array([name in known.names for name in names], bool))


def _with_ids(index: pa.RecordBatch, ids: npt.NDArray[np.int64], earlier: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(ids), pa.array(earlier), *index.columns], schema=SKETCH)


def _merged(new: pa.Array, known: _Known, name: str, at: npt.NDArray[np.int64]) -> pa.Array:
    """The new values and the known ones in the order of the records."""
    if (at < 0).all():
        return new
    assert known.index is not None
    both = pa.concat_arrays([known.index[name], new])
    place = np.where(at < 0, len(known.index[name]) + np.cumsum(at < 0) - 1, at)
    return pc.take(both, pa.array(place))


def _ids(chosen: pa.Array, shard: int) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(chosen.to_numpy(zero_copy_only=False))
    return (np.int64(shard) << 32) + rows.astype(np.int64)


def _lists(keys: npt.NDArray[np.uint64]) -> pa.Array:
    offsets = np.arange(len(keys) + 1, dtype=np.int32) * keys.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(keys.reshape(-1)))
