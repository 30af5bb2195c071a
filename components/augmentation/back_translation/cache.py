"""Translations kept by content: what was translated once is not translated again.

A directory holds one folder for each translator (by its identity) and pair of languages. In it are files of JSON
lines, each written aside, moved to its final name and never changed after: several processes may write at once, and
one that is ended in the middle leaves nothing half done. A file's name is the digest of its content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import pathlib
import tempfile
from collections.abc import Sequence

from components.augmentation.back_translation.translators import Translation, Translator
from schemas.errors import StorageError

_log = logging.getLogger(__name__)


class CachedTranslator:
    """A translator one way, with a memory.

    Args:
        translator: who translates what is not known yet.
        source: the language of the texts.
        target: the language to translate to.
        directory: where translations are kept; None keeps them only as long as this object.
    """

    def __init__(self, translator: Translator, source: str, target: str, directory: pathlib.Path | None):
        self._translator, self._source, self._target = translator, source, target
        self._folder: pathlib.Path | None = None
        self._known: dict[str, Translation] = {}
        if directory is not None:
            pair = hashlib.sha256(f"{translator.identity}\0{source}\0{target}".encode()).hexdigest()[:32]
            self._folder = directory / pair
            self._known = _read(self._folder)

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """A translation for each text; those that failed are asked for again next time.

        Raises:
            StorageError: the directory cannot be written.
        """
        wanted = list(dict.fromkeys(text for text in texts if text not in self._known))
        made = dict(zip(wanted, self._translator.translate(wanted, self._source, self._target), strict=True))
        lasting = {text: translation for text, translation in made.items() if translation.failure is None}
        self._known.update(lasting)
        if lasting and self._folder is not None:
            _write(self._folder, lasting)
        return [self._known.get(text) or made[text] for text in texts]


def _read(folder: pathlib.Path) -> dict[str, Translation]:
    known: dict[str, Translation] = {}
    for path in sorted(folder.glob("*.jsonl")):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest()[:32] != path.stem:
            _log.warning("%s is not as it was written and is not used", path)
            continue
        for line in content.splitlines():
            text, translated, unknown, damaged = json.loads(line)
            known.setdefault(text, Translation(translated, tuple(unknown), damaged))
    return known


def _write(folder: pathlib.Path, made: dict[str, Translation]) -> None:
    lines = (
        json.dumps([text, *list(dataclasses.asdict(translation).values())[:3]]) for text, translation in made.items()
    )
    content = "".join(f"{line}\n" for line in lines).encode()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.jsonl"
    aside: str | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=".", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        if aside is not None:
            pathlib.Path(aside).unlink(missing_ok=True)
        raise StorageError(
            f"translations cannot be kept: {error.strerror}", where=str(folder), remedy="make room or name another"
        ) from error
