"""What one reading leaves behind for the next: links, marks, and what the metadata said (spec sources 1.1, 3.7)."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pmo_watch.api import Cursor

from .metadata import Facts
from .settings import Settings

FORM = 1  # grows when the same answers give other rows than before
LINK_LIFE = timedelta(days=6)  # 7 days are written
# What may change without other rows coming of it.
READ_ALIKE = {"every", "census_every", "full_every", "overlap_minutes", "page_size", "secret_expires", "client_secret"}
READ_ALIKE |= {"certificate", "certificate_password", "authority", "tenant", "client_id", "verify", "proxy", "parallel"}
READ_ALIKE |= {"timeout_connect_seconds", "timeout_read_seconds", "timeout_reading_minutes", "max_body_mb"}
READ_ALIKE |= {"retry_after_limit_minutes"}


@dataclass(frozen=True, slots=True)
class TableState:
    """Where the next reading of one table starts: a delta link, or the newest moment of change that was seen."""

    link: str = ""
    linked_at: str = ""
    mark: str = ""

    def link_at(self, now: datetime) -> str:
        """Return the link while it may still be used, else nothing."""
        return self.link if self.link and now - datetime.fromisoformat(self.linked_at) < LINK_LIFE else ""


@dataclass(slots=True)
class Memory:
    """What is known from before; `since`: a person asked for what changed since then, and for nothing else.

    `facts`: table -> what the metadata said of it, None where there was no such table. `again`: entities of which rows
    were missing: the next reading must say whether they still are.
    """

    mark: str
    organisation: str = ""
    full_at: str = ""
    census_at: str = ""
    since: str = ""
    tables: dict[str, TableState] = field(default_factory=dict)
    facts: dict[str, Facts | None] = field(default_factory=dict)
    currencies: dict[str, str] = field(default_factory=dict)
    base_currency: str = ""
    metadata_refused: bool = False
    again: list[str] = field(default_factory=list)

    @staticmethod
    def of(since: Cursor | None, mark: str) -> "Memory":
        """Read what the last reading left; nothing when settings were changed in between."""
        found = since or {}
        if "since" in found:
            return Memory(mark, since=str(found["since"]))
        if found.get("settings") != mark:
            return Memory(mark, organisation=str(found.get("organisation", "")))
        return Memory(
            mark,
            str(found["organisation"]),
            str(found["full_at"]),
            str(found["census_at"]),
            tables={name: TableState(*one) for name, one in found["tables"].items()},
            facts={name: _facts(one) for name, one in found["facts"].items()},
            currencies=dict(found["currencies"]),
            base_currency=str(found["base_currency"]),
            metadata_refused=bool(found["metadata_refused"]),
            again=list(found["again"]),
        )

    def cursor(self, columns: Mapping[str, Collection[str]]) -> dict[str, Any]:
        """Return it as JSON; of the metadata only what is said of these columns of each table."""
        return {
            "settings": self.mark,
            "organisation": self.organisation,
            "full_at": self.full_at,
            "census_at": self.census_at,
            "tables": {name: [one.link, one.linked_at, one.mark] for name, one in self.tables.items()},
            "facts": {name: _plain(one, columns.get(name, ())) for name, one in self.facts.items()},
            "currencies": self.currencies,
            "base_currency": self.base_currency,
            "metadata_refused": self.metadata_refused,
            "again": self.again,
        }


def is_due(last: str, every: timedelta, now: datetime) -> bool:
    """Say whether something that was last done then is due again."""
    return not last or now - datetime.fromisoformat(last) >= every


def fingerprint(settings: Settings, zone: str) -> str:
    """Return a text that changes when the same answers would be read otherwise."""
    said = settings.model_dump_json(exclude=READ_ALIKE)
    named = sorted(settings.model_fields_set & {"lag_unit"})
    return hashlib.sha256(f"{FORM} {zone} {said} {named}".encode()).hexdigest()[:16]


def _plain(facts: Facts | None, columns: Collection[str]) -> Any:
    if facts is None:
        return None
    types = None if facts.types is None else {name: facts.types[name] for name in columns if name in facts.types}
    dates = {name: kind for name, kind in facts.dates.items() if name in columns}
    return [facts.set, facts.key, facts.tracked, types, dates, facts.words]


def _facts(kept: Any) -> Facts | None:
    return None if kept is None else Facts(*kept)
