"""Drawings in SVG written otherwise, that draw the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

import numpy as np

from components.augmentation.code import svg_tokens, svg_values
from components.augmentation.code.config import CodeAugmentation
from components.augmentation.code.edits import Edit, VariedCode
from components.augmentation.code.svg_tokens import Comment, Element

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_SPACE = " \t\n"
_ID = re.compile(r"[A-Za-z_][\w.-]*")
_LINK = re.compile(rf"#{_ID.pattern}")
_WORDS = (re.compile(r"[\w.-]+"), re.compile(r"[\w-]+"), re.compile(r"\w+"))
_ATTEMPTS = 20
_MOST_NUMBER = 99

# Elements in which white space between elements says nothing.
_CONTAINERS = frozenset(
    (
        "svg",
        "g",
        "defs",
        "symbol",
        "marker",
        "mask",
        "pattern",
        "clipPath",
        "linearGradient",
        "radialGradient",
        "filter",
    )
)
# What may look at the document, or hold another language, in which other rules apply.
_PROGRAMS = frozenset({"script", "foreignObject", "handler", "listener"})
# Its selectors may ask for ids, for values as they are written, and for places among others.
_STYLE = "style"


def vary(copy: VariedCode, config: CodeAugmentation, random: np.random.Generator) -> VariedCode | None:
    """A drawing with other ids, comments, spaces, order of attributes, or notation of numbers and colours.

    The trees are compared each time: they are equal but for these. Everything that is not changed stays byte for byte.
    In drawings with a style sheet inside only comments and the order of attributes change.

    Args:
        copy: the drawing; its lines end in `\\n`.
        config: what is changed, and how often.
        random: where the choices come from.

    Returns:
        The copy, perhaps equal. None if it is no drawing, nested too deeply, or has programs, a document type, CDATA,
        references to characters or entities, instructions, other languages inside, or another base of addresses.
    """
    read = svg_tokens.read(copy.code, config.max_nesting)
    if read is None or not _is_understood(read[0]):
        return None
    before = _parsed(copy.code)
    if before is None or before.tag != _NAMESPACE + "svg":
        return None
    varied = copy.after(_without_comments(copy.code, read[1], config, random))
    elements = _elements(varied.code, config)
    new_ids: dict[str, str] = {}
    if not any(_local(element.name) == _STYLE for element in elements):
        new_ids = _new_ids(elements, varied.code, config, random)
        edits = [*_renaming(elements, new_ids), *_notation(elements, config, random)]
        varied = varied.after([*edits, *_spacing(elements, varied.code, config, random)])
        elements = _elements(varied.code, config)
    varied = varied.after(_shuffling(elements, varied.code, config, random))
    after = _parsed(varied.code)
    old_ids = {new: old for old, new in new_ids.items()}
    return varied if after is not None and is_same(before, after, old_ids) else None


def is_same(before: ElementTree.Element, after: ElementTree.Element, old_ids: Mapping[str, str]) -> bool:
    """Whether two trees are equal but for white space between elements, notation of numbers and colours, and ids.

    Walks without recursion.

    Args:
        before: one.
        after: the other.
        old_ids: the old id for each new one; the new ones occur nowhere in the first.
    """
    pairs = [(before, after)]
    while pairs:
        one, other = pairs.pop()
        if one.tag != other.tag or len(one) != len(other) or one.attrib.keys() != other.attrib.keys():
            return False
        values = [(name, value, other.attrib[name]) for name, value in one.items()]
        if any(
            old != new and svg_values.meaning(name, old, {}) != svg_values.meaning(name, new, old_ids)
            for name, old, new in values
        ):
            return False
        loose = one.tag.removeprefix(_NAMESPACE) in _CONTAINERS
        texts = [(one.text, other.text), *((child.tail, twin.tail) for child, twin in zip(one, other, strict=True))]
        if any((old or "") != (new or "") and not (loose and _is_blank(old) and _is_blank(new)) for old, new in texts):
            return False
        pairs += zip(one, other, strict=True)
    return True


def _parsed(code: str) -> ElementTree.Element | None:
    """The tree of a text that has no document type, so no entities; None if it is not well-formed."""
    try:
        return ElementTree.XML(code)
    except (ElementTree.ParseError, ValueError):
        return None


def _elements(code: str, config: CodeAugmentation) -> list[Element]:
    read = svg_tokens.read(code, config.max_nesting)
    assert read is not None, "it was read before"
    return read[0]


def _is_understood(elements: Sequence[Element]) -> bool:
    for number, element in enumerate(elements):
        if _local(element.name) in _PROGRAMS:
            return False
        for attribute in element.attributes:
            name = attribute.name
            if name.startswith("on") or name == "xml:base" or "\\" in attribute.value or (name == "xmlns" and number):
                return False
    return True


def _without_comments(
    code: str, comments: Sequence[Comment], config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    """Drops comments, and their lines where nothing else is on them."""
    for comment in comments:
        if random.uniform() < config.comments_dropped:
            start, end = comment.start, comment.end
            line = code.rfind("\n", 0, start) + 1
            following = code.find("\n", end) + 1
            alone = following and not code[line:start].strip(_SPACE) and not code[end:following].strip(_SPACE)
            yield Edit(line, following, "") if alone and _is_loose(comment.within) else Edit(start, end, "")


def _new_ids(
    elements: Sequence[Element], code: str, config: CodeAugmentation, random: np.random.Generator
) -> dict[str, str]:
    """New ids for old ones: those that are mentioned nowhere but where a reference is understood."""
    attributes = [attribute for element in elements for attribute in element.attributes]
    mentioned = set(config.names_kept)
    for attribute in attributes:
        is_link = attribute.name in svg_values.LINKS and _LINK.fullmatch(attribute.value)
        if attribute.name != "id" and not is_link:
            rest = svg_values.REFERENCE.sub(" ", attribute.value)
            mentioned.update(word for words in _WORDS for word in words.findall(rest))
    taken = set(_WORDS[-1].findall(code))
    found: dict[str, str] = {}
    for old in dict.fromkeys(attribute.value for attribute in attributes if attribute.name == "id"):
        if old not in mentioned and _ID.fullmatch(old) and random.uniform() < config.renamed:
            for _ in range(_ATTEMPTS):
                new = f"{random.choice(config.names)}{random.integers(1, _MOST_NUMBER, endpoint=True)}"
                if new not in taken:
                    taken.add(new)
                    found[old] = new
                    break
    return found


def _renaming(elements: Sequence[Element], new_ids: Mapping[str, str]) -> Iterator[Edit]:
    for element in elements:
        for attribute in element.attributes:
            name, value, start = attribute.name, attribute.value, attribute.value_start
            if name == "id":
                places = [(0, value)]
            elif name in svg_values.LINKS:
                places = [(1, value[1:])] if value.startswith("#") else []
            else:
                places = [(found.start(), found[0]) for found in svg_values.REFERENCE.finditer(value)]
            for place, old in places:
                if old in new_ids:
                    yield Edit(start + place, start + place + len(old), new_ids[old])


def _notation(elements: Sequence[Element], config: CodeAugmentation, random: np.random.Generator) -> Iterator[Edit]:
    """Writes numbers and colours otherwise; not those of the outermost element, which say how large the drawing is."""
    for element in elements[1:]:
        for attribute in element.attributes if ":" not in element.name else ():
            name, value, start = attribute.name, attribute.value, attribute.value_start
            colours = svg_values.other_colours(name, value)
            if colours and random.uniform() < config.colours:
                yield Edit(start, start + len(value), str(random.choice(colours)))
            tokens = svg_values.numbers(name, value) or []
            for position, token in enumerate(tokens):
                if token.kind == "number" and random.uniform() < config.numbers:
                    others = svg_values.other_numbers(token.text)
                    if others and svg_values.separate(tokens, position):
                        place = start + token.start
                        yield Edit(place, place + len(token.text), str(random.choice(others)))


def _spacing(
    elements: Sequence[Element], code: str, config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    """Puts elements on lines of their own, or behind the one before."""
    width = int(random.choice(config.indentation))
    for element in elements[1:]:
        start = element.start
        while code[start - 1] in _SPACE:
            start -= 1
        if code[start - 1] == ">" and _is_loose(element.within) and random.uniform() < config.spaced:
            joined = "\n" in code[start : element.start]
            yield Edit(start, element.start, "" if joined else "\n" + " " * width * len(element.within))


def _shuffling(
    elements: Sequence[Element], code: str, config: CodeAugmentation, random: np.random.Generator
) -> Iterator[Edit]:
    """Puts attributes in another order."""
    for element in elements:
        if len(element.attributes) > 1 and random.uniform() < config.attributes_shuffled:
            order = random.permutation(len(element.attributes)).tolist()
            for place, number in zip(element.attributes, order, strict=True):
                taken = element.attributes[number]
                if taken is not place:
                    yield Edit(place.start, place.end, code[taken.start : taken.end])


def _is_loose(within: Sequence[str]) -> bool:
    """Whether white space there says nothing."""
    return _CONTAINERS.issuperset(within)


def _is_blank(text: str | None) -> bool:
    return not (text or "").strip(_SPACE)


def _local(name: str) -> str:
    return name.rpartition(":")[2]
