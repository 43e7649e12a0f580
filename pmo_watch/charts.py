"""Charts as SVG: where every line and mark lies, drawn by the macros of `charts.svg.j2`.

Each series and each state has a mark of its own, so that a chart can be read without its colours. Texts are escaped by
the template; the sizes of letters are estimated, since the fonts differ from reader to reader.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pmo_watch.plain import shorten
from pmo_watch.standing import MilestoneTrend, ProjectStanding
from pmo_watch.templates import page
from pmo_watch.words import Words

WIDTH = 584  # of a mail's text
LETTER = 6.1  # wide, at most, at size 11
MOST_PROJECTS = 15
INKS = ("#1f4e79", "#a34700", "#2a6f4e", "#7a3e9d", "#8a1c3b", "#4b5563", "#006d77", "#7a6a00")
SHAPES = ("circle", "square", "triangle", "diamond", "down", "ring", "box", "cross")
STATES = {
    "red": ("#b42318", "triangle"),
    "amber": ("#b45f06", "diamond"),
    "green": ("#1b6e3c", "circle"),
    "grey": ("#4b5563", "ring"),
}
_LEFT, _RIGHT, _TOP, _PLOT = 70, 204, 12, 236  # of the milestone trend
_LABEL_STEP = 29  # two lines of letters
_NAMES, _ROW = 168, 24  # of the status over time


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at a place, in a shape and ink; `state` is empty for marks of a series."""

    x: float
    y: float
    shape: str
    ink: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; `anchor` as in SVG."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    ink: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined by a line; `dashed` for what is no series."""

    points: tuple[tuple[float, float], ...]
    ink: str = ""
    dashed: bool = False

    @property
    def path(self) -> str:
        """The points as SVG has them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, laid out."""

    title: str
    width: int
    height: int
    grid: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()
    strong: tuple[Label, ...] = ()  # names


def svg(drawing: Drawing) -> str:
    """Return the chart as an SVG document."""
    return page("charts.svg.j2", chart=drawing)


# --- milestone trend ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scale:
    """Days to places: reports from left to right, forecasts from bottom to top."""

    first: date
    last: date
    low: date
    high: date

    def x(self, day: date) -> float:
        share = (day - self.first) / max(self.last - self.first, timedelta(1))
        return round(_LEFT + 8 + share * (WIDTH - _LEFT - _RIGHT - 16), 1)

    def y(self, day: date) -> float:
        share = (day - self.low) / max(self.high - self.low, timedelta(1))
        return round(_TOP + 8 + (1 - share) * (_PLOT - 16), 1)


def milestone_trend(trends: Sequence[MilestoneTrend], title: str, words: Words) -> Drawing:
    """Return forecasts over the days of reports, one line for each milestone, at most as many as there are shapes."""
    shown = trends[: len(SHAPES)]
    scale = _scale(shown)
    lines, marks = [], []
    for one, ink, shape in zip(shown, INKS, SHAPES, strict=False):
        points = tuple((scale.x(day), scale.y(forecast)) for day, forecast in one.forecasts)
        lines.append(Line(points, ink))
        marks += [Mark(x, y, shape, ink) for x, y in _turning(points)]
    ends = list(_ends(shown, scale, words))
    bottom = _TOP + _PLOT
    return Drawing(
        title=title,
        width=WIDTH,
        height=bottom + 56,
        grid=(*_frame(scale), *_reached(scale)),
        lines=tuple(lines),
        marks=(*marks, *(mark for mark, _, _ in ends)),
        labels=(
            *_days(scale, shown, words),
            *(day for _, _, day in ends),
            Label(_LEFT, bottom + 40, words("trend_reached")),
        ),
        strong=tuple(name for _, name, _ in ends),
    )


def _scale(trends: Sequence[MilestoneTrend]) -> _Scale:
    reports = [day for one in trends for day, _ in one.forecasts]
    forecasts = [forecast for one in trends for _, forecast in one.forecasts]
    return _Scale(min(reports), max(reports), min(forecasts), max(forecasts))


def _turning(points: Sequence[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """Yield the first and the last point, and those at which the forecast is another than before."""
    for number, point in enumerate(points):
        if number in {0, len(points) - 1} or points[number - 1][1] != point[1]:
            yield point


def _frame(scale: _Scale) -> tuple[Line, ...]:
    right, bottom = WIDTH - _RIGHT, _TOP + _PLOT
    levels = [scale.y(day) for day in _spread(scale.low, scale.high, 5)]
    return (
        *(Line(((_LEFT, y), (right, y))) for y in levels),
        Line(((_LEFT, _TOP), (_LEFT, bottom))),
        Line(((_LEFT, bottom), (right, bottom))),
    )


def _reached(scale: _Scale) -> tuple[Line, ...]:
    """Return the line on which a forecast is the day of its report, where it crosses the plot."""
    begins, ends = max(scale.first, scale.low), min(scale.last, scale.high)
    if begins >= ends:
        return ()
    return (Line(((scale.x(begins), scale.y(begins)), (scale.x(ends), scale.y(ends))), dashed=True),)


def _spread(first: date, last: date, number: int) -> list[date]:
    """Return so many days from the first to the last, evenly; fewer where there are no more."""
    days = (last - first).days
    return sorted({first + timedelta(days=round(days * step / (number - 1))) for step in range(number)})


def _days(scale: _Scale, trends: Sequence[MilestoneTrend], words: Words) -> Iterable[Label]:
    for day in _spread(scale.low, scale.high, 5):
        yield Label(_LEFT - 6, scale.y(day) + 4, words.short_day(day), "end")
    reports = sorted({day for one in trends for day, _ in one.forecasts})
    step = max(1, -(-len(reports) // 5))
    for day in reports[::-step]:
        yield Label(scale.x(day), _TOP + _PLOT + 16, words.short_day(day)[:5], "middle")


def _ends(trends: Sequence[MilestoneTrend], scale: _Scale, words: Words) -> Iterable[tuple[Mark, Label, Label]]:
    """Yield mark, name and date beside the ends of the lines, moved apart where they would cover each other."""
    longest = int((_RIGHT - 26) / LETTER)
    x = WIDTH - _RIGHT + 12.0
    wanted = sorted((scale.y(one.forecasts[-1][1]), number) for number, one in enumerate(trends))
    for (_, number), y in zip(wanted, _apart([y for y, _ in wanted]), strict=True):
        one, ink = trends[number], INKS[number]
        said = f"{words.short_day(one.forecasts[-1][1])}, {moved(one, words)}"
        name = Label(x + 12, y, shorten(f"{one.project_code} {one.name}".strip(), longest), ink=ink)
        yield Mark(x, y - 4, SHAPES[number], ink), name, Label(x + 12, y + 13, shorten(said, longest))


def _apart(wanted: Sequence[float]) -> list[float]:
    """Return places in the same order, each far enough from the one before, and all within the plot."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + _LABEL_STEP if placed else _TOP + 10))
    lowest = _TOP + _PLOT - 10.0
    for number in range(len(placed) - 1, -1, -1):
        placed[number] = min(placed[number], lowest)
        lowest = placed[number] - _LABEL_STEP
    return placed


def moved(trend: MilestoneTrend, words: Words) -> str:
    """Return how far a milestone moved, in calendar days: 12 days later."""
    if trend.moved == 0:
        return words("trend_same")
    return words.count("trend_days_later" if trend.moved > 0 else "trend_days_earlier", abs(trend.moved))


# --- status over time ---------------------------------------------------------------------------------------------


def status_history(projects: Sequence[ProjectStanding], title: str, words: Words) -> Drawing:
    """Return a row for each project and a mark for each week, in the shape of its overall status."""
    shown = projects[:MOST_PROJECTS]
    weeks = sorted({day for one in shown for day, _ in one.history})
    width = min(40.0, (WIDTH - _NAMES - 14) / max(len(weeks), 1))
    at = {day: _NAMES + width * (number + 0.5) for number, day in enumerate(weeks)}
    bottom = _TOP + _ROW * len(shown)
    marks = [
        Mark(at[day], _TOP + _ROW * (number + 0.5), STATES[state][1], STATES[state][0], state)
        for number, one in enumerate(shown)
        for day, state in one.history
        if state in STATES
    ]
    longest = int((_NAMES - 16) / LETTER)
    names = [
        Label(8, _TOP + _ROW * (number + 0.5) + 4, shorten(f"{one.code} {one.name}".strip(), longest))
        for number, one in enumerate(shown)
    ]
    legend = list(_legend_of_states(words, bottom + 44))
    return Drawing(
        title=title,
        width=WIDTH,
        height=bottom + 58,
        grid=tuple(Line(((0, _TOP + _ROW * step), (WIDTH, _TOP + _ROW * step))) for step in range(len(shown) + 1)),
        marks=(*marks, *(mark for mark, _ in legend)),
        labels=(*_week_labels(at, bottom, words), *(label for _, label in legend)),
        strong=tuple(names),
    )


def _week_labels(at: Mapping[date, float], bottom: int, words: Words) -> Iterable[Label]:
    days = list(at)
    step = max(1, -(-len(days) // 8))
    for day in days[::-step]:
        yield Label(at[day], bottom + 16, words.short_day(day)[:5], "middle")


def _legend_of_states(words: Words, y: int) -> Iterable[tuple[Mark, Label]]:
    x = float(_NAMES)
    for state, (ink, shape) in STATES.items():
        text = words(f"state_short.{state}").split(" ", 1)[1]
        yield Mark(x + 6, y - 4, shape, ink, state), Label(x + 16, y, text)
        x += 34 + len(text) * LETTER
