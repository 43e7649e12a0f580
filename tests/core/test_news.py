"""What is to be said of an alert: kept as text, and taken into what has not left yet."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

import pytest
from factories import MONDAY, Story

from pmo_watch.alerts import Alert
from pmo_watch.news import News, fold, read, written


def an_alert() -> Alert:
    """Return an open alert with everything filled that an opening fills."""
    story = Story()
    story.see("red", value=12.5)
    return replace(story.alert, acknowledged_until=date(2026, 12, 1), steps=("red:committee", "red:pmo"))


def news(reason: str, *, first: bool = False, level: Literal["amber", "red"] = "red") -> News:
    """Return news of that alert."""
    alert = replace(an_alert(), level=level)
    return News(alert, reason, "amber", MONDAY, "project_leader", first, {"value": 12.5, "evidence": {"a": "b"}})


def test_news_survives_as_text() -> None:
    kept = (news("opened", first=True), news("worsened"))

    assert tuple(read(written(kept))) == kept


@pytest.mark.parametrize(
    ("earlier", "first", "later", "left"),
    [
        ("opened", True, "worsened", "opened"),
        ("opened", True, "improved", "opened"),
        ("opened", True, "recovered", None),
        ("opened", True, "escalated", "opened"),
        ("worsened", False, "improved", None),
        ("worsened", False, "recovered", "recovered"),
        ("worsened", True, "recovered", None),
        ("reminded", False, "escalated", "escalated"),
        ("escalated", False, "reminded", "escalated"),
        ("reminded", False, "worsened", "worsened"),
        ("open", True, "entity_gone", None),
        ("open", False, "entity_gone", "entity_gone"),
    ],
)
def test_later_news_is_taken_into_earlier(earlier: str, *, first: bool, later: str, left: str | None) -> None:
    after = fold(news(earlier, first=first), replace(news(later, level="amber"), at=MONDAY + timedelta(hours=1)))

    assert (after.reason if after else None) == left
    assert after is None or after.alert.level == "amber"
    assert after is None or after.closes or after.first is first
