"""Other names for the variables of a Python source."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Mapping

import numpy as np

from components.augmentation.code import python_scopes
from components.augmentation.code.config import CodeAugmentation
from components.augmentation.code.edits import Edit

_WORD = re.compile(r"\w+")
_RESERVED = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins)])
_ATTEMPTS = 20


def renaming(tree: ast.Module, code: str, config: CodeAugmentation, random: np.random.Generator) -> list[Edit]:
    """Edits that give some variables names that occur nowhere in the code: neither as names nor in texts or comments.

    So nothing is captured or shadowed, and each new name stands for one variable.

    Args:
        tree: of the code.
        code: Python.
        config: which part of the variables, and the names to take.
        random: which variables and which names.

    Raises:
        RecursionError: the code is nested too deeply.
    """
    taken = {*_WORD.findall(code), *_RESERVED}
    edits = []
    for variable in python_scopes.renamable(tree, code, config.names_kept):
        if random.uniform() >= config.renamed:
            continue
        name = _new_name(config.names, taken, random)
        if name is not None:
            taken.add(name)
            edits += [Edit(place, place + len(variable.name), name) for place in variable.places]
    return edits


def renamed_names(before: ast.AST, after: ast.AST) -> dict[str, str] | None:
    """Which name of another tree is which of this, if nothing but names of variables differs; None if more does.

    Walks without recursion.

    Returns:
        For each name of `after` the name in `before`: each has one, or the trees differ.
    """
    names: dict[str, str] = {}
    pairs: list[tuple[object, object]] = [(before, after)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return None
        if isinstance(one, ast.AST):
            for field in one._fields:
                old, new = getattr(one, field, None), getattr(other, field, None)
                if isinstance(old, str) and isinstance(new, str) and _is_variable(one, field):
                    if names.setdefault(new, old) != old:
                        return None
                else:
                    pairs.append((old, new))
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return None
            pairs += zip(one, other, strict=True)
        elif repr(one) != repr(other):  # of constants, where 0.0 is not -0.0 and nan is nan
            return None
    return names


def is_same(before: ast.AST, after: ast.AST, new: Mapping[str, str] | None = None) -> bool:
    """Whether two trees are equal but for variables that have new names.

    Args:
        before: one.
        after: the other.
        new: the old name of each new one; other names must be equal.
    """
    names = renamed_names(before, after)
    return names is not None and all(old == (new or {}).get(name, name) for name, old in names.items())


def _is_variable(node: ast.AST, field: str) -> bool:
    return isinstance(node, (ast.Name, ast.arg, ast.ExceptHandler)) and field in ("id", "arg", "name")


def _new_name(names: tuple[str, ...], taken: set[str], random: np.random.Generator) -> str | None:
    for attempt in range(_ATTEMPTS):
        first, second = random.integers(len(names), size=2).tolist()
        name = names[first] if attempt < _ATTEMPTS // 2 else f"{names[first]}_{names[second]}"
        if name not in taken:
            return name
    return None
