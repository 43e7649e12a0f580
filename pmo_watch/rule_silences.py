"""Recurring silences of a rule file: on which days they hold, which alerts they are about."""

import re
from dataclasses import replace
from datetime import date

from pydantic import TypeAdapter

from pmo_watch.faults import or_known, quoted
from pmo_watch.recurring import LONGEST_DAYS, periods, periods_of, too_long
from pmo_watch.rule_page import Keys, Page, Reference
from pmo_watch.rule_shape import SilenceShape
from pmo_watch.rule_values import Misread
from pmo_watch.rules import Recurring

SILENCE: TypeAdapter[SilenceShape] = TypeAdapter(SilenceShape)
DAY = re.compile(r"(\d{1,2})-(\d{1,2})")
LIMIT = f"a silence lasts at most {LONGEST_DAYS} days"
A_YEAR = 2028  # a leap year: its longest period is the longest there is


def silence(page: Page, name: str, file: str, owner: str) -> Recurring | None:
    """Return a recurring silence of the file; None with faults when it cannot be made out."""
    keys: Keys = ("silences", name)
    shape = page.shaped(keys, SILENCE)
    if shape is None:
        return None
    # `match: everything` names no part.
    given = {} if isinstance(shape.match, str) else shape.match.model_dump(exclude_none=True)
    if "rule" in given:
        page.references.append(Reference("rule", given["rule"], page.place((*keys, "match", "rule"))))
    made = Recurring(name, shape.why, owner or file, file=file, line=page.key_place(keys).line, **given)
    return _yearly(page, keys, made) if shape.calendar is None else _of_calendar(page, keys, made, shape.calendar)


def _of_calendar(page: Page, keys: Keys, made: Recurring, name: str) -> Recurring | None:
    known = page.catalogue.calendars
    if name not in known:
        page.wrong((*keys, "calendar"), f"the settings have no calendar {quoted(name)}{or_known(name, sorted(known))}")
        return None
    every = periods_of(known[name])
    if not every:
        page.wrong((*keys, "calendar"), f"the calendar {quoted(name)} names no day off, so that nothing is ever silent")
    if longest := too_long(every):
        page.wrong((*keys, "calendar"), f"the calendar {quoted(name)} is off {_span(*longest)}: {LIMIT}")
    return replace(made, calendar=name)


def _yearly(page: Page, keys: Keys, made: Recurring) -> Recurring | None:
    first, last = page.read((*keys, "from"), _day), page.read((*keys, "to"), _day)
    if first is None or last is None:
        return None
    found = replace(made, first=first, last=last)
    if longest := too_long(periods(found, {}, A_YEAR)):
        page.wrong((*keys, "to"), f"this is silent {_span(*longest)}: {LIMIT}")
    return found


def _span(first: date, last: date) -> str:
    return f"for {(last - first).days + 1} days from {first} to {last}"


def _day(text: str) -> tuple[int, int]:
    """Return month and day.

    Raises:
        Misread: it is no day that every year has.
    """
    found = DAY.fullmatch(text.strip())
    if not found:
        raise Misread(f"{quoted(text)} is no day of the year; write month and day as in 12-20")
    month, day = int(found[1]), int(found[2])
    if (month, day) == (2, 29):
        raise Misread("not every year has a 29 February; write 02-28 or 03-01")
    try:
        date(A_YEAR, month, day)
    except ValueError:
        raise Misread(f"there is no day {quoted(text)}: write month and day as in 12-20") from None
    return month, day
