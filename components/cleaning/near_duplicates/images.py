"""Images that look the same: PDQ hashes compared bit by bit.

PDQ ('The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm', Facebook, 2019) reduces an image to 256
bits of its coarsest shapes; up to 31 different bits mean the same picture. On photographs, copies that were

- found: resized to a half or a quarter or squeezed in one direction, JPEG down to quality 10, brighter or darker by
  40%, in stronger contrast, in grey; with `mirrored`, left and right exchanged; cropped by 1% of each side's length
  (mostly by 2%, three quarters if all of the 2% come off one side);
- not found: cropped by 5% or more, given a border, turned by 5 degrees or by a quarter, upside down, negative;
  with a caption over a tenth of the picture in about half of the cases.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
import pdqhash  # type: ignore[import-untyped]
from PIL import Image

from components.cleaning.near_duplicates.kernels import compiled, ones, root

MAX_VISITED = 20_000
"""Others that one image is compared with by each of its two hashes. Among millions of images it meets fewer; a bound
is what keeps a cluster of very many near duplicates linear."""
_WORDS = 4
_FEW = 64  # images of a block that are compared each with each
_BAND = 16  # bits
_FLIPPED = 5  # the place of the mirror image among the eight that PDQ hashes at once
_NOT_AN_IMAGE = -1
_VALUE = np.uint64(0xFFFF)


@dataclasses.dataclass(frozen=True)
class ImageHashes:
    """Perceptual hashes of n images.

    Attributes:
        pdq: uint8 [n, 32].
        mirror: uint8 [n, 32], of the image with left and right exchanged; zeros if that was not asked for.
        quality: int64 [n], 0 (flat) to 100; -1 for what is no image.
    """

    pdq: np.ndarray
    mirror: np.ndarray
    quality: np.ndarray


@dataclasses.dataclass(frozen=True)
class ImagePairs:
    """Near duplicates, enough of them to connect every cluster.

    Attributes:
        a: int64 [pairs], the smaller row of each pair.
        b: int64 [pairs], the larger row.
        distance: int64 [pairs], bits in which the hashes differ; of a mirrored pair, those of one and the other's mirror.
        compared: how many hashes were compared.
    """

    a: np.ndarray
    b: np.ndarray
    distance: np.ndarray
    compared: int


def hashes(contents: Sequence[bytes], mirrored: bool) -> ImageHashes:
    """The hashes of encoded images, in RGB as Pillow decodes them.

    Whoever calls has judged the sizes of the images (`components.cleaning.images`).
    """
    pdq = np.zeros((len(contents), 32), np.uint8)
    mirror = np.zeros((len(contents), 32), np.uint8)
    quality = np.full(len(contents), _NOT_AN_IMAGE, np.int64)
    for row, content in enumerate(contents):
        pixels = _pixels(content)
        if pixels is None:
            continue
        if mirrored:
            turned, quality[row] = pdqhash.compute_dihedral(pixels)
            pdq[row], mirror[row] = np.packbits(turned[0]), np.packbits(turned[_FLIPPED])
        else:
            bits, quality[row] = pdqhash.compute(pixels)
            pdq[row] = np.packbits(bits)
    return ImageHashes(pdq, mirror, quality)


def pairs(hashes: ImageHashes, blocks: np.ndarray, distance: int, mirrored: bool, mask: np.ndarray) -> ImagePairs:
    """Pairs of images of one block whose hashes differ in at most `distance` bits.

    Multi-index hashing (Norouzi, Punjani, Fleet, 'Fast Search in Hamming Space with Multi-Index Hashing', CVPR 2012):
    of 16 bands of 16 bits, hashes that differ in at most 31 bits have one that differs in at most one bit. The pairs
    connect whatever all such pairs would connect, as long as no image meets more than `MAX_VISITED` others.

    Args:
        hashes: of n images.
        blocks: int64 [n], the block of each.
        distance: 0 to 31, in bits.
        mirrored: whether an image is also compared with the mirror of the other.
        mask: bool [n], which images take part: those with enough quality.
    """
    words = np.ascontiguousarray(hashes.pdq).view("<u8").astype(np.uint64)
    flipped = np.ascontiguousarray(hashes.mirror).view("<u8").astype(np.uint64)
    rows = np.flatnonzero(mask)
    rows = rows[np.lexsort((*words[rows].T, blocks[rows]))]  # stable: equal hashes stay in the order of their rows
    starts = np.flatnonzero(np.diff(blocks[rows], prepend=blocks[rows[:1]] - 1))
    found = np.empty((3, len(rows)), np.int64)
    work = np.zeros(1, np.int64)
    count = _pairs(words[rows], flipped[rows], np.append(starts, len(rows)), distance, mirrored, found, work)
    a, b = rows[found[0, :count]], rows[found[1, :count]]
    return ImagePairs(np.minimum(a, b), np.maximum(a, b), found[2, :count].copy(), int(work[0]))


def _pixels(content: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:  # decoders of hostile bytes raise all kinds; each means that there is nothing to hash
        return None


@compiled
def _pairs(words, flipped, bounds, distance, mirrored, found, work):  # type: ignore[no-untyped-def]
    parent = np.arange(len(words))
    lists = np.empty((1 << _BAND) + 1, np.int64)
    ends = np.empty(1 << _BAND, np.int64)
    united = np.empty(1 << _BAND, np.bool_)  # whether all in the list of a value are of one cluster
    order = np.empty(len(words), np.int64)
    visited = np.zeros((len(words), 2), np.int64)
    count = 0
    for block in range(len(bounds) - 1):
        first, last = bounds[block], bounds[block + 1]
        for x in range(first + 1, last):  # equal hashes are neighbours: the first stands for all
            if _differing(words, x, words, x - 1) == 0:
                parent[x] = root(parent, x - 1)
                found[0, count], found[1, count], found[2, count] = parent[x], x, 0
                count += 1
        if last - first <= _FEW:
            for x in range(first, last):
                for y in range(first, x):
                    count = _compare(words, flipped, parent, x, y, distance, mirrored, found, count, work)
            continue
        for band in range(_WORDS * 64 // _BAND):
            word, shift = band // 4, np.uint64(band % 4 * _BAND)
            lists[:] = 0
            for x in range(first, last):
                if x == first or _differing(words, x, words, x - 1):
                    lists[np.int64((words[x, word] >> shift) & _VALUE) + 1] += 1
            for value in range(1 << _BAND):
                lists[value + 1] += lists[value]
                ends[value] = lists[value]
                united[value] = True
            for side in range(2 if mirrored else 1):
                for x in range(first, last):
                    own = np.int64(((flipped[x, word] if side else words[x, word]) >> shift) & _VALUE)
                    for flip in range(_BAND + 1):
                        cell = (own ^ (1 << flip)) & 0xFFFF  # the last flips nothing
                        for place in range(lists[cell], ends[cell]):
                            y = order[place]
                            if visited[x, side] >= MAX_VISITED or (united[cell] and root(parent, x) == root(parent, y)):
                                break
                            visited[x, side] += 1
                            count = _compare(words, flipped, parent, x, y, distance, mirrored, found, count, work)
                    if side == 0 and (x == first or _differing(words, x, words, x - 1)):
                        if ends[own] > lists[own] and united[own]:
                            united[own] = root(parent, x) == root(parent, order[ends[own] - 1])
                        order[ends[own]] = x
                        ends[own] += 1
    return count


@compiled
def _compare(words, flipped, parent, x, y, distance, mirrored, found, count, work):  # type: ignore[no-untyped-def]
    """Joins two images that are alike and not yet joined; returns how many pairs were found so far."""
    one, other = root(parent, x), root(parent, y)
    if one == other:
        return count
    work[0] += 1
    apart = _differing(words, x, words, y)
    if mirrored:
        apart = min(apart, min(_differing(words, x, flipped, y), _differing(flipped, x, words, y)))
    if apart <= distance:
        parent[max(one, other)] = min(one, other)
        found[0, count], found[1, count], found[2, count] = y, x, apart
        count += 1
    return count


@compiled
def _differing(one, x, other, y):  # type: ignore[no-untyped-def]
    bits = np.int64(0)
    for word in range(_WORDS):
        bits += ones(one[x, word] ^ other[y, word])
    return bits
