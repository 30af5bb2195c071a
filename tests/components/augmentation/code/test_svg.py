import base64
import dataclasses
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.augmentation.code import svg_tokens, svg_values, varying
from components.augmentation.code.config import CodeAugmentation
from components.ingestion import emoji, packages
from schemas.home import Home

STILL = CodeAugmentation(
    renamed=0.0, comments_dropped=0.0, attributes_shuffled=0.0, spaced=0.0, numbers=0.0, colours=0.0
)
ALL = CodeAugmentation(renamed=1.0, comments_dropped=0.5, attributes_shuffled=1.0, spaced=0.7, numbers=1.0, colours=1.0)

EVERYTHING = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- the licence -->
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 72 72" width="72.0">
  <defs>
    <!-- two colours
         of the sky -->
    <linearGradient id="sky" x2="0" y2="1.0"><stop offset="0.0" stop-color="#00f"/><stop offset="1" stop-color='RED'/>
    </linearGradient>
    <clipPath id="round"><circle r="30" cx="36" cy="36.50"/></clipPath>
    <path id="leaf" d="M10.5.5l-5,.5-.25.25L20 40z" fill="currentColor"/>
  </defs>
  <g clip-path="url(#round)" id="all"><rect id="none" width="72" height="72" fill="url(#sky)"/>
    <path
      d="M20 30a10 8 0 1120 6.5 5 5 0 01.5-3A6 6 0 0 0 50,30
         T 60.0 4e1"
      stroke="#ff8800" stroke-width="02.50" fill="none"/>
    <use xlink:href="#leaf" x="0.5" color="#008000"/><use href="#leaf" transform="translate(12,-.5) rotate(10.0 36 36)"/>
    <text x="8" y="60">a <!-- word --> <tspan fill="Navy">b</tspan>
    </text>
  </g>
</svg>
"""


def vary(code, config=ALL, seed=0, ranges=()):
    return varying.vary(code, "svg", ranges, config, np.random.default_rng(seed))


def drawing(inside, config=ALL):
    """What is inside of a drawing after a variation."""
    start, end = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">', "</svg>"
    varied = vary(start + inside + end, config)
    return varied and varied.code[len(start) : -len(end)]


@pytest.fixture(scope="module")
def drawings(sliced):
    """30 drawings of OpenMoji, spread over all."""
    archive = packages.fetch(packages.OPENMOJI, Home(sliced.home))
    items = emoji.read_openmoji(archive, max_file_bytes=1_000_000, limit=1200)
    codes = [item.content.decode() for item in items if getattr(item, "language", "") == "svg"]
    return codes[:: len(codes) // 30][:30]


@pytest.fixture(scope="module")
def shown(browser):
    """Draws codes as a browser does, all on one page: their pixels."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})

    def show(codes):
        images = "".join(
            f'<img width=140 height=140 src="data:image/svg+xml;base64,{base64.b64encode(code.encode()).decode()}">'
            for code in codes
        )
        page.set_content(f'<body style="color:green">{images}')
        assert page.evaluate("Promise.all([...document.images].map(image => image.decode())).then(all => all.length)")
        return page.screenshot(full_page=True)

    yield show
    page.close()


def test_drawings_of_openmoji_are_drawn_with_the_same_pixels(drawings, shown):
    originals = [*drawings, EVERYTHING]
    before = shown(originals)
    assert len(np.unique(np.asarray(Image.open(io.BytesIO(before)).convert("L")))) > 100, "something is drawn"
    for seed, config in ((0, ALL), (1, ALL), (2, CodeAugmentation())):
        varied = [vary(code, config, seed) for code in originals]
        assert all(varied)
        assert shown([copy.code for copy in varied]) == before


def test_every_named_colour_is_what_the_browser_takes_it_for(shown):
    def square(colour):
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1" fill="{colour}"/></svg>'

    named = [(name, code) for code in ("#ff0000", "#808080", "#663399") for name in others("fill", code)]
    assert {"red", "#F00", "grey", "gray"} <= {name for name, _ in named}
    assert "rebeccapurple" not in {name for name, _ in named}
    assert shown([square(name) for name, _ in named]) == shown([square(code) for _, code in named])


def others(name, value):
    return svg_values.other_colours(name, value)


def test_ids_change_with_all_that_refers_to_them():
    varied = vary(EVERYTHING, dataclasses.replace(STILL, renamed=1.0)).code
    tree = ElementTree.fromstring(varied)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    sky, round_, leaf, all_, none = ids
    assert not {"sky", "round", "leaf", "all"} & set(ids)
    assert none == "none", "it is mentioned elsewhere"
    back = varied.replace(f'"{all_}"', '"all"')
    for old, new in (("sky", sky), ("round", round_), ("leaf", leaf)):
        assert varied.count(f"#{new}") == EVERYTHING.count(f"#{old}")
        back = back.replace(f'"{new}"', f'"{old}"').replace(f"#{new}", f"#{old}")
    assert back == EVERYTHING


@pytest.mark.parametrize(
    "mention",
    [
        '<animate begin="a.end+1s" />',
        "<g style=\"marker:url('#a')\"/>",
        '<g aria-labelledby="b a"/>',
        '<use href="other.svg#a"/>',
        '<use xl:href="#a" xmlns:xl="http://www.w3.org/1999/xlink"/>',
        "<style>#a{fill:red}</style>",
    ],
)
def test_an_id_that_something_else_may_mean_is_kept(mention):
    inside = f'<g id="a"/>{mention}'
    assert drawing(inside, dataclasses.replace(STILL, renamed=1.0)) is None


def test_ids_that_are_kept_by_configuration_are_kept():
    assert drawing('<g id="self"/>', dataclasses.replace(STILL, renamed=1.0)) is None


def test_a_new_id_occurs_nowhere_in_the_drawing():
    names = dataclasses.replace(STILL, renamed=1.0, names=("i",) * 8)
    taken = " ".join(f"i{number}" for number in range(1, 100) if number != 7)
    inside = drawing(f'<g id="a"/><desc>{taken}</desc>', names)
    assert inside is None or '<g id="i7"/>' in inside
    found = [drawing(f'<g id="a{n}"/><g class="i{n}"/>', names) for n in range(1, 100)]
    assert all(f'id="i{n}"' not in inside for n, inside in enumerate(found, 1))


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("M10.5.5-5-.25z", ["10.5", ".5"]),
        ("M0 0a10 8 0 1120 6.5", ["20"]),
        ("M0 0a1 1 0 00.5.5", [".5", ".5"]),
        ("M0 0a1 1 0 0 1-5.5-.5 1 1 0 0,0 .25 0", ["0", "1", "0", "0"]),
        ("M1e1 2E-1", ["1e1", "2E-1"]),
    ],
)
def test_numbers_change_where_they_stay_apart(value, left):
    """Flags of arcs and numbers with nothing but a dot or digit between them are left."""
    before = svg_tokens.tokens(value)
    for seed in range(5):
        code = f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{value}"/></svg>'
        varied = vary(code, dataclasses.replace(STILL, numbers=1.0), seed)
        text = varied.code if varied else code
        after = svg_tokens.tokens(text.partition('d="')[2].partition('"')[0])
        assert [token.kind for token in after] == [token.kind for token in before]
        kept = [old.text for old, new in zip(before, after, strict=True) if old.text == new.text and old.kind != "gap"]
        assert all(kept.count(text) >= left.count(text) for text in left)
        changed = [(old.text, new.text) for old, new in zip(before, after, strict=True) if old.text != new.text]
        assert all(float(old) == float(new) for old, new in changed)
        assert varied is None or changed


@pytest.mark.parametrize(
    ("value", "path"),
    [("M0 0a1 1 0 2 0 5 5", True), ("M0 0a1 1 0 1L5 5", True), ("M 1. 2", True), ("50%", False), ("calc(1+1);", False)],
)
def test_values_that_are_not_plain_numbers_are_left(value, path):
    assert svg_tokens.tokens(value) is None
    name = "d" if path else "width"
    assert drawing(f'<path {name}="{value}"/>', dataclasses.replace(STILL, numbers=1.0)) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.50", [".5", ".50", "0.5"]),
        (".5", [".50", "0.5", "0.50"]),
        ("-0.5", ["-.5", "-.50", "-0.50"]),
        ("2", ["2.0"]),
        ("2.00", ["2", "2.0"]),
        ("0", ["0.0"]),
        ("007.1", ["007.10"]),
        ("1e3", []),
    ],
)
def test_a_number_is_written_in_exactly_equal_ways(text, written):
    assert svg_values.other_numbers(text) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("#ff0000", ["#F00", "#FF0000", "#f00", "red"]),
        ("Red", ["#F00", "#FF0000", "#f00", "#ff0000", "red"]),
        ("#12Ab34", ["#12AB34", "#12ab34"]),
        ("none", []),
        ("url(#a)", []),
        ("#ff000080", []),
        ("rgb(255,0,0)", []),
    ],
)
def test_a_colour_is_written_in_exactly_equal_ways(value, written):
    assert others("fill", value) == written
    assert others("id", value) == []


def test_elements_of_other_languages_keep_their_values():
    inside = '<inkscape:page xmlns:inkscape="inkscape" width="1.0" fill="#f00"/>'
    assert drawing(inside, dataclasses.replace(STILL, numbers=1.0, colours=1.0)) is None


def test_attributes_change_their_order_and_nothing_else():
    varied = vary(EVERYTHING, dataclasses.replace(STILL, attributes_shuffled=1.0)).code
    assert varied != EVERYTHING
    assert sorted(varied) == sorted(EVERYTHING)
    before, after = (list(ElementTree.fromstring(code).iter()) for code in (EVERYTHING, varied))
    assert [(one.tag, one.attrib, one.text, one.tail) for one in before] == [
        (one.tag, one.attrib, one.text, one.tail) for one in after
    ]


def test_elements_come_on_lines_of_their_own_or_are_joined():
    spaced = dataclasses.replace(STILL, spaced=1.0, indentation=(3,))
    assert drawing('<g>\n <path/><path d="M0 0"/></g>', spaced) == '\n   <g><path/>\n      <path d="M0 0"/></g>'


def test_white_space_in_texts_is_left():
    inside = "<g> a <path/></g><text> <tspan>a</tspan> <!-- b -->\n<!-- c -->\n<tspan>b</tspan></text><title> a</title>"
    spaced = drawing(inside, dataclasses.replace(STILL, spaced=1.0, comments_dropped=1.0))
    assert spaced.count("\n") > 1
    for kept in ("<g> a <path/></g>", "<text> <tspan>a</tspan> \n\n<tspan>b</tspan></text>", "<title> a</title>"):
        assert kept in spaced


def test_comments_are_dropped_with_the_lines_they_fill():
    varied = vary(EVERYTHING, dataclasses.replace(STILL, comments_dropped=1.0), ranges=[(2, 2), (5, 6), (4, 7), (9, 9)])
    lines = EVERYTHING.split("\n")
    kept = [line.replace("<!-- word -->", "") for number, line in enumerate(lines, 1) if number not in (2, 5, 6)]
    assert varied.code == "\n".join(kept)
    assert varied.ranges == (None, None, (3, 4), (6, 6))


def test_ranges_of_lines_move_along():
    """Each element that begins on a line is found where its line is said to be."""
    for seed in range(10):
        lines = EVERYTHING.split("\n")
        marks = [number for number, line in enumerate(lines, 1) if line.strip()[:2] in ("<l", "<c", "<g", "<t", "<u")]
        varied = vary(EVERYTHING, dataclasses.replace(ALL, renamed=0.0), seed, [(number, number) for number in marks])
        after = varied.code.split("\n")
        for number, (first, last) in zip(marks, varied.ranges, strict=True):
            assert lines[number - 1].split()[0] in "\n".join(after[first - 1 : last])


def test_what_the_outermost_element_says_remains():
    tree = ElementTree.fromstring(vary(EVERYTHING).code)
    assert tree.attrib == {"viewBox": "0 0 72 72", "width": "72.0"}


def test_the_same_random_numbers_give_the_same_drawing():
    assert vary(EVERYTHING, seed=1) == vary(EVERYTHING, seed=1)
    assert len({vary(EVERYTHING, seed=seed).code for seed in range(5)}) == 5


SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'


@pytest.mark.parametrize(
    "code",
    [
        "",
        "<svg",
        SVG.format('<rect width="1.0"/><g>'),
        SVG.format('<rect width="1.0" width="2"/>'),
        SVG.format('<rect width="1.0"/><!-- -- -->'),
        SVG.format('<rect width="1.0"/>') + "<!-- a",
        SVG.format('<rect width="1.0"/><?xml version="1.0"?>'),
        SVG.format('<rect width="1.0"/></g><g>'),
        SVG.format('<rect width="1.0"/><a:b/>'),
        SVG.format('<rect width="1.0"/>&amp;'),
        SVG.format('<rect width="1.0" d="&#65;"/>'),
        SVG.format('<rect width="1.0"/><![CDATA[<a>]]>'),
        SVG.format('<rect width="1.0"/><?program now?>'),
        SVG.format('<rect width="1.0"/><script>1</script>'),
        SVG.format('<rect width="1.0"/><h:script xmlns:h="http://www.w3.org/1999/xhtml"/>'),
        SVG.format('<rect width="1.0" onclick="look()"/>'),
        SVG.format('<rect width="1.0"/><foreignObject/>'),
        SVG.format('<rect width="1.0"/><g xmlns="other"/>'),
        SVG.format('<rect width="1.0" xml:base="other.svg"/>'),
        SVG.format('<rect width="1.0" style="fill:u\\72l(#a)"/>'),
        SVG.format('<rect width="1.0"/>' + "\ud800"),
        SVG.format("<g>" * 99 + '<rect width="1.0"/>' + "</g>" * 99),
        SVG.format('<rect width="1.0"/>' * 4000),
        '<?xml-stylesheet href="a.css"?>' + SVG.format('<rect width="1.0"/>'),
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format('<rect width="1.0"/>'),
        '<svg><rect width="1.0"/></svg>',
        '<html xmlns="http://www.w3.org/1999/xhtml"><rect width="1.0"/></html>',
    ],
)
def test_what_is_no_drawing_that_is_understood_gets_no_copy(code):
    assert vary(code) is None


def test_with_a_style_sheet_only_comments_and_the_order_of_attributes_change():
    inside = '<style>[fill="#f00"]{opacity:.5}</style><rect id="a" fill="#f00" width="1.0"/>'
    assert vary(SVG.format(inside), dataclasses.replace(ALL, attributes_shuffled=0.0)) is None
    assert vary(SVG.format("<!-- a -->" + inside), dataclasses.replace(STILL, comments_dropped=1.0)).code == SVG.format(
        inside
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<g id="a"/>', '<g id="b"/>'),
        ('<g fill="red"/>', '<g fill="#f01"/>'),
        ('<g opacity="0.5"/>', '<g opacity="0.51"/>'),
        ('<path d="M1-1"/>', '<path d="M1 1"/>'),
        ('<g fill="url(#a)"/>', '<g fill="url(#b)"/>'),
        ("<g/><path/>", "<path/><g/>"),
        ("<g><path/></g>", "<g/><path/>"),
        ("<g/>", '<g class="a"/>'),
        ("<text> </text>", "<text/>"),
        ("<text><tspan/> </text>", "<text><tspan/></text>"),
        ("<g>a</g>", "<g/>"),
    ],
)
def test_a_copy_that_draws_otherwise_would_be_noticed(one, other):
    before, after = (ElementTree.fromstring(SVG.format(inside)) for inside in (one, other))
    same = varying.svg.is_same
    assert same(before, before, {})
    assert same(after, after, {})
    assert not same(before, after, {})


def test_a_new_id_is_known_by_its_old_one():
    before, after = (
        ElementTree.fromstring(SVG.format(f'<g id="{name}"/><use href="#{name}" fill="url(#{name})"/>'))
        for name in "ab"
    )
    assert varying.svg.is_same(before, after, {"b": "a"})
    assert not varying.svg.is_same(before, after, {"b": "c"})


NUMBERS = st.from_regex(r"\A[+-]?([0-9]{1,3}|[0-9]{0,2}\.[0-9]{1,3})(e[+-]?[0-9])?\Z")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("MLCazh") | st.just(""), NUMBERS, st.sampled_from(["", " ", ",", "\n"]))))
def test_any_path_keeps_its_commands_numbers_and_flags(parts):
    value = "".join(map("".join, parts))
    code = SVG.format(f'<path d="M0 0{value}"/>')
    varied = vary(code, dataclasses.replace(STILL, numbers=1.0))
    if varied is not None:
        before, after = (svg_tokens.tokens(text.partition('d="')[2].partition('"')[0]) for text in (code, varied.code))
        assert [token.kind for token in before] == [token.kind for token in after]
        assert all(
            old.text == new.text or float(old.text) == float(new.text) for old, new in zip(before, after, strict=True)
        )


@settings(max_examples=100, deadline=None)
@given(st.text("<svg/> \n\"'=!-?ad1.0&#", max_size=60))
def test_no_text_breaks_it(inside):
    varied = vary(SVG.format(inside), ranges=[(1, 2)])
    if varied is not None:
        ElementTree.fromstring(varied.code)
