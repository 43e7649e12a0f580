"""Alert states, transitions, told, silences, threads and marks; a cycle is written whole or not at all."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from messages import a_message, an_alert, an_item
from watched import Watched, day, tasks

from pmo_watch.alerts import Alert, Reason, Rendered, Silence, Thread, Told, Transition
from pmo_watch.store import (
    AlertQuery,
    CycleChange,
    MarkKind,
    OutboxQuery,
    OutboxState,
    Settlement,
    Store,
    StoreConflict,
    TransitionQuery,
    open_store,
)

NOW = day(0)
RENDERED = Rendered("Go-live slips", "It slips.")
EXAMPLES: dict[str, Any] = {
    "int": 7,
    "float": 0.1 + 0.2,
    "bool": True,
    "date": date(2026, 12, 1),
    "datetime": datetime(2026, 12, 1, 12, 30, 0, 123456, tzinfo=UTC),
}
SILENCE = Silence("s1", "Ann", "calm down", day(5), NOW, rule="slip", tag="cost")


def told(number: int = 1, **parts: Any) -> Told:
    """Return that Maria was told of an alert over mail."""
    one = Told(f"{number:016x}", "person:m", "mail", "m@example.org", "project_leader", "en", NOW, "red")
    return replace(one, **parts)


def transition(number: int = 1, reason: Reason = Reason.OPENED, at: datetime = NOW, **parts: Any) -> Transition:
    """Return the opening of an alert."""
    return replace(Transition(an_alert(number), None, reason, at), **parts)


def full_alert() -> Alert:
    """Return an alert in which every field holds something else than its default."""
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(Alert).items():
        word = str(hint).replace("datetime.datetime", "datetime").replace("datetime.date", "date")
        plain = hint.__name__ if isinstance(hint, type) else word.split(" | ")[0]
        if plain.startswith("tuple"):
            values[name] = (1, 2) if "int" in plain else ("o1", "c2")
        else:
            values[name] = EXAMPLES.get(plain, "red" if "Literal" in plain else f"{name} é")
    return Alert(**{**values, "closed_at": None})


def test_every_field_of_an_alert_comes_back(store: Store) -> None:
    alert = full_alert()
    bare = Alert("0000000000000002", "rule", "subject")

    store.write(CycleChange(NOW, alerts=[alert, bare]))

    assert sorted(store.alerts(), key=lambda one: one.rule) == [bare, alert]
    assert all(getattr(alert, one.name) not in ("", None, 0, ()) for one in fields(Alert) if one.name != "closed_at")


def test_character_0_in_a_name_stops_no_cycle(store: Store) -> None:
    alert = an_alert(1, subject_name="Go\0live")
    message = (a_message(an_item(1, alert=alert)), Rendered("Go\0live", "slips"))

    store.write(CycleChange(NOW, alerts=[alert], transitions=[transition(alert=alert)], messages=[message]))

    assert [one.subject_name for one in store.alerts()] == ["Golive"]
    assert [one.subject for one in store.outbox(OutboxQuery())] == ["Golive"]


def test_closed_alerts_are_given_back_only_while_remembered(store: Store) -> None:
    closed = an_alert(1, closed_at=NOW, close_reason="recovered", recent=("o1", "c2"))
    forgotten = an_alert(2, closed_at=NOW, close_reason="recovered")

    store.write(CycleChange(NOW, alerts=[closed, forgotten, an_alert(3)]))

    assert store.alerts() == [closed, an_alert(3)]
    store.write(CycleChange(NOW, alerts=[replace(closed, recent=())]))
    assert store.alerts() == [an_alert(3)]


def test_alert_that_opens_again_in_the_cycle_that_closes_it_is_another_one(store: Store) -> None:
    store.write(CycleChange(NOW, alerts=[an_alert(1)]))
    again = replace(an_alert(2), subject=an_alert(1).subject)

    store.write(CycleChange(day(1), alerts=[again, an_alert(1, closed_at=day(1))]))

    assert store.alerts() == [again]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (AlertQuery(), [1, 2, 3, 4]),
        (AlertQuery(state="open"), [1, 2]),
        (AlertQuery(state="pending"), [3]),
        (AlertQuery(state="closed"), [4]),
        (AlertQuery(id=f"{2:016x}"), [2]),
        (AlertQuery(level="amber"), [2]),
        (AlertQuery(rule="other"), [4]),
        (AlertQuery(project="project:x"), [1]),
        (AlertQuery(subject="task:prj-042/3"), [3]),
        (AlertQuery(limit=2), [1, 2]),
        (AlertQuery(limit=2, after=f"{2:016x}"), [3, 4]),
    ],
    ids=str,
)
def test_alerts_are_found_by_what_they_are(store: Store, query: AlertQuery, numbers: list[int]) -> None:
    alerts = [
        an_alert(1, project="project:x"),
        an_alert(2, level="amber"),
        an_alert(3, level=None, opened_at=None, since=None),
        an_alert(4, rule="other", closed_at=NOW, level=None),
    ]

    store.write(CycleChange(NOW, alerts=alerts))

    assert [int(one.id, 16) for one in store.find_alerts(query)] == numbers


def test_transition_holds_evidence_reading_version_and_who(store: Store) -> None:
    finding = {"state": "red", "value": 12.0, "reading": 7, "as_of": date(2026, 11, 13), "cost": Decimal("1.50")}
    evidence = {"baseline_finish": "2026-11-02", "seen": NOW}
    one = transition(
        at=NOW,
        before=an_alert(1, level="amber"),
        reason=Reason.WORSENED,
        alert=an_alert(1, value=12.0),
        finding={**finding, "evidence": evidence},
        rule_version="v2",
        who="Ann",
        step=2,
    )

    store.write(CycleChange(NOW, transitions=[one]))

    (found,) = store.transitions(TransitionQuery())
    assert (found.alert, found.rule, found.subject) == (one.alert.id, one.alert.rule, one.alert.subject)
    assert (found.reason, found.level_before, found.level, found.value, found.unit) == (
        "worsened",
        "amber",
        "red",
        12,
        "wd",
    )
    assert (found.reading, found.rule_version, found.who, found.step, found.at) == (7, "v2", "Ann", 2, NOW)
    assert found.finding["as_of"] == "2026-11-13"
    assert found.finding["cost"] == "1.50"
    assert found.finding["evidence"] == {"baseline_finish": "2026-11-02", "seen": NOW.isoformat()}


def test_transitions_are_added_and_listed_newest_first(store: Store) -> None:
    store.write(CycleChange(NOW, transitions=[transition(1), transition(2)]))
    store.write(CycleChange(day(1), transitions=[transition(1, Reason.RECOVERED, day(1))]))

    every = store.transitions(TransitionQuery())
    assert [(int(one.alert, 16), one.reason) for one in every] == [(1, "recovered"), (2, "opened"), (1, "opened")]
    assert [one.reason for one in store.transitions(TransitionQuery(alert=f"{1:016x}"))] == ["recovered", "opened"]
    assert [one.number for one in store.transitions(TransitionQuery(limit=2))] == [every[0].number, every[1].number]
    assert [one.number for one in store.transitions(TransitionQuery(before=every[1].number))] == [every[2].number]
    assert [one.reason for one in store.transitions(TransitionQuery(since=day(1)))] == ["recovered"]
    assert [one.reason for one in store.transitions(TransitionQuery(reason="opened", subject="task:prj-042/2"))] == [
        "opened"
    ]


def test_told_is_kept_until_it_is_removed(store: Store) -> None:
    store.write(CycleChange(NOW, told=[told(1), told(2, notifier="teams", digest="daily", thread="t1")]))

    store.write(CycleChange(day(1), told=[told(1, level="amber", ended="recovered")], told_removed=[told(2)]))
    assert store.told() == [
        told(1, level="amber", ended="recovered"),
        told(2, notifier="teams", digest="daily", thread="t1"),
    ]

    store.write(CycleChange(day(2), told_removed=store.told()))
    assert store.told() == []


def test_told_again_in_the_cycle_that_removes_it_stays(store: Store) -> None:
    store.write(CycleChange(NOW, told=[told(1)]))

    store.write(CycleChange(day(1), told=[told(1, told_at=day(1))], told_removed=[told(1)]))

    assert store.told() == [told(1, told_at=day(1))]


def test_told_on_is_the_first_accepted_message_of_the_present_level(store: Store) -> None:
    alert = an_alert(1, level="amber", since=NOW)
    for number in range(3):
        message = a_message(an_item(alert=alert), id=f"m{number}", recipient=f"r{number}")
        store.write(CycleChange(NOW, alerts=[alert], messages=[(message, RENDERED)]))
    assert store.told_on() == {}
    leased = {one.id: one for one in store.lease(NOW, limit=9, seconds=60)}
    store.settle(Settlement(leased["m0"], OutboxState.REJECTED, NOW, "rejected"))
    store.settle(Settlement(leased["m2"], OutboxState.ACCEPTED, NOW + timedelta(minutes=2)))
    store.settle(Settlement(leased["m1"], OutboxState.ACCEPTED, NOW + timedelta(minutes=1)))
    assert store.told_on() == {alert.id: NOW + timedelta(minutes=1)}

    store.write(CycleChange(day(1), alerts=[replace(alert, level="red", since=day(1))]))

    assert store.told_on() == {}


def test_silence_is_kept_until_its_end_was_said(store: Store) -> None:
    store.add_silence(SILENCE)
    store.add_silence(replace(SILENCE, id="s2", until=day(-1)))
    assert store.silences() == [SILENCE, replace(SILENCE, id="s2", until=day(-1))]

    store.write(CycleChange(NOW, silences=[replace(SILENCE, id="s2", until=day(-1), ended=True)]))

    assert store.silences() == [SILENCE]


def test_silence_ended_by_hand_waits_for_the_cycle(store: Store) -> None:
    store.add_silence(SILENCE)

    ended = store.end_silence("s1", "Bo", day(1))

    assert ended == replace(SILENCE, until=day(1), ended_by="Bo")
    assert store.silences() == [ended]
    assert store.end_silence("s1", "Bo", day(2)) is None
    assert store.end_silence("unknown", "Bo", day(2)) is None


def test_times_of_recurring_silences_that_a_person_ended_are_remembered(store: Store) -> None:
    freeze, own = replace(SILENCE, id="f1", name="freeze"), replace(SILENCE, id="o1")
    for one in (freeze, own, replace(freeze, id="f2")):
        store.add_silence(one)
    ended = [store.end_silence(one, "Bo", day(1)) for one in ("f1", "o1")]

    assert store.ended_by_hand() == []  # until a cycle has said what is open
    store.write(CycleChange(day(1), silences=[replace(one, ended=True) for one in ended if one]))

    assert store.ended_by_hand() == [replace(freeze, until=day(1), ended_by="Bo", ended=True)]
    assert [one.id for one in store.silences()] == ["f2"]


def test_threads_are_replaced_by_their_names(store: Store) -> None:
    one = Thread("mail", "person:m", "project:x", 1, "t1")
    other = replace(one, project="project:y")

    store.write(CycleChange(NOW, threads=[one, other]))
    store.write(CycleChange(NOW, threads=[replace(one, number=2, id="t2", subject="PRJ-042 slips")]))

    assert store.threads() == [replace(one, number=2, id="t2", subject="PRJ-042 slips"), other]


def test_marks_are_kept_by_kind_and_key(store: Store) -> None:
    marks = {(MarkKind.FLAG, "held:plans"): "2026-11-16", (MarkKind.RULE_TEXT, "a.yaml"): "rules: []\n"}
    store.write(CycleChange(NOW, marks={**marks, (MarkKind.FLAG, "held:other"): ""}))

    store.write(CycleChange(NOW, marks={(MarkKind.FLAG, "held:plans"): None, (MarkKind.RULE_TEXT, "a.yaml"): "x"}))

    assert store.marks(MarkKind.FLAG) == {"held:other": ""}
    assert store.marks(MarkKind.RULE_TEXT) == {"a.yaml": "x"}
    assert store.marks(MarkKind.DIGEST) == {}


def test_cycle_is_written_whole_or_not_at_all(store: Store) -> None:
    source = Watched()
    source.write(store, NOW, tasks("M1"))
    broken = replace(transition(2), at=datetime(2026, 11, 17))  # noqa: DTZ001 - a moment without zone is a defect
    change = CycleChange(
        day(1),
        readings=[source.read(day(1), tasks("M1", "M2", wbs="2"))],
        alerts=[an_alert(1)],
        transitions=[transition(1), broken],
        told=[told(1)],
        silences=[SILENCE],
        threads=[Thread("mail", "person:m", "project:x", 1, "t1")],
        messages=[(a_message(an_item(1)), RENDERED)],
        marks={(MarkKind.FLAG, "x"): "y"},
    )
    before, rows = store.sources(), store.rows()["plans"]["task"]

    with pytest.raises(Exception, match="has no time zone"):
        store.write(change)

    assert store.sources() == before
    assert store.rows()["plans"]["task"].equals(rows)
    assert (store.alerts(), store.transitions(TransitionQuery()), store.told()) == ([], [], [])
    assert (store.silences(), store.threads(), store.outbox(OutboxQuery())) == ([], [], [])
    assert store.marks(MarkKind.FLAG) == {}
    store.write(replace(change, transitions=[transition(1)]))
    assert store.alerts() == [an_alert(1)]
    assert [one.id for one in store.outbox(OutboxQuery())] == [a_message().id]


def test_cycle_that_decided_on_what_somebody_changed_is_refused(store: Store, store_url: str) -> None:
    store.write(CycleChange(NOW, alerts=[an_alert(1)]))
    revision = store.revision()
    person = open_store(store_url)
    acknowledged = an_alert(1, acknowledged_until=date(2026, 12, 1))
    person.write(CycleChange(NOW, based_on=revision, alerts=[acknowledged]))
    person.close()

    with pytest.raises(StoreConflict, match="read them again"):
        store.write(CycleChange(NOW, based_on=revision, alerts=[an_alert(1, value=13.0)]))

    assert store.alerts() == [acknowledged]
    store.write(CycleChange(NOW, based_on=store.revision(), alerts=[replace(acknowledged, value=13.0)]))
    assert store.alerts() == [replace(acknowledged, value=13.0)]


def test_revision_grows_with_what_people_do_to_alerts_and_silences_and_with_nothing_else(store: Store) -> None:
    first = store.revision()
    store.write(CycleChange(NOW, marks={(MarkKind.FLAG, "x"): "y"}))
    assert store.revision() == first

    store.write(CycleChange(NOW, alerts=[an_alert(1)]))
    store.add_silence(SILENCE)
    store.end_silence("s1", "Bo", day(1))

    assert store.revision() == first + 3


def test_thousand_alerts_are_written_at_once(store: Store) -> None:
    alerts = [an_alert(number) for number in range(1000)]

    store.write(CycleChange(NOW, alerts=alerts, transitions=[transition(number) for number in range(1000)]))
    store.write(CycleChange(NOW, alerts=[replace(one, value=1.5) for one in alerts]))

    assert {one.value for one in store.alerts()} == {1.5}
    assert len(store.transitions(TransitionQuery(limit=2000))) == 1000


def test_alert_is_found_by_how_its_id_begins(store: Store) -> None:
    one, other, closed = (replace(an_alert(number), id=name, subject=name)
                          for number, name in enumerate(("5c2e01", "5c2f02", "5c2e03")))  # fmt: skip
    store.write(CycleChange(NOW, alerts=[one, other, replace(closed, closed_at=NOW)]))

    assert [found.id for found in store.find_alerts(AlertQuery(begins="5c2"))] == ["5c2e01", "5c2e03", "5c2f02"]
    assert [found.id for found in store.find_alerts(AlertQuery(begins="5c2e"))] == ["5c2e01", "5c2e03"]
    assert store.find_alerts(AlertQuery(begins="%")) == []


def test_silence_that_is_over_stays_known_with_who_ended_it(store: Store) -> None:
    store.add_silence(SILENCE)
    ended = store.end_silence("s1", "Bob", day(1))
    assert ended is not None
    store.write(CycleChange(day(1), silences=[replace(ended, ended=True)]))

    assert store.silences() == []
    (known,) = store.every_silence()
    assert (known.who, known.until, known.ended, known.ended_by) == ("Ann", day(1), True, "Bob")
