"""A scenario test as it is run: rows, the days on which they change, people's acts, and what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Literal

from pmo_watch.faults import Fault

Row = dict[str, Any]
Level = Literal["amber", "red"]
Answers = Literal["back", "down", "partial"]
MORNING = time(9)  # when the source is read on a day that names no time


@dataclass(frozen=True, slots=True)
class Named:
    """A row of the test: its entity in the model, what rules call it (`milestone` for such a `task`), its values."""

    uid: str  # as the test names it: unique in the file
    entity: str
    called: str
    row: Row


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of one row that are others from this day on."""

    uid: str
    values: Row
    place: Fault


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person takes notice of the open alerts on a row; `rule`: only of that one's, empty: of all."""

    uid: str
    until: date
    by: str
    why: str
    place: Fault
    rule: str = ""
    new_date: date | None = None


@dataclass(frozen=True, slots=True)
class Hushed:
    """A person silences what fits every part that is given."""

    until: date
    by: str
    why: str
    place: Fault
    rule: str = ""
    project: str = ""
    entity: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """The state that a row must be in after the reading; `rule` empty: the worst over the rules of the test."""

    uid: str
    state: str
    place: Fault
    rule: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedMessage:
    """A message that must leave on the day; empty parts fit any. `digest`: a digest of that name, else a message at
    once. `to`: a row of a person, an address, an audience or a notifier.
    """

    to: str
    place: Fault
    language: str = ""
    contains: tuple[str, ...] = ()
    reason: str = ""
    channel: str = ""
    level: str = ""
    digest: str = ""

    def __str__(self) -> str:
        what = f"the digest '{self.digest}'" if self.digest else "a message"
        parts = [f"{name} {value}" for name in ("language", "reason", "channel", "level")
                 if (value := getattr(self, name))]  # fmt: skip
        parts += [f"containing '{one}'" for one in self.contains]
        return f"{what} to {self.to}" + (f" with {', '.join(parts)}" if parts else "")


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of `days:`. Acts come first, then the source is read, then what is expected is looked at.

    `at`: None is the morning's reading. `messages`: None says nothing of them; the messages at once that leave from
    here to the next entry of the same day, else to its end, must be these and no others.
    """

    day: date
    at: time | None
    place: Fault
    changes: tuple[Change, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[Named, ...] = ()
    source: Answers = "back"
    acknowledged: tuple[Acknowledgement, ...] = ()
    hushed: tuple[Hushed, ...] = ()
    states: tuple[ExpectedState, ...] = ()
    messages: tuple[ExpectedMessage, ...] | None = None
    messages_place: Fault | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One test file. `rules`: those that are in force in it. `covers`: levels that it claims to reach, by rule."""

    path: Path
    name: str
    place: Fault
    rules: tuple[str, ...]
    given: tuple[Named, ...]
    moments: tuple[Moment, ...]
    calendar: str = ""  # of the organisation; empty: that of the settings
    covers: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    covers_place: Fault | None = None

    def named(self) -> dict[str, Named]:
        """Return every row that there is at some time, by its uid."""
        return {one.uid: one for one in (*self.given, *(one for moment in self.moments for one in moment.added))}
