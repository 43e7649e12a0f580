"""What somebody is to hear of an alert, in facts; how later news is taken into news that has not left yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from pmo_watch.alerts import CLOSING, Alert, Reason, StandIn, Transition

OPEN = "open"  # an alert that is open, with nothing new: at the end of a silence, in a digest
SILENCED = "silenced"
# What counts more, when several things are said of one alert.
RANK = (
    *(OPEN, Reason.REMINDED.value, Reason.ACKNOWLEDGEMENT_ENDED.value, Reason.PROMISE_MISSED.value),
    *(Reason.ESCALATED.value, Reason.WORSENED.value, Reason.OPENED.value),
)


@dataclass(frozen=True, slots=True)
class News:
    """One alert as one recipient is to hear of it.

    `reason`: a Reason, or `open`, `silenced`. `before`: the level before. `first`: the recipient has not heard of the
    alert yet. `audience`: why it is told. `stands_in`: in whose place; None: in the recipient's own.
    """

    alert: Alert
    reason: str
    before: str
    at: datetime
    audience: str
    first: bool = False
    finding: Mapping[str, Any] = field(default_factory=dict)
    stands_in: StandIn | None = None

    @property
    def closes(self) -> bool:
        """Whether it says that the alert has ended."""
        return self.reason in CLOSING


_FACTS: TypeAdapter[tuple[News, ...]] = TypeAdapter(tuple[News, ...])


def news_of(transition: Transition, audience: str, *, first: bool = False) -> News:
    """Return what a transition says."""
    before = (transition.before.level if transition.before else None) or ""
    return News(transition.alert, transition.reason.value, before, transition.at, audience, first, transition.finding)


def fold(earlier: News, later: News) -> News | None:
    """Take later news of the same alert into earlier news that has not left; None: nothing is left to be said."""
    first = earlier.first or later.first
    if later.closes:
        # An alert that ends before anybody heard of it is told to nobody.
        return None if earlier.first else later
    if later.reason == Reason.IMPROVED:
        undone = earlier.reason == Reason.WORSENED
        return None if undone else replace(earlier, alert=later.alert, finding=later.finding)
    stronger = max(earlier, later, key=lambda one: RANK.index(one.reason))
    # Who is told in their own right stands in for nobody.
    stands_in = earlier.stands_in and later.stands_in
    return replace(
        later,
        reason=stronger.reason,
        before=earlier.before,
        audience=earlier.audience,
        first=first,
        stands_in=stands_in,
    )


def written(news: Iterable[News]) -> str:
    """Return news as text, to be kept with the message."""
    return _FACTS.dump_json(tuple(news)).decode()


def read(facts: str) -> Sequence[News]:
    """Return the news that `written` wrote."""
    return _FACTS.validate_json(facts)
