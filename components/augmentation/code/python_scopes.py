"""Which names of a Python source mean the same variable, and which of these can be renamed without a trace.

The rules are Python's own (Language Reference, 4.2.2 Resolution of names). Wherever they leave doubt about who else may
know a name, it is kept: attributes and globals always, and all names if the source looks at its variables by name.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Union

from components.augmentation.code import formatted_strings

_INTROSPECTION = frozenset(
    [
        *("locals", "vars", "eval", "exec", "dir", "globals", "compile", "breakpoint", "f_locals", "f_back"),
        *("_getframe", "currentframe", "stack", "signature", "getfullargspec", "getcallargs", "getclosurevars"),
        *("get_annotations", "get_type_hints", "__code__", "__closure__", "__annotations__"),
        *("__defaults__", "__kwdefaults__"),
    ]
)
_WORD = re.compile(r"\w+")
_Defined = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007


@dataclasses.dataclass(eq=False)
class Variable:
    """A variable of one function, lambda or comprehension.

    Attributes:
        name: its name.
        places: where it is named in the source, in characters.
        kept: whether something that is not in the source may know the name.
    """

    name: str
    places: list[int] = dataclasses.field(default_factory=list)
    kept: bool = False


def renamable(tree: ast.Module, code: str, kept: Iterable[str]) -> list[Variable]:
    """The variables that may be renamed to any name that does not occur in the source, in order of their first place.

    Args:
        tree: of the code.
        code: with lines that end in `\\n`.
        kept: names that stay in any case.

    Raises:
        RecursionError: the code is nested too deeply.
    """
    if _looks_at_variables(tree):
        return []
    reader = _Reader(code)
    reader.read(tree)
    resolved = reader.resolved()
    stay = {*kept, *reader.kept}
    variables = [
        variable
        for variable in resolved
        if not variable.kept and variable.name not in stay and not variable.name.startswith("__")
    ]
    return sorted(variables, key=lambda variable: variable.places[0])


@dataclasses.dataclass(eq=False)
class _Scope:
    kind: str  # `module`, `class`, `function` or `comprehension`
    parent: _Scope | None = None
    bound: dict[str, Variable] = dataclasses.field(default_factory=dict)

    def bind(self, name: str) -> Variable:
        return self.bound.setdefault(name, Variable(name))

    def lookup(self, name: str) -> Variable | None:
        """The variable of a function or a comprehension that a name means here; None for globals and attributes."""
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.bound and (scope.kind != "class" or scope is self):
                return scope.bound[name] if scope.kind in ("function", "comprehension") else None
            scope = scope.parent
        return None


@dataclasses.dataclass(frozen=True)
class _Parameters:
    """Parameters that a caller may name, and the function's name and whether all its calls can be in sight."""

    variables: tuple[Variable, ...]
    function: str | None  # None of a lambda
    closed: bool


class _Reader:
    """Reads a tree in two steps: first what each scope binds, then what each name means."""

    def __init__(self, code: str):
        self._code = code
        self._lines = code.split("\n")
        self._starts = list(itertools.accumulate((len(line) + 1 for line in self._lines), initial=0))
        self._named: list[tuple[str, int, _Scope]] = []
        self._formatted: list[tuple[ast.JoinedStr, list[tuple[str, _Scope]]]] = []
        self._within: list[tuple[str, _Scope]] | None = None  # names of the formatted string that is being read
        self._parameters: list[_Parameters] = []
        self._uses: dict[str, list[bool]] = {}  # of each name, whether it is called with no names but plain ones
        self._keywords: set[str] = set()
        self._visits: dict[type, Callable[[Any, _Scope], None]] = {
            ast.Name: self._visit_name,
            ast.Attribute: self._visit_attribute,
            ast.Call: self._visit_call,
            ast.FunctionDef: self._visit_function,
            ast.AsyncFunctionDef: self._visit_function,
            ast.Lambda: self._visit_lambda,
            ast.ClassDef: self._visit_class,
            ast.ListComp: self._visit_comprehension,
            ast.SetComp: self._visit_comprehension,
            ast.DictComp: self._visit_comprehension,
            ast.GeneratorExp: self._visit_comprehension,
            ast.NamedExpr: self._visit_walrus,
            ast.AnnAssign: self._visit_annotated,
            ast.ExceptHandler: self._visit_handler,
            ast.JoinedStr: self._visit_formatted,
            ast.Global: self._visit_declaration,
            ast.Nonlocal: self._visit_declaration,
            ast.Import: self._visit_import,
            ast.ImportFrom: self._visit_import,
            ast.MatchAs: self._visit_capture,
            ast.MatchStar: self._visit_capture,
            ast.MatchMapping: self._visit_mapping,
        }
        self.kept: set[str] = set()
        """Names that stay, whatever they mean."""

    def read(self, tree: ast.Module) -> None:
        self._visit(tree, _Scope("module"))
        for parameters in self._parameters:
            escapes = parameters.function is not None and not all(self._uses.get(parameters.function, ()))
            for variable in parameters.variables:
                variable.kept |= not parameters.closed or escapes or variable.name in self._keywords

    def resolved(self) -> list[Variable]:
        """All variables that are named, with their places; names that cannot be placed for certain become kept."""
        variables: dict[Variable, None] = {}

        def place(name: str, at: int, variable: Variable | None) -> None:
            if variable is not None:
                variables[variable] = None
                variable.places.append(at)
                if self._code[at : at + len(name)] != name:  # it is not written as it is understood (NFKC)
                    self.kept.add(name)

        for name, at, scope in self._named:
            place(name, at, scope.lookup(name))
        for node, names in self._formatted:
            start, end = self._place(node), self._end(node)
            found = formatted_strings.names(self._code[start:end])
            if found is None or sorted(name for _, name in found) != sorted(name for name, _ in names):
                self.kept.update(name for name, _ in names)
                continue
            scopes = dict(names)
            for offset, name in found:
                place(name, start + offset, scopes[name].lookup(name))
        for variable in variables:
            variable.places.sort()
        return list(variables)

    def _visit(self, node: ast.AST, scope: _Scope) -> None:
        self._type_parameters(node)
        visit = self._visits.get(type(node))
        if visit is not None:
            visit(node, scope)
        else:
            self._visit_all(ast.iter_child_nodes(node), scope)

    def _visit_all(self, nodes: Iterable[ast.AST | None], scope: _Scope) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node, scope)

    def _visit_name(self, node: ast.Name, scope: _Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, scope)
        self._uses.setdefault(node.id, []).append(False)
        self._name(node.id, node, scope)

    def _visit_attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        self._visit(node.value, scope)
        self._uses.setdefault(node.attr, []).append(False)

    def _visit_call(self, node: ast.Call, scope: _Scope) -> None:
        self._visit(node.func, scope)
        if isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            self._uses[name][-1] = all(keyword.arg is not None for keyword in node.keywords)
        self._keywords.update(keyword.arg for keyword in node.keywords if keyword.arg is not None)
        self._visit_all([*node.args, *(keyword.value for keyword in node.keywords)], scope)

    def _visit_function(self, node: _Defined, scope: _Scope) -> None:
        private = node.name.startswith("_") and not node.name.endswith("_")
        self._bind_for_good(node.name, scope)
        self._visit_all(node.decorator_list, scope)
        self._annotations([node.returns, *(argument.annotation for argument in _arguments(node.args))], scope)
        inner = self._function(node.args, scope, node.name, (private or scope.kind == "function"))
        if node.decorator_list:
            for variable in inner.bound.values():
                variable.kept = True
        self._visit_all(node.body, inner)

    def _visit_lambda(self, node: ast.Lambda, scope: _Scope) -> None:
        self._visit(node.body, self._function(node.args, scope, None, closed=True))

    def _function(self, arguments: ast.arguments, scope: _Scope, name: str | None, closed: bool) -> _Scope:
        self._visit_all([*arguments.defaults, *arguments.kw_defaults], scope)
        inner = _Scope("function", scope)
        for argument in _arguments(arguments):
            inner.bind(argument.arg)
            self._name(argument.arg, argument, inner)
        by_name = [*arguments.args, *arguments.kwonlyargs]
        variables = tuple(inner.bound[argument.arg] for argument in by_name)
        self._parameters.append(_Parameters(variables, name, closed))
        return inner

    def _visit_class(self, node: ast.ClassDef, scope: _Scope) -> None:
        self._bind_for_good(node.name, scope)
        self._visit_all([*node.decorator_list, *node.bases], scope)
        self._keywords.update(keyword.arg for keyword in node.keywords if keyword.arg is not None)
        self._visit_all([keyword.value for keyword in node.keywords], scope)
        self._visit_all(node.body, _Scope("class", scope))

    def _visit_comprehension(self, node: ast.ListComp | ast.DictComp, scope: _Scope) -> None:
        inner = _Scope("comprehension", scope)
        first, *others = node.generators
        self._visit(first.iter, scope)
        self._visit_all([first.target, *first.ifs, *others], inner)
        self._visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], inner)

    def _visit_walrus(self, node: ast.NamedExpr, scope: _Scope) -> None:
        around = scope
        while around.kind == "comprehension" and around.parent is not None:
            around = around.parent
        self._visit(node.target, around)
        self._visit(node.value, scope)

    def _visit_annotated(self, node: ast.AnnAssign, scope: _Scope) -> None:
        self._annotations([node.annotation], scope)
        self._visit_all([node.target, node.value], scope)

    def _visit_handler(self, node: ast.ExceptHandler, scope: _Scope) -> None:
        self._visit_all([node.type], scope)
        if node.name is not None and node.type is not None:
            self._bind(node.name, scope)
            written = re.compile(r"[\s()\\]*as[\s\\]+").match(self._code, self._end(node.type))
            if written is None:
                self.kept.add(node.name)
            else:
                self._named.append((node.name, written.end(), scope))
        self._visit_all(node.body, scope)

    def _visit_formatted(self, node: ast.JoinedStr, scope: _Scope) -> None:
        if self._within is not None:  # the format of a value, or a string in a string
            self._visit_all(node.values, scope)
            return
        names: list[tuple[str, _Scope]] = []
        self._within = names
        self._visit_all(node.values, scope)
        self._within = None
        self._formatted.append((node, names))
        if any(inner is not scope for _, inner in names):
            self.kept.update(name for name, _ in names)

    def _visit_declaration(self, node: ast.Global | ast.Nonlocal, scope: _Scope) -> None:
        self.kept.update(node.names)

    def _visit_import(self, node: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            self._bind_for_good((alias.asname or alias.name).partition(".")[0], scope)

    def _visit_capture(self, node: ast.MatchAs | ast.MatchStar, scope: _Scope) -> None:
        if node.name is not None:
            self._bind_for_good(node.name, scope)
        self._visit_all(ast.iter_child_nodes(node), scope)

    def _visit_mapping(self, node: ast.MatchMapping, scope: _Scope) -> None:
        if node.rest is not None:
            self._bind_for_good(node.rest, scope)
        self._visit_all(ast.iter_child_nodes(node), scope)

    def _bind(self, name: str, scope: _Scope) -> None:
        scope.bind(name)
        if scope.kind == "class":
            self.kept.add(name)  # an attribute; and in the class the name may mean a variable around it as well

    def _bind_for_good(self, name: str, scope: _Scope) -> None:
        self._bind(name, scope)
        if scope.kind != "module":
            self.kept.add(name)

    def _name(self, name: str, node: ast.Name | ast.arg, scope: _Scope) -> None:
        if self._within is not None:
            self._within.append((name, scope))
        else:
            self._named.append((name, self._place(node), scope))

    def _annotations(self, nodes: Iterable[ast.expr | None], scope: _Scope) -> None:
        """Annotations may be kept as text, so the names in them are kept."""
        for node in filter(None, nodes):
            self.kept.update(_WORD.findall(ast.unparse(node)))
            self._visit(node, scope)

    def _type_parameters(self, node: ast.AST) -> None:
        for parameter in getattr(node, "type_params", ()):  # type parameters, from Python 3.12 on
            self.kept.update(_WORD.findall(ast.unparse(parameter)))

    def _place(self, node: ast.expr | ast.arg) -> int:
        return self._character(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._character(node.end_lineno, node.end_col_offset)

    def _character(self, line: int, byte: int) -> int:
        text = self._lines[line - 1]
        column = byte if text.isascii() else len(text.encode()[:byte].decode(errors="ignore"))
        return self._starts[line - 1] + column


def _looks_at_variables(tree: ast.AST) -> bool:
    """Whether the source may see its own variables by their names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names = [node.id]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        else:
            continue
        if not _INTROSPECTION.isdisjoint(names):
            return True
    return False


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None)
