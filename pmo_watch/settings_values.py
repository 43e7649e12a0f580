"""How a person writes a value of the settings: durations, shares, times of day, zones, paths, tolerances."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from pmo_watch.rules import Span
from pmo_watch.yaml_faults import did_you_mean

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_DURATION = re.compile(r"([0-9]{1,6})\s*([smhdwy])")
_SPAN = re.compile(r"([0-9]{1,4})\s*(wd|h|d)")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_AMOUNT = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(wd|%|steps|)")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    if found is None or not int(found[1]):
        raise ValueError(f"'{value}' is no duration: write a number and s, m, h, d, w or y, such as 10m, 4h or 3d")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


def _span(value: object) -> Span:
    if isinstance(value, Span):
        return value
    found = _SPAN.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"'{value}' should be hours, days or working days, such as 4h, 2d or 1 wd")
    unit: Literal["wd", "h", "d"] = "wd" if found[2] == "wd" else "h" if found[2] == "h" else "d"
    return Span(int(found[1]), unit)


def _share(value: object) -> float:
    found = _SHARE.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"'{value}' is no share: write it with its unit, such as 20 %")
    if float(found[1]) > 100:
        raise ValueError(f"{value} is more than the whole")
    return float(found[1]) / 100


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    found = _CLOCK.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"'{value}' is no time of day: write it between quotes, such as \"08:30\"")
    return time(int(found[1]), int(found[2]))


def _working_days(value: object) -> object:
    found = _SPAN.fullmatch(str(value).strip())
    if found is None:
        return value
    if found[2] != "wd":
        raise ValueError(f"'{value}' should be in working days, such as '20 wd'")
    return int(found[1])


def _zone(value: str) -> str:
    known = available_timezones()
    if value not in known:
        raise ValueError(
            f"'{value}' is no time zone{did_you_mean(value, sorted(known)) or ', such as Europe/Brussels'}"
        )
    return value


def _inside(value: Path, info: ValidationInfo) -> Path:
    """Resolve against the folder of the settings file, which comes as the validation's context."""
    folder = info.context["folder"] if info.context else Path()
    return Path(folder, value.expanduser())


def _existing_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError(f"the file {value} does not exist")
    return value


def _existing_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"there is no folder {value}: make it, or correct the path")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value):
        raise ValueError(f"'{value}' is no currency code such as EUR")
    return value


def _country(value: str) -> str:
    if not re.fullmatch("[A-Za-z]{2,3}", value):
        raise ValueError(f"'{value}' is no country code such as BE")
    return value


def _name(value: str) -> str:
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
        raise ValueError(f"'{value}' is no name: letters, digits, '-', '_' and '.' only, at most 64")
    return value


def _amount(unit: str) -> Callable[[object], Decimal]:
    def read(value: object) -> Decimal:
        found = _AMOUNT.fullmatch(str(value).strip())
        if found is None:
            raise ValueError(f"'{value}' is no tolerance: write a number and its unit, such as '5 {unit}'")
        if found[2] not in {"", unit}:
            raise ValueError(f"'{value}' should be in {unit} here, such as '{found[1]} {unit}'")
        return Decimal(found[1])

    return read


def _text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Duration = Annotated[timedelta, BeforeValidator(_duration), _text(f"^{_DURATION.pattern}$", "10m")]
WorkingSpan = Annotated[Span, BeforeValidator(_span), _text(f"^{_SPAN.pattern}$", "4h")]
WorkingDays = Annotated[int, Field(ge=1), BeforeValidator(_working_days)]
Share = Annotated[float, BeforeValidator(_share), _text(f"^{_SHARE.pattern}$", "20 %")]
Clock = Annotated[time, BeforeValidator(_clock), _text(f"^{_CLOCK.pattern}$", "08:30")]
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Country = Annotated[str, AfterValidator(_country)]
Name = Annotated[str, AfterValidator(_name)]
InWorkingDays = Annotated[Decimal, BeforeValidator(_amount("wd"))]
InPercent = Annotated[Decimal, BeforeValidator(_amount("%"))]
InSteps = Annotated[Decimal, BeforeValidator(_amount("steps"))]
LocalPath = Annotated[Path, AfterValidator(_inside)]
LocalFile = Annotated[LocalPath, AfterValidator(_existing_file)]
LocalFolder = Annotated[LocalPath, AfterValidator(_existing_folder)]


def shown_duration(value: timedelta) -> str:
    """Return a duration as a person writes it, in the largest unit that needs no fraction; weeks as days."""
    seconds = int(value.total_seconds())
    unit = next(one for one in ("y", "d", "h", "m", "s") if seconds % SECONDS[one] == 0)
    return f"{seconds // SECONDS[unit]}{unit}"
