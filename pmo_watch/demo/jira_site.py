"""A made-up Jira site: projects, tickets with their past, boards, sprints, versions; and the queries it understands."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes"
AGILE = "com.pyxis.greenhopper.jira"
STATUSES = {  # name: id, category
    "To Do": ("1", "new"),
    "In Progress": ("3", "indeterminate"),
    "In Review": ("4", "indeterminate"),
    "Done": ("5", "done"),
    "Cancelled": ("6", "done"),
}
WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|>=|<=|!=|[=<>(),]|[^\s=<>!(),"]+)')
Json = dict[str, Any]


@dataclass(slots=True)
class CustomField:
    """A field of the site's own; its name may change, its id and kind stay."""

    id: str
    name: str
    type: str
    custom: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; `hides` the e-mail address on Cloud."""

    account: str
    name: str
    email: str


@dataclass(slots=True)
class Version:
    """A version of a project."""

    id: int
    project: str
    name: str
    release: date | None = None
    released: bool = False
    archived: bool = False


@dataclass(slots=True)
class SprintPlan:
    """A sprint of a board; its state follows from who started and closed it."""

    id: int
    board: int
    name: str
    start: datetime
    end: datetime
    state: str = "future"
    completed: datetime | None = None


@dataclass(slots=True)
class Ticket:
    """An issue; `past` holds each change: when, which field, before, after."""

    id: int
    key: str
    type: str
    summary: str
    created: datetime
    updated: datetime
    values: Json = field(default_factory=dict)
    past: list[tuple[datetime, str, Any, Any]] = field(default_factory=list)

    @property
    def project(self) -> str:
        """The key of its project."""
        return self.key.rpartition("-")[0]

    def get(self, name: str) -> Any:
        """Return a value; None where there is none."""
        return self.values.get(name)


class BadQuery(Exception):
    """A query that Jira refuses; the text is its sentence."""


@dataclass(slots=True)
class WorkLog:
    """Time that somebody booked on a ticket."""

    id: int
    ticket: int
    person: Person
    started: datetime
    seconds: int
    updated: datetime


class JiraSite:
    """All that the site holds. Each change of a ticket moves the clock on by a second, and is kept in its past."""

    def __init__(self, now: datetime, zone: tzinfo = UTC) -> None:
        self.now, self.zone = now, zone
        self.projects: dict[str, tuple[int, str]] = {}  # key -> id, name
        self.tickets: dict[int, Ticket] = {}
        self.old_keys: dict[str, int] = {}
        self.persons: list[Person] = []
        self.versions: dict[int, Version] = {}
        self.boards: dict[int, tuple[str, str]] = {}  # id -> project, type
        self.sprints: dict[int, SprintPlan] = {}
        self.worklogs: dict[int, WorkLog] = {}
        self.deleted_worklogs: dict[int, datetime] = {}
        self.fields: dict[str, CustomField] = {}  # our name -> the field
        self.statuses = dict(STATUSES)  # those that the site lists
        self.hidden: set[str] = set()  # projects that the account does not see
        self.sees_issues = True

    # --- what is there --------------------------------------------------------------------------------------------

    def add_project(self, key: str, name: str, board: str = "scrum") -> int:
        """Add a project with a board of that type; return the board's number."""
        number = 10_000 + len(self.projects)
        self.projects[key] = (number, name)
        self.boards[len(self.boards) + 1] = (key, board)
        return len(self.boards)

    def add_field(self, name: str, shown: str, kind: str, custom: str) -> str:
        """Add a field of the site's own and return its id."""
        number = f"customfield_{10_020 + 3 * len(self.fields)}"
        self.fields[name] = CustomField(number, shown, kind, custom)
        return number

    def add_sprint(self, board: int, name: str, start: datetime, days: int = 11) -> int:
        """Add a sprint that nobody has started yet."""
        number = 30 + len(self.sprints)
        self.sprints[number] = SprintPlan(number, board, name, start, start + timedelta(days=days))
        return number

    def add_version(self, project: str, name: str, release: date | None = None) -> int:
        """Add a version."""
        number = 10_200 + len(self.versions)
        self.versions[number] = Version(number, project, name, release)
        return number

    def add(self, project: str, type: str, summary: str, at: datetime | None = None, **values: Any) -> Ticket:  # noqa: A002
        """Add a ticket; what it is given with it was there from the beginning."""
        number = max(self.tickets, default=20_000) + 1
        at = at or self._tick()
        ticket = Ticket(number, self._next_key(project), type, summary, at, at, {"status": "To Do", **values})
        self.tickets[number] = ticket
        self.old_keys[ticket.key] = number
        return ticket

    def _next_key(self, project: str) -> str:
        taken = [int(key.rpartition("-")[2]) for key in self.old_keys if key.rpartition("-")[0] == project]
        return f"{project}-{max(taken, default=0) + 1}"

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def find(self, key: str) -> Ticket:
        """Return a ticket by its key, or one it had before."""
        return self.tickets[self.old_keys[key]]

    # --- what happens to it ---------------------------------------------------------------------------------------

    def edit(self, key: str, at: datetime | None = None, **values: Any) -> Ticket:
        """Change a ticket as a person would; what was before is kept in its past."""
        ticket, at = self.find(key), at or self._tick()
        if "status" in values:
            done = STATUSES[values["status"]][1] == "done"
            values = {**values, "resolved": at if done else None}
        for name, value in values.items():
            before = ticket.get(name)
            if before != value:
                ticket.values[name] = value
                if name != "resolved":
                    ticket.past.append((at, name, before, value))
        ticket.updated = max(ticket.updated, at)
        return ticket

    def move(self, key: str, project: str) -> str:
        """Move a ticket to another project and return its new key; the old one goes on answering."""
        ticket = self.find(key)
        ticket.key = self._next_key(project)
        self.old_keys[ticket.key] = ticket.id
        ticket.updated = self._tick()
        return ticket.key

    def delete(self, key: str) -> None:
        """Delete a ticket."""
        del self.tickets[self.find(key).id]
        self._tick()

    def start(self, sprint: int, at: datetime | None = None) -> None:
        """Start a sprint."""
        self.sprints[sprint].state, self.sprints[sprint].start = "active", at or self.sprints[sprint].start

    def close(self, sprint: int, at: datetime | None = None) -> None:
        """Close a sprint."""
        plan = self.sprints[sprint]
        plan.state, plan.completed = "closed", at or plan.end

    def book(self, key: str, person: Person, started: datetime, seconds: int) -> int:
        """Book time on a ticket and return the number of the entry."""
        number = 40_000 + len(self.worklogs) + len(self.deleted_worklogs)
        self.worklogs[number] = WorkLog(number, self.find(key).id, person, started, seconds, self._tick())
        return number

    def unbook(self, number: int) -> None:
        """Delete a booking."""
        del self.worklogs[number]
        self.deleted_worklogs[number] = self._tick()

    # --- queries --------------------------------------------------------------------------------------------------

    def visible(self, ticket: Ticket) -> bool:
        """Whether the account sees a ticket."""
        return self.sees_issues and ticket.project not in self.hidden

    def search(self, jql: str) -> list[Ticket]:
        """Return the tickets of a query in its order.

        Raises:
            BadQuery
        """
        query = _Query(self, jql)
        found = [one for one in self.tickets.values() if self.visible(one) and query.fits(one)]
        return sorted(found, key=query.order)


Test = Callable[[Ticket], bool]


class _Query:
    """A query: comparisons with AND, OR and brackets, and an order."""

    def __init__(self, site: JiraSite, jql: str) -> None:
        self._site = site
        self._words = WORD.findall(jql)
        self._at = 0
        self.fits = self._either()
        self.order = self._order()
        if self._at < len(self._words):
            raise BadQuery(f"Error in the JQL Query: expecting either 'OR' or 'AND' but got '{self._words[self._at]}'.")

    def _ahead(self, *words: str) -> bool:
        if self._at < len(self._words) and self._words[self._at].lower() in words:
            self._at += 1
            return True
        return False

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise BadQuery("Error in the JQL Query: the query ends too early.")
        self._at += 1
        word: str = self._words[self._at - 1]
        return word[1:-1] if word.startswith('"') else word

    def _either(self) -> Test:
        parts = [self._both()]
        while self._ahead("or"):
            parts.append(self._both())
        return lambda ticket: any(part(ticket) for part in parts)

    def _both(self) -> Test:
        parts = [self._one()]
        while self._ahead("and"):
            parts.append(self._one())
        return lambda ticket: all(part(ticket) for part in parts)

    def _one(self) -> Test:
        if self._ahead("("):
            inner = self._either()
            if not self._ahead(")"):
                raise BadQuery("Error in the JQL Query: a bracket is not closed.")
            return inner
        name, sign = self._next().lower(), self._next().lower()
        values = list(self._list()) if sign == "in" else [self._next()]
        if name == "updated":
            moment = self._moment(values[0])
            return lambda ticket: ticket.updated >= moment
        if name == "project":
            self._check_projects(values)
        return lambda ticket: not self._own(ticket, name).isdisjoint(values)

    def _list(self) -> Iterator[str]:
        self._next()
        while not self._ahead(")"):
            yield self._next()
            self._ahead(",")

    def _check_projects(self, values: Sequence[str]) -> None:
        known = self._site.projects.keys() - self._site.hidden
        for one in values:
            if one not in known:
                raise BadQuery(f"The value '{one}' does not exist for the field 'project'.")

    def _moment(self, text: str) -> datetime:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=self._site.zone)

    def _own(self, ticket: Ticket, name: str) -> set[str]:
        if name == "project":
            return {ticket.project}
        if name == "id":
            return {str(ticket.id)}
        if name == "issuetype":
            return {ticket.type}
        if name == "labels":
            return set(ticket.get("labels") or ())
        raise BadQuery(f"Field '{name}' does not exist or you do not have permission to view it.")

    def _order(self) -> Callable[[Ticket], Any]:
        names: list[str] = []
        backwards = False
        if self._ahead("order"):
            self._ahead("by")
            while not names or self._ahead(","):
                names.append(self._next().lower())
                backwards = self._ahead("desc") or backwards
                self._ahead("asc")
        if not names or names[0] == "key":
            return lambda ticket: (ticket.project, int(ticket.key.rpartition("-")[2]))
        sign = -1 if backwards else 1
        return lambda ticket: (sign * ticket.updated.timestamp(), ticket.id)
