"""Documents to be cleaned, with copies planted among them; the same for the same seed on the same machine.

A document is two to eight passages of 250 to 400 characters, 1.1 kB in the mean, cut from what `benchmarks.sources`
finds. No passage occurs twice in the material. Where more documents are asked for than it yields, it is gone through
again, each time joining passages that lie another stride apart, so that two documents share a third of their passages
at most and nothing becomes a near duplicate by accident.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import pathlib
import random
import re
from collections.abc import Callable, Iterator

import pyarrow as pa

from benchmarks import sources
from benchmarks.contest import ROOT

CACHE = ROOT / ".tools" / "bench"

CORPUS = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("copy_of", pa.int64()),
        pa.field("edited", pa.float64(), nullable=False),
    ]
)
"""A text, for a copy the row of its original, and the share of its tokens that was edited."""

EDITS = (0.01, 0.05)
"""Shares of the tokens that are replaced; half of the copies each."""

_SMALLEST, _LARGEST = 250, 400
_PASSAGES, _WEIGHTS = (2, 3, 4, 5, 6, 8), (50, 25, 12, 7, 4, 2)
_MEAN_PASSAGES = 3
_MOST_PASSAGES = 900_000
# No two are in a small ratio, so that progressions of different strides meet in one passage at most, as a rule.
_STRIDES = (1, 101, 1009, 5003, 10007, 20011, 40009)
_HEADER, _BODY = 120, 47  # trigrams; two more lie across
_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a corpus is made of.

    Attributes:
        kind: `documents` or `boilerplate`.
        count: how many documents, copies included.
        seed: what they depend on.
        copies: which part of them is copies.
    """

    kind: str
    count: int
    seed: int
    copies: float


def documents(count: int, seed: int, copies: float = 0.1) -> pa.Table:
    """Documents in random order, a part of them copies of others with 1% or 5% of their tokens replaced.

    Returns:
        `count` rows of `CORPUS`.
    """
    draw = random.Random(f"documents {seed}")
    originals = list(_originals(count - round(count * copies), seed, draw))
    return _with_copies(originals, count - len(originals), draw)


def boilerplate(count: int, seed: int, copies: float = 0.2) -> pa.Table:
    """Documents that all begin with the same 120 word trigrams and go on with about 49 of their own.

    Two unrelated ones have a similarity (Jaccard) of 0.55; true pairs are what was copied.

    Returns:
        `count` rows of `CORPUS`.
    """
    draw = random.Random(f"boilerplate {seed}")
    wanted = count - round(count * copies)
    pool = iter(_material(6 * count + 1000, seed))
    header, _ = _head(" ".join(passage for passage, _ in zip(pool, range(20), strict=False)), _HEADER)
    originals: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for first, second in zip(pool, pool, strict=False):
        enough = draw.randint(_BODY - 3, _BODY + 3)
        body, shingles = _head(f"{first}\n{second}", enough)
        # What repeats a fifth of what came before would be a near duplicate by accident under such a header.
        if len(shingles) < enough or len(shingles & seen) * 5 > len(shingles):
            continue
        seen |= shingles
        originals.append(f"{header}\n{body}")
        if len(originals) == wanted:
            return _with_copies(originals, count - wanted, draw)
    raise RuntimeError(f"this machine has material for {len(originals)} bodies, not {wanted}")


def stored(recipe: Recipe) -> pathlib.Path:
    """Where a corpus lies as an Arrow IPC file, made if it is not there; below `.tools`, which `make clean` removes."""
    maker: Callable[..., pa.Table] = {"documents": documents, "boilerplate": boilerplate}[recipe.kind]
    name = f"{recipe.kind}-{recipe.count}-{recipe.seed}-{recipe.copies:g}-{_generator()}.arrow"
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".tmp")
        table = maker(recipe.count, recipe.seed, recipe.copies)
        with pa.ipc.new_file(aside, table.schema) as file:
            file.write_table(table)
        aside.replace(path)
    return path


def load(path: pathlib.Path) -> pa.Table:
    """A stored corpus, in one chunk."""
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).read_all().combine_chunks()


def edited(text: str, share: float, vocabulary: list[str], draw: random.Random) -> str:
    """A text with a share of its tokens (`\\w+`), one at least, replaced by other words."""
    spans = [match.span() for match in _WORD.finditer(text)]
    chosen = sorted(draw.sample(range(len(spans)), min(len(spans), max(1, round(share * len(spans))))))
    parts, last = [], 0
    for number in chosen:
        start, end = spans[number]
        parts += [text[last:start], draw.choice(vocabulary)]
        last = end
    return "".join([*parts, text[last:]])


def _with_copies(originals: list[str], copies: int, draw: random.Random) -> pa.Table:
    vocabulary = sorted({word for text in originals[:2000] for word in _WORD.findall(text) if word.isalpha()})
    chosen = draw.sample(range(len(originals)), copies)
    shares = [EDITS[number % len(EDITS)] for number in range(copies)]
    texts = originals + [
        edited(originals[original], share, vocabulary, draw) for original, share in zip(chosen, shares, strict=True)
    ]
    order = list(range(len(texts)))
    draw.shuffle(order)
    row = {old: new for new, old in enumerate(order)}
    came_from = [None] * len(originals) + [row[original] for original in chosen]
    share_of = [0.0] * len(originals) + shares
    columns = [
        [texts[old] for old in order],
        [came_from[old] for old in order],
        [share_of[old] for old in order],
    ]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, CORPUS, strict=True)], schema=CORPUS
    )


def _originals(count: int, seed: int, draw: random.Random) -> Iterator[str]:
    material = _material(min(count * _MEAN_PASSAGES + 1000, _MOST_PASSAGES), seed)
    made = 0
    for stride in _STRIDES:
        while math.gcd(stride, len(material)) > 1:
            stride += 1
        # So a progression of the stride, taken round and round, visits every passage once.
        visits = (turn * stride % len(material) for turn in range(len(material)))
        while made < count:
            wanted = draw.choices(_PASSAGES, _WEIGHTS)[0]
            taken = [number for number, _ in zip(visits, range(wanted), strict=False)]
            if len(taken) < wanted:
                break
            yield "\n".join(material[number] for number in taken)
            made += 1
    if made < count:
        raise RuntimeError(f"this machine has material for {made} documents, not {count}")


def _material(count: int, seed: int) -> list[str]:
    """Up to `count` different passages of at least 20 words, from files in a random order."""
    order = list(_files())
    random.Random(f"files {seed}").shuffle(order)
    found: dict[str, None] = {}
    for path in order:
        for passage in sources.passages(sources.text(path), _SMALLEST, _LARGEST):
            if len(passage.split()) >= 20:
                found.setdefault(passage)
        if len(found) >= count:
            break
    return list(found)[:count]


@functools.cache
def _files() -> tuple[pathlib.Path, ...]:
    return tuple(sources.files())


def _head(text: str, count: int) -> tuple[str, set[tuple[str, ...]]]:
    """A text up to where it has so many different word trigrams, and these; all of it if it has fewer."""
    words: list[str] = []
    shingles: set[tuple[str, ...]] = set()
    end = 0
    for match in _WORD.finditer(text):
        words.append(match.group().lower())
        if len(words) >= 3:
            shingles.add(tuple(words[-3:]))
        end = match.end()
        if len(shingles) == count:
            break
    return text[:end], shingles


@functools.cache
def _generator() -> str:
    """Names this code, so that what an earlier one stored is not taken for its own."""
    modules = (pathlib.Path(__file__), pathlib.Path(sources.__file__))
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()[:8]
