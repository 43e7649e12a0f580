"""Who has taken over a role since its holder was told of an alert that is still open."""

from collections.abc import Iterable, Iterator, Sequence

from pmo_watch.alerts import Alert, Told
from pmo_watch.audiences import PERSONAL, Recipient
from pmo_watch.desk import AT_ONCE, Desk
from pmo_watch.escalations import audiences_of
from pmo_watch.vacancies import OF_ROWS

Asked = tuple[Alert, str]  # an alert, and an audience that its rule tells at once


def successors(desk: Desk, alerts: Iterable[Alert]) -> Iterator[tuple[Alert, str, Recipient]]:
    """Yield each alert with the audience and whoever stands behind it by now, while others of it were told.

    Nobody of an audience that was never told: a rule may name it only since it was changed. Nobody of an alert that is
    acknowledged or silenced: the end of that speaks to whoever holds the role then.
    """
    asked = [(alert, name) for alert in alerts if _is_said(desk, alert) for name in _told_at_once(desk, alert)]
    for alert, name in _perhaps(desk, asked):
        found = desk.audiences.resolve(name, desk.subjects.of(alert))
        for recipient in () if found.vacant else _unknown(desk, alert, found.recipients):
            yield alert, name, recipient


def holds_no_more(desk: Desk, told: Told, alert: Alert) -> bool:
    """Say whether somebody was told as the holder of a role that others hold by now."""
    audience = desk.rules.audiences.get(told.audience)
    if audience is None or not audience.role:
        return False
    found = desk.audiences.resolve(told.audience, desk.subjects.of(alert))
    return not found.vacant and all(not _is_same(told, one) for one in found.recipients)


def _is_said(desk: Desk, alert: Alert) -> bool:
    return alert.level is not None and alert.acknowledged_until is None and not desk.silenced(alert)


def _told_at_once(desk: Desk, alert: Alert) -> list[str]:
    """Return the audiences of a role that were told of the alert, and are told of its level at once."""
    rule = desk.rules.rules.get(alert.rule)
    named = {*(rule.tell.get(alert.level or "", ()) if rule else ()), *audiences_of(alert)}
    told = {one.audience for one in desk.book.about(alert.id) if not one.in_place_of}
    roles = (one for name in sorted(named & told) if (one := desk.rules.audiences.get(name)) and one.role)
    return [one.name for one in roles if desk.how(one.name, alert.level or "") == AT_ONCE]


def _perhaps(desk: Desk, asked: Sequence[Asked]) -> list[Asked]:
    """Return those that may have somebody new; rows of one project have the same holders, and are asked for once."""
    samples = {_place(desk, alert, name): alert for alert, name in asked}
    desk.subjects.fetch((one.entity, one.subject) for one in samples.values())
    holders = {
        place: desk.audiences.resolve(place[0], desk.subjects.of(one)).recipients for place, one in samples.items()
    }
    found = [(alert, name) for alert, name in asked if _unknown(desk, alert, holders[_place(desk, alert, name)])]
    desk.subjects.fetch((alert.entity, alert.subject) for alert, _ in found)
    return found


def _place(desk: Desk, alert: Alert, audience: str) -> tuple[str, str]:
    own = desk.rules.audiences[audience].role in OF_ROWS or alert.entity == PERSONAL
    return audience, alert.id if own or not alert.project else alert.project


def _unknown(desk: Desk, alert: Alert, recipients: Iterable[Recipient]) -> list[Recipient]:
    """Return those who were not told of the alert, over whichever channel."""
    told = desk.book.about(alert.id)
    return [one for one in recipients if not any(_is_same(each, one) for each in told)]


def _is_same(told: Told, recipient: Recipient) -> bool:
    return told.recipient == recipient.id or (bool(told.address) and told.address == recipient.address)
