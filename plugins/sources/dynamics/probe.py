"""What `check --online` sees of an environment: rights, tables, columns, choices, and what only its rows can tell."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pmo_watch.api import Sight, SourceContext

from .client import Answered, Dataverse
from .maps import ColumnMap, TableMap
from .metadata import Facts, Readable, facts_of, listed, missing, options_of, readable_of, whole_table
from .plain import numbers
from .settings import Settings
from .sign_in import running_out

SAMPLE = 200  # rows looked at
DURATION, MINUTES, PROGRESS = "msdyn_duration", "msdyn_scheduleddurationminutes", "msdyn_progress"
HOURS_PER_DAY = 8


def look(
    client: Dataverse, settings: Settings, context: SourceContext, tables: Mapping[str, TableMap]
) -> Iterator[Sight]:
    """Yield one line for each thing seen.

    Raises:
        SourceUnavailable, SourceRefused, SourceDataError
    """
    organisation = client.organisation()
    yield Sight(ok=True, text=f"signed in to {client.host} as {settings.client_id}, organisation {organisation}")
    if warning := running_out(settings, context.folder, context.now):
        yield Sight(ok=False, text=warning)
    for table in tables.values():
        yield from _Look(client, settings, table).sights()


class _Look:
    """Looks at one table."""

    def __init__(self, client: Dataverse, settings: Settings, table: TableMap) -> None:
        self._client, self._settings, self._table = client, settings, table
        said = settings.tables.get(table.name)
        self._own = frozenset(said.columns) if said else frozenset()
        # A preset's table that an environment never had is nothing that anybody must mend.
        self._may_lack = table.optional or not (said is not None or table.name == "project")

    def sights(self) -> Iterator[Sight]:
        table = self._table
        facts, problem = self._facts()
        if problem:
            yield Sight(ok=False, text=problem)
        if facts is None:
            if not problem:
                yield Sight(ok=self._may_lack, text=f"there is no table {table.table}: {table.name} unknown")
            return
        found = readable_of(table, facts)
        near = dict(missing(table, found, facts))  # what a person wrote may be meant otherwise
        for field, text in missing(table, found):
            yield Sight(ok=field not in self._own, text=near[field] if field in self._own else text)
        if lacks := found.lacks_needed:
            yield Sight(ok=self._may_lack, text=whole_table(table, lacks))
        elif found.set:
            yield from self._rows(found, facts)

    def _facts(self) -> tuple[Facts | None, str]:
        table = self._table
        try:
            return facts_of(self._client, table), ""
        except Answered as no:
            return Facts(table.set, table.key), f"{table.table}: its metadata are not to be read ({no})"

    def _rows(self, found: Readable, facts: Facts) -> Iterator[Sight]:
        """Look at some rows."""
        asked = {"$select": found.select(), "$top": str(SAMPLE)}
        if found.map.filter:
            asked["$filter"] = found.map.filter
        try:
            rows = listed(self._client.get(found.set, asked), "value", found.key)
        except Answered as no:
            yield Sight(ok=self._table.optional, text=f"{self._table.table}: not read: {no}")
            return
        how = "tracks changes" if facts.tracked else "tracks no changes: read by date of change"
        some = f"{len(rows)} rows" if len(rows) < SAMPLE else f"more than {SAMPLE - 1} rows"
        yield Sight(ok=True, text=f"{self._table.table} as {self._table.name}: {some} to be seen, {how}")
        if self._table.name == "project" and not rows:
            yield Sight(ok=False, text="no project is to be seen: has the application user a security role? 'filter:'?")
        yield from self._choices(found, rows)
        yield from self._progress(found, rows)
        if self._table.name == "task":
            yield from self._duration(found, facts)

    def _choices(self, found: Readable, rows: list[Mapping[str, Any]]) -> Iterator[Sight]:
        """Name the values of choices that no map knows: those that metadata list, and those that rows hold."""
        mapped = [one for one in found.map.columns if one.map and one.columns]
        labels: Mapping[str, Mapping[str, str]] = {}
        if mapped:
            labels = options_of(self._client, f"EntityDefinitions(LogicalName='{found.map.table}')")
        for column in mapped:
            name = column.columns[0]
            held = {str(row[name]): "" for row in rows if row.get(name) is not None}
            unknown = {
                value: label for value, label in {**held, **labels.get(name, {})}.items() if value not in column.map
            }
            if unknown:
                yield _unknown_choices(found, column, name, unknown)

    def _progress(self, found: Readable, rows: list[Mapping[str, Any]]) -> Iterator[Sight]:
        column = found.map.column("progress")
        if column is None or not column.columns:
            return
        scale = column.scale or self._settings.progress_scale
        largest = _largest(rows, column.columns[0])
        if largest is not None:
            fits = largest <= (1 if scale == "fraction" else 100)
            doubt = scale == "percent" and largest <= 1 and len(rows) > 1
            hint = "" if fits and not doubt else ": check 'progress_scale:'"
            place = f"{found.map.table}.{column.columns[0]}"
            text = f"{place}: the largest of {len(rows)} is {float(largest):g}, read as {scale}{hint}"
            yield Sight(ok=fits and not doubt, text=text)

    def _duration(self, found: Readable, facts: Facts) -> Iterator[Sight]:
        """Compare durations with the column of minutes, where there is one: descriptions contradict each other."""
        if facts.types is None or MINUTES not in facts.types or DURATION not in facts.types:
            return
        asked = {
            "$select": f"{DURATION},{MINUTES}",
            "$top": str(SAMPLE),
            "$filter": f"{MINUTES} gt 0 and {DURATION} gt 0",
        }
        try:
            rows = listed(self._client.get(found.set, asked), "value", DURATION)
        except Answered:
            return
        pairs = zip(numbers([row.get(MINUTES) for row in rows]), numbers([row[DURATION] for row in rows]), strict=True)
        ratios = sorted(minutes / days for minutes, days in pairs if minutes and days)
        if ratios:
            middle = ratios[len(ratios) // 2]
            unit = "hours" if middle < 60 * HOURS_PER_DAY / 2 else "days"
            said = self._settings.duration_unit
            text = f"{found.map.table}.{DURATION} is {float(middle):g} minutes each: {unit}, read as {said}"
            yield Sight(ok=unit == said, text=text if unit == said else f"{text}: set 'duration_unit: {unit}'")


def _unknown_choices(found: Readable, column: ColumnMap, name: str, unknown: Mapping[str, str]) -> Sight:
    shown = ", ".join(f"{value} {label}".strip() for value, label in sorted(unknown.items()))
    place = f"{found.map.entity}.{column.field}"
    return Sight(
        ok=True, text=f"{found.map.table}.{name}: no word for {shown}: null, unless 'maps: {{{place}: ...}}' says"
    )


def _largest(rows: list[Mapping[str, Any]], column: str) -> Decimal | None:
    return max(numbers([row.get(column) for row in rows]).drop_nulls(), default=None)
