"""Which of the records that are alike survives, and what happens to the others."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning import rules, sketches
from components.cleaning.attributes import NEAR_DUPLICATES
from components.cleaning.faults import Fault, Reason
from components.cleaning.near_duplicates import blocks, images, set_join
from components.cleaning.near_duplicates.clusters import survivors
from components.cleaning.near_duplicates.config import NearDuplicates
from schemas import tables

VERDICT = pa.schema(
    [
        pa.field("id", pa.int64()),  # of the sketch
        pa.field("cluster", pa.string()),  # the id of the record that survives
        pa.field("survives", pa.bool_()),
        pa.field("likeness", pa.float64()),  # to the survivor: Jaccard similarity, or of images differing bits
    ]
)


def judge(sketched: pa.RecordBatch, config: NearDuplicates) -> pa.RecordBatch:
    """Compares the sketches of each block; a batch of VERDICT for those that have a near duplicate.

    Of a cluster survives what an earlier cleaning kept, then what has the highest quality (the longest document, the
    image of the most pixels), then the earliest, then the lowest id.

    Args:
        sketched: what `sketches.in_blocks` gives; every block whole.
    """
    found = []
    for modality, threshold in (("text", config.text.threshold), ("code", config.code.threshold)):
        documents = pc.filter(sketched, pc.equal(sketched["modality"], modality))
        if documents.num_rows > 1:
            shingled = sketches.shingles_of(documents)
            pairs = set_join.join(shingled, documents["block"].to_numpy(), threshold)
            found.append(_verdicts(documents, pairs.a, pairs.b, _Jaccard(shingled.hashes, shingled.offsets)))
    pictures = pc.filter(sketched, pc.equal(sketched["modality"], "image"))
    if pictures.num_rows > 1:
        hashed = sketches.hashes_of(pictures)
        all_of_them = np.ones(pictures.num_rows, bool)  # those of low quality were not sketched
        near = images.pairs(
            hashed, pictures["block"].to_numpy(), config.image.distance, config.image.mirrored, all_of_them
        )
        found.append(_verdicts(pictures, near.a, near.b, _Differing(hashed, config.image.mirrored)))
    return tables.whole(pa.Table.from_batches(found, VERDICT))


def apply(
    records: pa.RecordBatch, verdicts: pa.RecordBatch, config: NearDuplicates
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Divides a shard's records into (survivors, rejected); who has near duplicates is told so by an attribute.

    Args:
        records: the shard, in the order in which it was sketched.
        verdicts: of this shard.
        config: what to do with near duplicates.
    """
    if verdicts.num_rows == 0:
        return rules.divide(records, [None] * records.num_rows)
    own, rows = sketches.own_rows(verdicts["id"].to_numpy())
    judged = dict(zip(rows.tolist(), tables.to_rows(pc.filter(verdicts, pa.array(own))), strict=True))
    modalities = records["modality"].to_pylist()
    faults: list[Fault | None] = [None] * records.num_rows
    attributes = [dict(pairs) for pairs in records["attributes"].to_pylist()]
    for row, verdict in judged.items():
        attributes[row][NEAR_DUPLICATES] = verdict["cluster"]
        if not verdict["survives"]:
            faults[row] = _fault(modalities[row], verdict["likeness"], verdict["cluster"], config)
    packed = pa.array([sorted(values.items()) for values in attributes], records["attributes"].type)
    return rules.divide(rules.replace(records, attributes=packed), faults)


def _fault(modality: str, likeness: float, cluster: str, config: NearDuplicates) -> Fault | None:
    if modality == "image":
        if config.image.action != "remove":
            return None
        return Fault(Reason.NEAR_DUPLICATE, f"{likeness:.0f} bits from {cluster}", f"{config.image.distance} bits")
    section = config.text if modality == "text" else config.code
    if section.action != "remove":
        return None
    return Fault(Reason.NEAR_DUPLICATE, f"similarity {likeness:.3f} to {cluster}", f"{section.threshold:g}")


def _verdicts(
    sketched: pa.RecordBatch, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], likeness: _Jaccard | _Differing
) -> pa.RecordBatch:
    members, labels = blocks.components(a, b)
    chosen = pc.take(sketched, pa.array(members, pa.int64()))
    names = np.array(chosen["record_id"].to_pylist(), str)
    earlier = chosen["earlier"].to_numpy(zero_copy_only=False)
    quality = np.where(earlier, np.inf, chosen["quality"].to_numpy())
    rows = survivors(labels, quality=quality, timestamps=chosen["timestamp"].to_numpy(), ids=names)
    survivor = rows[np.argsort(labels[rows])][np.unique(labels, return_inverse=True)[1]]
    alike = [likeness(int(members[row]), int(members[survivor[row]])) for row in range(len(members))]
    return pa.RecordBatch.from_arrays(
        [
            chosen["id"],
            pa.array(names[survivor].tolist(), pa.string()),
            pa.array(survivor == np.arange(len(members))),
            pa.array(alike, pa.float64()),
        ],
        schema=VERDICT,
    )


@dataclasses.dataclass(frozen=True)
class _Jaccard:
    """How alike two documents' sets of shingles are."""

    hashes: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]

    def __call__(self, one: int, other: int) -> float:
        first, second = (np.unique(self.hashes[self.offsets[row] : self.offsets[row + 1]]) for row in (one, other))
        shared = len(np.intersect1d(first, second, assume_unique=True))
        return shared / (len(first) + len(second) - shared)


@dataclasses.dataclass(frozen=True)
class _Differing:
    """In how many bits two images' hashes differ, or one image's and the other's mirror image's."""

    hashed: images.ImageHashes
    mirrored: bool

    def __call__(self, one: int, other: int) -> float:
        bits = [np.unpackbits(self.hashed.pdq[one] ^ self.hashed.pdq[other]).sum()]
        if self.mirrored:
            bits.append(np.unpackbits(self.hashed.pdq[one] ^ self.hashed.mirror[other]).sum())
        return float(min(bits))
