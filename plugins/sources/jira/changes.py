"""Changes of issues: as the server lists them, and as rows (spec sources 2.8)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pmo_watch.api import SourceDataError

from .client import Client, said
from .columns import UTC_MICROSECONDS
from .fields import Fields
from .report import Report
from .values import EARLIEST_MILLISECONDS, instant_of

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
    """Gathers changes as columns."""

    meanings: Meanings
    report: Report
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SCHEMA})

    def add(self, issue: str, histories: Any) -> None:
        """Take in the histories of an issue."""
        for history in histories if isinstance(histories, list) else ():
            items = history.get("items") if isinstance(history, dict) else None
            if isinstance(items, list):
                self._add_items(issue, history, items)

    def _add_items(self, issue: str, history: Mapping[str, Any], items: Sequence[Any]) -> None:
        by_id, by_name = self.meanings.by_id, self.meanings.by_name
        at: int | None = None
        for place, item in enumerate(items):
            number = item.get("fieldId")
            meaning = by_id.get(number) if number else by_name.get(item.get("field"))
            if meaning is None:
                continue
            if at is None and (at := self._moment(issue, history.get("created"))) is None:
                return
            self._add(f"{issue}:{history.get('id')}:{place}", issue, at, meaning, item)

    def _add(self, key: str, issue: str, at: int, meaning: str, item: Mapping[str, Any]) -> None:
        as_text = meaning.startswith(POINTS)  # their ids are null: the numbers stand in the texts
        before, after = item.get("fromString" if as_text else "from"), item.get("toString" if as_text else "to")
        columns = self.columns
        columns["key"].append(key)
        columns["task"].append(issue)
        columns["at"].append(at)
        columns["field"].append(meaning)
        columns["from_value"].append(str(before) if before else None)
        columns["to_value"].append(str(after) if after else None)
        columns[TO_NAME].append(item.get("toString") if meaning == STATUS else None)

    def _moment(self, issue: str, created: Any) -> int | None:
        """Return microseconds since 1970."""
        if type(created) is int:
            return created * (1_000 if created >= EARLIEST_MILLISECONDS else 1_000_000)
        try:
            return round(instant_of(created).timestamp() * 1_000) * 1_000
        except (ValueError, OverflowError):
            self.report.value(f"changes of issue {issue}", "created", created, "no moment with its offset")
            return None

    def frame(self) -> pl.DataFrame:
        """Return the rows."""
        made = {name: pl.Series(name, values, dtype) for (name, dtype), values in self._typed()}
        return pl.DataFrame(made).unique("key", keep="first", maintain_order=True)

    def _typed(self) -> Iterator[tuple[tuple[str, pl.DataType], Any]]:
        for name, dtype in SCHEMA.items():
            values: Any = self.columns[name]
            yield (name, dtype), pl.Series(values, dtype=pl.Int64()).cast(dtype) if name == "at" else values


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
