"""A hundred projects of an ICT unit as their lists stand on a day: normal life, and the problems that were put in.

Every list is a function of the day: whoever begins in spring finds the lists as they would have grown since January.
"""

import csv
import io
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

from year_days import after, nth, number_of
from year_problems import (
    FIRST_SPRINT,
    ICT,
    LEADERS,
    MILESTONES,
    PMO,
    PROGRAMS,
    PROJECTS,
    Problem,
    baseline,
    code,
    leader,
    manager,
    portfolio,
    sprint_over,
    successor,
)

Rows = list[dict[str, object]]
LANGUAGES = ("fr", "nl", "fr", "nl", "en")
# Some have a day off more, in the region where they live; some are posted abroad. All of them keep the unit's holidays.
HOURS = (("Europe/Brussels", "ict"), ("Europe/Brussels", "vl"), ("Europe/Brussels", "fr"), ("Europe/Lisbon", "ict"))
ABROAD = {4: ("Africa/Kinshasa", "ict"), 9: ("America/New_York", "ict"), 14: ("Asia/Tokyo", "ict")}
GIVEN = ("Anaïs", "Bram", "Céline", "Dries", "Élise", "Femke", "Gilles", "Hanne", "Inès", "Joris")
FAMILY = ("Voorbeeld", "Exemple", "Specimen", "Échantillon", "Modèle", "Proefman")
TOLD = 3  # working days by which a milestone may be late without anybody minding


@cache
def drawn(seed: str, below: int) -> int:
    """Return a number from 0 on that always is the same for the same seed."""
    return random.Random(seed).randrange(below)


class Life:
    """What the lists say on each day."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._of: dict[tuple[str, str], list[Problem]] = {}
        self._flapping = [one for one in problems if one.kind == "flapping"]
        for one in problems:
            self._of.setdefault((one.kind, one.project or one.subject), []).append(one)

    def lists(self, day: date, *, late: bool = False) -> dict[str, str]:
        """Return every list as it is saved on a working day, by its name, as CSV; `late`: in the afternoon."""
        made = {f"milestones-{number}": self.milestones(number, day) for number in range(4)}
        made |= {"projects": self.projects(day), "risks": self.risks(day, late=late), "decisions": self.decisions(day)}
        made |= {"actions": self.actions(day), "observations": self.observations(day), "sprints": self.sprints(day)}
        return {name: as_csv(rows) for name, rows in made.items()}

    def problems(self, kind: str, project: int) -> Sequence[Problem]:
        """Return the problems of a kind that a project has in the year."""
        return self._of.get((kind, code(project)), ())

    def _one(self, kind: str, subject: str, day: date) -> Problem | None:
        """Return the problem of a kind that something has on the day, its last one excluded."""
        found = self._of.get((kind, subject), ())
        return next((one for one in found if one.since <= day < one.until), None)

    # --- projects -------------------------------------------------------------------------------------------------

    def leader(self, project: int, day: date) -> str:
        """Return who leads a project on the day."""
        handed = [one for one in self.problems("replaced", project) if day >= after(one.since, 4)]
        return successor(project) if handed else leader(project)

    def projects(self, day: date) -> Rows:
        """Return the register."""
        return [self._project(one, day) for one in range(PROJECTS)]

    def _project(self, project: int, day: date) -> dict[str, object]:
        gone = max(number_of(day), 1)
        budget = 100_000 + 5_000 * drawn(f"budget {project}", 100)
        closed = any(day >= one.until for one in self.problems("ended", project))
        return {
            "project_id": code(project),
            "name": f"Project {project} of the unit",
            "program": f"PRG-{project // (PROJECTS // PROGRAMS)}",
            "state": "closed" if closed else "executing",
            "phase": "executing",
            "delivery": "agile" if is_agile(project) else "waterfall",
            "leader": self.leader(project, day),
            "language": LANGUAGES[project % 5],
            "budget": budget,
            "actual_cost": round(budget * (0.2 + 0.6 * gone / 260)),
            "declared_eac": round(budget * self._estimate(project, day)),
            "progress": f"{20 + 60 * gone // 260} %",
            "declared_rag": "green",
            "declared_on": self._declared(project, day),
        }

    def _estimate(self, project: int, day: date) -> float:
        """Return the estimate beside the budget: at most two percent more while there is no problem."""
        usual = 0.95 + drawn(f"estimate {project} {day.year}-{day.month}", 8) / 100
        for one in self.problems("overrun", project):
            if after(one.since, -1) <= day < one.until:
                return 1.15 if day >= after(one.steps[1].day, -1) else 1.07
            if day == after(one.until, -1):
                return 1.0
        return usual

    def _declared(self, project: int, day: date) -> date:
        last = thursday(day)
        for one in self.problems("stale", project):
            before = one.since - timedelta(days=15)
            if before <= last and day < one.until:
                return before
            if day >= one.until:
                last = max(last, one.until)
        return last

    # --- milestones -----------------------------------------------------------------------------------------------

    def milestones(self, number: int, day: date) -> Rows:
        """Return the list of a portfolio's milestones."""
        moved = self._one("renumbered", f"milestones-{number}", day) is not None
        rows = []
        for project in range(PROJECTS):
            if portfolio(project) == number:
                rows += [self._milestone(project, one, day) for one in range(MILESTONES)]
        if moved:  # somebody put a row in front, and the numbers follow the rows
            numbers = [row["milestone_id"] for row in rows]
            for row, shifted in zip(rows, [*numbers[1:], numbers[0]], strict=True):
                row["milestone_id"] = shifted
        return rows

    def _milestone(self, project: int, milestone: int, day: date) -> dict[str, object]:
        identity = f"{code(project)}-M{milestone}"
        promised = baseline(project, milestone)
        promised = after(promised, 14) if self._was_replanned(project, identity, day) else promised
        late = self._late(project, milestone, day) + self._extra(project, identity, day)
        finish = after(promised, late)
        done = day > finish
        return {
            "milestone_id": identity,
            "project_id": code(project),
            "name": f"{('Analysis', 'Tender', 'Design', 'Build')[milestone % 4]} {milestone} of {code(project)}",
            "kind": "key",
            "baseline_finish": promised,
            "forecast_finish": finish,
            "actual_finish": finish if done else "",
            "done": "yes" if done else "no",
        }

    def _was_replanned(self, project: int, identity: str, day: date) -> bool:
        return any(one.subject == identity and day >= one.until for one in self.problems("replanned", project))

    def _late(self, project: int, milestone: int, day: date) -> int:
        """Return the small delay that every plan has, and that changes from month to month."""
        near = baseline(project, milestone) <= after(day, 30)
        when = "in the end" if near else f"{day.year}-{day.month}"
        return drawn(f"late {project} {milestone} {when}", TOLD + 1)

    def _extra(self, project: int, identity: str, day: date) -> int:
        for kind in ("slip", "replaced", "ended", "replanned"):
            for one in self.problems(kind, project):
                if one.subject == identity and one.since <= day < one.until:
                    return _days_late(one, day)
        return 0

    # --- registers ------------------------------------------------------------------------------------------------

    def risks(self, day: date, *, late: bool = False) -> Rows:
        """Return three risks of each project, one of them of those that grow."""
        rows = [self._risk(project, number, day) for project in range(PROJECTS) for number in range(1, 4)]
        flaps = {one.subject for one in self._flapping if one.since <= day < one.until and not late}
        return [{**row, "likelihood": 4} if row["risk_id"] in flaps else row for row in rows]

    def flaps(self, day: date) -> bool:
        """Say whether the lists of the afternoon are others than those of the morning."""
        return any(one.since <= day < one.until for one in self._flapping)

    def _risk(self, project: int, number: int, day: date) -> dict[str, object]:
        likelihood = 1 + drawn(f"risk {project} {number} {(day.year, day.month)}", 3)
        impact = 3
        for one in self.problems("risk", project):
            if number == 1 and one.since <= day < one.until:
                likelihood, impact = (4, 5) if day >= one.steps[1].day else (4, 3)
        return {
            "risk_id": f"{code(project)}-R{number}",
            "project_id": code(project),
            "title": f"Risk {number} of {code(project)}",
            "status": "approved",
            "likelihood": likelihood,
            "impact": impact,
        }

    def decisions(self, day: date) -> Rows:
        """Return a decision of each project every two months, taken well before it is needed, and some that are not."""
        rows: Rows = []
        for project in range(PROJECTS):
            for number in range(-1, 6):
                needed = nth(15 + 40 * number + project % 23)
                rows += self._decision(project, f"N{number}", needed, after(needed, -8), day)
            for one in self.problems("decision", project):
                needed = after(one.since, 5)
                rows += self._decision(project, one.subject.rpartition("-")[2], needed, one.until, day)
        return rows

    def _decision(self, project: int, name: str, needed: date, decided: date, day: date) -> Rows:
        asked = after(needed, -20)
        row: dict[str, object] = {
            "decision_id": f"{code(project)}-{name}",
            "project_id": code(project),
            "title": f"Decision {name} of {code(project)}",
            "requested_on": asked,
            "needed_by": needed,
            "decided_on": decided if day >= decided else "",
        }
        return [row] if asked <= day else []

    def actions(self, day: date) -> Rows:
        """Return an action of each project every month, done in time; and those that are not."""
        rows: Rows = []
        for project in range(PROJECTS):
            for number in range(-1, 12):
                due = nth(10 + 20 * number + project % 19)
                rows += self._action(project, f"N{number}", due, after(due, -drawn(f"act {project} {number}", 4)), day)
            for one in self.problems("action", project):
                rows += self._action(project, one.subject.rpartition("-")[2], after(one.since, -1), one.until, day)
        return rows

    def _action(self, project: int, name: str, due: date, done: date, day: date) -> Rows:
        row: dict[str, object] = {
            "action_id": f"{code(project)}-{name}",
            "project_id": code(project),
            "title": f"Action {name} of {code(project)}",
            "status": "done" if day >= done else "open",
            "due": due,
            "done_on": done if day >= done else "",
        }
        return [row] if after(due, -10) <= day else []

    # --- figures and sprints --------------------------------------------------------------------------------------

    def observations(self, day: date) -> Rows:
        """Return the open incidents of each week, and the availability of each month, as they came in."""
        rows: Rows = []
        for past in range(54):
            monday = date(2023, 12, 11) + timedelta(weeks=past)
            for project in weekly():
                rows += self._incidents(project, monday, day)
        for past in range(15):
            first = date(2023 + (9 + past) // 12, (9 + past) % 12 + 1, 1)
            for project in range(4, PROJECTS, 2):
                rows += _availability(project, first, day)
        return rows

    def _incidents(self, project: int, monday: date, day: date) -> Rows:
        year, week, _ = monday.isocalendar()
        period = f"{year}-W{week:02}"
        sent = after(monday + timedelta(days=6), 1 + drawn(f"sent {project} {period}", 2))
        for one in self.problems("figure", project):
            if one.subject == period:
                sent = after(one.since, 10)
        value = drawn(f"incidents {project} {period}", 9)
        return [_observation("incidents", project, period, value, sent)] if sent <= day else []

    def sprints(self, day: date) -> Rows:
        """Return the sprints of the agile projects: those that are closed, and the one that goes on."""
        last = sprint_over(day)[0]
        return [self._sprint(one, number, day) for one in agile() for number in range(max(last - 4, 0), last + 1)]

    def _sprint(self, project: int, number: int, day: date) -> dict[str, object]:
        ends = FIRST_SPRINT + timedelta(weeks=2 * number)
        closed = sprint_over(ends)[1]
        identity = f"{code(project)}-S{number}"
        short = any(one.subject == identity for one in self.problems("sprint", project))
        done = 20 if short else 36 + drawn(f"points {identity}", 5)
        over = day >= closed
        return {
            "sprint_id": identity,
            "board_id": f"B{project:03}",
            "board_name": f"Team {project}",
            "project_id": code(project),
            "name": f"Sprint {number} of {code(project)}",
            "start_on": ends - timedelta(days=11),
            "end_on": ends,
            "completed_on": closed if over else "",
            "committed_points": 40,
            "done_points": done if over else "",
        }


def is_agile(project: int) -> bool:
    """Say whether a project works in sprints."""
    return project % 3 == 1


def agile() -> range:
    """Return the projects that work in sprints."""
    return range(1, PROJECTS, 3)


def weekly() -> range:
    """Return the projects that count their open incidents each week."""
    return range(0, 80, 5)


def thursday(day: date) -> date:
    """Return the last day up to this one on which colours were declared: Thursdays, or the working day before."""
    last = day - timedelta(days=(day.weekday() - 3) % 7)
    return after(last + timedelta(days=1), -1)


def _days_late(one: Problem, day: date) -> int:
    levels = [step.level for step in one.steps if step.day <= day]
    return 14 if levels[-1] == "red" else 6


def _availability(project: int, first: date, day: date) -> Rows:
    period = f"{first.year}-{first.month:02}"
    end = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    sent = after(end, 1 + drawn(f"sent {project} {period}", 4))
    value = 99 + drawn(f"availability {project} {period}", 10) / 10
    return [_observation("availability", project, period, value, sent)] if sent <= day else []


def _observation(indicator: str, project: int, period: str, value: float, sent: date) -> dict[str, object]:
    return {
        "indicator": indicator,
        "project_id": code(project),
        "period": period,
        "value": value,
        "submitted_on": sent,
        "submitted_by": leader(project),
    }


# --- what stays ---------------------------------------------------------------------------------------------------


def people() -> Rows:
    """Return everybody who may be written to, with language, zone and calendar."""
    accounts = [leader(one) for one in range(LEADERS)]
    accounts += [manager(one * PROJECTS // PROGRAMS) for one in range(PROGRAMS)]
    accounts += [f"director-{one}@example.org" for one in range(4)]
    return [_person(number, account) for number, account in enumerate(accounts)]


def _person(number: int, account: str) -> dict[str, object]:
    zone, calendar = ABROAD.get(number, HOURS[number % 4])
    return {
        "email": account,
        "name": f"{GIVEN[number % 10]} {FAMILY[number % 6]} {account.partition('@')[0]}",
        "language": LANGUAGES[number % 5],
        "timezone": zone,
        "calendar": calendar,
    }


def hours() -> Mapping[str, tuple[str, str]]:
    """Return zone and calendar of everybody, by address."""
    known = {str(one["email"]): (str(one["timezone"]), str(one["calendar"])) for one in people()}
    return {**known, PMO: ("Europe/Brussels", "ict"), ICT: ("Europe/Brussels", "ict")}


def steady() -> dict[str, str]:
    """Return the lists that stay as they are all year."""
    programs: Rows = [
        {
            "program_id": f"PRG-{one}",
            "name": f"Programme {one}",
            "state": "executing",
            "manager": manager(one * PROJECTS // PROGRAMS),
        }
        for one in range(PROGRAMS)
    ]
    roles: Rows = [
        {"email": f"director-{one}@example.org", "role": "management_committee", "scope": ""} for one in range(4)
    ]
    meetings: Rows = [
        {"meeting_id": f"MC-{month}", "kind": "management_committee", "planned_on": _third_thursday(month)}
        for month in range(1, 13)
    ]
    lists = {"people": people(), "programs": programs, "roles": roles, "meetings": meetings, "indicators": INDICATORS}
    lists["changes"] = [_change(one) for one in range(0, PROJECTS, 10)]
    return {name: as_csv(rows) for name, rows in lists.items()}


def _change(project: int) -> dict[str, object]:
    """Return a change of long ago: that the list is kept shows that a baseline needs one."""
    return {
        "change_id": f"{code(project)}-C1",
        "project_id": code(project),
        "title": f"Change of {code(project)}",
        "status": "approved",
        "submitted_on": "2023-09-04",
        "decided_on": "2023-09-18",
    }


def _third_thursday(month: int) -> date:
    first = date(2024, month, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 14)


INDICATORS: Rows = [
    {
        "indicator": "incidents",
        "name_en": "Open incidents",
        "name_fr": "Incidents ouverts",
        "name_nl": "Openstaande incidenten",
        "direction": "lower_better",
        "target": 10,
        "cadence": "week",
        "cut_off": "3 wd after period",
        "scopes": ", ".join(code(one) for one in range(0, 80, 5)),
    },
    {
        "indicator": "availability",
        "name_en": "Availability",
        "name_fr": "Disponibilité",
        "name_nl": "Beschikbaarheid",
        "direction": "higher_better",
        "target": 99,
        "cadence": "month",
        "cut_off": "5 wd after period",
        "scopes": ", ".join(code(one) for one in range(4, PROJECTS, 2)),
    },
]


def as_csv(rows: Rows) -> str:
    """Return rows as CSV with a header."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
