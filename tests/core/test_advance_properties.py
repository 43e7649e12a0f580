"""`advance` against a short reference model: whatever comes, both say the same of one alert."""

from dataclasses import dataclass, field

from factories import Story, a_rule
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pmo_watch.alerts import CLOSING, Reason
from pmo_watch.flow import Outcome
from pmo_watch.rules import Span


@dataclass(frozen=True)
class Event:
    """One evaluation: what was found, whether the source was read again, and how many days later it is."""

    state: str
    new_reading: bool = True
    days: int = 1
    usable: bool = True
    recovered: bool = True
    reason: str = "out of scope"


@dataclass
class Reference:
    """The state table in thirty lines: `level` is None without an alert, "pending", amber or red."""

    needed: int
    level: str | None = None
    unknown: bool = False
    row: list[str] = field(default_factory=list)  # levels given in a row by evaluations that counted
    last: tuple[int, int] | None = None  # reading and day that counted last

    def see(self, event: Event, reading: int, day: int) -> None:
        if not event.usable or event.state == "grey":
            self.unknown = self.level in {"amber", "red"}
            return
        self.unknown = False
        if self.level in {None, "pending"} and event.state in {"green", "na"}:
            self.level, self.row, self.last = None, [], None
            return
        counts = self.last != (reading, day)
        self.last = (reading, day)
        if self.level in {"amber", "red"} and event.state == "na" and event.reason == "done":
            self.level, self.row, self.last = None, [], None
            return
        if not counts:
            return
        kept = str(self.level)
        gives = {"green": "none" if event.recovered else kept, "na": "none"}.get(event.state, event.state)
        self.row = [*self.row, gives] if self.row and self.row[-1] == gives else [gives]
        self.level = self.level or "pending"
        if gives == self.level:
            self.row = []
        elif len(self.row) >= self.needed:
            self.level, self.row = (None, []) if gives == "none" else (gives, [])
            self.last = self.last if self.level else None

    @property
    def said(self) -> str:
        return (self.level or "none") + ("?" if self.unknown else "")


def events(*, usable: SearchStrategy[bool]) -> SearchStrategy[list[Event]]:
    """Return evaluations in any order."""
    one = st.builds(
        Event,
        state=st.sampled_from(["green", "amber", "red", "grey", "na"]),
        new_reading=st.booleans(),
        days=st.sampled_from([0, 0, 1, 3]),
        usable=usable,
        recovered=st.booleans(),
        reason=st.sampled_from(["out of scope", "done"]),
    )
    return st.lists(one, max_size=25)


def tell(story: Story, event: Event) -> list[Reason]:
    """Let the story see the event."""
    story.reading += event.new_reading
    return story.tick(
        event.state,
        days=event.days,
        usable=event.usable,
        recovered=event.recovered and event.state == "green",
        reason=event.reason,
        outcome=Outcome.COMPLETE if event.usable else Outcome.FAILED,
    )


@given(events(usable=st.booleans()), st.integers(1, 3))
@settings(deadline=None, max_examples=150)
def test_the_alert_is_what_the_reference_says(happens: list[Event], needed: int) -> None:
    story = Story(a_rule(confirm_after=Span(needed, "evaluations")))
    reference = Reference(needed)

    day = 0
    for event in happens:
        tell(story, event)
        day += event.days
        reference.see(event, story.reading, day)

        assert story.said == reference.said


@given(events(usable=st.booleans()), st.integers(1, 3))
@example(
    happens=[  # a pending alert of a subject that had one before is cleared on a day that counts
        Event("amber"),
        Event("amber"),
        Event("na", reason="done"),
        Event("amber"),
        Event("na"),
    ],
    needed=2,
)
@settings(deadline=None, max_examples=80)
def test_repeating_any_evaluation_changes_nothing(happens: list[Event], needed: int) -> None:
    story = Story(a_rule(confirm_after=Span(needed, "evaluations")))

    for event in happens:
        tell(story, event)
        before = dict(story.alerts)

        again = Event(event.state, new_reading=False, days=0, usable=event.usable, recovered=event.recovered)
        assert tell(story, Event(**{**again.__dict__, "reason": event.reason})) == []
        assert story.alerts == before


@given(events(usable=st.just(value=False)), st.sampled_from(["amber", "red"]))
@settings(deadline=None, max_examples=60)
def test_nothing_opens_closes_or_moves_without_evidence(happens: list[Event], level: str) -> None:
    story = Story()
    story.see(level)

    for event in happens:
        tell(story, event)

    assert story.said in {level, f"{level}?"}
    assert {one.reason for one in story.transitions[1:]} <= {Reason.UNKNOWN}


@given(events(usable=st.booleans()), st.integers(1, 3))
@settings(deadline=None, max_examples=80)
def test_every_alert_opens_at_most_once_and_ends_at_most_once(happens: list[Event], needed: int) -> None:
    story = Story(a_rule(confirm_after=Span(needed, "evaluations")))
    for event in happens:
        tell(story, event)

    for alert in story.alerts.values():
        reasons = [one.reason for one in story.transitions if one.alert.id == alert.id]
        opened, ended = reasons.count(Reason.OPENED), sum(reason in CLOSING for reason in reasons)
        assert opened <= 1
        assert ended == (1 if opened and alert.closed_at else 0)
