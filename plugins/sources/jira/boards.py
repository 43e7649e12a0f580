"""Boards and sprints (spec sources 2.7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

import polars as pl

from pmo_watch.api import SourceDataError

from .client import Client, Refusal
from .columns import frame_of
from .report import Report
from .settings import Settings
from .sprint_texts import sprint_members
from .sprints import Span
from .values import day_of, instant_of
from .words import Vocabulary

AGILE = "rest/agile/1.0"
STATES = ("future", "active", "closed")
WITHHELD = frozenset({400, 403, 404})
KANBAN, SCRUM = "kanban", "scrum"


@dataclass(slots=True, eq=False)
class Board:
    """A board. `closed`: how many closed sprints its list begins with; `points`: the field it estimates with."""

    id: str
    name: str | None = None
    type: str | None = None
    projects: list[str] = field(default_factory=list)
    wip_limit: int | None = None
    waiting: list[str] | None = None
    points: str = ""
    closed: int = 0


@dataclass(slots=True, eq=False)
class Sprint:
    """A sprint, its moments as Jira wrote them."""

    id: str
    board: str
    name: str | None
    state: str | None
    goal: str | None
    start: Any
    activated: Any
    end: Any
    completed: Any

    @staticmethod
    def of(raw: Mapping[str, Any], board: str) -> "Sprint | None":
        """Return a sprint of a list or of an issue; None when it has no id."""
        number = raw.get("id")
        if not isinstance(number, int | str) or isinstance(number, bool):
            return None
        state = str(raw.get("state") or "").lower()
        return Sprint(
            str(number),
            board,
            str(raw["name"]).strip() if raw.get("name") else None,
            state if state in STATES else None,
            str(raw["goal"]).strip() or None if raw.get("goal") else None,
            raw.get("startDate"),
            raw.get("activatedDate"),
            raw.get("endDate"),
            raw.get("completeDate"),
        )


@dataclass(slots=True, eq=False)
class Delivery:
    """What was read; `lost`: something could not be seen."""

    boards: dict[str, Board] = field(default_factory=dict)
    sprints: dict[str, Sprint] = field(default_factory=dict)
    lost: bool = False


class BoardReader:
    """Reads boards, what they are set to, and their sprints."""

    def __init__(self, client: Client, settings: Settings, report: Report) -> None:
        self._client, self._settings, self._report = client, settings, report
        self.found = Delivery()

    def discover(self, projects: Mapping[str, str]) -> None:
        """Read the boards of the projects (id -> key), or those of the settings, with what they are set to."""
        if isinstance(self._settings.boards, tuple):
            for number in self._settings.boards:
                self._one_board(str(number))
        else:
            for project, key in projects.items():
                self._boards_of(project, key)
        for board in self.found.boards.values():
            self._configure(board)

    def _one_board(self, number: str) -> None:
        try:
            raw = self._client.get(f"{AGILE}/board/{number}")
        except Refusal as fault:
            self._withhold(fault, f"board {number}")
        else:
            self._add(raw, None)

    def _boards_of(self, project: str, key: str) -> None:
        try:
            for raw in self._client.pages(f"{AGILE}/board", {"projectKeyOrId": key}):
                self._add(raw, project)
        except Refusal as fault:
            self._withhold(fault, f"boards of {key}")

    def _withhold(self, fault: Refusal, what: str) -> None:
        """Note that one thing is not to be seen.

        Raises:
            Refusal: it is the whole account that is refused.
        """
        if fault.status not in WITHHELD:
            raise fault
        self.found.lost = True
        self._report.degrade(f"{what} cannot be read: {fault}")

    def _add(self, raw: Any, project: str | None) -> None:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), int | str):
            raise SourceDataError(f"{AGILE}/board: a board without id")
        number = str(raw["id"])
        kind = str(raw.get("type") or "").lower()
        board = self.found.boards.setdefault(number, Board(number, str(raw.get("name") or "") or None))
        board.type = kind if kind in {KANBAN, SCRUM} else None
        location = raw.get("location")
        home = location.get("projectId") if isinstance(location, dict) else None
        for one in (str(home) if home is not None else None, project):
            if one is not None and one not in board.projects:
                board.projects.append(one)

    def _configure(self, board: Board) -> None:
        try:
            raw = self._client.get(f"{AGILE}/board/{board.id}/configuration")
        except Refusal as fault:
            self._withhold(fault, f"configuration of board {board.id}")
            return
        estimation = _inside(raw, "estimation", "field", "fieldId")
        board.points = estimation if isinstance(estimation, str) else ""
        columns = _inside(raw, "columnConfig", "columns")
        columns = [one for one in columns if isinstance(one, dict)] if isinstance(columns, list) else []
        limits = [most for one in columns if isinstance(most := one.get("max"), int)]
        board.wip_limit = sum(limits) or None
        board.waiting = list(self._settings.maps.waiting) or None

    # --- sprints --------------------------------------------------------------------------------------------------

    def sprints(self, *, whole: bool) -> None:
        """Read the sprints of every board that has some; without `whole` no closed ones but the newest."""
        for board in self.found.boards.values():
            if board.type != KANBAN:
                self._sprints_of(board, 0 if whole else max(board.closed - self._settings.sprint_history, 0))

    def _sprints_of(self, board: Board, start: int) -> None:
        path, leading, closed = f"{AGILE}/board/{board.id}/sprint", True, start
        try:
            for raw in self._client.pages(path, {"state": "active,future,closed"}, start):
                sprint = Sprint.of(raw, self._home(raw, board))
                if sprint is None:
                    self._report.record(f"sprints of board {board.id}", "id", raw, "a sprint without id")
                    continue
                leading = leading and sprint.state == "closed"
                closed += leading
                self.found.sprints[sprint.id] = sprint
            board.type, board.closed = SCRUM, closed
        except Refusal as fault:
            if fault.status == 400:  # by design: this board has none
                board.type = KANBAN
            else:
                self._withhold(fault, f"sprints of board {board.id}")

    def _home(self, raw: Mapping[str, Any], board: Board) -> str:
        origin = str(raw.get("originBoardId"))
        return origin if origin in self.found.boards else board.id

    def add_seen(self, seen: Mapping[str, Any]) -> None:
        """Add sprints that issues show and no board lists: their boards may not be visible."""
        for number, raw in seen.items():
            if number in self.found.sprints:
                continue
            members = sprint_members(raw) if isinstance(raw, str) else raw
            home = members.get("boardId") or members.get("rapidViewId")
            sprint = Sprint.of(members, str(home)) if home is not None else None
            if sprint is not None:
                self.found.sprints[sprint.id] = sprint
                self.found.boards.setdefault(sprint.board, Board(sprint.board, type=SCRUM))


def _inside(raw: Any, *names: str) -> Any:
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


# --- rows ---------------------------------------------------------------------------------------------------------


def board_frame(boards: Iterable[Board], vocabulary: Vocabulary) -> pl.DataFrame:
    """Return boards as rows; statuses in which work waits by name and by id."""
    rows = list(boards)
    return frame_of(
        "board",
        {
            "key": [one.id for one in rows],
            "id": [one.id for one in rows],
            "name": [one.name for one in rows],
            "type": [one.type for one in rows],
            "project": [one.projects or None for one in rows],
            "wip_limit": [one.wip_limit for one in rows],
            "waiting": [vocabulary.with_ids(one.waiting) if one.waiting else None for one in rows],
        },
    )


def sprint_frame(sprints: Iterable[Sprint], report: Report, zone: tzinfo) -> pl.DataFrame:
    """Return sprints as rows."""
    rows = list(sprints)

    def days(name: str, values: Sequence[Any]) -> list[Any]:
        return [_day(one, name, value, report, zone) for one, value in zip(rows, values, strict=True)]

    return frame_of(
        "sprint",
        {
            "key": [one.id for one in rows],
            "id": [one.id for one in rows],
            "name": [one.name for one in rows],
            "board": [one.board for one in rows],
            "state": [one.state for one in rows],
            "goal": [one.goal for one in rows],
            "start_on": days("startDate", [one.start for one in rows]),
            "end_on": days("endDate", [one.end for one in rows]),
            "completed_on": days("completeDate", [one.completed for one in rows]),
        },
    )


def _day(sprint: Sprint, name: str, value: Any, report: Report, zone: tzinfo) -> Any:
    try:
        return None if value in (None, "") else day_of(value, zone)
    except ValueError as fault:
        report.value(f"sprint {sprint.id}", name, value, str(fault))
        return None


def spans(sprints: Iterable[Sprint], now: datetime, grace: timedelta) -> dict[str, Span]:
    """Return when sprints that have begun were committed to and ended; the end of an active one is now."""
    found = {}
    for one in sprints:
        begin = _moment(one.activated) or _moment(one.start)
        ended = _moment(one.completed) or (_moment(one.end) if one.state == "closed" else now)
        if one.state in {"active", "closed"} and begin is not None and ended is not None:
            found[one.id] = Span(one.id, _micros(begin), _micros(begin + grace), _micros(ended))
    return found


def _moment(value: Any) -> datetime | None:
    try:
        return None if value in (None, "") else instant_of(value)
    except (ValueError, OverflowError, OSError):
        return None


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000) * 1_000


def points_fields(boards: Iterable[Board]) -> dict[str, str]:
    """Return project -> the field its boards estimate with, where they agree."""
    told: dict[str, set[str]] = {}
    for board in boards:
        for project in board.projects if board.points else ():
            told.setdefault(project, set()).add(board.points)
    return {project: next(iter(fields)) for project, fields in told.items() if len(fields) == 1}
