"""What `once` prints: what was read, what changed, what is said to whom."""

from collections.abc import Mapping
from typing import Any

from pmo_watch.alerts import Transition
from pmo_watch.audiences import unnamed
from pmo_watch.cycle import Draft
from pmo_watch.output import Format, printed, said, show, show_json

MOST_SAID = 50  # lines of one kind


def document(draft: Draft) -> Mapping[str, Any]:
    """Return a cycle as one JSON document."""
    return {
        "now": draft.now,
        "readings": [
            {
                "source": one.source,
                "outcome": draft.accepted[one.source].state.outcome,
                "rows": draft.accepted[one.source].state.rows,
                "rejected": [vars_of(rejected) for rejected in one.summary.rejected],
                "error": draft.accepted[one.source].state.error or None,
            }
            for one in draft.readings
        ],
        "leads_nowhere": [vars_of(one) for one in draft.picture.snapshot.rejected],
        "findings": {one.rule: _counts(one.frame["state"].to_list()) for one in draft.findings},
        "failed_rules": {one.rule: one.failed for one in draft.findings if one.failed},
        "transitions": transitions(draft),
        "messages": messages(draft),
    }


def vars_of(rejected: Any) -> Mapping[str, str]:
    """Return a rejected record as names and texts."""
    return {"where": rejected.where, "field": rejected.field, "value": rejected.value, "reason": rejected.reason}


def _counts(states: list[str]) -> Mapping[str, int]:
    return {state: states.count(state) for state in ("red", "amber", "grey", "green", "na")}


def transition(one: Transition) -> Mapping[str, Any]:
    """Return a change of an alert; of one on a single person without the name."""
    alert = unnamed(one.alert)
    return {
        "reason": one.reason.value,
        "rule": alert.rule,
        "project": alert.project_code,
        "subject": alert.subject_name or alert.subject_id,
        "before": (one.before.level if one.before else None) or None,
        "level": alert.level,
        "value": alert.value,
        "unit": alert.unit,
    }


def transitions(draft: Draft) -> list[Mapping[str, Any]]:
    """Return what changed."""
    return [transition(one) for one in draft.advanced.transitions]


def messages(draft: Draft) -> list[Mapping[str, Any]]:
    """Return what is said to whom."""
    return [
        {
            "id": message.id,
            "to": message.address or message.notifier,
            "name": message.recipient_name,
            "notifier": message.notifier,
            "language": message.language,
            "kind": message.kind,
            "subject": rendered.subject,
            "not_before": message.not_before,
            "text": rendered.text,
        }
        for message, rendered in draft.messages
    ]


def _say_nowhere(draft: Draft) -> None:
    """Say what rows name and no source has, each once."""
    nowhere = draft.picture.snapshot.rejected
    for one in nowhere[:MOST_SAID]:
        said(f"warning: {one.where}: {one.field} '{one.value}': {one.reason}; it counts as empty")
    if len(nowhere) > MOST_SAID:
        said(f"warning: and {len(nowhere) - MOST_SAID} more of that kind; --format json has all")


def show_cycle(draft: Draft, form: Format, *, dry: bool) -> None:
    """Print a cycle: JSON as one document; else in tables."""
    if form is Format.JSON:
        show_json(document(draft))
        return
    for reading in draft.readings:
        state = draft.accepted[reading.source].state
        said(f"{reading.source}: {state.outcome.value if state.outcome else 'not read'}, {state.rows} rows"
             f"{f' ({state.error})' if state.error else ''}")  # fmt: skip
    _say_nowhere(draft)
    for one in draft.findings:
        if one.failed:
            said(f"rule {one.rule} failed: {one.failed}")
    columns = ("reason", "level", "project", "subject", "value", "unit", "rule")
    printed("would change:" if dry else "changed:")
    show(transitions(draft), columns, form, "nothing")
    printed("")
    printed("would be sent:" if dry else "to be sent:")
    show(messages(draft), ("to", "kind", "language", "subject", "not_before"), form, "nothing")
