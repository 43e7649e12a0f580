"""How projects stand, in the reader's words: movements, status by dimension, charts, and what was not delivered."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from pmo_watch import charts
from pmo_watch.alerts import Message
from pmo_watch.plain import NAME, plain
from pmo_watch.standing import MilestoneTrend, Owed, ProjectStanding, Standing
from pmo_watch.telling import CellView, ChartView, TableView
from pmo_watch.wording import LEVELS, Voice
from pmo_watch.words import MISSING

DIMENSIONS = ("overall", "schedule", "cost", "scope", "risk", "resources", "quality")
MOVED = ("new", "worse", "better", "ended")
_WORSE = {"red": 3, "amber": 2, "green": 1}  # grey is neither better nor worse


def tables(message: Message, voice: Voice) -> tuple[TableView, ...]:
    """Return what moved since the last report, and the status of each project by dimension; of a committee alone."""
    standing = message.standing
    if standing is None or not message.no_names:
        return ()
    made = (_movements(standing, voice), _matrix(standing, voice))
    return tuple(one for one in made if one.rows)


def chart_views(standing: Standing | None, voice: Voice) -> tuple[ChartView, ...]:
    """Return the milestone trend and the status over time, where there are two days to compare."""
    made = (_trend(standing.milestones, voice), _history(standing.projects, voice)) if standing else ()
    return tuple(one for one in made if one is not None)


def sentences(message: Message, voice: Voice) -> tuple[str, ...]:
    """Return how many projects have which status and how many moved; of a committee alone."""
    standing, said = message.standing, voice.words
    if standing is None or not message.no_names:
        return ()
    now = Counter(one.computed["overall"] for one in standing.projects if one.computed.get("overall"))
    moved = Counter(_moved(one.before, one.computed.get("overall", "")) for one in standing.projects)
    by_status = ", ".join(said.count(f"{level}_count", now[level]) for level in LEVELS if now[level])
    lines = [said("projects_by_status", list=by_status)] if by_status else []
    if standing.since is not None and (named := _counted(moved, ("worse", "better", "same"), "projects_{}", voice)):
        lines.append(said("projects_moved", date=_day_of(standing.since, voice), list=named))
    if owed := message.counts.get("owed", 0):
        lines.append(f"{said.count('owed_count', owed)}.")
    return tuple(lines)


def owed_tables(message: Message, voice: Voice) -> tuple[TableView, ...]:
    """Return what was not delivered, what is missing longest first; none for a committee, which reads the number."""
    if not message.owed or message.no_names:
        return ()
    said = voice.words
    shown = sorted(message.owed, key=lambda one: (one.due_on, one.project_code, one.period))
    head = ("owed_what", "project", "owed_due", "owed_provider")
    made = TableView(
        "owed",
        said.beginning("section_owed"),
        tuple(said.beginning(one) for one in head),
        tuple(_owed_row(one, voice) for one in shown),
    )
    return (made,)


def _owed_row(owed: Owed, voice: Voice) -> tuple[CellView, ...]:
    said = voice.words
    what = plain(voice.own(owed.names), NAME) if owed.names else said.beginning("status_report")
    period = said.period(owed.period) or plain(owed.period, NAME)
    times = said("in_brackets", text=said.count("owed_periods", owed.periods)) if owed.periods > 1 else ""
    return (
        CellView(" ".join(part for part in (f"{what}, {period}" if period else what, times) if part)),
        CellView(plain(owed.project_code or owed.project_name, NAME) or MISSING),
        CellView(said.short_day(owed.due_on)),
        CellView(plain(owed.provider, NAME) or MISSING),
    )


# --- movements and status by dimension ----------------------------------------------------------------------------


def _movements(standing: Standing, voice: Voice) -> TableView:
    said = voice.words
    since = standing.since
    heading = said.beginning("movements_since", date=_day_of(since, voice)) if since else said.beginning("movements")
    found = [one for one in standing.projects if one.moved or _changed(one)]
    rows = [
        (CellView(_named(one)), _status(one, voice), CellView(_counted(one.moved, MOVED, "{}_count", voice) or MISSING))
        for one in found
    ]
    head = ("project", "status", "alerts_moved")
    titles = tuple(said.beginning(one) for one in head)
    return TableView("movements", heading, titles, tuple(rows))


def _changed(project: ProjectStanding) -> bool:
    return bool(project.before) and project.before != project.computed.get("overall", "")


def _status(project: ProjectStanding, voice: Voice) -> CellView:
    level = project.computed.get("overall", "")
    before = voice.words("status_was", state=_short(project.before, voice)) if _changed(project) else ""
    return CellView(_short(level, voice), level, before)


def _matrix(standing: Standing, voice: Voice) -> TableView:
    said = voice.words
    head = (said.beginning("project"), *(said.beginning(f"dimension.{one}") for one in DIMENSIONS))
    rows = tuple(
        (CellView(_named(one)), *(_cell(one, each, voice) for each in DIMENSIONS)) for one in standing.projects
    )
    note = said("matrix_note", missing=MISSING)
    return TableView("matrix", said.beginning("matrix"), head, rows, note)


def _cell(project: ProjectStanding, dimension: str, voice: Voice) -> CellView:
    level, declared = project.computed.get(dimension, ""), project.declared.get(dimension, "")
    return CellView(_short(level, voice), level, _short(declared, voice) if declared else "")


def _short(level: str, voice: Voice) -> str:
    return voice.words(f"state_short.{level}") if level in LEVELS else MISSING


def _named(project: ProjectStanding) -> str:
    code, name = plain(project.code, NAME), plain(project.name, NAME)
    return code if name in {"", code} else f"{code} {name}"


def _counted(counts: Mapping[str, int], names: Iterable[str], key: str, voice: Voice) -> str:
    return ", ".join(voice.words.count(key.format(one), counts[one]) for one in names if counts.get(one))


def _moved(before: str, now: str) -> str:
    """Say how a status moved; nothing where one of the two is not known."""
    if before not in _WORSE or now not in _WORSE:
        return ""
    step = _WORSE[now] - _WORSE[before]
    return "worse" if step > 0 else "better" if step < 0 else "same"


def _day_of(moment: datetime, voice: Voice) -> str:
    return voice.words.day(voice.date_of(moment))


# --- charts -------------------------------------------------------------------------------------------------------


def _trend(trends: Sequence[MilestoneTrend], voice: Voice) -> ChartView | None:
    days = {day for one in trends for day, _ in one.forecasts}
    if len(days) < 2:
        return None
    plain_trends = [_harmless(one) for one in trends]
    heading = voice.words.beginning("milestone_trend")
    finding = _trend_finding(plain_trends, min(days), voice)
    drawing = charts.milestone_trend(plain_trends, finding, voice.words)
    figures = _trend_figures(plain_trends, heading, voice)
    return ChartView("trend", heading, finding, charts.svg(drawing), drawing.width, drawing.height, figures)


def _harmless(trend: MilestoneTrend) -> MilestoneTrend:
    code, name = plain(trend.project_code, NAME), plain(trend.name, NAME)
    return MilestoneTrend(code, name, trend.forecasts, trend.baseline, trend.reached)


def _trend_finding(trends: Sequence[MilestoneTrend], first: date, voice: Voice) -> str:
    said = voice.words
    later = [one for one in trends if one.moved > 0]
    if not later:
        return said("trend_none", date=said.day(first))
    most = max(later, key=lambda one: one.moved)
    number = said.count("trend_later", len(later), m=said.number(len(trends)), date=said.day(first))
    ends = (said.short_day(most.forecasts[0][1]), said.short_day(most.forecasts[-1][1]))
    named = f"{most.project_code} {most.name}".strip()
    more = said("trend_most", name=named, first=ends[0], last=ends[1], days=charts.moved(most, said))
    return f"{number} {more}"


def _trend_figures(trends: Sequence[MilestoneTrend], heading: str, voice: Voice) -> TableView:
    said = voice.words
    first = said.short_day(min(day for one in trends for day, _ in one.forecasts))
    head = ("milestone", "baseline", "trend_first", "trend_last", "trend_moved")
    rows = tuple(
        (
            CellView(f"{one.project_code} {one.name}".strip()),
            CellView(said.short_day(one.baseline) if one.baseline else MISSING),
            CellView(said.short_day(one.forecasts[0][1])),
            CellView(said.short_day(one.forecasts[-1][1]), beside=said("reached") if one.reached else ""),
            CellView(charts.moved(one, said)),
        )
        for one in trends
    )
    parts = {"trend_first": {"date": first}}
    titles = tuple(said.beginning(key, **parts.get(key, {})) for key in head)
    return TableView("trend", heading, titles, rows)


def _history(projects: Sequence[ProjectStanding], voice: Voice) -> ChartView | None:
    shown = [one for one in projects if one.history][: charts.MOST_PROJECTS]
    if len({day for one in shown for day, _ in one.history}) < 2:
        return None
    harmless = [
        ProjectStanding(one.uid, plain(one.code, NAME), plain(one.name, NAME), {}, {}, history=one.history)
        for one in shown
    ]
    heading = voice.words.beginning("status_history")
    finding = _history_finding(harmless, voice)
    drawing = charts.status_history(harmless, finding, voice.words)
    figures = _history_figures(harmless, heading, voice)
    return ChartView("status", heading, finding, charts.svg(drawing), drawing.width, drawing.height, figures)


def _history_finding(projects: Sequence[ProjectStanding], voice: Voice) -> str:
    said = voice.words
    first = said.day(min(day for one in projects for day, _ in one.history))
    moved = {one.code: _moved(one.history[0][1], one.history[-1][1]) for one in projects}
    worse, better = ([code for code, how in moved.items() if how == wanted] for wanted in ("worse", "better"))
    if not worse and not better:
        return said("status_history_same", date=first)
    named = {key: said.listed(codes) if codes else said("nobody") for key, codes in (("w", worse), ("b", better))}
    return said("status_history_moved", date=first, worse=named["w"], better=named["b"])


def _history_figures(projects: Sequence[ProjectStanding], heading: str, voice: Voice) -> TableView:
    said = voice.words
    first = said.short_day(min(day for one in projects for day, _ in one.history))
    rows = tuple(
        (
            CellView(_named(one)),
            CellView(_short(one.history[0][1], voice), one.history[0][1]),
            CellView(_short(one.history[-1][1], voice), one.history[-1][1]),
            CellView(_weeks(one, voice)),
        )
        for one in projects
    )
    head = (
        said.beginning("project"),
        said.beginning("status_on", date=first),
        said.beginning("status_now"),
        said.beginning("status_weeks"),
    )
    return TableView("status", heading, head, rows)


def _weeks(project: ProjectStanding, voice: Voice) -> str:
    counted = Counter(state for _, state in project.history)
    return ", ".join(voice.words.number(counted[level]) for level in ("red", "amber", "green", "grey"))
