"""Days off from files that people keep: iCalendar (`.ics`) and YAML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from pydantic import Field, TypeAdapter

from pmo_watch.settings_http import Section
from pmo_watch.settings_shape import Weekday
from pmo_watch.yaml_faults import Document, Fault, Faults, compose, validate

MAX_BYTES = 4_000_000
LONGEST_NAME = 80  # of a day off
_DATE = re.compile(r"[0-9]{8}")
_DAYS = re.compile(r"P(?:([0-9]{1,3})W)?(?:([0-9]{1,3})D)?(?:T0[HMS])?")
_REPEATS = {"RRULE", "RDATE", "EXDATE"}


@dataclass(frozen=True, slots=True)
class Days:
    """What a file says; `first` and `last`: the days it covers, whole years unless it says otherwise.

    `names`: what days off are called, where the file says so.
    """

    off: frozenset[date]
    first: date
    last: date
    week: tuple[str, ...] | None = None
    worked: frozenset[date] = frozenset()
    names: Mapping[date, str] = field(default_factory=dict)


def read_days(path: Path) -> Days:
    """Read a file of days off.

    Raises:
        Faults: it cannot be read or understood, each fault with its line.
    """
    if path.suffix.lower() == ".ics":
        named = _ics_days(path)
        return replace(_covering(path, frozenset(named)), names={day: name for day, name in named.items() if name})
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _yaml_days(path)
    raise Faults([Fault(path, 1, 1, "a calendar file should end in .ics, .yaml or .yml")])


def _covering(path: Path, off: frozenset[date]) -> Days:
    if not off:
        raise Faults([Fault(path, 1, 1, "holds no day off: is this the right file?")])
    return Days(off, date(min(off).year, 1, 1), date(max(off).year, 12, 31))


# --- iCalendar ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Event:
    """A VEVENT as far as it has been read."""

    line: int
    name: str = ""
    start: date | None = None
    end: date | None = None
    length: timedelta | None = None
    cancelled: bool = False
    fault: str = ""
    fault_line: int = 0

    def blame(self, line: int, text: str) -> None:
        """Keep the first thing that is wrong with the event."""
        if not self.fault:
            self.fault, self.fault_line = text, line

    def days(self) -> Iterator[date]:
        """Yield its days; the end is the day after the last, as RFC 5545 has it."""
        if self.start is None or self.cancelled:
            return
        end = self.end or self.start + (self.length or timedelta(days=1))
        yield from (self.start + timedelta(days=n) for n in range(max(1, (end - self.start).days)))


def _ics_days(path: Path) -> dict[date, str]:
    """Return the days off, each with what it is called."""
    lines = list(_unfolded(_text(path)))
    if not lines or lines[0][1].upper() != "BEGIN:VCALENDAR":
        raise Faults([Fault(path, 1, 1, "is no iCalendar file: it does not begin with BEGIN:VCALENDAR")])
    faults: list[Fault] = []
    days: dict[date, str] = {}
    for event in _events(lines):
        if event.start is None:
            event.blame(event.line, "the event has no DTSTART")
        if event.fault and not event.cancelled:
            faults.append(Fault(path, event.fault_line, 1, event.fault))
        days |= {day: days.get(day) or event.name for day in event.days()}
    if lines[-1][1].upper() != "END:VCALENDAR":
        faults.append(Fault(path, lines[-1][0], 1, "the file breaks off: END:VCALENDAR is missing"))
    if faults:
        raise Faults(faults)
    return days


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Faults([Fault(path, 1, 1, f"is larger than {MAX_BYTES // 1_000_000} MB")])
        # Only dates are read; names in another encoding do no harm.
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise Faults([Fault(path, 1, 1, f"cannot be read: {error.strerror}")]) from None


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers; one that begins with a blank goes on with the line before (RFC 5545, 3.1)."""
    number, whole = 0, ""
    for count, line in enumerate(text.splitlines(), start=1):
        if line[:1] in {" ", "\t"} and number:
            whole += line[1:]
            continue
        if whole.strip():
            yield number, whole.strip()
        number, whole = count, line
    if whole.strip():
        yield number, whole.strip()


def _events(lines: list[tuple[int, str]]) -> Iterator[_Event]:
    event: _Event | None = None
    inner = 0  # an alarm inside an event has properties of its own
    for number, line in lines:
        name, _, value = line.partition(":")
        name = name.split(";")[0].upper()
        if line.upper() == "BEGIN:VEVENT":
            event, inner = _Event(number), 0
        elif event is None:
            continue
        elif line.upper() == "END:VEVENT":
            yield event
            event = None
        elif name in {"BEGIN", "END"}:
            inner += 1 if name == "BEGIN" else -1
        elif not inner:
            _take(event, number, name, value.strip())


def _take(event: _Event, line: int, name: str, value: str) -> None:
    if name == "DTSTART":
        event.start = _day(event, line, value)
    elif name == "DTEND":
        event.end = _day(event, line, value)
    elif name == "SUMMARY":
        event.name = _unescaped(value)
    elif name == "DURATION":
        event.length = _length(event, line, value)
    elif name == "STATUS":
        event.cancelled = value.upper() == "CANCELLED"
    elif name in _REPEATS:
        event.blame(line, f"the event repeats ({name}), which is not read: export each day as an event of its own")


def _unescaped(text: str) -> str:
    r"""Return a text of iCalendar on one line: `\n` and escaped commas stand for themselves (RFC 5545, 3.3.11)."""
    return " ".join(re.sub(r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], text).split())[:LONGEST_NAME]


def _day(event: _Event, line: int, value: str) -> date | None:
    if _DATE.fullmatch(value):
        try:
            return date(int(value[:4]), int(value[4:6]), int(value[6:]))
        except ValueError:
            event.blame(line, f"'{value}' is no date")
            return None
    event.blame(line, f"'{value[:40]}' is no whole day: write it as DTSTART;VALUE=DATE:20261225")
    return None


def _length(event: _Event, line: int, value: str) -> timedelta | None:
    found = _DAYS.fullmatch(value)
    if not found or not (found[1] or found[2]):
        event.blame(line, f"the duration '{value[:40]}' is not a number of whole days")
        return None
    return timedelta(weeks=int(found[1] or 0), days=int(found[2] or 0))


# --- YAML ---------------------------------------------------------------------------------------------------------


ByYear = dict[str, tuple[date, ...]]


class _File(Section):
    """A YAML calendar with more than its dates."""

    holidays: tuple[date, ...] | ByYear = ()
    removed_days: tuple[date, ...] = ()
    week: tuple[Weekday, ...] | None = Field(None, min_length=1)
    first: date | None = None
    last: date | None = None


_LIST: TypeAdapter[tuple[date, ...]] = TypeAdapter(tuple[date, ...])
_BY_YEAR: TypeAdapter[ByYear] = TypeAdapter(ByYear)
_FILE: TypeAdapter[_File] = TypeAdapter(_File)


def _yaml_days(path: Path) -> Days:
    document = compose(path)
    data = document.data
    if isinstance(data, dict) and not all(re.fullmatch("[0-9]{4}", str(key)) for key in data):
        return _yaml_file(document, validate(document, _FILE))
    listed = validate(document, _BY_YEAR) if isinstance(data, dict) else validate(document, _LIST)
    return _covering(path, _flat(document, listed))


def _yaml_file(document: Document, file: _File) -> Days:
    off = _flat(document, file.holidays, "holidays")
    if not off and not (file.first and file.last):
        raise Faults([document.fault(document.root, "holds no 'holidays': without them say 'first' and 'last'")])
    around = _covering(document.path, off) if off else Days(off, file.first or date.min, file.last or date.max)
    first, last = file.first or around.first, file.last or around.last
    if first > last:
        raise Faults([document.fault(document.find("last"), f"the last day {last} is before the first day {first}")])
    return Days(off, first, last, file.week, frozenset(file.removed_days))


def _flat(document: Document, listed: tuple[date, ...] | ByYear, *above: str) -> frozenset[date]:
    """Return all days; one under another year is a slip of the pen."""
    if not isinstance(listed, dict):
        return frozenset(listed)
    slips = [
        document.fault(document.find(*above, year, number), f"{day} stands under {year}")
        for year, days in listed.items()
        for number, day in enumerate(days)
        if str(day.year) != year
    ]
    if slips:
        raise Faults(slips)
    return frozenset(day for days in listed.values() for day in days)
