"""Changes of issues: as the server lists them, and as rows (spec sources 2.8)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import polars as pl

from pmo_watch.api import SourceDataError

from .client import Client, said
from .columns import UTC_MICROSECONDS, Columns
from .fields import Fields
from .report import Report
from .values import EARLIEST_MILLISECONDS

AT_ONCE = 1_000  # issues of one request, and histories of one page
MOST_PAGES = 10_000
STATUS, SPRINT, POINTS, FLAGGED = "status", "Sprint", "Story Points", "Flagged"
DUE, VERSIONS, TARGET_END, RESOLUTION = "duedate", "fixVersions", "Target end", "resolution"
AT = "@"  # between `Story Points` and the field's id, until it is known which field counts
TO_NAME = "@to_name"  # what a status was called on that day
NAMED = {STATUS: STATUS, DUE: DUE, "Fix Version": VERSIONS, RESOLUTION: RESOLUTION}  # where no id is given
SCHEMA = {
    "key": pl.String(),
    "task": pl.String(),
    "at": UTC_MICROSECONDS,
    "field": pl.String(),
    "from_value": pl.String(),
    "to_value": pl.String(),
    TO_NAME: pl.String(),
}
IDS, TEXTS = ("from", "to"), ("fromString", "toString")  # which members of an item hold its values
WIDTH = 8  # issue, history, place, moment, field, before, after, name


@dataclass(slots=True, eq=False)
class Meanings:
    """What a changed field is called here: by its id, else by the names it has or had."""

    by_id: dict[str, str]
    by_name: dict[str, str]

    @staticmethod
    def of(fields: Fields) -> "Meanings":
        """Return the meanings of the fields whose changes are read."""
        own = {fields.sprint: SPRINT, fields.mapped.get("flagged", ""): FLAGGED}
        own |= {one: f"{POINTS}{AT}{one}" for one in fields.points}
        own[fields.mapped.get("baseline_finish", "")] = TARGET_END
        own.pop("", None)
        names = {name: meaning for number, meaning in own.items() for name in fields.names.get(number, ())}
        return Meanings({**own, STATUS: STATUS, DUE: DUE, VERSIONS: VERSIONS, RESOLUTION: RESOLUTION}, names | NAMED)


@dataclass(slots=True, eq=False)
class Changes:
    """Gathers changes, as they come, and makes rows of them."""

    meanings: Meanings
    report: Report
    flat: list[Any] = field(default_factory=list)  # one after the other, so that nobody keeps count of the rows

    def add(self, issue: str, histories: Any) -> None:
        """Take in the histories of an issue."""
        flat, known, names = self.flat, self.meanings.by_id, self.meanings.by_name
        for history in histories if type(histories) is list else ():
            items = history.get("items") if type(history) is dict else None
            for place, item in enumerate(items if type(items) is list else ()):
                number = item.get("fieldId")
                meaning = known.get(number) if number else names.get(item.get("field"))
                if meaning is not None:
                    # The ids of points are null: the numbers stand in the texts.
                    before, after = TEXTS if meaning.startswith(POINTS) else IDS
                    flat += (issue, history.get("id"), place, history.get("created"), meaning)
                    flat += (item.get(before), item.get(after), item.get("toString"))

    def frame(self) -> pl.DataFrame:
        """Return the rows; a change without a moment is left out and reported."""
        issues, histories, places, moments, fields, before, after, names = self._columns()
        key = pl.format("{}:{}:{}", pl.col("task"), pl.col("history"), pl.col("place"))
        frame = pl.DataFrame(
            {
                "task": pl.Series(issues, dtype=pl.String),
                "history": pl.Series([str(one) for one in histories], dtype=pl.String),
                "place": pl.Series(places, dtype=pl.Int64),
                "at": self._moments(issues, moments),
                "field": pl.Series(fields, dtype=pl.String),
                "from_value": _texts(before),
                "to_value": _texts(after),
                TO_NAME: _texts(names),
            }
        )
        made = frame.with_columns(key.alias("key")).drop_nulls("at").select(*SCHEMA)
        return made.unique("key", keep="first", maintain_order=True)

    def _columns(self) -> Sequence[Sequence[Any]]:
        return [self.flat[one::WIDTH] for one in range(WIDTH)]

    def _moments(self, issues: Sequence[str], raw: Sequence[Any]) -> pl.Series:
        """Return moments: of numbers of milliseconds (seconds when they are small), or of texts."""
        try:
            whole = pl.Series("at", raw, pl.Int64)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            return Columns(issues, "changes of issue ", self.report, UTC).instants("created", raw).alias("at")
        small = pl.col("at") < EARLIEST_MILLISECONDS
        micros = pl.col("at") * pl.when(small).then(1_000_000).otherwise(1_000)
        return whole.to_frame().select(micros.cast(UTC_MICROSECONDS).alias("at")).to_series()


def _texts(raw: Sequence[Any]) -> pl.Series:
    """Return texts as they came; null for nothing."""
    try:
        plain = pl.Series("text", raw, pl.String)
    except (TypeError, pl.exceptions.PolarsError):
        plain = pl.Series("text", [None if one is None else str(one) for one in raw], pl.String)
    return plain.to_frame().select(pl.when(pl.col("text") != "").then("text")).to_series()


def fetch(client: Client, issues: Sequence[str], fields: Fields, into: Changes) -> None:
    """Add the changes of these issues, which Cloud gives a thousand at a time.

    Raises:
        SourceUnavailable, SourceDataError, SourceRefused
    """
    for start in range(0, len(issues), AT_ONCE):
        for page in _pages(client, issues[start : start + AT_ONCE], fields, into.report):
            for one in page:
                if isinstance(one, dict):
                    into.add(str(one.get("issueId")), one.get("changeHistories"))


def _pages(client: Client, issues: Sequence[str], fields: Fields, report: Report) -> Iterator[list[Any]]:
    path, token = f"{client.api}/changelog/bulkfetch", ""
    body = {"issueIdsOrKeys": list(issues), "fieldIds": fields.watched(), "maxResults": AT_ONCE}
    for _ in range(MOST_PAGES):
        got = client.try_asking(path, {**body, "nextPageToken": token} if token else body)
        if got.status in {403, 404}:
            report.degrade(f"changes of issues cannot be read ({got.status} {said(got)}): sprint figures unknown")
            return
        answer = client.expected(got, path)
        logs = answer.get("issueChangeLogs") if isinstance(answer, dict) else None
        if not isinstance(logs, list):
            raise SourceDataError(f"{path}: its answer has no list 'issueChangeLogs'")
        yield logs
        following = answer.get("nextPageToken")
        if not isinstance(following, str) or not following:
            return
        if following == token:
            break
        token = following
    raise SourceDataError(f"{path}: the next page is this page again: the list does not end")


def embedded(issue: Mapping[str, Any], into: Changes) -> None:
    """Add the changes that Data Center puts into the issue itself; say so when they are cut short."""
    changelog = issue.get("changelog")
    if not isinstance(changelog, dict):
        return
    histories, total = changelog.get("histories"), changelog.get("total")
    into.add(str(issue["id"]), list(reversed(histories)) if isinstance(histories, list) else None)
    if isinstance(total, int) and isinstance(histories, list) and total > len(histories):
        into.report.degrade(f"{issue.get('key')}: changelog cut: {len(histories)} of {total} changes")
