"""What a made-up Dataverse answers to a question for rows: pages, changes, texts in the reader's language."""

import re
import threading
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pmo_watch.demo.dataverse_rows import OPTIONS, BadFilter, Column, Organisation, Row, Table, in_order, parsed_filter

API = "/api/data/v9.2/"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
MOST_PER_PAGE = 5000
LABELS = {"Active": "Actif", "Green": "Vert", "Yellow": "Jaune", "Red": "Rouge", "Closed": "Clôturé"}
SUFFERED = threading.local()  # `fault`: what the request of this thread suffers from


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next requests whose path holds `path`, after `skip` of them went well.

    `kind`: status, html, cut, drop, half, short_page, empty, foreign, lost_columns. `times` -1 is for ever.
    """

    kind: str
    path: str = ""
    skip: int = 0
    times: int = 1
    status: int = 503
    retry_after: str = ""
    code: str = "0x80040216"
    text: str = "It went wrong on purpose."


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: status, headers, and JSON or text."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class No(Exception):
    """An answer other than 200."""

    def __init__(
        self, status: int, text: str, code: str = "0x80060888", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.said = Said(status, {"error": {"code": code, "message": text}}, headers or {})


class Pages:
    """The tokens of further pages and of delta links; `sorted` keeps the rows of a question in order."""

    def __init__(self) -> None:
        self._pages: dict[str, Any] = {}
        self._deltas: dict[str, int] = {}
        self.sorted: dict[tuple[str, str, str], tuple[int, list[Row], list[tuple[str, ...]]]] = {}

    def forget(self, *what: str) -> None:
        """Let pages or links that were given so far be unknown."""
        if "pages" in what:
            self._pages.clear()
        if "links" in what:
            self._deltas.clear()

    def keep_page(self, content: Any) -> str:
        """Return the token of a further page, encoded twice as real ones are."""
        cookie = quote(f'<cookie page="{len(self._pages) + 2}" />', safe="")
        self._pages[cookie] = content
        return quote(cookie, safe="")

    def page(self, token: str) -> Any:
        """Return what a token stands for."""
        if token not in self._pages:
            raise No(400, "The paging cookie is malformed.", "0x80040203")
        return self._pages[token]

    def keep_delta(self, version: int) -> str:
        """Return the token of a delta link."""
        token = f"{version}!11/20/2026 12:00:00"
        self._deltas[token] = version
        return quote(token, safe="")

    def delta(self, token: str) -> int:
        """Return the version that a delta link counts from."""
        if token not in self._deltas:
            raise No(
                410, "Version stamp associated with the client has expired. Please perform a full sync.", "0x80044352"
            )
        return self._deltas[token]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What a question is asked about: rows, tokens, the address, the reader's language, whether it sees anything."""

    rows: Organisation
    pages: Pages
    url: str
    language: str
    sees_rows: bool


class Asking:
    """One question for rows of a table."""

    def __init__(
        self, site: World, found: Table, asked: Mapping[str, str], query: str, headers: Mapping[str, str]
    ) -> None:
        self._site, self._table, self._asked, self._query = site, found, asked, query
        self._prefer = headers.get("prefer", "")
        self._columns = [self._column(one) for one in asked.get("$select", "").split(",") if one]

    def _column(self, name: str) -> str:
        if name not in {one.reads for one in self._table.columns.values()}:
            text = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{self._table.name}'."
            raise No(400, text)
        return name

    def answer(self) -> Said:
        """Return a page of rows, or of what changed."""
        if "$skip" in self._asked or (
            "odata.track-changes" in self._prefer and {"$filter", "$orderby"} & set(self._asked)
        ):
            raise No(400, "That is not supported here.")
        if "odata.track-changes" in self._prefer and not self._table.tracked:
            raise No(400, f"Change tracking is not enabled for entity '{self._table.name}'.", "0x80072491")
        page = self._changes() if "$deltatoken" in self._asked else self._listed()
        return Said(200, {"@odata.context": f"{self._site.url}{API}$metadata#{self._table.set}", **page})

    def _size(self) -> int:
        found = re.search(r"odata\.maxpagesize=(\d+)", self._prefer)
        size = min(int(found[1]), MOST_PER_PAGE) if found else MOST_PER_PAGE
        return max(1, size // 2) if self._suffers("short_page") else size

    def _suffers(self, kind: str) -> bool:
        fault = getattr(SUFFERED, "fault", None)
        return fault is not None and fault.kind == kind

    def _listed(self) -> dict[str, Any]:
        """Return a page of rows: those behind the last one of the page before, whatever happened since."""
        found, place = self._sorted()
        if "$skiptoken" in self._asked:
            version, after = self._site.pages.page(self._asked["$skiptoken"])
            begin = bisect_right(place, after)
        else:
            version, begin = self._site.rows.version, 0
        size = int(self._asked["$top"]) if "$top" in self._asked else self._size()
        page: dict[str, Any] = {"value": [self._shown(row) for row in found[begin : begin + size]]}
        if begin + size < len(found) and "$top" not in self._asked:
            page["@odata.nextLink"] = self._link(
                "$skiptoken", self._site.pages.keep_page((version, place[begin + size - 1]))
            )
        elif "odata.track-changes" in self._prefer:
            page["@odata.deltaLink"] = self._link("$deltatoken", self._site.pages.keep_delta(version))
        return page

    def _sorted(self) -> tuple[list[Row], list[tuple[str, ...]]]:
        """Return the rows that pass the filter in their order, each with its place in it."""
        if not self._site.sees_rows or self._suffers("empty"):
            return [], []
        asked = (self._table.name, self._asked.get("$filter", ""), self._asked.get("$orderby", ""))
        known = self._site.pages.sorted.get(asked)
        if known is None or known[0] != self._site.rows.version:
            known = self._site.pages.sorted[asked] = (self._site.rows.version, *self._in_order(*asked[1:]))
        return known[1], known[2]

    def _in_order(self, where: str, order: str) -> tuple[list[Row], list[tuple[str, ...]]]:
        try:
            test = parsed_filter(self._table, where)
        except BadFilter as fault:
            self._column(fault.column or self._table.key)
            raise No(400, str(fault)) from None
        found = in_order((row for row in self._table.rows.values() if test(row)), order, self._table.key)
        names = [*(part.split()[0] for part in order.split(",") if part), self._table.key]
        return found, [tuple(str(row[name]) for name in names) for row in found]

    def _changes(self) -> dict[str, Any]:
        """Return what changed since the link was given, then what was deleted."""
        since = self._site.pages.delta(self._asked["$deltatoken"])
        if "$skiptoken" in self._asked:
            version, entries = self._site.pages.page(self._asked["$skiptoken"])
        else:
            version = self._site.rows.version
            rows = sorted(
                (row for row in self._table.rows.values() if row["@version"] > since),
                key=lambda row: int(row["@version"]),
            )
            entries = [self._shown(row) for row in rows]
            entries += [{"id": key, "reason": "deleted"} for at, key in self._table.gone if at > since]
        if not self._site.sees_rows:
            entries = []
        size = self._size()
        page: dict[str, Any] = {"value": entries[:size]}
        if len(entries) > size:
            page["@odata.nextLink"] = self._link("$skiptoken", self._site.pages.keep_page((version, entries[size:])))
        else:
            page["@odata.deltaLink"] = self._link("$deltatoken", self._site.pages.keep_delta(version))
        return page

    def _link(self, name: str, value: str) -> str:
        dropped = ("$skiptoken=",) if name == "$skiptoken" else ("$skiptoken=", "$deltatoken=")
        kept = [part for part in self._query.split("&") if not part.startswith(dropped)]
        base = "https://elsewhere.example" if self._suffers("foreign") else self._site.url
        return f"{base}{API}{self._table.set}?{'&'.join([*kept, f'{name}={value}'])}"

    def _shown(self, row: Row) -> dict[str, Any]:
        shown: dict[str, Any] = {"@odata.etag": f'W/"{row["@version"]}"', self._table.key: row[self._table.key]}
        columns = {one.reads: one for one in self._table.columns.values()}
        lost = self._suffers("lost_columns")
        for name in self._columns[:2] if lost else self._columns:
            shown[name] = row[name]
            if FORMATTED[1:] in self._prefer and (text := self._formatted(columns[name], row[name])):
                shown[name + FORMATTED] = text
        for part in filter(None, [self._asked.get("$expand", "")]):
            shown |= self._expanded(row, part)
        return shown

    def _formatted(self, column: Column, value: Any) -> str:
        """Return a value as the reader's language writes it: for eyes only."""
        if value is None:
            return ""
        if column.kind == "ref":
            target = self._site.rows.tables.get(column.target)
            return str(target.rows[value][target.label]) if target and value in target.rows else "?"
        label = OPTIONS.get(column.name, {}).get(value) if column.kind in {"choice", "state", "status"} else None
        if label:
            return LABELS.get(label, label) if self._site.language == "fr" else label
        return str(value).replace(".", ",") if self._site.language == "fr" else str(value)

    def _expanded(self, row: Row, part: str) -> dict[str, Any]:
        name, _, options = part.partition("(")
        if name not in self._table.children:
            raise No(
                400, f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{self._table.name}'."
            )
        child, lookup = self._table.children[name]
        below = self._site.rows.tables[child]
        names = options.rstrip(")").removeprefix("$select=").split(",")
        mine = [one for one in below.rows.values() if one[f"_{lookup}_value"] == row[self._table.key]]
        shown = [{one: each[one] for one in names} for each in mine]
        size = self._size()
        if len(shown) <= size:
            return {name: shown}
        query = f"$select={','.join(names)}&$filter=_{lookup}_value%20eq%20{row[self._table.key]}"
        places = sorted(str(one[below.key]) for one in mine)
        first = sorted(mine, key=lambda one: str(one[below.key]))[:size]
        token = self._site.pages.keep_page((self._site.rows.version, (places[size - 1],)))
        link = f"{self._site.url}{API}{below.set}?{query}&$skiptoken={token}"
        return {name: [{one: each[one] for one in names} for each in first], f"{name}@odata.nextLink": link}
