"""The sprint as Data Center writes it into an issue: the text of a Java object (spec sources 2.5)."""

import re

MEMBERS = (
    "id",
    "rapidViewId",
    "state",
    "name",
    "startDate",
    "endDate",
    "activatedDate",
    "completeDate",
    "sequence",
    "goal",
    "synced",
    "autoStartStop",
    "incompleteIssuesDestinationId",
)
BOUNDARY = re.compile(rf",(?=(?:{'|'.join(MEMBERS)})=)")
NULL = "<null>"


def sprint_members(text: str) -> dict[str, str]:
    """Return the members that have a value; empty when the text is no sprint.

    A name may hold commas and equals signs: it ends only where a known member begins.
    """
    begin, end = text.find("["), text.rfind("]")
    if begin < 0 or end < begin:
        return {}
    pairs = (part.partition("=") for part in BOUNDARY.split(text[begin + 1 : end]))
    return {name: value for name, _, value in pairs if value not in {"", NULL}}


def sprint_id(value: object) -> str | None:
    """Return the id of a sprint, written as an object (Cloud) or as a text (Data Center); None when it is neither."""
    if isinstance(value, dict):
        found = value.get("id")
        return str(found) if isinstance(found, int | str) and not isinstance(found, bool) else None
    if isinstance(value, str):
        return sprint_members(value).get("id")
    return None
