"""What a rule may be for, and which fields it may then name (spec model 1.1)."""

from functools import cache

from pmo_watch.entities import ENTITIES
from pmo_watch.model import Field

_ABOVE = {"project": "project", "program": "program"}
_PLAN = {**_ABOVE, "portfolio": "portfolio"}

# for_each -> prefix -> entity; the first prefix is the row itself.
PREFIXES: dict[str, dict[str, str]] = {
    "portfolio": {"portfolio": "portfolio"},
    "program": {"program": "program", "portfolio": "portfolio"},
    "project": _PLAN,
    "milestone": {"milestone": "task", **_PLAN},
    "task": {"task": "task", **_PLAN},
    "dependency": {"dependency": "dependency", "predecessor": "task", "successor": "task", "project": "project"},
    "board": {"board": "board", "project": "project"},
    "sprint": {"sprint": "sprint", "board": "board", "project": "project"},
    "release": {"release": "release", "project": "project"},
    "person": {"person": "person"},
    "role": {"role": "role", **_ABOVE},
    **{name: {name: name, **_ABOVE} for name in ("risk", "issue", "decision", "change", "action")},
    **{name: {name: name, **_ABOVE} for name in ("gate", "meeting", "document", "status_report")},
    "kpi": {"kpi": "kpi", "indicator": "indicator", **_ABOVE},
    "submission": {"submission": "submission", "indicator": "indicator", **_ABOVE},
    "source": {"source": "source"},
    "alert": {"alert": "alert", **_PLAN},
}


@cache
def readable_fields(for_each: str) -> dict[str, Field]:
    """Return the fields that a rule for each of these may name: `milestone.done`, `project.state` ..."""
    return {
        f"{prefix}.{field.name}": field
        for prefix, entity in PREFIXES[for_each].items()
        for field in ENTITIES[entity].fields
        if field.readable
    }
