"""Issues that are entries of a register: risks, issues, decisions, changes, actions (spec model 2.12)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from pmo_watch.api import ENTITIES, Kind

from .changes import STATUS, TO_NAME
from .columns import UTC_MICROSECONDS, Columns, frame_of
from .values import folded, text_of, value_of

if TYPE_CHECKING:
    from .issues import Site

# Which of Jira's own fields each register's fields are.
NATIVE = {
    "risk": {"identified_on": "created", "target_date": "duedate"},
    "issue": {"raised_on": "created", "target_date": "duedate", "resolved_on": "resolutiondate"},
    "decision": {"requested_on": "created", "needed_by": "duedate", "decided_on": "resolutiondate"},
    "change": {"submitted_on": "created", "delivered_on": "resolutiondate"},
    "action": {"due": "duedate", "done_on": "resolutiondate"},
}
# What a category means where no map knows the status itself.
BY_CATEGORY = {
    "risk": {"todo": "proposed", "doing": "assessing", "done": "closed"},
    "issue": {"todo": "open", "doing": "open", "done": "closed"},
    "change": {"todo": "submitted", "doing": "assessing", "done": "implemented"},
    "action": {"todo": "open", "doing": "open", "done": "done"},
}
GIVEN_UP = {"risk": "rejected", "issue": "closed", "change": "rejected", "action": "cancelled"}
Raw = list[dict[str, Any]]


DECIDED = frozenset({"approved", "rejected", "merged", "implemented"})


def register_rows(register: str, issues: Raw, changes: pl.DataFrame, site: "Site") -> pl.DataFrame:
    """Return issues as entries of a register."""
    entries = _Entries(register, issues, site)
    frame = entries.frame()
    if register != "change" or "decided_on" in frame.columns:
        return frame
    return frame.with_columns(entries.decided_on(changes))


class _Entries:
    def __init__(self, register: str, issues: Raw, site: "Site") -> None:
        self._register, self._site, self._issues = register, site, issues
        self._values = [one["fields"] for one in issues]
        self._keys = [str(one["id"]) for one in issues]
        self._shown = [one.get("key") or key for one, key in zip(issues, self._keys, strict=True)]
        self._columns = Columns(self._shown, "issue ", site.report, site.zone)
        self._entry = site.settings.registers[register]  # type: ignore[index]  # the names are the settings' own

    def _raw(self, name: str) -> list[Any]:
        return [one.get(name) for one in self._values]

    def frame(self) -> pl.DataFrame:
        made = {one.name: one for one in (*self._plain(), *self._dates())}
        made |= self._standing()
        known = {one.name for one in ENTITIES[self._register].stored()} | {"key"}
        made |= {name: self._mapped(name, number) for name, number in self._mapping().items()}
        return pl.DataFrame([one for name, one in made.items() if name in known])

    def _mapping(self) -> Mapping[str, str]:
        return self._site.fields.registers.get(self._register, {})

    def _plain(self) -> list[pl.Series]:
        texts = self._columns.texts
        projects = [one.get("id") if isinstance(one, dict) else None for one in self._raw("project")]
        marks = {folded(one) for one in self._entry.escalated}
        labels = [[folded(str(word)) for word in one] if isinstance(one, list) else [] for one in self._raw("labels")]
        return [
            pl.Series("key", self._keys, pl.String),
            texts("id", self._shown),
            texts("project", projects),
            texts("title", self._raw("summary")),
            texts("description", [text_of(one) for one in self._raw("description")]),
            texts("owner", self._site.people.keys(self._raw("assignee"))),
            texts("url", [f"{self._site.settings.url}/browse/{one}" for one in self._shown]),
            pl.Series("escalated", [not marks.isdisjoint(one) for one in labels], pl.Boolean),
            self._columns.hours("timeoriginalestimate", self._raw("timeoriginalestimate")).alias("effort"),
        ]

    def _dates(self) -> list[pl.Series]:
        made = [self._columns.instants("updated", self._raw("updated")).alias("updated_at")]
        for name, native in NATIVE[self._register].items():
            if native == "duedate":
                made.append(self._columns.days(native, self._raw(native)).alias(name))
            else:
                moments = self._columns.instants(native, self._raw(native))
                made.append(self._columns.days_of(moments).alias(name))
        return made

    def _standing(self) -> dict[str, pl.Series]:
        """Return status and urgency, where the register has them."""
        statuses, site = self._raw("status"), self._site
        names = [one.get("name") if isinstance(one, dict) else None for one in statuses]
        groups = [site.vocabulary.category(one) for one in statuses]
        endings = [one.get("name") if isinstance(one, dict) else None for one in self._raw("resolution")]
        given_up = site.vocabulary.cancelled(names, endings)
        priorities = [one.get("name") if isinstance(one, dict) else None for one in self._raw("priority")]
        rows = zip(names, groups, given_up, strict=True)
        return {
            "status": pl.Series("status", [self._status(*row) for row in rows], pl.String),
            "urgency": pl.Series("urgency", [site.vocabulary.priority(one) for one in priorities], pl.Int64),
        }

    def _status(self, name: str | None, group: str | None, is_given_up: bool) -> str | None:
        """Return what a status means: by the map, by its own name, as given up, by its category."""
        if self._register not in BY_CATEGORY or name is None:
            return None
        words = {folded(word): meaning for word, meaning in self._entry.maps.get("status", {}).items()}
        field = ENTITIES[self._register].field("status")
        own = folded(name).replace(" ", "_").replace("-", "_")
        if folded(name) in words:
            return words[folded(name)]
        if field is not None and own in field.one_of:
            return own
        return GIVEN_UP[self._register] if is_given_up else BY_CATEGORY[self._register].get(group or "")

    def decided_on(self, changes: pl.DataFrame) -> pl.Series:
        """Return the day on which each change was first approved or turned down."""
        asked = changes.filter((pl.col("field") == STATUS) & pl.col("task").is_in(self._keys)).sort("at")
        first: dict[str, Any] = {}
        for issue, at, name in asked.select("task", "at", TO_NAME).iter_rows():
            if self._status(name, None, self._site.vocabulary.is_cancelled(name)) in DECIDED:
                first.setdefault(issue, at)
        moments = pl.Series("decided_on", [first.get(key) for key in self._keys], UTC_MICROSECONDS)
        return self._columns.days_of(moments)

    def _mapped(self, name: str, number: str) -> pl.Series:
        field = ENTITIES[self._register].field(name)
        kind = field.kind if field is not None else Kind.TEXT
        words = self._entry.maps.get(name, {})
        raw = self._raw(number)
        if kind == Kind.REF:
            for one in raw:
                self._site.people.key(one)
        found = self._columns.each(number, raw, lambda value: value_of(kind, value, words, self._site.zone))
        return frame_of(self._register, {name: found}).to_series()
