"""The lists below /api/v1: flat arrays, paged, filtered by the name of any field."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from pmo_watch.alerts import Alert, state_of
from pmo_watch.audiences import PERSONAL, unnamed
from pmo_watch.entities.readable import PREFIXES
from pmo_watch.flow import FINDING_SCHEMA, Snapshot, SourceState
from pmo_watch.plain import shorten
from pmo_watch.references import one_project
from pmo_watch.rollup import DIMENSIONS
from pmo_watch.rollup import SCHEMA as COLOURS
from pmo_watch.row_names import with_link_names
from pmo_watch.silences import going_on, is_silenced
from pmo_watch.store import AlertQuery, OutboxEntry, OutboxQuery, OutboxState, Store
from pmo_watch.telling import CycleReport
from pmo_watch.web_answers import BadRequest, PlainJSON, plain_json

DEFAULT_LIMIT, MOST = 100, 1000
LISTS = ("alerts", "findings", "projects", "sources", "outbox")
STORED_AS = {"pending": "pending", "closed": "closed"}  # every other state of an alert is one that is open
SUBJECT = {"uid": pl.String(), "kind": pl.String(), "entity": pl.String(), "name": pl.String(), "project": pl.String()}
COLOURED = ("overall", *DIMENSIONS)
NAMED_BY = ("name", "title", "artefact", "code", "period", "kind")
KIND = {one: next(iter(stored.values())) for one, stored in PREFIXES.items()}  # what a rule is for -> its rows
Row = Mapping[str, Any]
KIND = {one: next(iter(stored.values())) for one, stored in PREFIXES.items()}  # what a rule is for -> its rows
Asked = Mapping[str, Sequence[str]]  # field -> values, of which one is enough
T = TypeVar("T")


class Lists:
    """Answers lists from the store and the last finished cycle; blocks."""

    def __init__(self, store: Store, report: Callable[[], CycleReport | None], now: Callable[[], datetime]) -> None:
        self._store = store
        self._report = report
        self._now = now
        self._named: tuple[int, dict[str, pl.DataFrame]] | None = None

    def answer(self, what: str, request: Request) -> Response:
        """Answer one page of a list; the next is named in the header `Link`.

        Raises:
            BadRequest: a parameter that there is not, or a value that it cannot have.
        """
        asked: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            asked.setdefault(name, []).append(value)
        limit, after = _limit(asked.pop("limit", [str(DEFAULT_LIMIT)])[-1]), asked.pop("after", [""])[-1]
        lists = {
            "alerts": self._alerts,
            "findings": self._findings,
            "projects": self._projects,
            "sources": self._sources,
            "outbox": self._outbox,
        }
        found = lists[what](asked, after)
        rows = [row for row, _ in zip(found, range(limit + 1), strict=False)]
        headers = {}
        if len(rows) > limit:
            rows = rows[:limit]
            query = urlencode({**asked, "limit": limit, "after": rows[-1][0]}, doseq=True)
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        return PlainJSON([row for _, row in rows], headers=headers)

    # Each list yields its rows with what `after` names them by.

    def _alerts(self, asked: Asked, after: str) -> Iterator[tuple[str, Row]]:
        _check(asked, ALERT_FIELDS)
        states = {STORED_AS.get(state, "open") for state in asked.get("state", ())}
        stored = states.pop() if len(states) == 1 else ""
        silences, report = going_on(self._store.silences(), self._now()), self._report()
        rules = report.rules.rules if report else {}

        def row(alert: Alert) -> tuple[str, Row]:
            silenced = is_silenced(alert, rules.get(alert.rule), silences)
            return alert.id, alert_row(alert, silenced=silenced)

        def page(after: str) -> list[Alert]:
            return self._store.find_alerts(AlertQuery(state=stored, limit=MOST, after=after))

        return _fitting(_paged(page, row, after), asked)

    def _outbox(self, asked: Asked, after: str) -> Iterator[tuple[str, Row]]:
        _check(asked, OUTBOX_FIELDS)
        states = [OutboxState(one) for one in asked.get("state", ()) if one in set(OutboxState)]
        if after and self._store.message(after) is None:
            raise BadRequest("after: that message is gone: begin again without it")

        def row(entry: OutboxEntry) -> tuple[str, Row]:
            return entry.id, asdict(entry)

        def page(after: str) -> list[OutboxEntry]:
            return self._store.outbox(OutboxQuery(states, limit=MOST, after=after))

        return _fitting(_paged(page, row, after), asked)

    def _sources(self, asked: Asked, after: str) -> Iterator[tuple[str, Row]]:
        rows = [(name, asdict(state)) for name, state in sorted(self._store.sources().items()) if name > after]
        for _, row in rows:
            del row["cursor"], row["left_out"]  # the source's own, and a place for each record: both large
        _check(asked, SOURCE_FIELDS)
        return _fitting(iter(rows), asked)

    def _projects(self, asked: Asked, after: str) -> Iterator[tuple[str, Row]]:
        report = self._report()
        if report is None:
            return
        frame = report.snapshot.frame("project")
        shown = frame.select(name for name in frame.columns if not name.startswith("@")).sort("uid")
        rows = shown.join(_colours(report), on="uid", how="left", maintain_order="left")
        _check(asked, rows.columns)
        for row in _filtered(rows.filter(pl.col("uid") > after), asked).head(MOST + 1).to_dicts():
            yield row["uid"], row

    def _findings(self, asked: Asked, after: str) -> Iterator[tuple[str, Row]]:
        _check(asked, ("rule", *SUBJECT, *FINDING_SCHEMA))
        report = self._report()
        last_rule, _, last_uid = after.partition(" ")
        rules = asked.get("rule")
        known = report.rules.rules.values() if report else ()
        personal = {one.id for one in known if one.for_each == PERSONAL}
        kinds = {one.id: KIND.get(one.for_each, one.for_each) for one in known}
        own = {name: values for name, values in asked.items() if name in FINDING_SCHEMA}
        about = {name: values for name, values in asked.items() if name in SUBJECT and name not in own}
        for found in sorted(report.findings if report else (), key=lambda one: one.rule):
            if found.rule in personal or found.rule < last_rule or (rules is not None and found.rule not in rules):
                continue
            frame = _filtered(found.rows(pl.col("uid") > last_uid if found.rule == last_rule else None), own)
            frame = frame if about else frame.head(MOST + 1)
            there = self._subjects(kinds.get(found.rule, ""))
            named = frame.select("uid").join(there, on="uid", how="left", maintain_order="left")
            rows = _filtered(named.hstack(frame.drop("uid")), about).head(MOST + 1)
            yield from ((f"{found.rule} {row['uid']}", {"rule": found.rule, **row}) for row in rows.to_dicts())

    def _subjects(self, kind: str) -> pl.DataFrame:
        """Return what findings are about, by uid, as people know it; made once per cycle, when somebody asks."""
        report = self._report()
        if report is not None and (self._named is None or self._named[0] != report.number):
            self._named = (report.number, subjects(report.snapshot))
        return (self._named[1] if self._named else {}).get(kind, pl.DataFrame(schema=SUBJECT))


def subjects(snapshot: Snapshot) -> dict[str, pl.DataFrame]:
    """Return the rows of the snapshot, by kind: each by `uid` with its id, its name, and the code of its project.

    A gate that is made from a milestone has its uid: only within a kind a uid is one row.
    """
    projects = snapshot.frame("project").select("uid", pl.coalesce("code", "id").alias("code"))
    codes = dict(projects.rows())
    return {
        kind: frame.select(
            "uid",
            kind=pl.lit(kind),
            entity=_first(frame, "id"),
            name=_first(frame, *NAMED_BY),
            project=_project(frame, kind).replace_strict(codes, default=None),
        )
        for kind, frame in _with_names(snapshot).items()
    }


def _with_names(snapshot: Snapshot) -> dict[str, pl.DataFrame]:
    """Return the frames; links are called by their ends, figures by their indicator, as messages call them."""
    tasks, indicators = snapshot.frame("task"), snapshot.frame("indicator")
    ends = tasks.select(successor="uid", of="project")
    links = with_link_names(snapshot.frame("dependency"), tasks)
    links = links.join(ends, on="successor", how="left", maintain_order="left")
    names = indicators.select(indicator="uid", name=pl.coalesce("name_en", "id"), id="id")
    figures = {
        kind: snapshot.frames[kind].drop("id", "name", strict=False).join(names, on="indicator", how="left")
        for kind in ("kpi", "submission")
        if kind in snapshot.frames
    }
    return {**snapshot.frames, **figures, "dependency": links.with_columns(project=pl.coalesce("of", "project"))}


def _project(frame: pl.DataFrame, kind: str) -> pl.Expr:
    """Return the uid of the one project, or scope, of a row; a board may name several projects, and then has none."""
    if "project" in frame.columns:
        return one_project(frame.schema)
    return _first(frame, "uid" if kind == "project" else "scope")


def _first(frame: pl.DataFrame, *names: str) -> pl.Expr:
    there = [pl.col(name) for name in names if name in frame.columns]
    return pl.coalesce(there) if there else pl.lit(None, pl.String)


def _colours(report: CycleReport) -> pl.DataFrame:
    """Return the computed colours by project, a column for each dimension."""
    known = report.colours if report.colours.width else pl.DataFrame(schema=COLOURS)
    wide = known.pivot(on="dimension", on_columns=COLOURED, index="project", values="state")
    return wide.rename({"project": "uid", **{name: f"rag_{name}" for name in COLOURED}})


def alert_row(alert: Alert, *, silenced: bool = False) -> dict[str, Any]:
    """Return an alert as the API shows it; one on a single person without the name."""
    shown = unnamed(alert)
    return {
        "id": alert.id,
        "rule": alert.rule,
        "project": alert.project_code,
        "entity": shown.subject_id,
        "name": shown.subject_name,
        "kind": alert.entity,
        "level": alert.level,
        "state": state_of(alert, silenced=silenced),
        "value": alert.value,
        "unit": alert.unit,
        "opened_at": alert.opened_at,
        "since": alert.since,
        "closed_at": alert.closed_at,
        "close_reason": alert.close_reason or None,
        "unknown_since": alert.unknown_since,
        "acknowledged_until": alert.acknowledged_until,
        "acknowledged_by": alert.acknowledged_by or None,
        "acknowledged_reason": alert.acknowledged_reason or None,
        "new_date": alert.new_date,
        "missed_date": alert.missed_date,
        "flapping": alert.flapping,
    }


ALERT_FIELDS = tuple(alert_row(Alert("", "", "")))
OUTBOX_FIELDS = tuple(one.name for one in fields(OutboxEntry))
SOURCE_FIELDS = tuple(one.name for one in fields(SourceState) if one.name not in {"cursor", "left_out"})


# --- pages and filters --------------------------------------------------------------------------------------------


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST):
        raise BadRequest(f"limit: '{shorten(text, 40)}' should be a number from 1 to {MOST}")
    return int(text)


def _check(asked: Asked, known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise BadRequest(f"'{shorten(name, 40)}' is no parameter here; there is limit, after, {', '.join(known)}")


def _paged(
    page: Callable[[str], Sequence[T]], row: Callable[[T], tuple[str, Row]], after: str
) -> Iterator[tuple[str, Row]]:
    """Yield the rows of page after page, as long as somebody takes them."""
    while some := page(after):
        for one in some:
            after, shown = row(one)
            yield after, shown
        if len(some) < MOST:
            return


def _fitting(rows: Iterator[tuple[str, Row]], asked: Asked) -> Iterator[tuple[str, Row]]:
    return ((key, row) for key, row in rows if all(_text(row[name]) in values for name, values in asked.items()))


def _text(value: object) -> str:
    """Return a value as JSON shows it, without quotation marks; nothing for null."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, default=plain_json).strip('"')


def _filtered(frame: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Keep the rows whose fields have one of the values asked for; an empty value is null."""
    for name, values in asked.items():
        kind = frame.schema[name]
        if kind.is_numeric():
            numbers = [_number(name, value) for value in values if value]
            fits = pl.col(name).cast(pl.Float64).is_in(numbers)
            fits = fits | pl.col(name).is_null() if "" in values else fits
        else:
            fits = pl.col(name).cast(pl.String).fill_null("").is_in(values)
        frame = frame.filter(fits)
    return frame


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRequest(f"{name}: '{shorten(text, 40)}' is no number") from None
