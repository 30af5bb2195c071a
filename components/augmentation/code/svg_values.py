"""Numbers, colours and references in the attributes of a drawing: what they mean, and how else they may be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL import ImageColor

from components.augmentation.code.svg_tokens import Token, tokens

REFERENCE = re.compile(r"(?<=url\(#)[A-Za-z_][\w.-]*(?=\))")
"""The name of an element in `url(#NAME)`."""
LINKS = frozenset({"href", "xlink:href", "{http://www.w3.org/1999/xlink}href"})
"""Attributes that refer to an element as `#NAME`; the last as ElementTree names it."""

_COLOURS = frozenset({"fill", "stroke", "stop-color", "flood-color", "lighting-color", "color"})
_SINGLE = frozenset(
    (
        *("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width", "height", "offset"),
        *("stroke-width", "stroke-miterlimit", "stroke-dashoffset"),
        *("opacity", "fill-opacity", "stroke-opacity", "stop-opacity"),
    )
)
_SEVERAL = frozenset({"d", "points", "transform", "gradientTransform", "patternTransform", "stroke-dasharray"})

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]+))?")
# The 147 of SVG 1.1, 4.4; CSS added another later, which older programs do not know.
_NAMED = {name: str(code) for name, code in ImageColor.colormap.items() if name != "rebeccapurple"}
_NAMES: dict[str, list[str]] = {}
for _name, _code in sorted(_NAMED.items()):
    _NAMES.setdefault(_code, []).append(_name)


def meaning(name: str, value: str, old_ids: Mapping[str, str]) -> Any:
    """What an attribute says, equal for all ways to write it.

    Args:
        name: of the attribute, as ElementTree or the text has it.
        value: of the attribute.
        old_ids: the old name for each new one of an element.
    """
    if name == "id":
        return old_ids.get(value, value)
    if name in LINKS and value.startswith("#"):
        return "#" + old_ids.get(value[1:], value[1:])
    if name in _COLOURS and (colour := _colour(value)):
        return colour
    if (found := numbers(name, value)) is not None:
        return [_plain(token.text) if token.kind == "number" else token.text for token in found if token.kind != "gap"]
    return REFERENCE.sub(lambda found: old_ids.get(found[0], found[0]), value)


def numbers(name: str, value: str) -> list[Token] | None:
    """The tokens of an attribute that is known to consist of numbers; None for others."""
    if name in _SEVERAL:
        return tokens(value)
    if name in _SINGLE:
        found = tokens(value)
        return found if found is not None and [token.kind for token in found] == ["number"] else None
    return None


def separate(found: list[Token], position: int) -> bool:
    """Whether a number stays apart from its neighbours however it is written: something is between them, or a sign."""
    before = found[position - 1].kind if position else "gap"
    after = found[position + 1] if position + 1 < len(found) else Token("gap", "", 0)
    signed = found[position].text[0] in "+-"
    return (signed or before not in ("number", "flag")) and (after.kind in ("gap", "letter") or after.text[0] in "+-")


def other_numbers(text: str) -> list[str]:
    """Other ways to write a decimal number, each exactly equal; none for a number with an exponent."""
    parts = _DECIMAL.fullmatch(text)
    if parts is None:
        return []
    sign, whole, rest = parts[1], parts[2], parts[3] or ""
    short = rest.rstrip("0")
    wholes = {whole or "0", whole if whole.strip("0") or not short else ""}
    written = {sign + whole + (f".{rest}" if rest else "") for whole in wholes for rest in (short, short + "0")}
    return sorted(written - {text})


def other_colours(name: str, value: str) -> list[str]:
    """Other ways to write the value of an attribute for a colour; none for what is no plain colour."""
    code = _colour(value) if name in _COLOURS else None
    if code is None:
        return []
    short = [f"#{code[1]}{code[3]}{code[5]}"] if code[1::2] == code[2::2] else []
    codes = [code, *short]
    return sorted({*codes, *(written.upper() for written in codes), *_NAMES.get(code, ())} - {value})


def _colour(value: str) -> str | None:
    """`#rrggbb` in lower case."""
    if _HEX.fullmatch(value):
        digits = value[1:].lower()
        return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))
    return _NAMED.get(value.lower())


def _plain(text: str) -> tuple[str, ...]:
    """A number's sign, whole part without zeros before, decimals without zeros behind, and exponent."""
    mantissa, mark, exponent = text.partition("e") if "e" in text else text.partition("E")
    parts = _DECIMAL.fullmatch(mantissa)
    assert parts is not None, "a number"
    return parts[1], parts[2].lstrip("0"), (parts[3] or "").rstrip("0"), mark + exponent
