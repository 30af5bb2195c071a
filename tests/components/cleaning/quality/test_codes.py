import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.faults import Fault
from components.cleaning.quality import codes, parsing
from components.cleaning.quality.config import CodeQuality
from components.cleaning.quality.reasons import Reason
from components.ingestion import files

CONFIG = CodeQuality()

VALID = {
    "python": "def f(a):\n    return [a, 1]\n",
    "javascript": "const f = (a) => { return a + 1; };\n",
    "typescript": "const f = (a: number): number => a + 1;\n",
    "java": "class A { int f(int a) { return a + 1; } }\n",
    "kotlin": "fun f(a: Int): Int { return a + 1 }\n",
    "scala": "object A { def f(a: Int): Int = a + 1 }\n",
    "c": "int f(int a) { return a + 1; }\n",
    "c++": "template <class T> T f(T a) { return a + 1; }\n",
    "c#": "class A { int F(int a) { return a + 1; } }\n",
    "go": "package a\n\nfunc f(a int) int { return a + 1 }\n",
    "rust": "fn f(a: u32) -> u32 { a + 1 }\n",
    "ruby": "def f(a)\n  a + 1\nend\n",
    "php": "<?php\nfunction f($a) { return $a + 1; }\n",
    "lua": "local function f(a) return a + 1 end\n",
    "swift": "func f(a: Int) -> Int { return a + 1 }\n",
    "shell": 'for name in *; do\n  echo "$name"\ndone\n',
    "html": "<!doctype html>\n<p>A<br>b<ul><li>c</ul>\n",
    "css": "a.b > c { color: red; }\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M10 20L30 40z" fill="#fff"/></svg>',
}


def test_every_language_with_a_grammar_is_one_that_ingestion_names():
    named = {language for _, _, language in files._TYPES.values() if language}
    assert set(VALID) <= named
    assert {language for language in named if not parsing.has_grammar(language)} == {"sql", "perl", "r", "julia"}


@pytest.mark.parametrize("language", VALID)
def test_a_valid_code_passes(language):
    assert parsing.error_share(VALID[language].encode(), language) == 0
    assert codes.fault(VALID[language] * 20, language, CONFIG) is None


# Shell, Ruby and Scala take nearly any words for a call; PHP outside of its tags is text.
@pytest.mark.parametrize("language", sorted(set(VALID) - {"php", "ruby", "scala", "shell"}))
def test_another_language_is_not_parsed(language):
    other = "%%% ]] ) 42 <<< = } ,, `\\\n" * 40 if language != "html" else "<<<a <b </ >< a=</\n" * 40
    fault = codes.not_parsed(codes.Code(other, language), CONFIG)
    assert fault is not None and fault.reason is Reason.NOT_PARSED
    assert fault.measured.endswith(f"of bytes are no {language}")


def test_the_share_of_errors_has_a_limit():
    code = "x = 1\n" * 30 + "?? !! ??\n" * 5
    share = parsing.error_share(code.encode(), "python")
    assert 0.1 < share < 0.5
    assert codes.fault(code, "python", CodeQuality(max_error_share=share)) is None
    assert codes.fault(code, "python", CodeQuality(max_error_share=share - 1e-6)).reason is Reason.NOT_PARSED


def test_a_class_without_its_end_is_not_an_error_from_start_to_end():
    code = "class A {\n" + "  int f(int a) { return a + 1; }\n" * 30
    assert parsing.error_share(code.encode(), "java") < 0.1


def test_a_header_of_cpp_that_is_named_as_c_is_understood(monkeypatch):
    code = "template <typename T> using A = typename std::enable_if<(sizeof(T) > 1) && !C<T>::value>::type;\n" * 5
    assert codes.fault(code, "c", CONFIG) is None
    assert parsing.error_share(code.encode(), "c") == 0
    monkeypatch.setattr(parsing, "_ALSO", {})
    assert parsing.error_share(code.encode(), "c") > 0.1


def test_a_language_without_a_grammar_is_not_parsed():
    assert codes.fault("?? !! (( this is no language\n" * 20, "perl", CONFIG) is None
    assert codes.fault("?? !! (( this is no language\n" * 20, None, CONFIG) is None


RULES = [
    (codes.too_large, {"max_bytes": 9}, "x = 12345", "x = 123456", Reason.CODE_TOO_LARGE, "10 bytes"),
    (codes.minified, {}, "a" * 100, "a" * 101, Reason.MINIFIED, "101 characters a line"),
    (
        codes.minified,
        {},
        "a\n" * 20 + "a" * 1000,
        "a\n" * 20 + "a" * 1001,
        Reason.MINIFIED,
        "a line of 1001 characters",
    ),
    (codes.few_alphanumerics, {}, "a===", "a====", Reason.FEW_ALPHANUMERICS, "0.2 of bytes"),
    (codes.digits, {}, "12 ab,", "123 ab,", Reason.DATA, "digits are 0.5 of characters"),
    (
        codes.encoded,
        {},
        f"{'a ' * 1024}{'A' * 1024}",
        f"{'a ' * 1024}{'A' * 1025}",
        Reason.ENCODED_DATA,
        "1025 characters at once",
    ),
    (
        codes.encoded,
        {},
        f"{'a ' * 32}{'A' * 64}",
        f"{'a ' * 31}{'A' * 64}",
        Reason.ENCODED_DATA,
        "0.508 of characters",
    ),
    (codes.nested_too_deep, {}, "(" * 200 + ")" * 200 + "()", "(" * 201, Reason.NESTED_TOO_DEEP, "201 levels"),
    (
        codes.only_license,
        {"max_license_share": 0.5},
        "# license\nx = 1 + 12",
        "# license\nx = 1 + 2",
        Reason.ONLY_LICENSE,
        "0.526 of characters",
    ),
    (
        codes.unwanted_license,
        {"licenses": ("MIT",)},
        "# SPDX-License-Identifier: MIT\n",
        "# SPDX-License-Identifier: GPL-3.0-only\n",
        Reason.UNWANTED_LICENSE,
        "GPL-3.0-only",
    ),
    (
        codes.generated,
        {},
        "x\n" * 20 + "# DO NOT EDIT",
        "x\n" * 19 + "# DO NOT EDIT",
        Reason.GENERATED,
        "`DO NOT EDIT` in line 20",
    ),
]


@pytest.mark.parametrize(
    ("rule", "limits", "within", "beyond", "reason", "measured"),
    RULES,
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_rule_rejects_just_beyond_its_limit(rule, limits, within, beyond, reason, measured):
    config = CodeQuality(**limits)
    assert rule(codes.Code(within, "python"), config) is None
    fault = rule(codes.Code(beyond, "python"), config)
    assert fault is not None
    assert (fault.reason, fault.measured) == (reason, measured)
    assert fault.limit


@pytest.mark.parametrize(
    "line",
    [
        "// Code generated by protoc-gen-go. DO NOT EDIT.",
        "# Generated by the protocol buffer compiler.  DO NOT EDIT!",
        "/* @generated by a tool */",
        " * This file was automatically generated by SWIG",
        "<!-- Autogenerated -->",
        "/* A parser made by GNU Bison; generated by Bison 3.8 */",
    ],
)
def test_what_generators_write_is_recognised(line):
    assert codes.fault(f"{line}\nx = 1\n", None, CONFIG).reason is Reason.GENERATED


@pytest.mark.parametrize("line", ['MARKER = "DO NOT EDIT"', "if text.find('@generated'):", "call(`DO NOT EDIT`)"])
def test_a_code_about_generated_codes_is_not_one(line):
    assert codes.fault(f"{line}\n", None, CONFIG) is None


def test_rules_about_lines_and_digits_leave_markup_alone():
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{"M10.25 20.5L30 40z" * 400}"/></svg>'
    assert codes.fault(svg, "svg", CONFIG) is None
    assert codes.fault(svg, "javascript", CONFIG) is not None


def test_elements_that_need_no_end_do_not_nest():
    assert parsing.nesting(b"<p>a<br><img src=x>" * 500, "html") == 0
    assert parsing.nesting(b"<g/>" * 500 + b"<g><g></g>", "svg") == 2
    assert codes.fault("<g>" * 201, "svg", CONFIG).reason is Reason.NESTED_TOO_DEEP


def test_brackets_in_quotes_do_not_nest():
    assert parsing.nesting(b'"\\"((((" \'[\' (\n"((\n(', "python") == 2
    assert parsing.nesting(b"a << b << c << d", "c++") == 0
    assert parsing.nesting(b"a < b; a < b; a < b; f<g<h>>()", "c++") == 2


@pytest.mark.parametrize(
    ("language", "opening"),
    [
        (language, opening)
        for language in VALID
        for opening in (["<a>"] if language in parsing.MARKUP else ["(", "[", "{", "a<"])
    ],
)
def test_deep_nesting_is_rejected_before_it_is_parsed(language, opening, processor_seconds):
    config = CodeQuality(max_mean_line=None, max_line=None, min_alphanumeric=None)
    with processor_seconds(3):
        fault = codes.fault(opening * 200_000, language, config)
    assert fault is not None and fault.reason is Reason.NESTED_TOO_DEEP


@pytest.mark.parametrize(
    ("language", "token"),
    [("ruby", "a:"), ("rust", "a?"), ("swift", "a?"), ("go", "a=>"), ("lua", "'\"a "), ("c#", "'\"")],
)
def test_what_parsers_are_slow_at_takes_bounded_work(language, token, processor_seconds):
    config = CodeQuality(max_mean_line=None, max_line=None, min_alphanumeric=None)
    with processor_seconds(10):
        codes.fault(token * 300_000, language, config)


def test_work_beyond_the_budget_is_given_up_with_its_measure():
    config = CodeQuality(max_mean_line=None, max_line=None)
    fault = codes.fault("a?" * 200_000, "rust", config)
    assert fault is not None and fault.reason is Reason.COSTLY_TO_PARSE
    assert fault == codes.fault("a?" * 200_000, "rust", config), "counted, not timed"
    assert "operations" in fault.measured and "operations" in fault.limit


def test_a_long_code_is_judged_by_its_beginning():
    code = ("x = 1\n" * 20_000).encode()
    part = parsing.judged_part(code)
    assert parsing.PARSED_BYTES - 6 < len(part) <= parsing.PARSED_BYTES
    assert part.endswith(b"\n")


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=300), st.text("(){}[]<>'\"`\\/*#=;:,.$@ \nab01", max_size=300)),
    st.sampled_from([*VALID, "perl", None]),
)
def test_no_code_makes_a_rule_raise(code, language):
    fault = codes.fault(code, language, CodeQuality(licenses=()))
    assert fault is None or (isinstance(fault, Fault) and fault.measured)
