"""How much codes are varied: the `code` section of the augmentation."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section

_Part = Annotated[float, pydantic.Field(ge=0, le=1)]
_Name = Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Spaces = Annotated[int, pydantic.Field(ge=1, le=8)]


@section
class CodeAugmentation:
    """How often each change is made to a code. All of them leave what it does, or draws, as it is.

    Python and SVG are varied; codes in other languages get no copy.
    """

    max_bytes: Annotated[int, pydantic.Field(gt=0, le=1_000_000)] = 65_536
    """Longer codes are not varied."""
    max_nesting: Annotated[int, pydantic.Field(gt=0, le=150)] = 60
    """Codes with more brackets, blocks or elements open at once are not varied."""
    renamed: _Part = 0.7
    """The part of the names that may be changed that is: local variables, parameters that no caller can name, and ids
    in drawings."""
    comments_dropped: _Part = 0.3
    """The part of the comments that is dropped."""
    comments_moved: _Part = 0.3
    """The part of the comments behind a statement that is moved to a line above it. Dropping comes first."""
    blank_lines: _Part = 0.3
    """The part of the gaps between lines whose height changes."""
    most_blank_lines: Annotated[int, pydantic.Field(ge=0, le=4)] = 2
    """The greatest height of a gap that was changed."""
    gap_inserted: _Part = 0.05
    """The part of the statements before which a blank line is put."""
    quotes: _Part = 0.5
    """The part of the codes whose strings are brought into one kind of quotes."""
    indented: _Part = 0.5
    """The part of the codes that is indented anew."""
    indentation: Annotated[tuple[_Spaces, ...], pydantic.Field(min_length=1)] = (2, 4)
    """The widths that are chosen from then."""
    attributes_shuffled: _Part = 0.5
    """The part of a drawing's elements whose attributes are put in another order."""
    spaced: _Part = 0.3
    """The part of a drawing's elements that is put on a line of its own, or behind the one before if it is."""
    numbers: _Part = 0.3
    """The part of a drawing's numbers that is written otherwise: 0.5 as .5 or 0.50."""
    colours: _Part = 0.5
    """The part of a drawing's colours that is written otherwise: #f00 as #FF0000 or red."""
    names: Annotated[tuple[_Name, ...], pydantic.Field(min_length=8)] = (
        *("value", "item", "result", "entry", "element", "node", "index", "count", "total", "current", "previous"),
        *(
            "data",
            "text",
            "line",
            "lines",
            "name",
            "key",
            "part",
            "parts",
            "record",
            "row",
            "field",
            "source",
            "target",
        ),
        *("start", "end", "first", "last", "left", "right", "offset", "position", "size", "length", "width", "limit"),
        *("buffer", "chunk", "block", "token", "word", "path", "folder", "stream", "handle", "parent", "child", "root"),
        *("state", "status", "flag", "mode", "option", "options", "kind", "label", "number", "amount", "step", "level"),
        *("group", "members", "queue", "stack", "cache", "table", "mapping", "pair", "pairs", "match", "pattern"),
        *("error", "message", "answer", "reply", "request", "found", "known", "seen", "rest", "head", "tail", "base"),
        *("other", "candidate", "original", "copy_of", "temp", "tmp", "val", "res", "out", "obj", "elem", "idx", "num"),
        *("i", "j", "k", "n", "m", "x", "y", "s", "t", "v", "p", "q", "a", "b", "c"),
    )
    """New names are taken from these, or are made of two of them; ids of one and a number."""
    names_kept: tuple[Annotated[str, pydantic.Field(pattern=r"^\w+$")], ...] = ("self", "cls", "_", "args", "kwargs")
    """Names that are never changed."""
