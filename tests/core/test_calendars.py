"""Calendars from countries, files and days of one's own; what is wrong with them at its place."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pmo_watch.calendars import build_calendars
from pmo_watch.errors import SettingsError
from pmo_watch.settings_shape import CalendarSettings
from pmo_watch.workdays import Calendar

HERE = Path(__file__).parent
# Weekdays off in 2026 as `holidays` 0.109 has them: a newer release that says otherwise shows here first.
WEEKDAYS_OFF_2026 = {
    "be": "01-01 04-06 05-01 05-14 05-25 07-21 11-11 12-25",
    "nl": "01-01 04-03 04-06 04-27 05-14 05-25 12-25",
    "fr": "01-01 04-06 05-01 05-08 05-14 05-25 07-14 11-11 12-25",
    "lu": "01-01 04-06 05-01 05-14 05-25 06-23 12-25",
}


def build(folder: Path = HERE, **spec: object) -> Calendar:
    return build_calendars({"x": CalendarSettings.model_validate(spec)}, folder)["x"]


def faults(folder: Path, text: str, name: str = "days.yaml") -> list[str]:
    (folder / name).write_bytes(text.encode())
    with pytest.raises(SettingsError) as caught:
        build(folder, file=name)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def weekdays_off(calendar: Calendar, year: int) -> list[date]:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [day for day in days if day.year == year and day.weekday() < 5 and not calendar.works(day)]


@pytest.mark.parametrize("country", WEEKDAYS_OFF_2026)
def test_public_holidays_of_the_neighbours_in_2026(country: str) -> None:
    calendar = build(country=country)

    assert " ".join(f"{day:%m-%d}" for day in weekdays_off(calendar, 2026)) == WEEKDAYS_OFF_2026[country]
    assert calendar.week == (True, True, True, True, True, False, False)
    assert (calendar.first, calendar.last) == (None, date(2100, 12, 31)) or calendar.last is None


def test_days_of_ones_own_win_over_the_holidays() -> None:
    calendar = build(country="BE", extra_days=[date(2026, 8, 14)], removed_days=[date(2026, 7, 21), date(2026, 10, 3)])

    assert not calendar.works(date(2026, 8, 14))
    assert calendar.works(date(2026, 7, 21))
    assert calendar.works(date(2026, 10, 3))


def test_week_follows_the_country_unless_it_is_given() -> None:
    assert build(country="AE").week == (True, True, True, True, True, False, False)
    assert build(country="EG").week == (True, True, True, True, False, False, True)
    assert build(country="EG", week=["monday", "tuesday"]).week == (True, True, False, False, False, False, False)


def test_subdivision_has_holidays_of_its_own() -> None:
    epiphany = date(2027, 1, 6)

    assert build(country="DE").works(epiphany)
    assert not build(country="DE", subdivision="BY").works(epiphany)


def test_week_alone_is_a_calendar_without_holidays() -> None:
    calendar = build(week=["monday", "wednesday"])

    assert calendar.count(date(2026, 12, 20), date(2026, 12, 27)) == 2
    assert calendar.closed == frozenset()


def test_ics_and_yaml_of_the_same_days_are_the_same_calendar() -> None:
    assert build(file="calendars/eu-2023.ics") == build(file="calendars/eu-2023.yaml")


def test_file_covers_whole_years() -> None:
    calendar = build(file="calendars/eu-2023.ics")

    assert (calendar.first, calendar.last) == (date(2023, 1, 1), date(2023, 12, 31))
    assert len(calendar.closed) == 18


def test_ics_event_may_say_its_length(tmp_path: Path) -> None:
    event = (
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261224\nDURATION:P1W\nBEGIN:VALARM\nDURATION:PT15M\nEND:VALARM\nEND:VEVENT"
    )
    (tmp_path / "days.ics").write_text(f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n")

    assert sorted(build(tmp_path, file="days.ics").closed) == [date(2026, 12, 24) + timedelta(days=n) for n in range(7)]


def test_yaml_may_be_a_plain_list(tmp_path: Path) -> None:
    (tmp_path / "days.yaml").write_text("- 2026-12-24\n- 2027-01-04\n")

    calendar = build(tmp_path, file="days.yaml")

    assert calendar.closed == {date(2026, 12, 24), date(2027, 1, 4)}
    assert (calendar.first, calendar.last) == (date(2026, 1, 1), date(2027, 12, 31))


def test_yaml_may_say_week_and_coverage(tmp_path: Path) -> None:
    (tmp_path / "days.yaml").write_text(
        "week: [sunday, monday, tuesday, wednesday, thursday]\n"
        "first: 2026-01-01\nlast: 2027-06-30\n"
        "holidays: {2026: [2026-03-20]}\nremoved_days: [2026-03-27]\n"
    )

    calendar = build(tmp_path, file="days.yaml")

    assert calendar.week == (True, True, True, True, False, False, True)
    assert (calendar.first, calendar.last) == (date(2026, 1, 1), date(2027, 6, 30))
    assert not calendar.works(date(2026, 3, 20))
    assert calendar.works(date(2026, 3, 27))
    assert calendar.count(date(2027, 6, 1), date(2027, 7, 1)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- 2026-02-30\n- 2026-01-01\n", ["days.yaml:1:3: '2026-02-30' should be a date such as 2026-07-17"]),
        ("2026: [2026-01-01, 2027-01-01]\n", ["days.yaml:1:20: 2027-01-01 stands under 2026"]),
        ("holiday: [2026-01-01]\n", ["days.yaml:1:1: 'holiday' is not known here, did you mean 'holidays'?"]),
        (
            "first: 2027-01-01\nlast: 2026-01-01\nholidays: [2026-05-01]\n",
            ["days.yaml:2:7: the last day 2026-01-01 is before the first day 2027-01-01"],
        ),
        ("week: [monday]\n", ["days.yaml:1:1: holds no 'holidays': without them say 'first' and 'last'"]),
        ("[]\n", ["days.yaml:1:1: holds no day off: is this the right file?"]),
        ("- 2026-01-01\n  - x: [\n", ["days.yaml:2:3: "]),
    ],
    ids=["no-date", "wrong-year", "unknown-key", "backwards", "no-days", "empty-list", "no-yaml"],
)
def test_faults_of_a_yaml_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = faults(tmp_path, text)

    assert [one[: len(two)] for one, two in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY",
            "4:1: the event repeats (RRULE), which is not read: export each day",
        ),
        (
            "DTSTART:20260101T080000Z",
            "3:1: '20260101T080000Z' is no whole day: write it as DTSTART;VALUE=DATE:20261225",
        ),
        ("DTSTART;VALUE=DATE:20260230", "3:1: '20260230' is no date"),
        ("DTSTART;VALUE=DATE:20260101\nDURATION:PT8H", "4:1: the duration 'PT8H' is not a number of whole days"),
        ("SUMMARY:nothing", "2:1: the event has no DTSTART"),
    ],
    ids=["repeats", "time", "no-date", "hours", "no-start"],
)
def test_faults_of_an_ics_file(tmp_path: Path, event: str, expected: str) -> None:
    text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"

    found = faults(tmp_path, text, "days.ics")

    assert [one[: len(expected) + len("days.ics:")] for one in found] == [f"days.ics:{expected}"]


def test_ics_that_is_something_else_or_breaks_off(tmp_path: Path) -> None:
    page = faults(tmp_path, "<html>sign in</html>", "days.ics")
    half = faults(
        tmp_path, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nEND:VEVENT\nBEGIN:V", "days.ics"
    )

    assert page == ["days.ics:1:1: is no iCalendar file: it does not begin with BEGIN:VCALENDAR"]
    assert half == ["days.ics:5:1: the file breaks off: END:VCALENDAR is missing"]


def test_every_fault_of_every_calendar_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "days.txt").write_text("")
    specs = {
        "gone": CalendarSettings(file=Path("gone.ics")),
        "odd": CalendarSettings(file=Path("days.txt")),
        "nowhere": CalendarSettings(country="BX"),
        "part": CalendarSettings(country="LU", subdivision="Centre"),
        "be": CalendarSettings(country="BE"),
    }

    with pytest.raises(SettingsError) as caught:
        build_calendars(specs, tmp_path, lambda *keys: f"pmo-watch.yaml:7:1 {keys[1]}")

    assert str(caught.value).splitlines() == [
        f"pmo-watch.yaml:7:1 gone: the calendar file {tmp_path}/gone.ics does not exist",
        f"{tmp_path}/days.txt:1:1: a calendar file should end in .ics, .yaml or .yml",
        (
            "pmo-watch.yaml:7:1 nowhere: no public holidays are known for 'BX': "
            "write the country's two letters (BE), or give a file with days off"
        ),
        "pmo-watch.yaml:7:1 part: LU has no part 'Centre'; there is none",
    ]


def test_days_off_are_called_what_their_calendar_calls_them() -> None:
    country = build(country="BE", extra_days=[date(2026, 12, 24), date(2026, 12, 25)])
    file = build(file="calendars/eu-2023.ics")

    assert country.names[date(2026, 11, 1)] == "All Saints' Day"
    assert country.names[date(2026, 12, 24)] == "extra day off"
    assert country.names[date(2026, 12, 25)] == "Christmas Day"  # the holiday says more
    assert file.names[date(2023, 1, 2)].startswith("Day off of the institution, for everybody")
