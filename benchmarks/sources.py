"""Real texts that this machine has: manual pages, and the docstrings and sources of the Python libraries installed.

What comes out depends on what is installed; on one machine it is the same each time.
"""

from __future__ import annotations

import gzip
import pathlib
import re
import sysconfig
import zlib
from collections.abc import Iterator

_MANUALS = pathlib.Path("/usr/share/man")
_LARGEST_FILE = 1_000_000
_LONGEST_LINE = 400

# roff(7): requests that only lay out, and those whose arguments are read as text.
_LAYOUT = re.compile(
    r"^[.']\s*(?:\\\"|(?:ad|de|ds|el|fi|ft|hy|ie|if|ig|in|na|ne|nf|nh|nr|po|INDENT|PD|PP|P|RE|RS|UNINDENT|rr|so|sp|ti|tr)\b).*"
)
_REQUEST = re.compile(r"^[.']\s*[A-Za-z]+ ?")
_SPECIAL = {r"\(aq": "'", r"\(dq": '"', r"\(co": "©", r"\(bu": "•", r"\(em": "—", r"\(en": "–", r"\e": "\\", r"\-": "-"}
_ESCAPE = re.compile(r"\\(?:f(?:\[[^\]]*\]|\(..|.)|s[+-]?\d|\*(?:\[[^\]]*\]|\(..|.)|\([a-z]{2}|[&|^%ce/,:]|\[[^\]]*\])")
_DOCSTRING = re.compile(r'"""(.{200,}?)"""', re.DOTALL)


def files() -> list[pathlib.Path]:
    """All files that hold material: manual pages in English and Python sources, each once, in a fixed order."""
    paths = sysconfig.get_paths()
    standard = pathlib.Path(paths["stdlib"])
    libraries = {pathlib.Path(paths[name]) for name in ("purelib", "platlib")}
    found = [page for page in sorted(_MANUALS.glob("man[1-8]/*")) if page.is_file() and not page.is_symlink()]
    found += [path for path in sorted(standard.rglob("*.py")) if "site-packages" not in path.parts]
    for library in sorted(libraries):
        found += sorted(library.rglob("*.py"))
    return [path for path in found if 200 <= path.stat().st_size <= _LARGEST_FILE]


def text(path: pathlib.Path) -> str:
    """A file's text: a manual page without its layout; of a Python file, by its name, the docstrings or the source."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    decoded = content.decode("utf-8", errors="replace")
    if path.suffix != ".py":
        return manual(decoded)
    if zlib.crc32(path.name.encode()) % 2:
        return decoded
    return "\n".join(_DOCSTRING.findall(decoded))


def manual(roff: str) -> str:
    """A manual page, roughly as it is read: requests and escapes taken away, nothing filled or indented."""
    return "\n".join(_read(line) for line in roff.splitlines() if not _LAYOUT.match(line))


def passages(whole: str, smallest: int, largest: int) -> Iterator[str]:
    """A text cut at line ends into pieces of `smallest` to `largest` characters; what is too short at the end is left.

    Lines longer than 400 characters are cut.
    """
    piece: list[str] = []
    size = 0
    for line in whole.splitlines():
        for start in range(0, max(len(line), 1), _LONGEST_LINE):
            part = line[start : start + _LONGEST_LINE].rstrip()
            if not part and not piece:
                continue
            if size + len(part) + 1 > largest and piece:
                if size >= smallest:
                    yield "\n".join(piece)
                piece, size = [], 0
            piece.append(part)
            size += len(part) + 1
    if size >= smallest:
        yield "\n".join(piece)


def _read(line: str) -> str:
    if line.startswith((".", "'")):
        line = _REQUEST.sub("", line).replace('"', "")
    if "\\" in line:
        for escape, character in _SPECIAL.items():
            line = line.replace(escape, character)
        line = _ESCAPE.sub("", line)
    return line
