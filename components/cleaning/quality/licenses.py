"""The licence that a code names in its header: the comment that it begins with."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEADER_CHARACTERS = 16_384
_COMMENT_LINE = re.compile(r"\s*(?:#|//|--|;|%|\*|$)")
_BLOCKS = (("/*", "*/"), ("<!--", "-->"), ("--[[", "]]"), ("=begin", "=end"))
_PREAMBLES = ("<?xml", "<?php", "<!doctype")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+() -]{2,100}?)\s*(?:\*/|-->|$)", re.MULTILINE)
# What the licences say of themselves in headers; the first that matches counts. White space is made one space.
_KNOWN = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"Apache License,? Version 2\.0|apache\.org/licenses/LICENSE-2\.0", "Apache-2.0"),
        (r"Mozilla Public License,? (?:v\. ?|version )?2\.0|mozilla\.org/MPL/2\.0", "MPL-2.0"),
        (r"Affero General Public License", "AGPL-3.0-or-later"),
        (r"(?:Lesser|Library) General Public License.{0,200}?version 3", "LGPL-3.0-or-later"),
        (r"(?:Lesser|Library) General Public License", "LGPL-2.1-or-later"),
        (r"GNU General Public License.{0,200}?version 3|GPLv3|GPL-3", "GPL-3.0-or-later"),
        (r"GNU General Public License|GPLv2|GPL-2", "GPL-2.0-or-later"),
        (r"Permission is hereby granted, free of charge|\bMIT License|under the MIT\b", "MIT"),
        (r"Permission to use, copy, modify,? and(?:/or)? distribute this software", "ISC"),
        (r"Neither the name of .{0,200}?nor the names of|BSD 3-Clause", "BSD-3-Clause"),
        (r"Redistribution and use in source and binary forms|BSD[- ]style license|BSD 2-Clause", "BSD-2-Clause"),
        (r"BSD license", "BSD-3-Clause"),
        (r"Boost Software License", "BSL-1.0"),
        (r"released into the public domain", "Unlicense"),
    )
)
_SIGNS = re.compile(r"(?<![#*/;%<>!-])[#*/;%<>!-]+(?=\s)")  # looks back, lest it try a long run again from within
_NOTICE = re.compile(
    r"copyright\b|\(c\)\s*\d{4}|licen[cs]ed?\b|all rights reserved|permission|public domain|redistribution|warrant",
    re.IGNORECASE,
)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")


class Header(NamedTuple):
    """A licence header.

    Attributes:
        characters: its length, from the code's beginning; 0 if there is none.
        license: SPDX identifier, None if it names none that is known (`or-later` where a version is not told).
    """

    characters: int
    license: str | None


def header(code: str) -> Header:
    """The licence header of a code; a comment that names neither licence nor copyright is none."""
    end = _leading_comment(code[:_HEADER_CHARACTERS])
    notices = [found.end() for found in _NOTICE.finditer(code, 0, end)]
    if not notices:
        return Header(0, None)
    paragraph = _EMPTY_LINE.search(code, notices[-1], end)  # what follows an empty line is about the code
    end = paragraph.start() + 1 if paragraph else end
    comment = code[:end]
    spdx = _SPDX.search(comment)
    if spdx:
        return Header(end, spdx[1])
    plain = " ".join(_SIGNS.sub(" ", comment).split())
    for pattern, name in _KNOWN:
        if pattern.search(plain):
            return Header(end, name)
    return Header(end, None)


def _leading_comment(code: str) -> int:
    """Where the comment at the beginning ends, 0 if there is none."""
    place = end = 0
    while place < len(code):
        line_end = code.find("\n", place)
        line_end = len(code) if line_end < 0 else line_end + 1
        line = code[place:line_end]
        begun = line.lstrip()
        block = next((block for block in _BLOCKS if begun.startswith(block[0])), None)
        if block:
            closed = code.find(block[1], place + len(line) - len(begun) + len(block[0]))
            if closed < 0:
                return len(code)
            line_end = code.find("\n", closed)
            line_end = len(code) if line_end < 0 else line_end + 1
        elif not begun:
            place = line_end
            continue
        elif not (begun.lower().startswith(_PREAMBLES) or _COMMENT_LINE.match(line)):
            break
        place = end = line_end
    return end
