"""What one recipient reads in one digest: gathered from audiences, counted, put together with what others read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pmo_watch.alerts import CLOSING, Awaited, Reason
from pmo_watch.audiences import Recipient
from pmo_watch.digests import OPEN, SILENCED
from pmo_watch.news import News
from pmo_watch.standing import Owed

MOVED = {
    Reason.OPENED.value: "new",
    Reason.WORSENED.value: "worse",
    Reason.IMPROVED.value: "better",
    Reason.UNKNOWN.value: "unknown",
    OPEN: "open",
    SILENCED: "silenced",
}
MOVEMENTS = frozenset({Reason.OPENED, Reason.WORSENED, Reason.IMPROVED, *CLOSING})  # what a committee sees one by one


@dataclass(slots=True, eq=False)
class Overview:
    """What one recipient reads in one digest; a committee's holds counts and movements only."""

    recipient: Recipient
    committee: bool = True
    news: dict[str, News] = field(default_factory=dict)
    decisions: dict[str, Awaited] = field(default_factory=dict)
    unassessed: dict[str, News] = field(default_factory=dict)  # for those who look after data
    grey: set[str] = field(default_factory=set)  # projects that could not be assessed
    owed: dict[str, Owed] = field(default_factory=dict)
    projects: set[str] = field(default_factory=set)  # those that the recipient looks after
    audiences: set[str] = field(default_factory=set)


def together(reader: Recipient, overviews: Iterable[Overview], *, committee: bool) -> Overview:
    """Return one overview of all: what moved for anybody has moved."""
    whole = Overview(reader, committee)
    for one in overviews:
        moved = {alert: news for alert, news in one.news.items() if news.reason in MOVEMENTS}
        whole.news |= {alert: news for alert, news in one.news.items() if alert not in whole.news} | moved
        whole.decisions |= one.decisions
        whole.unassessed |= one.unassessed
        whole.owed |= one.owed
        whole.grey |= one.grey
        whole.projects |= one.projects
    return whole


def movement(news: News) -> str:
    """Return how an alert moved: new, worse, better, ended; open, unknown or silenced where it did not."""
    return "ended" if news.closes else MOVED[news.reason]


def counts_of(every: Iterable[News], overview: Overview) -> dict[str, int]:
    """Return how many alerts have which level and moved how, what could not be assessed, and what is owed."""
    counts: Counter[str] = Counter()
    projects = set(overview.grey)
    for one in every:
        counts[movement(one)] += 1
        if not one.closes and one.reason != SILENCED:
            counts[one.alert.level or ""] += 1
            counts["acknowledged"] += one.alert.acknowledged_until is not None
        if one.alert.unknown_since is not None and one.alert.project:
            projects.add(one.alert.project)
    counts["not_assessed"] = len(projects)
    counts["owed"] = len(overview.owed)
    return {name: number for name, number in sorted(counts.items()) if number}
