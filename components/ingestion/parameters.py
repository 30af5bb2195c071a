"""The parameters of a Python function: where its docstring speaks of them and where its code uses them first."""

from __future__ import annotations

import ast
import re
from typing import Union

from schemas.regions import Region

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007
_SHORTEST = 2  # letters: `a` is also an article
_WORD = re.compile(r"\w+")


def regions(function: Function, docstring: str, first: int, resumes: int) -> tuple[list[Region], list[Region]]:
    """Regions of a docstring and of the code without it, each labelled by a parameter's name, in order of mention.

    A parameter has one of each if the docstring mentions it, where it first does so, and a statement of the function's
    own block uses it, the lines of the first that does; else none.

    Args:
        function: its first statement is the docstring.
        docstring: as the record's text has it.
        first: the line of the source that the code begins with.
        resumes: the line that the code goes on with after the docstring.
    """
    names = _names(function)
    spans = {match.group(): match.span() for match in reversed([*_WORD.finditer(docstring)]) if match.group() in names}
    if not spans:
        return [], []
    uses: dict[str, ast.stmt] = {}
    for statement in function.body[1:]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in spans:
                uses.setdefault(node.id, statement)
        if len(uses) == len(spans):
            break
    shown = sorted(uses, key=lambda name: spans[name])
    shift = resumes - (function.body[0].lineno - first) - 1  # from a line of the source to one of the code
    of_code = [(uses[name].lineno - shift, (uses[name].end_lineno or uses[name].lineno) - shift) for name in shown]
    return (
        [Region(name, (*spans[name], 0, 0)) for name in shown],
        [Region(name, (*lines, 0, 0)) for name, lines in zip(shown, of_code, strict=True)],
    )


def _names(function: Function) -> frozenset[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return frozenset(one.arg for one in named if one and len(one.arg) >= _SHORTEST) - {"self", "cls"}
