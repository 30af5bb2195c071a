"""Texts and codes in one standard form.

A text is Unicode NFC with `\\n` line ends and no surrounding white space. A code keeps every character that its
language could care about: only the byte order mark and the line ends are standardised.
"""

from __future__ import annotations

import re
import unicodedata

import ftfy

from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault, Reason

# Quotes, ligatures, widths and entities are how somebody chose to write, not damage.
_MENDING = ftfy.TextFixerConfig(
    unescape_html=False,
    uncurl_quotes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    normalization="NFC",
    explain=False,
)
ROUNDS = 8
"""How often a text is gone over at most: mending one thing can uncover another."""
_UNUSUAL = re.compile(r"[^\n\t -~]")
BYTE_ORDER_MARK = "\ufeff"


def standard_text(content: bytes, config: CleaningConfig) -> bytes | Fault:
    """A text in its standard form, or what is wrong with it."""
    if len(content) > config.max_document_bytes:
        return _too_large(content, config)
    text = _decode(content)
    if isinstance(text, Fault):
        return text
    for _ in range(ROUNDS):
        before = text
        text = _lines(text.replace(BYTE_ORDER_MARK, "")).strip()
        text = mended(text, config)
        if text == before:
            break
    return _long_enough(text.encode(), config.min_text_bytes)


def standard_code(content: bytes, config: CleaningConfig) -> bytes | Fault:
    """A code in its standard form, or what is wrong with it."""
    if len(content) > config.max_document_bytes:
        return _too_large(content, config)
    code = _decode(content)
    if isinstance(code, Fault):
        return code
    if "\0" in code:
        return Fault(Reason.BINARY, f"NUL at character {code.index(chr(0))}", "text")
    if not code.strip():
        return Fault(Reason.EMPTY)
    return _long_enough(_lines(code).encode(), config.min_code_bytes)


def mended(text: str, config: CleaningConfig) -> str:
    """A text with `\\n` line ends, mended if that is asked for, in NFC: each line becomes what it would alone."""
    return unicodedata.normalize("NFC", _mended(text) if config.mend_text else text)


def _mended(text: str) -> str:
    """What ftfy makes of a text. It mends line by line and leaves printable ASCII alone, so it gets only the others."""
    if not _UNUSUAL.search(text):
        return text
    lines = text.split("\n")
    return "\n".join(ftfy.fix_text(line, _MENDING) if _UNUSUAL.search(line) else line for line in lines)


def _decode(content: bytes) -> str | Fault:
    try:
        return content.decode("utf-8").lstrip(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        return Fault(Reason.NOT_UTF8, f"byte 0x{content[error.start]:02x} at offset {error.start}", "UTF-8")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_large(content: bytes, config: CleaningConfig) -> Fault:
    return Fault(Reason.TOO_LARGE, f"{len(content)} bytes", f"{config.max_document_bytes} bytes")


def _long_enough(content: bytes, limit: int) -> bytes | Fault:
    if not content:
        return Fault(Reason.EMPTY)
    if len(content) < limit:
        return Fault(Reason.TOO_SHORT, f"{len(content)} bytes", f"{limit} bytes")
    return content
