"""What a reading leaves behind for the next one (spec sources 2.9): the cursor, and the rows as stored."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pmo_watch.api import ENTITIES, Cursor

from .fields import Fields
from .projects import VERSION
from .settings import REGISTERS, Settings
from .values import instant_of

VERSION_OF_CURSOR = 1
LETTERS = {"todo": "t", "doing": "i", "done": "d", None: ""}
WORDS = {letter: word for word, letter in LETTERS.items()}
# A change of these settings changes what is read, or what is made of it.
TELLING = (
    "url",
    "flavour",
    "cloud_id",
    "gateway_url",
    "jql",
    "fields",
    "milestones",
    "registers",
    "maps",
    "boards",
    "sprint_grace",
    "history_days",
    "timesheets",
    "people",
    "baseline",
)
ISSUES = ("task", *REGISTERS)


@dataclass(slots=True, eq=False)
class Memory:
    """The cursor, understood; None is not known yet. Moments are UTC, those of Jira in milliseconds since 1970.

    `watermark`: greatest `updated` taken in. `horizon`: since when the changes of all issues are stored. `closed`:
    board -> closed sprints at the beginning of its list. `points`: project -> the field its boards estimate with.
    `begins`: active sprint -> when it began. `worklogs`: up to when work logs are read. `resume`: a reading of
    everything broke off, and goes on from the watermark. `owed`: sprint figures of all issues are to be made.
    """

    mark: str
    url: str = ""
    flavour: str = ""
    fields: Fields | None = None
    categories: dict[str, str | None] = field(default_factory=dict)
    watermark: int | None = None
    full_at: datetime | None = None
    census_at: datetime | None = None
    horizon: int | None = None
    closed: dict[str, int] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    worklogs: int | None = None
    resume: bool = False
    owed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the cursor."""
        return {
            "version": VERSION_OF_CURSOR,
            "mark": self.mark,
            "url": self.url,
            "flavour": self.flavour,
            "fields": self.fields.as_json() if self.fields else None,
            "categories": {number: LETTERS[word] for number, word in self.categories.items()},
            "watermark": self.watermark,
            "full_at": self.full_at.isoformat() if self.full_at else None,
            "census_at": self.census_at.isoformat() if self.census_at else None,
            "horizon": self.horizon,
            "closed": {number: count for number, count in self.closed.items() if count},
            "points": self.points,
            "begins": self.begins,
            "worklogs": self.worklogs,
            "resume": self.resume,
            "owed": self.owed,
        }

    def copy(self) -> "Memory":
        """Return a memory that can be changed without changing this one."""
        return replace(
            self,
            categories=dict(self.categories),
            closed=dict(self.closed),
            points=dict(self.points),
            begins=dict(self.begins),
        )


def remembered(cursor: Cursor | None, mark: str) -> Memory:
    """Return what a cursor holds; an empty memory when there is none, or it is of other settings or another account."""
    kept = cursor or {}
    if kept.get("version") != VERSION_OF_CURSOR or kept.get("mark") != mark:
        return Memory(mark)
    return Memory(
        mark,
        kept["url"],
        kept["flavour"],
        Fields.from_json(kept["fields"]) if kept["fields"] else None,
        {number: WORDS[letter] for number, letter in kept["categories"].items()},
        kept["watermark"],
        _moment(kept["full_at"]),
        _moment(kept["census_at"]),
        kept["horizon"],
        dict(kept["closed"]),
        dict(kept["points"]),
        dict(kept["begins"]),
        kept["worklogs"],
        kept["resume"],
        kept["owed"],
    )


def mark_of(settings: Settings, account: str) -> str:
    """Return what changes when the settings that matter, or the account, change."""
    said = settings.model_dump(mode="json", include=set(TELLING))
    return hashlib.sha256(f"{account}\n{sorted(said.items())!r}".encode()).hexdigest()[:16]


def flavour_of(cursor: Cursor | None, settings: Settings) -> str:
    """Return which Jira this address was; empty when it is not known."""
    kept = cursor or {}
    return str(kept.get("flavour") or "") if kept.get("url") == settings.url else ""


def since_of(cursor: Cursor | None) -> datetime | None:
    """Return the moment that a person asked for on the command line."""
    said = (cursor or {}).get("since")
    return instant_of(said) if isinstance(said, str) else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def is_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether something that happens every so often is due."""
    return last is None or now - last >= every


class Recalled:
    """The source's own rows as stored and present."""

    def __init__(self, rows: Mapping[str, pl.DataFrame] | None = None) -> None:
        self._rows = dict(rows or {})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stored."""
        return not self._rows

    def frame(self, entity: str) -> pl.DataFrame:
        """Return the rows of an entity: `key` and the stored fields."""
        found = self._rows.get(entity)
        if found is not None:
            return found
        return pl.DataFrame(schema={"key": pl.String(), **ENTITIES[entity].stored_schema()})

    def issues(self) -> dict[str, set[str]]:
        """Return entity -> ids of the issues that are stored as such."""
        found = {}
        for entity in ISSUES:
            keys = self.frame(entity)["key"]
            found[entity] = set(keys.filter(~keys.str.starts_with(VERSION)))
        return found

    def updated_after(self, moment: datetime) -> dict[str, datetime]:
        """Return id -> when it was changed last, of the issues changed at or after a moment."""
        found: dict[str, datetime] = {}
        for entity in ISSUES:
            rows = self.frame(entity).filter(pl.col("updated_at") >= moment).select("key", "updated_at")
            found |= dict(rows.iter_rows())
        return found

    def without(self, entity: str, column: str, keys: Iterable[str]) -> pl.DataFrame:
        """Return the rows of an entity whose column is none of the keys."""
        return self.frame(entity).filter(~pl.col(column).is_in(list(keys)))


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970."""
    return round(moment.timestamp() * 1_000)


def moment_of(number: int) -> datetime:
    """Return the moment of milliseconds since 1970."""
    return datetime.fromtimestamp(number / 1_000, UTC)
