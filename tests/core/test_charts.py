"""Charts: marks and labels that can be told apart, and names that cannot become markup."""

from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import EVIL

from pmo_watch.charts import SHAPES, Drawing, milestone_trend, status_history, svg
from pmo_watch.standing import MilestoneTrend, ProjectStanding
from pmo_watch.words import words

FIRST = date(2026, 6, 7)
HOSTILE = f'{EVIL} ]]> #import "x" {{{{ 7 * 7 }}}} </svg>'


def trend(name: str = "Go-live", moves: tuple[int, ...] = (0, 7), start: date = date(2026, 12, 1)) -> MilestoneTrend:
    days = [(FIRST + timedelta(weeks=n), start + timedelta(days=sum(moves[: n + 1]))) for n in range(len(moves))]
    return MilestoneTrend("PRJ-1", name, tuple(days), start)


def history(code: str, *states: str) -> ProjectStanding:
    weeks = tuple((FIRST + timedelta(weeks=n), state) for n, state in enumerate(states))
    return ProjectStanding(code, code, HOSTILE, {}, {}, history=weeks)


def texts(drawing: Drawing) -> list[str]:
    """Return the texts of a chart, read as XML."""
    root = ET.fromstring(svg(drawing))
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


def test_every_state_and_every_line_has_a_mark_of_its_own() -> None:
    drawing = status_history([history("A", "red", "amber", "green", "grey")], "title", words("en"))
    shapes = {mark.state: mark.shape for mark in drawing.marks}

    assert len(set(shapes.values())) == len(shapes) == 4
    lines = milestone_trend([trend(f"M{n}") for n in range(12)], "title", words("en"))
    assert len({mark.shape for mark in lines.marks}) == len(SHAPES)
    assert len(lines.lines) == len(SHAPES)  # more than that could not be told apart


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
def test_legend_is_in_the_readers_language(language: str) -> None:
    said = words(language)
    drawing = status_history([history("A", "red", "green")], "title", said)

    assert {said(f"state_short.{one}").split(" ", 1)[1] for one in ("red", "amber", "green", "grey")} <= set(
        texts(drawing)
    )


def test_names_are_texts_whatever_they_hold() -> None:
    for drawing in (
        milestone_trend([trend(HOSTILE)], HOSTILE, words("en")),
        status_history([history("A", "red", "green")], HOSTILE, words("en")),
    ):
        root = ET.fromstring(svg(drawing))
        assert {one.tag.rpartition("}")[2] for one in root.iter()} <= {
            *("svg", "title", "rect", "polyline", "circle", "path", "text"),
        }
        assert root.get("aria-label") == HOSTILE
        assert any("[x](http://" in text for text in texts(drawing))


def test_a_forecast_that_stays_needs_no_mark_in_between() -> None:
    drawing = milestone_trend([trend(moves=(0, 0, 5, 0, 0))], "title", words("en"))
    on_line = [mark for mark in drawing.marks if mark.x < 380]  # the rest stands beside the names

    assert len(on_line) == 3  # the first, the one that moved, the last


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_labels_never_cover_each_other_and_stay_in_the_picture(starts: list[int]) -> None:
    trends = [trend(f"M{n}", start=date(2026, 12, 1) + timedelta(days=start)) for n, start in enumerate(starts)]

    drawing = milestone_trend(trends, "title", words("en"))

    at = sorted(label.y for label in drawing.strong)
    assert all(later - earlier >= 28.9 for earlier, later in pairwise(at))
    assert min(at) >= 8
    assert max(at) + 13 <= drawing.height
    assert all(0 <= mark.x <= drawing.width and 0 <= mark.y <= drawing.height for mark in drawing.marks)
