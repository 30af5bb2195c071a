"""The geometry of the DAG and of the training curve, and how numbers are put."""

from __future__ import annotations

import graphlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report import curve, graph, words
from tests.pipeline.report import made_up


@st.composite
def dags(draw) -> dict[str, list[str]]:
    names = [f"n{index}" for index in range(draw(st.integers(1, 14)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)) if index else []
        for index, name in enumerate(names)
    }


@given(dags())
def test_no_boxes_overlap_and_every_arrow_goes_down(upstream):
    drawing = graph.draw(upstream)
    places = {box.id: box for box in drawing.boxes}
    assert places.keys() == upstream.keys()
    for box in drawing.boxes:
        assert -0.01 <= box.x <= drawing.width - graph.BOX_WIDTH + 0.01
        assert 0 <= box.y <= drawing.height - graph.BOX_HEIGHT
        for other in drawing.boxes:
            if other is not box and other.y == box.y:
                assert abs(other.x - box.x) >= graph.BOX_WIDTH - 0.01
    for name, others in upstream.items():
        for other in others:
            assert places[other].y < places[name].y


@given(dags())
def test_arrows_say_the_same_as_all_dependencies(upstream):
    drawn = {name: set() for name in upstream}
    for arrow in graph.draw(upstream).arrows:
        drawn[arrow.target].add(arrow.source)

    def ancestors(of) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in upstream:  # parents come first
            found[name] = set(of[name]).union(*(found[other] for other in of[name]))
        return found

    assert ancestors(drawn) == ancestors(upstream)
    assert all(drawn[name] <= set(upstream[name]) for name in upstream)


def test_the_pipeline_is_narrow_enough_for_a_phone():
    drawing = graph.draw(made_up.UPSTREAM)
    assert drawing.width < 460
    assert len({box.y for box in drawing.boxes}) == 12


def test_a_circle_is_refused():
    with pytest.raises(graphlib.CycleError):
        graph.draw({"a": ["b"], "b": ["a"]})


def test_nothing_draws_nothing():
    assert graph.draw({}).boxes == ()
    assert curve.draw({"train": []}, {"3-gram": 2.0}) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.just(math.nan) | st.floats(0, 100)), min_size=1, max_size=30),
    st.floats(0.01, 50),
)
def test_curves_stay_within_the_frame(points, level):
    chart = curve.draw({"train": sorted(points)}, {"3-gram": level})
    if chart is None:
        assert all(math.isnan(y) for _, y in points)
        return
    for line in (*chart.lines, *chart.horizontals):
        for command in line.path.replace("M", "L").split("L")[1:]:
            x, y = map(float, command.split())
            assert chart.left - 0.1 <= x <= chart.right + 0.1
            assert chart.top - 0.1 <= y <= chart.bottom + 0.1
    assert chart.y_ticks[0].label == "0"
    places = [tick.place for tick in chart.y_ticks]
    assert places == sorted(places, reverse=True) and len(set(places)) == len(places) >= 2


@pytest.mark.parametrize(
    ("seconds", "put"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds, put):
    assert words.duration(seconds) == put


@pytest.mark.parametrize(
    ("number", "put"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_231_000, "2.2 MB"), (3e9, "3.0 GB")]
)
def test_sizes(number, put):
    assert words.size(number) == put


def test_what_cannot_be_seen_is_made_visible():
    assert words.visible("a\tb\nc") == "a\tb\nc"
    assert words.visible("x\x00\x1b[31m\u202e\x9f") == "x<U+0000><U+001B>[31m<U+202E><U+009F>"
