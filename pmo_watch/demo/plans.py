"""Writes the sample programme's plans as Project XML: dates from links, durations and what went wrong each week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from xml.sax.saxutils import escape

from pmo_watch.workdays import Calendar

MINUTES = 480
MORNING, EVENING = time(8), time(17)
WORK_DAY_HOURS = 8
TEXT_1, TEXT_2 = "188743731", "188743734"  # field ids of Project XML


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a plan. `code` is what people call it and stays; `days` is 0 for a milestone; `cost` in euro.

    `after`: codes of the rows before it. `phase`: the summary row it stands under. `kind`: of a milestone.
    """

    code: str
    name: str
    days: int = 0
    cost: int = 0
    after: tuple[str, ...] = ()
    phase: str = ""
    kind: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """What a plan says in one week: progress in percent and working days of delay, by code; finished on, where done."""

    progress: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    baseline_late: Mapping[str, int] = field(default_factory=dict)  # an approved new baseline


@dataclass(frozen=True, slots=True)
class Plan:
    """A project's plan over the weeks."""

    code: str
    title: str
    manager: str
    start: date
    rows: tuple[Row, ...]
    weeks: tuple[Week, ...]
    spent: tuple[int, ...]  # actual cost by week, in euro


@dataclass(frozen=True, slots=True)
class Dates:
    """First and last day of a row."""

    start: date
    finish: date


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan as it stood when it was saved: dates now, dates promised, keys in the file."""

    now: Mapping[str, Dates]
    promised: Mapping[str, Dates]
    uids: Mapping[str, int]
    week: Week
    status: date


def schedule(plan: Plan, late: Mapping[str, int], calendar: Calendar) -> dict[str, Dates]:
    """Return the dates of every row: each begins the working day after the last of those before it."""
    found: dict[str, Dates] = {}
    for row in plan.rows:
        ends = [found[code].finish for code in row.after]
        before = max(ends, default=_before(plan.start, calendar))
        if row.days == 0:
            day = _moved(before, late.get(row.code, 0), calendar)
            found[row.code] = Dates(day, day)
            continue
        start = _moved(before, 1, calendar)
        finish = _moved(before, row.days + late.get(row.code, 0), calendar)
        found[row.code] = Dates(start, finish)
    return found


def _before(day: date, calendar: Calendar) -> date:
    return calendar.add(day, -1) or day


def _moved(day: date, days: int, calendar: Calendar) -> date:
    return calendar.add(day, days) or day


def plan_xml(plan: Plan, number: int, status: date, calendar: Calendar) -> str:
    """Return the plan as it was saved in that week (0 is the first), in the form of Microsoft Project."""
    week = plan.weeks[number]
    now = schedule(plan, week.late, calendar)
    promised = schedule(plan, week.baseline_late, calendar)
    phases = list(dict.fromkeys(row.phase for row in plan.rows if row.phase))
    people = sorted({row.who for row in plan.rows if row.who})
    uids = {code: uid for uid, code in enumerate([*phases, *(row.code for row in plan.rows)], start=1)}
    saved = Saved(now, promised, uids, week, status)
    tasks = [_summary_of_all(plan, number, now)]
    for phase in ["", *phases]:
        inside = [row for row in plan.rows if row.phase == phase]
        if phase:
            tasks.append(_phase(phase, uids[phase], [now[row.code] for row in inside]))
        tasks += [_task(row, saved, deep=bool(phase)) for row in inside]
    return _document(plan, status, now, tasks, people, uids)


def _document(
    plan: Plan,
    status: date,
    now: Mapping[str, Dates],
    tasks: Sequence[str],
    people: Sequence[str],
    uids: Mapping[str, int],
) -> str:
    head = {
        "SaveVersion": "14",
        "Name": f"{plan.code}.xml",
        "Title": plan.title,
        "Manager": plan.manager,
        "StartDate": _at(plan.start, MORNING),
        "FinishDate": _at(max(one.finish for one in now.values()), EVENING),
        "StatusDate": _at(status, EVENING),
        "CurrencyCode": "EUR",
        "MinutesPerDay": str(MINUTES),
        "CalendarUID": "1",
        "LastSaved": _at(status, time(16, 40)),
    }
    attributes = (
        "<ExtendedAttributes>"
        + _element("ExtendedAttribute", {"FieldID": TEXT_1, "FieldName": "Text1", "Alias": "PMO code"})
        + _element("ExtendedAttribute", {"FieldID": TEXT_2, "FieldName": "Text2", "Alias": "Kind"})
        + "</ExtendedAttributes>"
    )
    resources = [
        _element("Resource", {"UID": str(n), "ID": str(n), "Name": who, "Type": "1"}) for n, who in enumerate(people, 1)
    ]
    numbers = {who: n for n, who in enumerate(people, 1)}
    assignments = [
        _element(
            "Assignment",
            {
                "UID": str(n),
                "TaskUID": str(uids[row.code]),
                "ResourceUID": str(numbers[row.who]),
                "Units": "1",
                "Work": f"PT{row.days * WORK_DAY_HOURS}H0M0S",
            },
        )
        for n, row in enumerate([one for one in plan.rows if one.who and one.days], 1)
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<Project xmlns="http://schemas.microsoft.com/project">\n'
        + "".join(_leaf(name, value) for name, value in head.items())
        + attributes
        + _working_week()
        + f"<Tasks>{''.join(tasks)}</Tasks>\n<Resources>{''.join(resources)}</Resources>\n"
        f"<Assignments>{''.join(assignments)}</Assignments>\n</Project>\n"
    )


def _summary_of_all(plan: Plan, number: int, now: Mapping[str, Dates]) -> str:
    total = sum(row.cost for row in plan.rows)
    return _element(
        "Task",
        {
            "UID": "0",
            "ID": "0",
            "Name": plan.title,
            "OutlineLevel": "0",
            "Summary": "1",
            "Start": _at(plan.start, MORNING),
            "Finish": _at(max(one.finish for one in now.values()), EVENING),
            "Cost": str(total * 100),
            "ActualCost": str(plan.spent[number] * 100),
            "ActualStart": _at(plan.start, MORNING),
        },
    )


def _phase(name: str, uid: int, inside: Sequence[Dates]) -> str:
    return _element(
        "Task",
        {
            "UID": str(uid),
            "ID": str(uid),
            "Name": name,
            "OutlineLevel": "1",
            "Summary": "1",
            "Start": _at(min(one.start for one in inside), MORNING),
            "Finish": _at(max(one.finish for one in inside), EVENING),
        },
    )


def _task(row: Row, saved: Saved, *, deep: bool) -> str:
    now, promised, uids, status = saved.now[row.code], saved.promised[row.code], saved.uids, saved.status
    progress = saved.week.progress.get(row.code, 0)
    milestone = row.days == 0
    opening = EVENING if milestone else MORNING
    fields = {
        "UID": str(uids[row.code]),
        "ID": str(uids[row.code]),
        "Name": row.name,
        "OutlineLevel": "2" if deep else "1",
        "Milestone": "1" if milestone else "0",
        "Summary": "0",
        "Start": _at(now.start, opening),
        "Finish": _at(now.finish, EVENING),
        "Duration": f"PT{row.days * WORK_DAY_HOURS}H0M0S",
        "PercentComplete": str(progress),
        "Work": f"PT{row.days * WORK_DAY_HOURS}H0M0S",
        "Cost": str(row.cost * 100),
        "ActualCost": str(row.cost * progress),
        **({"ActualStart": _at(min(now.start, status), opening)} if progress else {}),
        **({"ActualFinish": _at(min(now.finish, status), EVENING)} if progress == 100 else {}),
    }
    links = "".join(
        _element("PredecessorLink", {"PredecessorUID": str(uids[code]), "Type": "1", "LinkLag": "0", "LagFormat": "7"})
        for code in row.after
    )
    texts = _attribute(TEXT_1, row.code) + (_attribute(TEXT_2, row.kind) if row.kind else "")
    baseline = _element(
        "Baseline",
        {
            "Number": "0",
            "Start": _at(promised.start, opening),
            "Finish": _at(promised.finish, EVENING),
            "Duration": f"PT{row.days * WORK_DAY_HOURS}H0M0S",
            "Work": f"PT{row.days * WORK_DAY_HOURS}H0M0S",
            "Cost": str(row.cost * 100),
        },
    )
    return f"<Task>{''.join(_leaf(name, value) for name, value in fields.items())}{links}{texts}{baseline}</Task>\n"


def _working_week() -> str:
    hours = "<WorkingTimes>{}</WorkingTimes>".format(
        "".join(
            _element("WorkingTime", {"FromTime": begin, "ToTime": end})
            for begin, end in (("08:00:00", "12:00:00"), ("13:00:00", "17:00:00"))
        )
    )
    days = "".join(
        f"<WeekDay>{_leaf('DayType', str(day))}{_leaf('DayWorking', '1')}{hours}</WeekDay>"
        if 1 < day < 7
        else f"<WeekDay>{_leaf('DayType', str(day))}{_leaf('DayWorking', '0')}</WeekDay>"
        for day in range(1, 8)
    )
    return (
        "<Calendars><Calendar><UID>1</UID><Name>Standard</Name><IsBaseCalendar>1</IsBaseCalendar>"
        f"<BaseCalendarUID>-1</BaseCalendarUID><WeekDays>{days}</WeekDays></Calendar></Calendars>\n"
    )


def _attribute(field_id: str, value: str) -> str:
    return _element("ExtendedAttribute", {"FieldID": field_id, "Value": value})


def _element(name: str, fields: Mapping[str, str]) -> str:
    return f"<{name}>{''.join(_leaf(one, value) for one, value in fields.items())}</{name}>\n"


def _leaf(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def _at(day: date, clock: time) -> str:
    return datetime.combine(day, clock).isoformat()
