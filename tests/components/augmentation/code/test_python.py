import ast
import dataclasses
import heapq
import statistics
import symtable
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.augmentation.code import python_names, python_scopes, varying
from components.augmentation.code.config import CodeAugmentation
from components.ingestion.python_library import read_python, standard_library

STILL = CodeAugmentation(
    renamed=0.0, comments_dropped=0.0, comments_moved=0.0, blank_lines=0.0, gap_inserted=0.0, quotes=0.0, indented=0.0
)
NAMES = dataclasses.replace(STILL, renamed=1.0)
ALL = CodeAugmentation(
    renamed=1.0, comments_dropped=0.5, comments_moved=1.0, blank_lines=1.0, gap_inserted=0.3, quotes=1.0, indented=1.0
)


def vary(code, config=ALL, seed=0, ranges=()):
    return varying.vary(textwrap.dedent(code), "python", ranges, config, np.random.default_rng(seed))


def renamed(code):
    """The names that may be changed."""
    code = textwrap.dedent(code)
    return sorted(variable.name for variable in python_scopes.renamable(ast.parse(code), code, ("self",)))


@pytest.fixture(scope="module")
def functions():
    """300 functions of the standard library."""
    items = read_python(standard_library(), max_file_bytes=1_000_000, limit=300)
    return [item.content.decode() for item in items if getattr(item, "modality", "") == "code"]


def test_functions_of_the_standard_library_keep_their_trees(functions):
    different = 0
    for seed, code in enumerate(functions):
        varied = vary(code, seed=seed)
        if varied is not None:
            different += 1
            compile(varied.code, "varied", "exec")
            names = python_names.renamed_names(ast.parse(code), ast.parse(varied.code))
            assert names is not None, "more than names differs"
            assert all(new == old or new not in code.split() for new, old in names.items())
    assert different > 0.85 * len(functions)


def test_each_new_name_stands_for_one_variable(functions):
    """By Python's own table of symbols: each scope has as many variables of each kind as before."""

    def kinds(table):
        own = sorted(
            (symbol.is_parameter(), symbol.is_local(), symbol.is_free(), symbol.is_global())
            for symbol in table.get_symbols()
        )
        return own, [kinds(child) for child in table.get_children()]

    for seed, code in enumerate(functions):
        varied = vary(code, NAMES, seed)
        if varied is not None:
            assert kinds(symtable.symtable(varied.code, "", "exec")) == kinds(symtable.symtable(code, "", "exec"))


@pytest.mark.parametrize(
    ("module", "use"),
    [
        (statistics, lambda module: [module.median([3, 1, 2]), module.pstdev([1, 2, 4]), module.quantiles(range(20))]),
        (heapq, lambda module: [list(module.merge([1, 4], [2, 3])), module.nsmallest(2, [5, 3, 4], key=lambda x: -x)]),
        (textwrap, lambda module: [module.wrap("some words to fill", 7), module.indent("a\nb", "> ")]),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_varied_modules_do_the_same(module, use, seed):
    with open(module.__file__) as file:
        source = file.read()
    varied = vary(source, seed=seed)
    assert varied.code != source
    again = type(module)("varied")
    exec(varied.code, again.__dict__)
    assert use(again) == use(module)


def test_closures_comprehensions_and_formatted_strings_are_followed():
    code = """
        def outer(given):
            total = [0]
            def _inner(step):
                for number in range(step):
                    total[0] += number
                return f"{total[0]:>{step}} {{total}} {number!r}" "{step}"
            try:
                words = {word: len(word) for word in given if (seen := word)}
            except ValueError as problem:
                return problem
            return _inner(3), words, seen, sorted(given, key=lambda entry: entry[::-1])
    """
    before, after = {}, {}
    exec(textwrap.dedent(code), before)
    varied = vary(code, NAMES)
    for name in ("number", "problem", "entry", "word", "words", "seen", "total"):
        assert name in renamed(code)
        assert f" {name} " not in varied.code
    exec(varied.code, after)
    assert after["outer"](["ab", "ba"]) == before["outer"](["ab", "ba"])
    assert after["outer"].__code__.co_varnames[0] == "given", "callers may name it"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a, *, b):\n    c = a\n    return c", ["c"]),
        ("def f(a, /, *rest, **more):\n    return a, rest, more", ["a", "more", "rest"]),
        ("def f():\n    global a\n    a = 1\n    b = a", ["b"]),
        ("def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = 2", []),
        ("def f():\n    a = 1\n    return locals()", []),
        ("def f(x):\n    a = x\n    return eval('a')", []),
        ("def f():\n    import a, b as c\n    def d(): pass\n    class e: pass\n    return a, c, d, e", []),
        ("def f(b):\n    a = 1\n    class C:\n        a = a\n    return C", []),
        ("class C:\n    a = 1\n    def f(self):\n        __b = self.a\n        return __b", []),
        ("def f(x):\n    a = x\n    return f'{a=}'", []),
        ("def f(x):\n    a = x\n    return f'{a}'", ["a"]),
        ("def f(x):\n    a = x\n    return f'{[a for b in x]}'", []),
        ("def f():\n    def g(a): return a\n    return g(a=1)", []),
        ("def f():\n    def g(a): return a\n    return g(1)", ["a"]),
        ("def f():\n    def g(a): return a\n    return g", []),
        ("def f(k):\n    def g(a): return a\n    return g(**k)", []),
        ("def f(k):\n    @k\n    def g(a): return a\n    return g(1)", []),
        ("def _f(self, a):\n    return self._f(a)", ["a"]),
        ("def _f(self, a):\n    return map(self._f, a)", []),
        ("def _f_(a):\n    return a", []),
        ("def f(x):\n    a: 'a' = x\n    return a", []),
        ("def f(x):\n    match x:\n        case [a, *b]: return a, b", []),
        ("f = lambda a: a\nf(a=1)", []),
        ("f = lambda a: a", ["a"]),
        ("[a for a in b]", ["a"]),
        ("def f(x):\n    ﬁ = x\n    return ﬁ", []),
    ],
)
def test_only_what_nobody_else_may_know_is_renamed(code, names):
    assert renamed(code) == names


def test_a_new_name_occurs_nowhere_in_the_code():
    """Not even in its texts, and neither as a built-in function."""
    config = dataclasses.replace(NAMES, names=("i", "j", "k", "n", "m", "id", "x", "not_taken"))
    varied = vary("def f():\n    value = 'i j k'\n    n, m = g(x)\n    return value", config)
    names = {node.id for node in ast.walk(ast.parse(varied.code)) if isinstance(node, ast.Name)}
    assert "not_taken" in varied.code
    assert names.isdisjoint({"id", "i", "j", "k"})


CODE = '''\
#!/usr/bin/env python
def area(width, height):  # of a rectangle
    """The area.

    Twice   as much of a triangle.
    """

    # sides are positive
    if width < 0:  # or not
        raise ValueError('width', "it's", b'x')


    return (width *  # by
            height)
'''


def test_comments_are_dropped_but_not_those_for_the_interpreter():
    varied = vary(CODE, dataclasses.replace(STILL, comments_dropped=1.0))
    assert varied.code.startswith("#!/usr/bin/env python\ndef area(width, height):\n")
    assert varied.code.count("#") == 1
    assert "return (width *\n" in varied.code


def test_comments_behind_a_statement_move_above_it():
    varied = vary(CODE, dataclasses.replace(STILL, comments_moved=1.0))
    assert "# of a rectangle\ndef area(width, height):\n" in varied.code
    assert "    # or not\n    if width < 0:\n" in varied.code
    assert "(width *  # by" in varied.code, "it stands within a statement"


def test_quotes_change_where_nothing_in_them_must():
    found = {vary(CODE, dataclasses.replace(STILL, quotes=1.0), seed) for seed in range(8)}
    double = next(varied.code for varied in found if varied is not None)
    assert """ValueError("width", "it's", b"x")""" in double


def test_gaps_change_their_height():
    varied = [vary(CODE, dataclasses.replace(STILL, blank_lines=1.0), seed) for seed in range(8)]
    assert len({copy.code.count("\n") for copy in varied if copy is not None}) > 1


def test_blocks_are_indented_anew_and_strings_are_left():
    varied = vary(CODE, dataclasses.replace(STILL, indented=1.0, indentation=(2,)))
    assert '\n  """The area.\n\n    Twice   as much of a triangle.\n    """\n' in varied.code
    assert "\n  # sides are positive\n  if width < 0:" in varied.code
    assert "\n    raise ValueError" in varied.code
    assert "\n  return (width *  # by\n          height)" in varied.code


def test_ranges_of_lines_move_along():
    everything = vary(CODE, dataclasses.replace(STILL, comments_dropped=1.0), ranges=[(8, 8), (9, 10), (1, 14)])
    assert everything.ranges == (None, (8, 9), (1, 13))
    assert everything.dropped == 1


def test_the_same_random_numbers_give_the_same_code():
    assert vary(CODE, seed=1) == vary(CODE, seed=1)
    assert len({vary(CODE, seed=seed).code for seed in range(5)}) > 1


@pytest.mark.parametrize(
    "code",
    [
        "def f(:",
        "",
        "x = 1",
        "def f():\n\tx = 1\n        y = 2\n",
        "def f():\n    x = " + "(" * 80 + "1" + ")" * 80 + "\n    return x",
        "x" + ".a" * 20_000,
        "x = " + "-" * 30_000 + "1",
        "if x:\n y\n" + "elif x:\n y\n" * 4_000,
        "def f():\r\n    a = 1\r\n    return a",
        "def f():\n    a = 1\n\f\n    return a",
        "x = '\0'",
        "x = 1 # " + "y" * 70_000,
        "'\ud800'",
    ],
)
def test_what_is_no_or_no_reasonable_python_gets_no_copy(code):
    assert varying.vary(code, "python", [], NAMES, np.random.default_rng(0)) is None


@pytest.mark.parametrize("language", [None, "cobol"])
def test_codes_in_other_languages_get_no_copy(language):
    assert varying.vary("x  =  1 # one", language, [], ALL, np.random.default_rng(0)) is None


@settings(max_examples=100, deadline=None)
@given(st.text("def f(x):\n\t #'\"{}\\=ab[]:,", max_size=60))
def test_no_text_breaks_it(code):
    varied = varying.vary(code, "python", [(1, 2)], ALL, np.random.default_rng(0))
    if varied is not None:
        assert python_names.renamed_names(ast.parse(code), ast.parse(varied.code)) is not None
