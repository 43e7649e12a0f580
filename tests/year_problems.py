"""What goes wrong in the year, as data: on which day, by which rule, on what, and who must hear of it.

Everything that happens to a portfolio besides these is too small for any threshold. The same seed gives the same year.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from year_days import after, nth

PROJECTS, PROGRAMS, LEADERS = 100, 10, 30
PMO, ICT = "pmo@example.org", "ict@example.org"
MILESTONES = 8  # of each project
FIRST_MILESTONE, BETWEEN = 20, 40  # working days
QUARTER = 60  # working days of the year in which a problem of each kind begins
FIRST_SPRINT = date(2023, 10, 6)  # its last day
LONGEST = 32  # working days from the beginning of a problem to its end


@dataclass(frozen=True, slots=True)
class Step:
    """What a cycle of that day must find, and who must hear of it within one working day."""

    day: date
    says: str  # opened, worsened, recovered ...; `notice` is a message on a source or rule as a whole
    level: str
    hears: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a project, or of the source that `subject` names; `project` is its code, or empty."""

    kind: str
    rule: str
    project: str
    subject: str
    steps: tuple[Step, ...]
    until: date  # after it everything is as it was

    @property
    def since(self) -> date:
        """The day on which it begins to show."""
        return self.steps[0].day

    def is_about(self, rule: str, project: str, subject: str) -> bool:
        """Say whether an alert of this rule, of this project and on this row, by its uid, comes of it."""
        return rule == self.rule and project == self.project and self.subject.lower() in subject.lower()


# --- who is who ---------------------------------------------------------------------------------------------------


def code(project: int) -> str:
    """Return the code of a project by its number."""
    return f"P{project:03}"


def leader(project: int) -> str:
    """Return who leads a project at the beginning of the year."""
    return f"leader-{project % LEADERS:02}@example.org"


def successor(project: int) -> str:
    """Return who takes over a project whose leader leaves it."""
    return leader(project + 7)


def manager(project: int) -> str:
    """Return who manages the programme of a project."""
    return f"manager-{project // (PROJECTS // PROGRAMS)}@example.org"


def portfolio(project: int) -> int:
    """Return the number of the portfolio, whose milestones are one list."""
    return project // 25


def baseline(project: int, milestone: int) -> date:
    """Return the day on which a milestone is promised."""
    return nth(FIRST_MILESTONE + BETWEEN * milestone + project % 37)


def milestone_far_from(project: int, day: date) -> int:
    """Return the first milestone of a project that nobody expects to be reached for a good while after a day."""
    far = after(day, 12)
    return next(number for number in range(MILESTONES) if baseline(project, number) > far)


# --- the kinds ----------------------------------------------------------------------------------------------------


def slip(project: int, begins: int) -> Problem:
    """Return a milestone that moves six days, then fourteen, and is caught up."""
    first, worse, over = nth(begins), nth(begins + 9), nth(begins + 24)
    number = milestone_far_from(project, over)
    both = (leader(project), manager(project))
    steps = (
        Step(first, "opened", "amber", both[:1]),
        Step(worse, "worsened", "red", both),
        Step(over, "recovered", "", both),
    )
    return Problem("slip", "milestone-slip", code(project), f"{code(project)}-M{number}", steps, over)


def overrun(project: int, begins: int) -> Problem:
    """Return an estimate that grows beyond the budget, and beyond what is bearable; confirmed a day later each time."""
    first, worse, over = nth(begins + 1), nth(begins + 11), nth(begins + 25)
    both = (leader(project), manager(project))
    steps = (
        Step(first, "opened", "amber", both[:1]),
        Step(worse, "worsened", "red", both),
        Step(over, "recovered", "", both),
    )
    return Problem("overrun", "budget-overrun", code(project), code(project), steps, over)


def figure(project: int, begins: int) -> Problem:
    """Return a figure of a week that comes when nobody needs it any more."""
    monday = nth(begins) - timedelta(days=nth(begins).weekday())
    year, week, _ = monday.isocalendar()
    due = after(monday + timedelta(days=6), 3)
    first, worse = after(due, 1), after(due, 3)
    next_due = after(monday + timedelta(days=13), 3)  # then the rule looks at another week
    both = (leader(project), manager(project))
    steps = (Step(first, "opened", "amber", both[:1]), Step(worse, "worsened", "red", both))
    return Problem("figure", "figure-missing", code(project), f"{year}-W{week:02}", steps, after(next_due, 6))


def stale(project: int, begins: int) -> Problem:
    """Return a project of which nothing is heard for four weeks: the day of its last colour is a Thursday."""
    last = nth(begins) - timedelta(days=(nth(begins).weekday() - 3) % 7)
    last = after(last + timedelta(days=1), -1)
    over = after(last, 25)
    both = (leader(project), manager(project))
    steps = (
        Step(last + timedelta(days=15), "opened", "amber", both[:1]),
        Step(last + timedelta(days=22), "worsened", "red", both),
        Step(over, "recovered", "", both),
    )
    return Problem("stale", "data-too-old", code(project), code(project), steps, over)


def decision(project: int, begins: int) -> Problem:
    """Return a decision that is taken eight days too late; when it is overdue for five, the programme hears of it."""
    needed = nth(begins + 5)
    heard = (leader(project), manager(project))
    steps = (
        Step(nth(begins), "opened", "amber", heard[:1]),
        Step(after(needed, 1), "worsened", "red", heard[:1]),
        Step(after(needed, 6), "escalated", "red", heard[1:]),
        Step(after(needed, 8), "entity_done", "", heard),
    )
    return Problem("decision", "decision-needed", code(project), f"{code(project)}-D{begins}", steps, after(needed, 8))


def risk(project: int, begins: int) -> Problem:
    """Return a risk that grows from high to very high, and is dealt with."""
    first, worse, over = nth(begins), nth(begins + 8), nth(begins + 20)
    both = (leader(project), manager(project))
    steps = (
        Step(first, "opened", "amber", both[:1]),
        Step(worse, "worsened", "red", both),
        Step(over, "recovered", "", both),
    )
    return Problem("risk", "risk-high", code(project), f"{code(project)}-R1", steps, over)


def action(project: int, begins: int) -> Problem:
    """Return an action that is done seven days late."""
    due = nth(begins - 1)
    over = after(due, 7)
    heard = (leader(project),)
    steps = (Step(nth(begins), "opened", "amber", heard), Step(over, "entity_done", "", heard))
    return Problem("action", "action-overdue", code(project), f"{code(project)}-A{begins}", steps, over)


def replanned(project: int, begins: int) -> Problem:
    """Return a milestone that is far too late until somebody moves its baseline, which nobody approved."""
    first, over = nth(begins), nth(begins + 6)
    number = milestone_far_from(project, nth(begins + 30))
    both = (leader(project), manager(project))
    steps = (Step(first, "opened", "red", both), Step(over, "recovered", "", both))
    return Problem("replanned", "milestone-slip", code(project), f"{code(project)}-M{number}", steps, over)


def unapproved(project: int, begins: int) -> Problem:
    """Return what the moved baseline of the problem above is itself: the office reads of it on the next morning."""
    heard = (leader(project),)
    moved = nth(begins + 6)
    return Problem(
        "unapproved", "baseline-moved", code(project), code(project),
        (Step(moved, "opened", "amber", heard), Step(after(moved, 21), "recovered", "", heard)), after(moved, 21),
    )  # fmt: skip


def replaced(project: int, begins: int) -> Problem:
    """Return a slip during which the project gets another leader: the former one hears of the end all the same."""
    first, worse, over = nth(begins), nth(begins + 9), nth(begins + 20)
    number = milestone_far_from(project, over)
    steps = (
        Step(first, "opened", "amber", (leader(project),)),
        Step(worse, "worsened", "red", (successor(project), manager(project))),
        Step(over, "recovered", "", (leader(project), successor(project), manager(project))),
    )
    return Problem("replaced", "milestone-slip", code(project), f"{code(project)}-M{number}", steps, over)


def ended(project: int, begins: int) -> Problem:
    """Return a slip in a project that is then closed."""
    first, over = nth(begins), nth(begins + 10)
    number = milestone_far_from(project, over)
    heard = (leader(project),)
    steps = (Step(first, "opened", "amber", heard), Step(over, "entity_done", "", heard))
    return Problem("ended", "milestone-slip", code(project), f"{code(project)}-M{number}", steps, over)


def flapping(project: int, begins: int) -> Problem:
    """Return a risk that is assessed high every noon and low every evening: the owner of its rule hears of that."""
    # Nobody must hear of each time: what begins and ends while a message waits is told to nobody.
    steps = (Step(nth(begins), "opened", "amber", ()), Step(nth(begins + 2), "notice", "", (PMO,)))
    return Problem("flapping", "risk-high", code(project), f"{code(project)}-R2", steps, nth(begins + 4))


def sprint(project: int, begins: int) -> Problem:
    """Return a sprint that delivers half of what it began with; the next one ends that."""
    number, closed = sprint_over(nth(begins))
    both = (leader(project), manager(project))
    steps = (Step(closed, "opened", "red", both),)
    until = sprint_over(closed + timedelta(days=1))[1]
    return Problem("sprint", "sprint-delivers-less", code(project), f"{code(project)}-S{number}", steps, until)


def sprint_over(day: date) -> tuple[int, date]:
    """Return the number of the first sprint that closes on that day or later, and when: a Friday, every two weeks."""
    number = max(-(-(day - FIRST_SPRINT).days // 14), 0)
    friday = FIRST_SPRINT + timedelta(weeks=2 * number)
    return number, after(friday + timedelta(days=1), -1)


def renumbered(number: int, begins: int) -> Problem:
    """Return a list of milestones whose numbers moved by one: it is held, and put right the day after."""
    return Problem(
        "renumbered", "", "", f"milestones-{number}", (Step(nth(begins), "notice", "", (ICT,)),), nth(begins + 1)
    )


def outage(number: int, begins: int) -> Problem:
    """Return a list that cannot be read for a week: files are given a working day."""
    first, over = nth(begins + 1), nth(begins + 6)
    steps = (Step(first, "opened", "red", (ICT,)), Step(over, "recovered", "", (ICT,)))
    return Problem("outage", "source-failing", "", f"milestones-{number}", steps, over)


# --- the year -----------------------------------------------------------------------------------------------------

Make = Callable[[int, int], Problem]
# How often a quarter, and to which projects: what happens to whole projects has projects of its own.
PLAN: tuple[tuple[tuple[Make, ...], int, range], ...] = (
    ((slip,), 10, range(20, 80)),
    ((overrun,), 5, range(80)),
    ((figure,), 10, range(0, 80, 5)),
    ((stale,), 3, range(3, 80, 10)),
    ((decision,), 10, range(80)),
    ((risk,), 10, range(80)),
    ((action,), 10, range(80)),
    ((sprint,), 4, range(1, 80, 3)),
    ((replanned, unapproved), 1, range(80, 84)),
    ((replaced,), 2, range(84, 92)),
    ((ended,), 2, range(92, 100)),
    ((flapping,), 1, range(80)),
    ((renumbered,), 1, range(4)),
    ((outage,), 1, range(1)),
)


def problems(seed: int = 1) -> list[Problem]:
    """Return everything that goes wrong in the year, in the order in which it begins."""
    dice = random.Random(seed)
    found: list[Problem] = []
    for makes, times, projects in PLAN:
        found += _of_kind(makes, times, projects, dice)
    lost = [one for one in found if one.kind in {"renumbered", "outage"}]
    seen = (_as_seen(one, lost) for one in found)
    return sorted((one for one in seen if one), key=lambda one: (one.since, one.kind, one.subject))


def _as_seen(problem: Problem, lost: Sequence[Problem]) -> Problem | None:
    """Return a problem as readings show it: what happens while its list is not read shows later; None: two do."""
    if problem.rule != "milestone-slip":
        return problem
    listed = f"milestones-{portfolio(int(problem.project[1:]))}"
    steps = list(problem.steps)
    for one in lost:
        if one.subject == listed:
            begins = after(one.since, -1) if one.kind == "outage" else one.since
            steps = [replace(step, day=one.until) if begins <= step.day < one.until else step for step in steps]
    return replace(problem, steps=tuple(steps)) if len({step.day for step in steps}) == len(steps) else None


def _of_kind(makes: tuple[Make, ...], times: int, projects: range, dice: random.Random) -> Iterator[Problem]:
    once = makes[0] in {ended, replaced, replanned}  # a project ends once, and is given up by its leader once
    never = set[int]()
    for quarter in range(4):
        free = [one for one in projects if one not in never]
        for project in dice.sample(free, min(times, len(free))):
            never |= {project} if once else set()
            begins = 6 + QUARTER * quarter + dice.randrange(QUARTER - LONGEST - 3)
            yield from (make(project, begins) for make in makes)
