"""One made-up message of every kind: what templates are tried with before anybody's message depends on them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pmo_watch.alerts import Alert, Awaited, Item, Message, Reason
from pmo_watch.rules import Rule, Texts
from pmo_watch.standing import MilestoneTrend, Owed, ProjectStanding, Standing
from pmo_watch.words import LANGUAGES, words

NOW = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)  # a Tuesday
SOURCE = "plans"
FULL = 100  # alerts of the longest mail

_RECIPIENT = "m.rossi@example.org"
_SUBJECTS = ("Go-live", "Pilot", "Acceptance", "Training", "Migration", "Hand-over")
_PROJECTS = (("PRJ-042", "Harbour Bridge"), ("ATL-7", "Atlas"))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A made-up message; `kind` is the one that templates are chosen by."""

    kind: str
    message: Message


def sample_messages() -> tuple[Sample, ...]:
    """Return one message of every kind, in English; `spoken` says it in another language."""
    notice = replace(
        _message("notice"), title=f"{SOURCE}: 3", lines=("export.xlsx", "2026-05-12"), items=(), data_basis=()
    )
    return (
        Sample("alert", _message("alert", _item(0))),
        Sample("alert", _several()),
        Sample("digest", _digest()),
        Sample("committee", replace(_digest(), digest="monthly", no_names=True, decisions=_DECISIONS)),
        Sample("notice", notice),
        Sample("test", replace(_message("test"), data_basis=())),
    )


def full_message() -> Message:
    """Return a mail with as many alerts as one may hold."""
    return _message("alert", *(_item(number) for number in range(FULL)))


def spoken(message: Message, language: str) -> Message:
    """Return a message to somebody of that language."""
    return replace(message, language=language)


def _words_for(key: str) -> Texts:
    return {language: words(language).beginning(key) for language in LANGUAGES}


_RULE = Rule(
    id="sample-slip",
    name=_words_for("milestone.slip"),
    for_each="milestone",
    measures=(),
    message=_words_for("points_of_attention"),
    advice=_words_for("cause_action_owner_date"),
)
_DECISIONS = (Awaited("D-3", "Hosting", "ATL-7", "Atlas", date(2026, 5, 20)),)


def _several() -> Message:
    return _message(
        "alert",
        _item(0, reason=Reason.WORSENED.value, before="amber"),
        _item(1, level="amber"),
        _item(2, level="green", reason=Reason.RECOVERED.value),
        _item(3, level="grey", reason=Reason.UNKNOWN.value, finding=_GREY),
    )


_WEEKS = tuple(date(2026, 4, 12) + timedelta(weeks=number) for number in range(4))
_STANDING = Standing(
    tuple(
        ProjectStanding(
            f"project:{code}",
            code,
            name,
            {"overall": now, "schedule": now, "cost": "green"},
            {"overall": "green"},
            before,
            tuple(zip(_WEEKS, (before, now, now, now), strict=True)),
        )
        for (code, name), now, before in zip(_PROJECTS, ("red", "grey"), ("amber", "green"), strict=True)
    ),
    (MilestoneTrend("PRJ-042", "Go-live", ((_WEEKS[0], date(2026, 9, 1)), (_WEEKS[-1], date(2026, 9, 13)))),),
    NOW - timedelta(weeks=4),
)
_OWED = (Owed("submission", {}, "PRJ-042", "Harbour Bridge", "2026-W18", date(2026, 5, 1), 3, "Maria Rossi"),)


def _digest() -> Message:
    items = (
        _item(0),
        _item(1, level="amber", reason="open"),
        _item(2, level="green", reason=Reason.RECOVERED.value),
        _item(3, level="amber", reason="silenced"),
        _item(4, level="amber", reason=Reason.IMPROVED.value, before="red"),
        _item(5, level="grey", reason=Reason.UNKNOWN.value, finding=_GREY),
    )
    return replace(_message("digest", *items), digest="weekly", day=NOW.date(), standing=_STANDING, owed=_OWED)


def _message(kind: Literal["alert", "digest", "notice", "test"], *items: Item) -> Message:
    return Message(
        id="0123456789abcdef0123456789abcdef",
        kind=kind,
        recipient=f"person:{_RECIPIENT}",
        recipient_name="Maria Rossi",
        notifier="mail",
        address=_RECIPIENT,
        language="en",
        zone="Europe/Brussels",
        items=items,
        data_basis=((SOURCE, date(2026, 5, 12), True),),
    )


_GREY: Mapping[str, Any] = {"state": "grey", "measure": "milestone.slip", "reason": "missing milestone.baseline_finish"}
_SLIP: Mapping[str, Any] = {
    "state": "red",
    "value": 12.0,
    "limit": 10.0,
    "threshold": "over 10 wd",
    "unit": "wd",
    "measure": "milestone.slip",
    "evidence": {"baseline_finish": "2026-05-01", "forecast_finish": "2026-05-19"},
}


def _item(
    number: int,
    *,
    level: str = "red",
    reason: str = Reason.OPENED.value,
    before: str = "",
    finding: Mapping[str, Any] = _SLIP,
) -> Item:
    began = NOW - timedelta(days=1 + number)
    code, name = _PROJECTS[number % len(_PROJECTS)]
    ended = NOW if reason == Reason.RECOVERED else None
    alert = Alert(
        id=f"{number:016x}",
        rule=_RULE.id,
        subject=f"{SOURCE}:task:{number}",
        entity="milestone",
        source=SOURCE,
        level="red" if level == "red" else "amber",
        began_at=began,
        opened_at=began,
        since=began,
        closed_at=ended,
        unknown_since=NOW if level == "grey" else None,
        unit="wd",
    )
    return Item(
        alert=alert,
        rule=_RULE,
        reason=reason,
        level=level,
        before=before,
        subject_id=f"M{number}",
        subject_name=_SUBJECTS[number % len(_SUBJECTS)],
        project_code=code,
        project_name=name,
        program_name="Mobility",
        url="https://plans.example.org/task",
        finding=finding,
        why_me="project_leader",
    )
