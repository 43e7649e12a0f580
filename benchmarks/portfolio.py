"""Writes a portfolio of plans as Microsoft Project saves them; the same arguments give the same bytes.

Each plan has phases, work packages, tasks and milestones with links, a baseline, costs, custom fields and assignments;
a share of the assignments has time-phased data. With `changed` a share of the rows, spread over all plans, has slipped
or progressed since the plans of the same seed without it, and these plans were saved a week later.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

FIRST_DAY = date(2026, 1, 5)
CREATED = "2025-12-01T09:00:00"
SAVED = datetime(2026, 9, 4, 16, 30)  # noqa: DTZ001  Project XML has local times without zone
STATUS_DAY = date(2026, 9, 4)
ROWS_PER_PHASE, ROWS_PER_PACKAGE = 50, 10
MILESTONE_SHARE, ASSIGNED_SHARE, TIMEPHASED_SHARE, LINKED_SHARE = 0.08, 0.8, 0.4, 0.7
RATE_CENTS = 7_500  # an hour
SAID = (
    "Analyse, Accept, Build, Buy, Configure, Connect, Describe, Install, Measure, Migrate, Négocier, "
    "Prepare, Review, Rollen, Test, Train, Write, catalogue, census, contract, data centre, desk, forms, "
    "identity, interface, ledger, network, portal, register, rooms, servers, tender"
)
WORDS = SAID.split(", ")
HOLIDAYS = tuple(date(year, month, day) for year in (2026, 2027) for month, day in ((1, 1), (5, 1), (7, 21), (12, 25)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a plan; days are the number of working days it takes, `start` counts them from the plan's first day."""

    uid: int
    level: int
    outline: str
    name: str
    start: int
    days: int
    milestone: bool = False
    summary: bool = False
    slip: int = 0
    percent: int = 0
    predecessor: int = 0
    resource: int = 0
    timephased: bool = False


def write_plans(folder: Path, plans: int = 200, tasks: int = 500, seed: int = 1, changed: float = 0.0) -> list[Path]:
    """Write the plans to the folder and return their paths; `tasks` rows each, the project's own row not counted."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, plans + 1):
        rows = _rows(random.Random(f"{seed}/{number}"), tasks)
        moved = list(_moved(rows, random.Random(f"{seed}/{number}/changed"), changed))
        path = folder / f"plan-{number:03}.xml"
        path.write_text("".join(_plan(moved, number, seed, saved_later=moved != rows)), encoding="utf-8")
        paths.append(path)
    return paths


def _rows(dice: random.Random, tasks: int) -> list[Row]:
    rows: list[Row] = []
    day = phase = package = 0
    for uid in range(1, tasks + 1):
        at = uid - 1
        name = f"{dice.choice(WORDS)} {dice.choice(WORDS).lower()} {uid}"
        if at % ROWS_PER_PHASE == 0:
            phase, package = phase + 1, 0
            rows.append(Row(uid, 1, f"{phase}", name, day, 40, summary=True))
        elif at % ROWS_PER_PHASE % ROWS_PER_PACKAGE == 1:
            package += 1
            rows.append(Row(uid, 2, f"{phase}.{package}", name, day, 12, summary=True))
        else:
            rows.append(_leaf(dice, uid, f"{phase}.{package}.{at}", name, day))
            day += dice.choice((0, 0, 1, 2))
    return rows


def _leaf(dice: random.Random, uid: int, outline: str, name: str, day: int) -> Row:
    milestone = dice.random() < MILESTONE_SHARE
    days = 0 if milestone else dice.randint(1, 15)
    past = (_working_day(day + days) - STATUS_DAY).days
    percent = 100 if past < 0 else 0 if past > 20 else dice.choice((0, 25, 50, 80))
    resource = dice.randint(1, 12) if not milestone and dice.random() < ASSIGNED_SHARE else 0
    return Row(
        uid,
        3,
        outline,
        name,
        day,
        days,
        milestone,
        slip=dice.choice((0, 0, 0, 2, 5, 10)),
        percent=percent,
        predecessor=uid - 1 if dice.random() < LINKED_SHARE else 0,
        resource=resource,
        timephased=dice.random() < TIMEPHASED_SHARE,
    )


def _moved(rows: list[Row], dice: random.Random, changed: float) -> Iterator[Row]:
    for row in rows:
        if not row.summary and dice.random() < changed:
            yield replace(row, slip=row.slip + 5, percent=min(row.percent + 10, 99))
        else:
            yield row


def _working_day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number // 5 * 7 + number % 5)


def _span(start: int, days: int, *, milestone: bool) -> tuple[str, str]:
    finish = _working_day(start + max(days - 1, 0))
    begin = f"{finish}T17:00:00" if milestone else f"{_working_day(start)}T08:00:00"
    return begin, f"{finish}T17:00:00"


def _plan(rows: list[Row], number: int, seed: int, *, saved_later: bool) -> Iterator[str]:
    saved = SAVED + timedelta(days=7) if saved_later else SAVED
    last = max(row.start + row.days + row.slip for row in rows)
    guid = str(uuid.UUID(int=random.Random(f"guid/{seed}/{number}").getrandbits(128))).upper()
    yield (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<Project xmlns="http://schemas.microsoft.com/project">\n{_elements(1, SaveVersion=14)}'
        f"{_elements(1, Name=f'plan-{number:03}.xml', GUID=guid, Title=f'Project {number:03}', Company='Example unit')}"
        f"{_elements(1, Manager=f'Leader {number % 20}', CreationDate=CREATED, LastSaved=saved.isoformat())}"
        f"{_elements(1, StartDate=f'{FIRST_DAY}T08:00:00', FinishDate=f'{_working_day(last)}T17:00:00')}"
        f"{_elements(1, CurrencyCode='EUR', CalendarUID=1, DefaultStartTime='08:00:00', DefaultFinishTime='17:00:00')}"
        f"{_elements(1, MinutesPerDay=480, MinutesPerWeek=2400, DaysPerMonth=20, BaselineForEarnedValue=0)}"
        f"{_elements(1, StatusDate=f'{STATUS_DAY}T17:00:00', CurrentDate=f'{STATUS_DAY}T08:00:00')}"
    )
    yield "\t<ExtendedAttributes>\n\t\t<ExtendedAttribute>\n"
    yield f"{_elements(3, FieldID=188743731, FieldName='Text1', Alias='PMO code')}"
    yield "\t\t</ExtendedAttribute>\n\t</ExtendedAttributes>\n"
    yield _calendar()
    yield "\t<Tasks>\n"
    yield _project_row(rows, last)
    yield from (_task(row, number) for row in rows)
    yield "\t</Tasks>\n\t<Resources>\n"
    yield from (_resource(uid) for uid in range(13))
    yield "\t</Resources>\n\t<Assignments>\n"
    yield from (_assignment(row) for row in rows if row.resource)
    yield "\t</Assignments>\n</Project>\n"


def _elements(depth: int, **texts: str | int) -> str:
    indent = "\t" * depth
    return "".join(f"{indent}<{name}>{text}</{name}>\n" for name, text in texts.items())


def _calendar() -> str:
    hours = "".join(
        f"<WorkingTime><FromTime>{begin}:00:00</FromTime><ToTime>{end}:00:00</ToTime></WorkingTime>"
        for begin, end in (("08", "12"), ("13", "17"))
    )
    worked = f"<DayWorking>1</DayWorking><WorkingTimes>{hours}</WorkingTimes>"
    days = [worked if day in range(2, 7) else "<DayWorking>0</DayWorking>" for day in range(1, 8)]
    week = "".join(f"\t\t\t\t<WeekDay><DayType>{day}</DayType>{text}</WeekDay>\n" for day, text in enumerate(days, 1))
    closed = "".join(
        f"\t\t\t\t<Exception><TimePeriod><FromDate>{day}T00:00:00</FromDate><ToDate>{day}T23:59:00</ToDate></TimePeriod>"
        "<Type>1</Type><DayWorking>0</DayWorking></Exception>\n"
        for day in HOLIDAYS
    )
    return (
        f"\t<Calendars>\n\t\t<Calendar>\n{_elements(3, UID=1, Name='Standard', IsBaseCalendar=1, BaseCalendarUID=-1)}"
        f"\t\t\t<WeekDays>\n{week}\t\t\t</WeekDays>\n\t\t\t<Exceptions>\n{closed}\t\t\t</Exceptions>\n"
        "\t\t</Calendar>\n\t</Calendars>\n"
    )


def _project_row(rows: list[Row], last: int) -> str:
    hours = sum(8 * row.days for row in rows if row.resource)
    start, finish = f"{FIRST_DAY}T08:00:00", f"{_working_day(last)}T17:00:00"
    texts = _elements(
        3,
        UID=0,
        ID=0,
        Name="Project",
        IsNull=0,
        WBS=0,
        OutlineNumber=0,
        OutlineLevel=0,
        Start=start,
        Finish=finish,
        Duration="PT1600H0M0S",
        Milestone=0,
        Summary=1,
        PercentComplete=40,
        Work=f"PT{hours}H0M0S",
        Cost=hours * RATE_CENTS,
    )
    return f"\t\t<Task>\n{texts}\t\t</Task>\n"


def _task(row: Row, number: int) -> str:
    hours = 8 * row.days
    cost = hours * RATE_CENTS if row.resource else 0
    told = (
        _identity(row, number),
        _schedule(row, hours),
        _progress(row, hours, cost),
        _details(row, number, hours, cost),
    )
    return f"\t\t<Task>\n{''.join(told)}\t\t</Task>\n"


def _identity(row: Row, number: int) -> str:
    return _elements(
        3,
        UID=row.uid,
        GUID=f"{number:08X}-0000-4000-8000-{row.uid:012X}",
        ID=row.uid,
        Name=row.name,
        Active=1,
        Manual=0,
        Type=0,
        IsNull=0,
        CreateDate=CREATED,
        WBS=row.outline,
        OutlineNumber=row.outline,
        OutlineLevel=row.level,
        Priority=500,
    )


def _schedule(row: Row, hours: int) -> str:
    start, finish = _span(row.start + row.slip, row.days, milestone=row.milestone)
    slack = 4800 * (row.uid % 7)
    return _elements(
        3,
        Start=start,
        Finish=finish,
        Duration=f"PT{hours}H0M0S",
        DurationFormat=7,
        Work=f"PT{hours}H0M0S",
        ResumeValid=0,
        EffortDriven=0,
        Recurring=0,
        OverAllocated=0,
        Estimated=0,
        Milestone=int(row.milestone),
        Summary=int(row.summary),
        Critical=int(slack == 0),
        IsSubproject=0,
        ExternalTask=0,
        EarlyStart=start,
        EarlyFinish=finish,
        LateStart=start,
        LateFinish=finish,
        StartVariance=4800 * row.slip,
        FinishVariance=4800 * row.slip,
        WorkVariance="0.00",
        FreeSlack=0,
        TotalSlack=slack,
        FixedCost=0,
        FixedCostAccrual=3,
    )


def _progress(row: Row, hours: int, cost: int) -> str:
    start, finish = _span(row.start + row.slip, row.days, milestone=row.milestone)
    worked, spent = hours * row.percent // 100, cost * row.percent // 100
    begun = {"ActualStart": start} if row.percent else {}
    done = {"ActualFinish": finish} if row.percent == 100 else {}
    return _elements(
        3,
        PercentComplete=row.percent,
        PercentWorkComplete=row.percent,
        Cost=cost,
        OvertimeCost=0,
        **begun,
        **done,
        ActualDuration=f"PT{worked}H0M0S",
        ActualCost=spent,
        ActualWork=f"PT{worked}H0M0S",
        RegularWork=f"PT{hours}H0M0S",
        RemainingDuration=f"PT{hours - worked}H0M0S",
        RemainingCost=cost - spent,
        RemainingWork=f"PT{hours - worked}H0M0S",
        ConstraintType=0,
        CalendarUID=-1,
        LevelAssignments=1,
        LevelingCanSplit=1,
        LevelingDelay=0,
        IgnoreResourceCalendar=0,
        HideBar=0,
        Rollup=0,
        PhysicalPercentComplete=0,
        EarnedValueMethod=0,
    )


def _details(row: Row, number: int, hours: int, cost: int) -> str:
    start, finish = _span(row.start, row.days, milestone=row.milestone)
    link = _elements(4, PredecessorUID=row.predecessor, Type=1, CrossProject=0, LinkLag=0, LagFormat=7)
    baseline = _elements(
        4,
        Number=0,
        Start=start,
        Finish=finish,
        Duration=f"PT{hours}H0M0S",
        DurationFormat=7,
        Work=f"PT{hours}H0M0S",
        Cost=cost,
    )
    return (
        (f"\t\t\t<PredecessorLink>\n{link}\t\t\t</PredecessorLink>\n" if row.predecessor else "")
        + f"\t\t\t<ExtendedAttribute>\n{_elements(4, FieldID=188743731, Value=f'P{number:03}.{row.uid}')}"
        + f"\t\t\t</ExtendedAttribute>\n\t\t\t<Baseline>\n{baseline}\t\t\t</Baseline>\n"
    )


def _resource(uid: int) -> str:
    named = {"Name": f"Person {uid}", "EmailAddress": f"person{uid}@example.org"} if uid else {}
    return (
        f"\t\t<Resource>\n{_elements(3, UID=uid, ID=uid, **named, Type=1, IsNull=0, MaxUnits='1.00')}\t\t</Resource>\n"
    )


def _assignment(row: Row) -> str:
    start, finish = _span(row.start + row.slip, row.days, milestone=False)
    hours = 8 * row.days
    worked = hours * row.percent // 100
    texts = _elements(
        3,
        UID=row.uid,
        TaskUID=row.uid,
        ResourceUID=row.resource,
        PercentWorkComplete=row.percent,
        ActualCost=0,
        ActualWork=f"PT{worked}H0M0S",
        ACWP=0,
        Confirmed=0,
        Cost=hours * RATE_CENTS,
        CostRateTable=0,
        CostVariance=0,
        CV=0,
        Delay=0,
        Finish=finish,
        FinishVariance=0,
        WorkVariance=0,
        HasFixedRateUnits=1,
        FixedMaterial=0,
        LevelingDelay=0,
        LinkedFields=0,
        Milestone=0,
        Overallocated=0,
        RegularWork=f"PT{hours}H0M0S",
        RemainingCost=0,
        RemainingWork=f"PT{hours - worked}H0M0S",
        ResponsePending=0,
        Start=start,
        Units=1,
        UpdateNeeded=0,
        VAC=0,
        Work=f"PT{hours}H0M0S",
        WorkContour=0,
        BCWS=0,
        BCWP=0,
        BookingType=0,
        CreationDate=CREATED,
    )
    return f"\t\t<Assignment>\n{texts}{''.join(_phases(row)) if row.timephased else ''}\t\t</Assignment>\n"


def _phases(row: Row) -> Iterator[str]:
    """One block per civil day, days off without a value, as Project writes them."""
    first, last = _working_day(row.start + row.slip), _working_day(row.start + row.slip + row.days - 1)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        value = {"Value": "PT8H0M0S"} if day.weekday() < 5 else {}
        block = _elements(
            4,
            Type=1,
            UID=row.uid,
            Start=f"{day}T08:00:00",
            Finish=f"{day + timedelta(days=1)}T08:00:00",
            Unit=2,
            **value,
        )
        yield f"\t\t\t<TimephasedData>\n{block}\t\t\t</TimephasedData>\n"
