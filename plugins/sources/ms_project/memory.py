"""What a reading leaves for the next one: which bytes were read, and what identifies each plan and its rows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Self

from pmo_watch.api import Cursor

from .settings import Settings

FORMAT = 1  # a change in what is read of a file raises it, so that every file is read again
ABOUT_FILES = {"path", "watch", "settle_seconds", "max_size_mb"}  # settings that do not change what a file says


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was read: its digest, which plan it is a state of, and whether it is the current one.

    `stamp`: as `FoundFile.stamp` when it was found; while it is the same, the file need not be opened.
    """

    digest: str
    plan: str
    is_current: bool
    without_status_date: bool = False
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """A plan's key and code, and what identifies its rows."""

    key: str
    code: str
    chosen: str = ""


@dataclass(slots=True)
class Memory:
    """Files by part, plans by what tells them apart; made under certain settings."""

    made_with: str
    key_setting: str
    files: dict[str, KnownFile] = field(default_factory=dict)
    plans: dict[str, KnownPlan] = field(default_factory=dict)

    @classmethod
    def of(cls, since: Cursor | None, settings: Settings, zone: tzinfo) -> Self:
        """Return what the last reading left; under other settings every file is read again, the keys stay."""
        memory = cls(_fingerprint(settings, zone), settings.key)
        if not since:
            return memory
        if since["made_with"] == memory.made_with:
            memory.files = {
                part: KnownFile(mark, plan, bool(current), bool(assumed), *stamp)
                for part, (mark, plan, current, assumed, *stamp) in since["files"].items()
            }
        same_key = since["key"] == settings.key
        memory.plans = {
            plan: KnownPlan(key, code, chosen if same_key else "")
            for plan, (key, code, chosen) in since["plans"].items()
        }
        return memory

    def successor(self) -> "Memory":
        """Return an empty memory made under the same settings."""
        return Memory(self.made_with, self.key_setting)

    def keep(self, old: "Memory", parts: Iterable[str]) -> None:
        """Keep what is known of files that this reading could not read."""
        for part in parts:
            if (known := old.files.get(part)) is not None:
                self.files[part] = known
                self.plans.setdefault(known.plan, old.plans[known.plan])

    def current_of(self, plan: str) -> str | None:
        """Return the part that is the current state of a plan."""
        return next((part for part, one in self.files.items() if one.is_current and one.plan == plan), None)

    def cursor(self) -> Cursor:
        """Return it as JSON holds it; of plans those that a file is known of."""
        named = {one.plan for one in self.files.values()}
        return {
            "made_with": self.made_with,
            "key": self.key_setting,
            "files": {
                part: [one.digest, one.plan, int(one.is_current), int(one.without_status_date), one.stamp]
                for part, one in sorted(self.files.items())
            },
            "plans": {
                plan: [one.key, one.code, one.chosen] for plan, one in sorted(self.plans.items()) if plan in named
            },
        }


def _fingerprint(settings: Settings, zone: tzinfo) -> str:
    said = settings.model_dump(mode="json", exclude=ABOUT_FILES)
    text = json.dumps([FORMAT, said, str(zone)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
