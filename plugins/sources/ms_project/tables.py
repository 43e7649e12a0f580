"""Rows of a plan as columns: what is read of each element, converted a batch at a time while the file streams by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import TypeVar, cast

from .values import (
    Values,
    clean,
    fine,
    flag,
    hours_of,
    minutes_of,
    moment,
    money_of,
    share,
    tenths,
    whole,
)

V = TypeVar("V")
BATCH_ROWS = 64
Texts = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which children of an element are read, and as what."""

    element: str
    texts: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()  # times of the schedule
    typed: tuple[str, ...] = ()  # times that say nothing of the schedule's hours: typed by people, or of saving
    numbers: Mapping[str, Callable[[str], int]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # what stands in tables of its own

    @property
    def names(self) -> tuple[str, ...]:
        """Every child that is read."""
        return (*self.texts, *self.moments, *self.typed, *self.numbers, *self.flags)

    @property
    def is_row(self) -> bool:
        """Whether the element stands on its own, with a UID; others are details of a row."""
        return "UID" in self.texts

    def meant(self, child: str) -> str:
        """Say what a text of that child is not, for a report."""
        if child in self.flags:
            return "neither 0 nor 1"
        if child in self.numbers:
            return "not a duration" if "Duration" in child or "Work" in child else "not a number"
        return "not a date" if child in {*self.moments, *self.typed} else "not understood"


class Shape:
    """The children that are read of an element: `tags` in any namespace, `blank` a row without any.

    `parts`: children that have children, and no text of their own.
    """

    __slots__ = ("blank", "many", "part_tags", "parts", "tags")

    def __init__(self, names: tuple[str, ...], parts: tuple[str, ...] = ()) -> None:
        self.blank: dict[str, str | None] = dict.fromkeys(names)
        self.parts = frozenset(parts)
        self.part_tags = tuple(f"{{*}}{name}" for name in parts)
        self.tags = (*(f"{{*}}{name}" for name in names), *self.part_tags)
        self.many = 3 * len(names)  # of more children, picking by tag is faster than taking them all


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that is none: which row of which element, which child, what stood there."""

    element: str
    row: int
    child: str
    text: str


class Scales:
    """The conversions that depend on the plan or the settings; `minutes_per_day` may become known while reading."""

    def __init__(self, cost_scale: Decimal) -> None:
        self.minutes_per_day = 480  # Project XML's default MinutesPerDay
        self._cost_scale = cost_scale

    def minutes(self, text: str) -> int:
        """Read a working duration as minutes."""
        return minutes_of(text, self.minutes_per_day)

    def hours(self, text: str) -> int:
        """Read a working duration as millionths of an hour."""
        return hours_of(text, self.minutes_per_day)

    def money(self, text: str) -> int:
        """Read an amount as ten-thousandths of the currency unit."""
        return money_of(text, self._cost_scale)


class Known:
    """What the texts of a plan mean, each worked out once: times of its schedule, all other times, numbers by kind."""

    def __init__(self) -> None:
        self.schedule: Values[datetime] = Values(moment)
        self.typed: Values[datetime] = Values(moment)
        self.flags: Values[bool] = Values(flag)
        self._numbers: dict[Callable[[str], int], Values[int]] = {}

    def numbers(self, parse: Callable[[str], int]) -> Values[int]:
        """Return the numbers that are read so."""
        return self._numbers.setdefault(parse, Values(parse))


class Table:
    """The rows of one element. A row of `parents` is the number of the row it belongs to."""

    def __init__(self, layout: Layout, known: Known) -> None:
        self.layout = layout
        self.shape = Shape(layout.names, layout.parts)
        self.parents: list[int] = []
        self.faults: list[Fault] = []
        self.texts: dict[str, list[str | None]] = {name: [] for name in layout.texts}
        self.moments: dict[str, list[datetime | None]] = {name: [] for name in (*layout.moments, *layout.typed)}
        self.numbers: dict[str, list[int | None]] = {name: [] for name in layout.numbers}
        self.flags: dict[str, list[bool | None]] = {name: [] for name in layout.flags}
        self._waiting: list[tuple[str | None, ...]] = []
        self._in_order = itemgetter(*layout.names)
        self._known = known
        self._full = 0

    def __len__(self) -> int:
        return self._full + len(self._waiting)

    def add(self, row: Texts) -> None:
        """Take in a row that has every child of the layout."""
        self._waiting.append(self._in_order(row))
        if len(self._waiting) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Convert the rows that wait."""
        if not self._waiting:
            return
        columns = dict(zip(self.layout.names, zip(*self._waiting, strict=True), strict=True))
        for name in self.layout.texts:
            self.texts[name].extend(_cleaned(columns[name]))
        for name in self.layout.moments:
            self._convert(name, columns[name], self._known.schedule, self.moments[name])
        for name in self.layout.typed:
            self._convert(name, columns[name], self._known.typed, self.moments[name])
        for name, parse in self.layout.numbers.items():
            self._convert(name, columns[name], self._known.numbers(parse), self.numbers[name])
        for name in self.layout.flags:
            self._convert(name, columns[name], self._known.flags, self.flags[name])
        self._full += len(self._waiting)
        self._waiting.clear()

    def _convert(self, child: str, texts: Sequence[str | None], values: Values[V], column: list[V | None]) -> None:
        first = texts[0]
        if first == texts[-1] and texts.count(first) == len(texts):  # what a writer never writes, or always the same
            column.extend([values[first]] * len(texts))
        else:
            column.extend(map(values.__getitem__, texts))
        if values.faulty:
            self.faults.extend(
                Fault(self.layout.element, self._full + at, child, text)
                for at, text in enumerate(texts)
                if text in values.faulty and text is not None
            )


def _cleaned(texts: Sequence[str | None]) -> Iterable[str | None]:
    """Clean a column; most are without gaps and plain ASCII, or have nothing in them."""
    if None in texts:
        return texts if texts.count(None) == len(texts) else map(clean, texts)
    whole = cast(Sequence[str], texts)
    if not "".join(whole).isascii():
        return map(clean, whole)
    stripped = list(map(str.strip, whole))
    return [text or None for text in stripped] if "" in stripped else stripped


def task_layout(scales: Scales) -> Layout:
    """Return what is read of a Task."""
    return Layout(
        "Task",
        texts=(
            "UID",
            "GUID",
            "Name",
            "WBS",
            "OutlineNumber",
            "Contact",
            "CalendarUID",
            "SubprojectName",
            "FinishText",
            "HyperlinkAddress",
        ),
        moments=("Start", "Finish", "ActualStart", "ActualFinish", "EarlyFinish", "LateFinish"),
        typed=("ConstraintDate", "Deadline", "CreateDate"),
        numbers={
            "OutlineLevel": whole,
            "Priority": whole,
            "ConstraintType": whole,
            "EarnedValueMethod": whole,
            "DurationFormat": whole,
            "Duration": scales.minutes,
            "ActualDuration": scales.minutes,
            "RemainingDuration": scales.minutes,
            "Work": scales.hours,
            "ActualWork": scales.hours,
            "RemainingWork": scales.hours,
            "Cost": scales.money,
            "ActualCost": scales.money,
            "RemainingCost": scales.money,
            "PercentComplete": fine,
            "PercentWorkComplete": fine,
            "PhysicalPercentComplete": fine,
            "TotalSlack": tenths,
            "FreeSlack": tenths,
        },
        flags=("IsNull", "Active", "Manual", "Milestone", "Critical", "ExternalTask", "IsSubproject"),
        parts=("Baseline", "PredecessorLink", "ExtendedAttribute", "OutlineCode", "Project"),
    )


def baseline_layout(scales: Scales) -> Layout:
    """Return what is read of a Baseline of a Task."""
    numbers = {"Number": whole, "Duration": scales.minutes, "Work": scales.hours, "Cost": scales.money}
    return Layout("Baseline", moments=("Start", "Finish"), numbers=numbers, flags=("Interim",))


LINK_LAYOUT = Layout(
    "PredecessorLink",
    texts=("PredecessorUID", "CrossProjectName"),
    numbers={"Type": whole, "LinkLag": fine, "LagFormat": whole},
    flags=("CrossProject",),
)
RESOURCE_LAYOUT = Layout(
    "Resource",
    texts=("UID", "Name", "EmailAddress", "Group", "CalendarUID"),
    numbers={"Type": whole, "MaxUnits": share},
    flags=("IsNull", "IsGeneric", "IsInactive", "IsCostResource"),
)


def assignment_layout(scales: Scales) -> Layout:
    """Return what is read of an Assignment."""
    numbers = {"Units": share, "Work": scales.hours, "ActualWork": scales.hours, "RemainingWork": scales.hours}
    return Layout("Assignment", texts=("UID", "TaskUID", "ResourceUID"), typed=("Start", "Finish"), numbers=numbers)
