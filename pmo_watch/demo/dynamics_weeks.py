"""Keeps the sample programme's fourth plan in a Dataverse on this machine, as its people would edit it week by week."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from pmo_watch.demo import story
from pmo_watch.demo.dataverse_answers import Fault
from pmo_watch.demo.dataverse_rows import Column, stamp
from pmo_watch.demo.fake_dataverse import FakeDataverse
from pmo_watch.demo.plans import EVENING, MORNING, WORK_DAY_HOURS, Dates, Plan, schedule
from pmo_watch.workdays import Calendar

ZONE = ZoneInfo("Europe/Brussels")
CODE_COLUMN = "gem_code"  # the organisation's own column for the code that everybody uses
FINISH_TO_START = 1
SAVED = time(8, 30)


class Environment:
    """One project of Project Operations; `write` makes it what it was in a week, through edits like a person's."""

    def __init__(self, site: FakeDataverse, plan: Plan, calendar: Calendar) -> None:
        self._site = site
        self._plan = plan
        self._calendar = calendar
        self._project = ""
        self._tasks: dict[str, str] = {}
        columns = site.rows.tables["msdyn_project"].columns
        columns[CODE_COLUMN] = Column(CODE_COLUMN, "text")

    def write(self, number: int) -> None:
        """Write the state of one week (0 is the first) over that of the week before."""
        with self._site.lock:
            self._site.rows.now = _at(story.WEEKS[number], SAVED)
            now = schedule(self._plan, self._plan.weeks[number].late, self._calendar)
            if not self._project:
                self._begin(now)
            for row in self._plan.rows:
                self._edit(row.code, now[row.code], number)
            self._finish(number, max(one.finish for one in now.values()))
            if number == story.THROTTLED_WEEK:
                self._site.faults.append(Fault("status", path="msdyn_projecttasks", status=429, retry_after="0"))

    def _begin(self, now: dict[str, Dates]) -> None:
        rows, plan = self._site.rows, self._plan
        manager = rows.add("systemuser", fullname=plan.manager, internalemailaddress=story.LEADER_OF[plan.code])
        self._project = rows.add(
            "msdyn_project",
            msdyn_subject=plan.title,
            msdyn_scheduledstart=stamp(_at(plan.start, MORNING)),
            msdyn_projectmanager=manager,
            **{CODE_COLUMN: plan.code},
        )
        baseline = rows.add("msdyn_projectbaselinedata", msdyn_projectid=self._project)
        for position, row in enumerate(plan.rows, start=1):
            self._tasks[row.code] = rows.add(
                "msdyn_projecttask",
                msdyn_subject=row.name,
                msdyn_project=self._project,
                msdyn_displaysequence=float(position),
                msdyn_ismilestone=row.days == 0,
            )
            rows.add(
                "msdyn_projectbaselinetaskdata",
                msdyn_baseline=baseline,
                msdyn_projecttaskid=self._tasks[row.code],
                msdyn_taskstartdate=stamp(_at(now[row.code].start, MORNING)),
                msdyn_taskfinishdate=stamp(_at(now[row.code].finish, EVENING)),
                msdyn_taskduration=float(row.days),
                msdyn_taskeffort=float(row.days * WORK_DAY_HOURS),
            )
            for before in row.after:
                rows.add(
                    "msdyn_projecttaskdependency",
                    msdyn_project=self._project,
                    msdyn_predecessortask=self._tasks[before],
                    msdyn_successortask=self._tasks[row.code],
                    msdyn_projecttaskdependencylinktype=FINISH_TO_START,
                )

    def _edit(self, code: str, dates: Dates, number: int) -> None:
        progress = self._plan.weeks[number].progress.get(code, 0)
        days = next(row.days for row in self._plan.rows if row.code == code)
        values = {
            "msdyn_start": _midnight(dates.start),
            "msdyn_finish": _midnight(dates.finish),
            "msdyn_duration": float(days),
            "msdyn_effort": float(days * WORK_DAY_HOURS),
            "msdyn_progress": progress / 100,
            "msdyn_actualstart": _midnight(min(dates.start, story.WEEKS[number])) if progress else None,
            "msdyn_actualend": _midnight(min(dates.finish, story.WEEKS[number])) if progress == 100 else None,
        }
        row = self._site.rows.tables["msdyn_projecttask"].rows[self._tasks[code]]
        if any(row[name] != value for name, value in values.items()):
            self._site.rows.edit("msdyn_projecttask", self._tasks[code], **values)

    def _finish(self, number: int, last: date) -> None:
        effort = sum(row.days for row in self._plan.rows)
        done = sum(row.days * self._plan.weeks[number].progress.get(row.code, 0) for row in self._plan.rows)
        self._site.rows.edit(
            "msdyn_project",
            self._project,
            msdyn_finish=stamp(_at(last, EVENING)),
            msdyn_progress=round(done / effort / 100, 4),
            msdyn_totalactualcost=float(self._plan.spent[number]),
        )


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZONE)


def _midnight(day: date) -> str:
    """Return a day as a column of dates in the reader's zone holds it: the instant at which it begins there."""
    return stamp(_at(day, time()))
