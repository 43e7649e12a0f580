"""Working-day calendars from public holidays by country, from files, and from days of one's own."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import get_args

import holidays

from pmo_watch.calendar_files import Days, read_days
from pmo_watch.errors import SettingsError
from pmo_watch.settings_shape import CalendarSettings, Weekday
from pmo_watch.workdays import FIRST, LAST, Calendar
from pmo_watch.yaml_faults import Faults, did_you_mean

WEEKDAYS: tuple[str, ...] = get_args(Weekday)
WORKWEEK = WEEKDAYS[:5]

EXTRA = "extra day off"  # what a day off of the settings is called

Place = Callable[..., str]  # keys of the settings -> file:line:column


def _keys(*keys: int | str) -> str:
    return ".".join(map(str, keys))


def build_calendars(specs: Mapping[str, CalendarSettings], folder: Path, place: Place = _keys) -> dict[str, Calendar]:
    """Build every calendar; relative files start from `folder`, and `place` says where a setting stands.

    Raises:
        SettingsError: one line per fault, over all calendars.
    """
    built: dict[str, Calendar] = {}
    faults: list[str] = []
    for name, spec in specs.items():
        try:
            built[name] = _build(name, spec, folder, place)
        except Faults as error:
            faults += map(str, error.faults)
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return built


def _build(name: str, spec: CalendarSettings, folder: Path, place: Place) -> Calendar:
    if spec.file is not None:
        days = _of_file(folder / spec.file, place("calendars", name, "file"))
    elif spec.country is not None:
        days = _of_country(name, spec, place)
    else:
        days = Days(frozenset(), FIRST, LAST)
    week = spec.week or days.week or WORKWEEK
    removed = frozenset(spec.removed_days)
    return Calendar(
        id=name,
        week=tuple(day in week for day in WEEKDAYS),
        closed=(days.off | frozenset(spec.extra_days)) - removed,
        # What the file calls worked loses against a day off of one's own.
        opened=(days.worked - frozenset(spec.extra_days)) | removed,
        first=None if days.first <= FIRST else days.first,
        last=None if days.last >= LAST else days.last,
        minutes_per_day=spec.minutes_per_day,
        names={**dict.fromkeys(spec.extra_days, EXTRA), **days.names},
    )


def _of_file(path: Path, place: str) -> Days:
    if not path.is_file():
        what = "is a folder: name a file" if path.is_dir() else "does not exist"
        raise SettingsError(f"{place}: the calendar file {path} {what}")
    return read_days(path)


def _of_country(name: str, spec: CalendarSettings, place: Place) -> Days:
    code = (spec.country or "").upper()
    known = holidays.list_supported_countries()
    if code not in known:
        raise SettingsError(
            f"{place('calendars', name, 'country')}: no public holidays are known for '{spec.country}': "
            "write the country's two letters (BE), or give a file with days off"
        )
    subdivision = spec.subdivision
    if subdivision is not None and subdivision not in known[code]:
        parts = did_you_mean(subdivision, known[code]) or f"; there is {', '.join(known[code]) or 'none'}"
        raise SettingsError(f"{place('calendars', name, 'subdivision')}: {code} has no part '{subdivision}'{parts}")
    years = range(FIRST.year, LAST.year + 1)
    found = holidays.country_holidays(code, subdiv=subdivision, years=years, language="en_US")
    week = tuple(day for number, day in enumerate(WEEKDAYS) if number not in found.weekend)
    first, last = date(found.start_year, 1, 1), date(found.end_year, 12, 31)
    return Days(frozenset(found), first, last, week, names=dict(found))
