"""Who looks at a page and in which language, and what pages are made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from pmo_watch.alerts import Alert
from pmo_watch.audiences import unnamed
from pmo_watch.flow import Organisation
from pmo_watch.headlines import alert_line
from pmo_watch.plain import NAME, plain
from pmo_watch.rules import RuleSet
from pmo_watch.store import Store
from pmo_watch.telling import CycleReport
from pmo_watch.web_forms import Tokens
from pmo_watch.web_view import Act, Cell
from pmo_watch.words import LANGUAGES, MISSING, Words
from pmo_watch.workdays import Calendar

MOST_LANGUAGES = 20  # that a browser may name


@dataclass(frozen=True, slots=True, eq=False)
class InUse:
    """What people set, as pages show it: rules in force, the organisation, and the settings without their secrets."""

    rules: RuleSet = field(default_factory=RuleSet)
    organisation: Organisation = field(default_factory=Organisation)
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # what runs -> which version


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """What pages need of the daemon. `report`: the last finished cycle of this process; None on one that follows.

    `why`: everything behind an alert, by its id, in the lines of `pmo-watch why`. `waiting_for`: as `/-/ready` has it.
    """

    store: Store
    now: Callable[[], datetime]
    zone: ZoneInfo
    calendar: Calendar
    report: Callable[[], CycleReport | None]
    in_use: InUse
    why: Callable[[str], Sequence[str]]
    waiting_for: Callable[[], Sequence[str]]

    def headline(self, alert: Alert, said: Words) -> str:
        """Return an alert in one line: the rule's name with the subject, and the value."""
        return plain(alert_line(self.in_use.rules.rules, unnamed(alert), said.language), NAME)

    def moment(self, at: datetime | None, said: Words) -> str:
        """Return an instant in the organisation's zone; a dash for none."""
        return said.moment(at, self.zone) if at else MISSING

    def day(self, at: datetime | None, said: Words) -> str:
        """Return the civil date of an instant."""
        return said.short_day(at.astimezone(self.zone).date()) if at else MISSING


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Who asks: `name` is empty where nobody signed in; `may_act`: has the role operator. `given`: what was asked for.

    `seed` is what the browser's cookie holds.
    """

    words: Words
    name: str
    may_act: bool
    tokens: Tokens
    seed: str
    given: Mapping[str, str]
    said: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    def token(self, path: str) -> str:
        """Return the token of a form that is sent to this path."""
        return self.tokens.of(self.seed, path)

    def act(self, path: str, button: str, about: str) -> Act:
        """Return a button that sends a form to this path."""
        return Act(path, self.token(path), button, f"{button}: {about}")


def language_of(header: str, usual: str) -> str:
    """Return the language that a browser likes best among ours; `header`: its Accept-Language."""
    liked: list[tuple[float, int, str]] = []
    for place, one in enumerate(header.split(",")[:MOST_LANGUAGES]):
        tag, _, weight = one.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (share := _share(weight)) > 0:
            liked.append((-share, place, language))
    return min(liked)[2] if liked else usual


def _share(weight: str) -> float:
    name, _, number = weight.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0


def to_alerts(**filters: str) -> str:
    """Return the address of the list of alerts with these filters."""
    return "/alerts?" + urlencode({name: value for name, value in filters.items() if value})


def to_alert(alert: str) -> Cell:
    """Return the address of an alert's page as a cell that leads there."""
    return Cell(alert, link=f"/alerts/{quote(alert, safe='')}")
