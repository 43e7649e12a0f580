"""Queries in Jira's language, and the moments in them (spec sources 2.9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

UPDATED = "updated ASC, key ASC"
BY_KEY = "key ASC"
LIST_AT_ONCE = 100  # ids in one query


def bracketed(jql: str, *more: str) -> str:
    """Return the query with further conditions; it may hold OR."""
    return " AND ".join([f"({jql})", *(one for one in more if one)])


def updated_since(moment: datetime, zone: tzinfo | None) -> str:
    """Return the condition for a change at or after a moment.

    `zone`: the profile zone of the account, for servers that read no milliseconds; then rounded down to the minute.
    """
    if zone is None:
        return f"updated >= {int(moment.timestamp() * 1000)}"
    return f'updated >= "{local_minute(moment, zone):%Y-%m-%d %H:%M}"'


def local_minute(moment: datetime, zone: tzinfo) -> datetime:
    """Return the minute on the wall, early whichever way it is read.

    A text in the hour that autumn repeats may be read as its first or its second pass: a moment of the first pass is
    written as an hour before.
    """
    local = moment.astimezone(zone)
    if not local.fold and local.replace(fold=1).utcoffset() != local.utcoffset():
        local = (moment - timedelta(hours=1)).astimezone(zone)
    return local.replace(tzinfo=None)


def in_order(jql: str, order: str) -> str:
    """Return the query with its order."""
    return f"{jql} ORDER BY {order}"


def of_ids(ids: Sequence[str]) -> str:
    """Return the condition for issues of these ids."""
    return f"id in ({', '.join(ids)})"
