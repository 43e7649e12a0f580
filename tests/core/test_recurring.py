"""Silences that come back: on which days they hold, and what a cycle makes of them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from factories import a_rule
from postroom import PostRoom, said

from pmo_watch.alerts import Silence
from pmo_watch.recurring import Period, coming, next_times, periods, periods_of, silence_of, turned
from pmo_watch.rules import Recurring, RuleSet
from pmo_watch.workdays import Calendar

BRUSSELS = ZoneInfo("Europe/Brussels")
YEARLY = Recurring("freeze", "Nothing moves", "pmo@example.org", first=(12, 20), last=(1, 5), project="A")
SUMMER = replace(YEARLY, name="summer", first=(7, 15), last=(8, 15))
DAYS = Recurring("closure", "Closed", "pmo@example.org", calendar="closure", tag="schedule")


def december(*days: int) -> frozenset[date]:
    """Return days of December 2026; the 19th and the 26th are Saturdays."""
    return frozenset(date(2026, 12, day) for day in days)


def calendar(*days: int) -> dict[str, Calendar]:
    """Return a calendar with these days off in December 2026."""
    return {"closure": Calendar("closure", closed=december(*days))}


def at(text: str) -> datetime:
    """Return a moment in Brussels."""
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).astimezone(UTC)


def turn(moment: str, *known: Silence, every: Recurring = YEARLY) -> list[Silence]:
    """Return what a cycle at this moment writes."""
    return turned({every.name: every}, calendar(24, 25, 28, 29), known, at(moment), BRUSSELS)


# --- days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ((21, 22), [(21, 22)]),
        ((21, 23), [(21, 21), (23, 23)]),
        ((24, 25, 28, 29), [(24, 29)]),
        ((24, 28), [(24, 24), (28, 28)]),
        ((19, 20, 21), [(19, 21)]),
        ((), []),
    ],
    ids=[
        "days running",
        "a day between",
        "a weekend between",
        "a weekend and a day between",
        "begins on a Saturday",
        "none",
    ],
)
def test_days_off_of_a_calendar_are_joined_over_days_that_nobody_works(
    days: tuple[int, ...], found: list[tuple[int, int]]
) -> None:
    assert [(one.day, other.day) for one, other in periods_of(calendar(*days)["closure"])] == found


def test_a_day_that_is_worked_all_the_same_is_not_silent() -> None:
    kept = Calendar("closure", closed=december(24, 25), opened=december(24))

    assert periods_of(kept) == ((date(2026, 12, 25), date(2026, 12, 25)),)


@pytest.mark.parametrize(
    ("every", "today", "next_one"),
    [
        (SUMMER, "2026-07-14", ("2026-07-15", "2026-08-15")),
        (SUMMER, "2026-08-15", ("2026-07-15", "2026-08-15")),
        (SUMMER, "2026-08-16", ("2027-07-15", "2027-08-15")),
        (YEARLY, "2026-12-19", ("2026-12-20", "2027-01-05")),
        (YEARLY, "2027-01-05", ("2026-12-20", "2027-01-05")),
        (YEARLY, "2027-01-06", ("2027-12-20", "2028-01-05")),
        (DAYS, "2026-11-01", ("2026-12-24", "2026-12-29")),
        (DAYS, "2026-12-30", None),
    ],
)
def test_the_next_time_is_known(every: Recurring, today: str, next_one: tuple[str, str] | None) -> None:
    found = coming(every, calendar(24, 25, 28, 29), date.fromisoformat(today))

    assert found[:1] == ([tuple(map(date.fromisoformat, next_one))] if next_one else [])


def test_the_time_after_one_that_a_person_ended_is_listed() -> None:
    (begun,) = turn("2026-12-20T00:00")
    ended = replace(begun, until=at("2026-12-22T10:00"), ended_by="Bo", ended=True)
    rules = RuleSet(silences={"freeze": YEARLY})

    days = [
        [one.since.astimezone(BRUSSELS).date() for one in next_times(rules, {}, some, date(2026, 12, 23), BRUSSELS)]
        for some in ([], [ended])
    ]

    assert days == [[date(2026, 12, 20)], [date(2027, 12, 20)]]


def test_a_calendar_that_nobody_knows_any_more_is_silent_on_no_day() -> None:
    assert list(periods(replace(DAYS, calendar="gone"), {}, 2026)) == []


# --- what a cycle makes of it -------------------------------------------------------------------------------------


def test_each_time_becomes_a_silence_on_its_first_day_and_once() -> None:
    assert turn("2026-12-19T23:59") == []
    (begun,) = turn("2026-12-20T00:00")
    assert turn("2026-12-28T10:00", begun) == []
    assert turn("2027-01-06T00:00", begun) == []

    assert (begun.since, begun.until) == (at("2026-12-20T00:00"), at("2027-01-05T23:59:59"))
    assert (begun.name, begun.who, begun.why, begun.project) == ("freeze", "pmo@example.org", "Nothing moves", "A")


def test_each_year_is_a_silence_of_its_own() -> None:
    (first,) = turn("2026-12-20T00:00")
    (second,) = turn("2027-12-20T00:00", replace(first, ended=True, ended_by="Bo"))

    assert second.id != first.id


def test_a_time_that_a_person_ended_does_not_begin_again() -> None:
    (begun,) = turn("2026-12-20T00:00")
    by_hand = replace(begun, until=at("2026-12-28T10:00"), ended_by="Bo")

    assert turn("2026-12-28T10:00", by_hand) == []
    assert turn("2026-12-28T10:15", replace(by_hand, ended=True)) == []


@pytest.mark.parametrize(
    ("last", "until"),
    [((12, 30), "2026-12-30T23:59:59"), ((1, 12), "2027-01-12T23:59:59"), ((12, 27), "2026-12-28T10:00")],
    ids=["shorter", "longer", "over by now"],
)
def test_other_days_in_the_file_hold_at_once(last: tuple[int, int], until: str) -> None:
    (begun,) = turn("2026-12-20T00:00")

    (changed,) = turn("2026-12-28T10:00", begun, every=replace(YEARLY, last=last))

    assert changed == replace(begun, until=at(until))


def test_an_entry_that_is_gone_ends_its_silence_and_no_other() -> None:
    (begun,) = turn("2026-12-20T00:00")
    own = replace(begun, id="s1", name="")

    ended = turned({}, {}, [begun, own], at("2026-12-28T10:00"), BRUSSELS)

    assert ended == [replace(begun, until=at("2026-12-28T10:00"))]


def test_the_same_time_has_the_same_id_wherever_it_is_made() -> None:
    period: Period = (date(2026, 12, 20), date(2027, 1, 5))

    assert silence_of(YEARLY, period, BRUSSELS) == turn("2026-12-24T09:00")[0]


# --- through the messages -----------------------------------------------------------------------------------------


def test_at_its_end_one_message_says_what_is_open() -> None:
    room = PostRoom(a_rule(), now=at("2026-12-18T10:00"))
    room.rules = replace(room.rules, silences={"freeze": YEARLY})
    assert said(room.cycle(hours=0, M1="amber")) == [("ann", ["M1 opened amber"])]
    room.now = at("2026-12-20T00:10")

    assert room.cycle(hours=0, M1="red", B1="red") != []  # B is another project
    (kept,) = room.kept.silences
    assert (kept.name, kept.ended) == ("freeze", False)
    for _ in range(16):
        assert room.cycle() == []
    room.now = at("2027-01-06T09:00")

    assert said(room.cycle(hours=0)) == [("ann", ["M1 worsened red"])]
    assert room.kept.silences == []
    assert room.cycle(hours=1) == []


def test_it_comes_back_the_next_year() -> None:
    room = PostRoom(a_rule(), now=at("2026-12-21T10:00"))
    room.rules = replace(room.rules, silences={"freeze": YEARLY})

    for day in ("2026-12-21T10:00", "2027-01-06T10:00", "2027-12-21T10:00"):
        room.now = at(day)
        room.cycle(hours=0)
        room.cycle(hours=0.5, M1="green")
        room.cycle(hours=0.5, M1="red")

    assert [one.name for one in room.kept.silences] == ["freeze"]
    assert room.last.held == {"silenced": 1}


def test_what_opened_and_ended_in_it_is_told_to_nobody() -> None:
    room = PostRoom(a_rule(), now=at("2026-12-21T10:00"))
    room.rules = replace(room.rules, silences={"freeze": YEARLY})
    room.cycle(hours=0, M1="red")
    room.cycle(M1="green")
    room.now = at("2027-01-06T09:00")

    assert room.cycle(hours=0) == []
