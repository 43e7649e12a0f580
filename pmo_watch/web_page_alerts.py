"""The pages on alerts: the portfolio at a glance, the list, and one alert with all that is known of it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from pmo_watch.acknowledgements import LONGEST
from pmo_watch.alerts import Alert, Item
from pmo_watch.audiences import PERSONAL, unnamed
from pmo_watch.evidence import reason_text
from pmo_watch.finding_rows import rows_of
from pmo_watch.plain import NAME, NOTE, host, plain
from pmo_watch.rules import Rule
from pmo_watch.store import ALERT_STATES, AlertList, AlertQuery, OutboxEntry, TransitionEntry, TransitionQuery
from pmo_watch.subjects import Subjects
from pmo_watch.web_answers import BadRequest
from pmo_watch.web_page_lists import trouble_of
from pmo_watch.web_reader import Behind, Reader, to_alerts
from pmo_watch.web_view import Cell, Facts, Field, Form, Links, Page, Part, Table, Text
from pmo_watch.wording import RenderContext, Voice, item_view
from pmo_watch.words import MISSING, Words

MOST_PROJECTS, MOST_SHORT, PER_PAGE, MOST_STEPS = 200, 10, 50, 100
MOST_PAGES = 2000
AHEAD_WORKING_DAYS = 5  # what the form proposes, as the page of a link does
COLOURS = ("red", "amber", "grey", "green")
LEVELS = ("red", "amber")


# --- the portfolio ------------------------------------------------------------------------------------------------


def portfolio(behind: Behind, reader: Reader) -> Page:
    """Return projects with their computed colours, how many alerts are open, and sources that need attention."""
    said = reader.words
    projects, colours = behind.store.list_projects(MOST_PROJECTS)
    worst, _ = behind.store.list_alerts(AlertList(limit=MOST_SHORT))
    parts: list[Part] = [_counted(behind, colours, said)]
    troubles = [(name, trouble_of(one, said)) for name, one in sorted(behind.store.sources().items())]
    troubled = [(name, text) for name, text in troubles if text]
    if troubled:
        rows = [[Cell(plain(name, NAME), link="/sources"), Cell(text)] for name, text in troubled]
        parts.append(Table(said("page.attention"), (said.beginning("source"), said("page.state")), rows))
    head = tuple(said.beginning(one) for one in ("project", "page.colour", "page.red", "page.amber"))
    rows = [
        [
            Cell(plain(one.label, NAME), link=to_alerts(project=one.code) if one.code else "", notes=_other(one)),
            Cell(_level(one.state, said), one.state),
            Cell(said.number(one.red)),
            Cell(said.number(one.amber)),
        ]
        for one in projects
    ]
    parts.append(Table(said("page.projects"), head, rows, said("page.no_projects")))
    rest = sum(colours.values()) - len(projects)
    if rest > 0:
        parts.append(Text("", (said("more", n=said.number(rest)),)))
    parts.append(_list(behind, worst, said("page.worst"), said))
    return Page("portfolio", said("page.portfolio"), parts)


def _other(project: Any) -> tuple[str, ...]:
    name = plain(project.name, NAME)
    return (name,) if name and name != project.label else ()


def _counted(behind: Behind, colours: Mapping[str, int], said: Words) -> Facts:
    alerts = {level: behind.store.list_alerts(AlertList(level=level, limit=1))[1] for level in LEVELS}
    shown = [
        (f"{said('page.alerts')}: {_level(level, said)}", Cell(said.number(n), level, to_alerts(level=level)))
        for level, n in alerts.items()
    ]
    counted = [
        (f"{said('page.projects')}: {_level(level, said)}", Cell(said.number(colours[level]), level))
        for level in COLOURS
        if colours.get(level)
    ]
    return Facts("", [*shown, *counted])


def _level(level: str, said: Words) -> str:
    return said(level) if said.has(level) else level


# --- the list -----------------------------------------------------------------------------------------------------


def alerts(behind: Behind, reader: Reader) -> Page:
    """Return alerts by level, rule, project and state, page by page.

    Raises:
        BadRequest: a state or page that there is not.
    """
    said, given = reader.words, reader.given
    state, number = given.get("state") or "open", given.get("page") or "1"
    if state not in ALERT_STATES:
        raise BadRequest(f"state: one of {', '.join(ALERT_STATES)}")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= MOST_PAGES):
        raise BadRequest(f"page: a number from 1 to {MOST_PAGES}")
    here, filters = int(number), {name: given.get(name, "").strip() for name in ("level", "rule", "project")}
    query = AlertList(state, **filters, limit=PER_PAGE, skip=(here - 1) * PER_PAGE)
    found, total = behind.store.list_alerts(query)
    caption = said("page.found", n=said.number(total))
    parts: list[Part] = [_filter(behind, said, state, filters), _list(behind, found, caption, said)]
    links = _pages(said, {"state": state, **filters}, here, total)
    if links:
        parts.append(Links(said("page.further"), links))
    return Page("alerts", said("page.alerts"), parts)


def _filter(behind: Behind, said: Words, state: str, filters: Mapping[str, str]) -> Form:
    any_ = ("", said("page.any"))
    levels = [any_, *((one, _level(one, said)) for one in LEVELS)]
    states = [(one, said(f"page.state.{one}")) for one in ALERT_STATES]
    rules = [any_, *((one, one) for one in sorted({*behind.in_use.rules.rules, filters["rule"]} - {""}))]
    fields = (
        Field("level", said("page.level"), "select", filters["level"], levels),
        Field("state", said("page.state"), "select", state, states),
        Field("rule", said.beginning("rule"), "select", filters["rule"], rules),
        Field("project", said.beginning("project"), "text", filters["project"]),
    )
    return Form("", "/alerts", fields, [("", said("page.show"))])


def _pages(said: Words, filters: Mapping[str, str], here: int, total: int) -> list[tuple[str, str]]:
    query = {name: value for name, value in filters.items() if value}
    around = ((said("page.previous"), here - 1), (said("page.next"), here + 1))
    there = range(1, min(-(-total // PER_PAGE), MOST_PAGES) + 1)
    return [(words, "/alerts?" + urlencode({**query, "page": one})) for words, one in around if one in there]


def _list(behind: Behind, found: list[Alert], caption: str, said: Words) -> Table:
    silenced = behind.store.silenced_among([one.id for one in found])
    rows = [
        [
            Cell(behind.headline(one, said), link=f"/alerts/{one.id}"),
            Cell(_level(one.level or "grey", said), one.level or "grey"),
            Cell(plain(one.project_code, NAME) or MISSING),
            Cell(behind.day(one.since or one.began_at, said), notes=tuple(_notes(one, said, one.id in silenced))),
        ]
        for one in found
    ]
    head = (said.beginning("alert"), said("page.level"), said.beginning("project"), said.beginning("since"))
    return Table(caption, head, rows, said("page.no_alerts"))


def _notes(alert: Alert, said: Words, silenced: bool) -> Iterator[str]:
    if alert.closed_at:
        yield said("page.state.closed")
    if silenced:
        yield said("page.state.silenced")
    if alert.acknowledged_until:
        by = f"{said('acknowledged_by')} {plain(alert.acknowledged_by, NAME)}"
        yield said("until", text=by, date=said.day(alert.acknowledged_until))
    if alert.unknown_since:
        yield said("page.state.unknown")
    if alert.new_date:
        yield said("new_date_promised", date=said.day(alert.new_date))
    elif alert.missed_date:
        yield said("promise_missed", date=said.day(alert.missed_date))


# --- one alert ----------------------------------------------------------------------------------------------------


def alert(behind: Behind, reader: Reader) -> Page:
    """Return everything on one alert; one on a single person without name and figures.

    Raises:
        BadRequest: there is none of that id.
    """
    said = reader.words
    known = behind.store.find_alerts(AlertQuery(id=reader.given["id"], limit=1))
    if not known:
        raise BadRequest(f"there is no alert {reader.given['id'][:40]}", 404)
    (one,) = known
    steps = behind.store.transitions(TransitionQuery(alert=one.id, limit=MOST_STEPS))
    personal = one.entity == PERSONAL
    parts: list[Part] = [_about(behind, one, {} if personal else _finding(behind, one, steps), said)]
    if reader.may_act and one.closed_at is None and one.level is not None:
        parts.append(_form(behind, reader, one))
    if steps:
        parts.append(_history(behind, steps, said))
    if not personal:
        parts.append(_told(behind, behind.store.messages_about([one.id]).get(one.id, []), said))
        parts.append(_behind_it(behind, reader, one))
    return Page("alerts", behind.headline(one, said), parts, reader.said)


def _behind_it(behind: Behind, reader: Reader, one: Alert) -> Part:
    """Return all that lies behind the alert for whoever asks for it, which takes a while; else where to ask."""
    heading = reader.words("page.why_all")
    if reader.given.get("why") != "all":
        return Links(heading, [(heading, f"{path_of(one.id)}?why=all")])
    lines = behind.why(one.id) or [reader.words("page.follows")]
    return Text(heading, lines, verbatim=True, language="en" if len(lines) > 1 else "")


def _finding(behind: Behind, one: Alert, steps: list[TransitionEntry]) -> Mapping[str, Any]:
    """Return what the rule finds now, else what it found at the last step."""
    report = behind.report()
    found = [of for of in report.findings if of.rule == one.rule] if report and one.closed_at is None else []
    for of in found:
        if row := rows_of(of, [one.subject]).get(one.subject):
            return row
    return next((step.finding for step in steps if step.finding), {})


def _about(behind: Behind, one: Alert, finding: Mapping[str, Any], said: Words) -> Facts:
    shown = unnamed(one)
    rule = behind.in_use.rules.rules.get(one.rule) or Rule(one.rule, {said.language: one.rule}, "", ())
    context = RenderContext(behind.now(), behind.in_use.organisation, behind.calendar)
    level, reason = ("green", one.close_reason) if one.closed_at else (one.level or "grey", "open")
    report = behind.report()
    known = (
        Subjects(report.snapshot, [(one.entity, one.subject)]).of(one) if report and one.entity != PERSONAL else None
    )
    project = known.project.name if known and known.project else one.project_code
    url = known.text("url") if known else ""
    names = shown.subject_id, shown.subject_name, one.project_code, project
    figures = {"value": one.value, "unit": one.unit, **finding}
    item = Item(shown, rule, reason, level, "", *names, url=url, finding=figures)
    view = item_view(item, Voice(said, behind.zone, context))
    pairs = [
        (said("page.level"), Cell(view.level_text, level)),
        (said.beginning("project"), _project(view.project, project, one.project_code)),
        (said("page.subject"), Cell(view.subject)),
        (said.beginning("value"), Cell(view.how_much)),
        (said.beginning("since"), Cell(behind.moment(one.since or one.began_at, said))),
        (said("page.opened"), Cell(behind.moment(one.opened_at, said))),
        (said("page.ended"), Cell(behind.moment(one.closed_at, said) if one.closed_at else "")),
        (said("page.why"), Cell(view.why)),
        *((plain(name, NAME), Cell(plain(text, NOTE))) for name, text in view.facts),
        (said.beginning("expected_action"), Cell(view.advice)),
        (said("page.state"), Cell(", ".join(_notes(one, said, one.id in behind.store.silenced_among([one.id]))))),
        (said("page.reason"), Cell(plain(one.acknowledged_reason, NOTE) if one.acknowledged_until else "")),
        (
            said("page.unknown_why"),
            Cell(reason_text(one.unknown_reason, said, behind.zone) if one.unknown_since else ""),
        ),
        (said.beginning("rule"), Cell(one.rule, link=to_alerts(rule=one.rule))),
    ]
    if view.url:
        pairs.append((said.beginning("source"), Cell(host(view.url), link=view.url)))
    return Facts("", [(name, cell) for name, cell in pairs if cell.text])


def _project(code: str, name: str, filtered: str) -> Cell:
    notes = (plain(name, NAME),) if name not in {code, filtered} else ()
    return Cell(code, link=to_alerts(project=filtered) if filtered else "", notes=notes)


def _form(behind: Behind, reader: Reader, one: Alert) -> Form:
    said, typed = reader.words, reader.typed
    today = behind.now().astimezone(behind.zone).date()
    proposed = behind.calendar.add(today, AHEAD_WORKING_DAYS) or today + timedelta(days=7)
    path = f"/alerts/{one.id}/ack"
    fields = (
        Field("until", said.beginning("ack_until"), "date", typed.get("until") or proposed.isoformat(),
              least=today.isoformat(), most=(today + LONGEST).isoformat(), required=True),
        Field("new_date", said.beginning("new_date"), "date", typed.get("new_date", ""), least=today.isoformat()),
        Field("reason", said.beginning("cause_action_owner_date"), "textarea", typed.get("reason", ""), most="500",
              required=True),
    )  # fmt: skip
    return Form(said.beginning("acknowledge"), path, fields, [("", said.beginning("acknowledge"))], reader.token(path))


def _history(behind: Behind, steps: list[TransitionEntry], said: Words) -> Table:
    rows = [
        [
            Cell(behind.moment(one.at, said)),
            Cell(said(f"page.reason.{one.reason}")),
            Cell(_level(one.level, said) if one.level else MISSING, one.level),
            Cell(said.quantity(one.value, one.unit) if one.value is not None else MISSING),
            Cell(plain(one.who, NAME)),
        ]
        for one in steps
    ]
    head = tuple(said(f"page.{one}") for one in ("when", "what", "level"))
    return Table(said("page.history"), (*head, said.beginning("value"), said("page.by")), rows)


def _told(behind: Behind, messages: list[OutboxEntry], said: Words) -> Table:
    rows = [
        [
            Cell(plain(one.recipient_name or one.address or one.recipient, NAME)),
            Cell(plain(one.notifier, NAME)),
            Cell(behind.moment(one.settled_at or one.created_at, said)),
            Cell(said(f"page.outbox.{one.state}"), notes=(plain(one.answer, NOTE),) if one.answer else ()),
        ]
        for one in reversed(messages)
    ]
    head = tuple(said(f"page.{one}") for one in ("recipient", "channel", "when", "state"))
    return Table(said("page.told"), head, rows, said("page.nobody_told"))


def path_of(alert_id: str) -> str:
    """Return the address of an alert's page."""
    return f"/alerts/{quote(alert_id, safe='')}"
