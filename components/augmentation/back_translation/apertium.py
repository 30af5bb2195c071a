"""Apertium as a translator: its local programs, started once and kept, texts streamed through them.

A mode file names the programs of a pair of languages as a shell pipeline. They are started without a shell, each with
`-z`, by which a zero byte ends a text and is answered by a zero byte. All texts are written ahead of the answers.
"""

from __future__ import annotations

import functools
import hashlib
import pathlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.back_translation.pipes import Pipeline
from components.augmentation.back_translation.translators import Failure, Translation
from schemas.errors import SourceError

# The marks at the end let the last word be followed by a full stop, which every rule of the pipeline expects, and let
# an answer be told from a torn one. A format's own marks must be escaped, and unescaped in the answer.
_END = ".[]"
_RESERVED = re.compile(r"[\\^$/<>{}\[\]@]")
_ESCAPED_OR_MARK = re.compile(r"\\(.)|([*@#])(?=\w)", re.DOTALL)
_UNKNOWN = re.compile(r"(?<!\\)\*([^\W_](?:[\w'’-]*\w)?)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")

# apertium-tagger 3.8 takes words that it meets for the tag set of unknown words: the first word whose set of possible
# tags was not seen in its training replaces it (tagger_utils.cc, find_similar_ambiguity_class, assigns through a
# reference), so that the translation of a text depends on the texts before. The set can only shrink. These words, one
# for each such set that the dictionaries of the pair hold, bring it to its end before the first text.
_PRIMING = {
    "eng": "Windows I included thanks WHO boo bore known elected fit near till",
    "spa": "Acuario Amado apenas Aries Ases autodidacta Mancha Montes Morado Remonta vale vela velas velo CIVIL CM NATO "
    "ONCE VI VIL DI ID",
}
_PRIMING_ROUNDS = 3
_LAST = "zqxlast"  # a word that no dictionary knows; its answer is the last one if each text has got one
_REMEDY = "sudo apt-get install apertium apertium-eng-spa"


class Apertium:
    """A translator by apertium's installed modes.

    Args:
        config: which languages, where the modes are, the limits.

    Raises:
        SourceError: a program or a mode is missing; names what to install.
    """

    def __init__(self, config: BackTranslation):
        self._config = config
        self.source, self.pivot = config.apertium.source, config.apertium.pivot
        directory = pathlib.Path(config.apertium.modes)
        self._commands = {
            (source, target): _commands(directory / f"{source}-{target}.mode")
            for source, target in ((self.source, self.pivot), (self.pivot, self.source))
        }
        self._running: dict[tuple[str, str], Pipeline] = {}

    @functools.cached_property
    def identity(self) -> str:
        """The version, and a digest of the programs and data of both directions."""
        parts = {part for commands in self._commands.values() for command in commands for part in command}
        files = sorted(path for path in map(_file, parts) if path is not None)
        digest = hashlib.sha256("\0".join(_PRIMING.values()).encode())
        digest.update(repr(sorted(self._commands.items())).encode())
        for path in files:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return f"apertium {version()} {digest.hexdigest()[:16]}"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        """See `Translator.translate`. A text that hangs or ends the programs is skipped, and they are started anew."""
        blocks = [_block(text) for text in texts]
        results: list[Translation] = []
        failures = 0
        while len(results) < len(blocks):
            if failures >= self._config.max_failures:
                results += [Translation(failure=Failure.GIVEN_UP)] * (len(blocks) - len(results))
                break
            before = len(results)
            failure = self._stream(blocks[before:], results, (source, target))
            if failure is not None:
                failures = 1 if len(results) > before else failures + 1
                results.append(Translation(failure=failure))
                self._running.pop((source, target)).close()
        return results

    def close(self) -> None:
        """Ends the programs."""
        while self._running:
            self._running.popitem()[1].close()

    def _stream(self, blocks: list[bytes], results: list[Translation], pair: tuple[str, str]) -> Failure | None:
        limits = self._config.time_limit_s, self._config.max_answer_growth
        if pair not in self._running:
            self._running[pair] = Pipeline(self._commands[pair])
            priming = [_block(word) for word in _PRIMING.get(pair[0], "").split() * _PRIMING_ROUNDS]
            failure = self._running[pair].exchange(priming, [], *limits)
            if failure is not None:
                return failure
        answers: list[bytes] = []
        failure = self._running[pair].exchange([*blocks, _block(_LAST)], answers, *limits)
        if failure is None and _LAST.encode() not in answers.pop().lower():
            return Failure.GARBAGE  # it gave more answers than it was asked for, and which is whose is not known
        results += map(_read, answers)
        return failure


@functools.cache
def version() -> str:
    """The version that the programs tell."""
    said = subprocess.run(["apertium", "-V"], capture_output=True, text=True, timeout=30, check=False).stdout.split()
    return said[-1] if said else "of unknown version"


def _commands(mode: pathlib.Path) -> tuple[tuple[str, ...], ...]:
    """The programs of a mode, each with its arguments."""
    try:
        lines = mode.read_text().strip()
    except OSError:
        raise SourceError("the translator's mode is not installed", where=str(mode), remedy=_REMEDY) from None
    commands = []
    for part in lines.split("|"):
        # $1 is how unknown words are shown (-g: marked), $2 an option of the tagger that is not wanted.
        program, *arguments = shlex.split(part.replace("$1", "-g").replace("$2", ""))
        found = shutil.which(program)
        if found is None:
            raise SourceError(f"the translator's program {program} is missing", where=str(mode), remedy=_REMEDY)
        commands.append((found, "-z", *arguments))
    return tuple(commands)


def _file(part: str) -> pathlib.Path | None:
    path = pathlib.Path(part)
    return path if path.is_absolute() and path.is_file() else None


def _block(text: str) -> bytes:
    """A text as the programs take it."""
    plain = _CONTROL.sub(" ", text)
    return (_RESERVED.sub(r"\\\g<0>", plain) + _END).encode("utf-8", "replace")


def _read(answer: bytes) -> Translation:
    try:
        said = answer.decode()
    except UnicodeDecodeError:
        return Translation(failure=Failure.GARBAGE)
    text = said.rstrip()
    if not text.endswith(_END):
        return Translation(failure=Failure.GARBAGE)
    marks = {match[2] for match in _ESCAPED_OR_MARK.finditer(text) if match[2]}
    plain = _ESCAPED_OR_MARK.sub(lambda match: match[1] or "", text.removesuffix(_END))
    return Translation(
        " ".join(plain.split()), tuple(_UNKNOWN.findall(text)), damaged=bool(marks & {"@", "#"}), failure=None
    )
