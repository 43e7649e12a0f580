"""What must hold of a year of messages; each function returns the cases in which it does not, as sentences."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from year_days import RECESS, after
from year_life import hours
from year_problems import Problem, Step
from year_replay import Sent, Year

from pmo_watch.alerts import CLOSING, Item, Reason

# Written down and not computed: what a person finds in a diary of 2024.
HOLIDAYS = frozenset(
    {
        *(date(2024, 1, 1), date(2024, 4, 1), date(2024, 5, 1), date(2024, 5, 9), date(2024, 5, 20)),
        *(date(2024, 7, 21), date(2024, 8, 15), date(2024, 11, 1), date(2024, 11, 11), date(2024, 12, 25)),
        *RECESS,
    }
)
OWN = {"ict": frozenset[date](), "vl": frozenset({date(2024, 7, 11)}), "fr": frozenset({date(2024, 9, 27)})}
NEW = frozenset({Reason.OPENED, Reason.WORSENED, Reason.ESCALATED})
ENDS = frozenset(one.value for one in CLOSING)


def is_day_off(day: date, calendar: str) -> bool:
    """Say whether somebody with this calendar is not at work on the day."""
    return day.weekday() > 4 or day in HOLIDAYS or day in OWN[calendar]


def local(sent: Sent) -> datetime:
    """Return when a message left, by the clock of who gets it."""
    return sent.at.astimezone(ZoneInfo(hours()[sent.message.address][0]))


def is_newly_red(sent: Sent) -> bool:
    """Say whether a message says that something is red that its reader did not know to be."""
    return any(one.level == "red" and one.reason in NEW for one in sent.message.items)


# --- the claims ---------------------------------------------------------------------------------------------------


def unheard(year: Year) -> list[str]:
    """Return who did not hear of a problem within one working day from the reading that showed it."""
    said = _by_address(year)
    return [
        f"{address} did not hear by the next working day: {problem.subject} {step.says} {step.level} on {step.day}"
        for problem in year.problems
        for step in problem.steps
        for address in step.hears
        if not any(_says(one, problem, step) and _in_time(one, step) for one in said[address])
    ]


def _by_address(year: Year) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = defaultdict(list)
    for one in year.sent:
        found[one.message.address].append(one)
    return found


def _in_time(sent: Sent, step: Step) -> bool:
    calendar = hours()[sent.message.address][1]
    latest = after(step.day, 1)
    while is_day_off(latest, calendar):
        latest += timedelta(days=1)
    return step.day <= local(sent).date() <= latest


def _says(sent: Sent, problem: Problem, step: Step) -> bool:
    if step.says == "notice":
        return (problem.rule or problem.subject) in sent.message.title
    about = [one for one in sent.message.items if _is_of(problem, one)]
    if step.level:
        return any(one.level == step.level and one.reason not in ENDS for one in about)
    return any(one.reason == step.says for one in about)


def _is_of(problem: Problem, item: Item) -> bool:
    return problem.is_about(item.alert.rule, item.alert.project_code, item.alert.subject)


def too_many(year: Year) -> list[str]:
    """Return who got more than one message on a day, besides those that say that something is newly red.

    Notices on a source or rule as a whole are for those who run the service, and few: they are counted by `notices`.
    """
    said = (one for one in year.sent if one.message.kind != "notice" and not is_newly_red(one))
    counted = Counter((one.message.address, local(one).date()) for one in said)
    return [f"{address} got {number} on {day}" for (address, day), number in sorted(counted.items()) if number > 1]


def notices(year: Year) -> list[str]:
    """Return who got more than one notice a week on average, or two on a day."""
    told = [one for one in year.sent if one.message.kind == "notice"]
    days = Counter((one.message.address, local(one).date()) for one in told)
    people = Counter(one.message.address for one in told)
    often = [f"{address} got {number} notices on {day}" for (address, day), number in days.items() if number > 1]
    return often + [f"{address} got {number} notices" for address, number in people.items() if number > year.weeks]


def at_a_bad_time(year: Year) -> list[str]:
    """Return the messages that left on a day off or outside the hours of who got them."""
    return [
        f"{one.message.address} got '{one.message.kind}' at {local(one):%a %Y-%m-%d %H:%M}"
        for one in year.sent
        if is_day_off(local(one).date(), hours()[one.message.address][1])
        or not (8, 30) <= (local(one).hour, local(one).minute) < (17, 30)
    ]


def unbalanced(year: Year) -> list[str]:
    """Return whoever heard of a beginning and not exactly once of its end, over the same channel; or of an end alone.

    Of alerts that are open, or whose end a digest still owes, nobody may have heard the end.
    """
    heard: Counter[tuple[str, str, str]] = Counter()
    ended: Counter[tuple[str, str, str]] = Counter()
    for sent in year.sent:
        for item in sent.message.items:
            if sent.message.kind != "notice" and item.reason != Reason.UNKNOWN:
                key = (item.alert.id, sent.message.recipient, sent.message.notifier)
                (ended if item.reason in ENDS else heard)[key] += 1
    return [
        f"{recipient} heard {heard[key]} times of {alert} and {ended[key]} times of its end"
        for key in sorted({*heard, *ended})
        for alert, recipient, _ in [key]
        if not heard[key] or ended[key] != (0 if key in year.owed else 1)
    ]


def unexplained(year: Year) -> list[str]:
    """Return what messages said of rows that had no problem: alerts nobody needed."""
    return sorted(
        {
            f"{sent.message.address} on {local(sent).date()}: {item.alert.rule} {item.subject_id} {item.reason}"
            for sent in year.sent
            for item in sent.message.items
            if not _is_explained(item, sent, year)
        }
    )


def _is_explained(item: Item, sent: Sent, year: Year) -> bool:
    day = local(sent).date()
    of_it = (one for one in year.problems if _is_of(one, item))
    return any(one.since <= day <= one.until + timedelta(days=45) for one in of_it)


def blindly_ended(year: Year) -> list[str]:
    """Return the alerts that got better or ended in a cycle that had no usable reading of their source."""
    return list(_blindly_ended(year))


def _blindly_ended(year: Year) -> Iterator[str]:
    for step in year.steps:
        better = step.reason == Reason.IMPROVED or step.reason in CLOSING
        if better and step.at in year.unfit.get(step.alert.source, ()):
            yield f"{step.alert.rule} {step.alert.subject_id} {step.reason.value} at {step.at} without a reading"


Claim = Callable[[Year], list[str]]
CLAIMS: tuple[Claim, ...] = (unheard, too_many, notices, at_a_bad_time, unbalanced, unexplained, blindly_ended)
