"""Reads the made-up Dataverse as the daemon would: over TLS, again and again, with what is stored in between."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from pmo_watch_plugins.sources.dynamics import DYNAMICS
from pmo_watch_plugins.sources.dynamics.source import Environment

from pmo_watch.api import Organisation, SourceContext
from pmo_watch.collect import Asked, read_source
from pmo_watch.demo.fake_dataverse import CLIENT, SECRET, TENANT, FakeDataverse, self_signed, serving
from pmo_watch.flow import Reading, SourceState
from pmo_watch.normalise import Accepted, Limits, accept

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASELINE_ROWS = "msdyn_projectbaselinetaskdata"


@dataclass(slots=True, eq=False)
class Installation:
    """A source in use: its settings, what is stored of it, and what it waited for."""

    site: FakeDataverse
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    state: SourceState = field(default_factory=lambda: SourceState("projops", "dynamics"))
    stored: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    def given(self) -> dict[str, Any]:
        """Return the settings as a person would write them."""
        return {
            "url": self.site.url,
            "authority": self.site.url,
            "tenant": TENANT,
            "client_id": CLIENT,
            "verify": "dataverse.pem",
            **({} if "certificate" in self.settings else {"client_secret": SECRET}),
            **self.settings,
        }

    def context(self, now: datetime = NOW) -> SourceContext:
        """Return what the source is given when it is opened."""
        return SourceContext("projops", self.folder, now, ZoneInfo("Europe/Brussels"), Organisation(), {})

    def opened(self, now: datetime = NOW) -> Environment:
        """Return the source, as it is opened for one reading."""
        settings = DYNAMICS.settings.model_validate(self.given(), context={"folder": self.folder})
        return Environment(settings, self.context(now), pause=self.waits.append)

    def look(self, now: datetime = NOW) -> Reading:
        """Read once, and keep nothing."""
        self.site.requests.clear()
        source = self.opened(now)
        try:
            asked = Asked("projops", source, self.state.cursor, rows=self.stored)
            return read_source(asked, now, Limits())
        finally:
            source.close()

    def read(self, now: datetime = NOW) -> Accepted:
        """Read once, and store what the daemon would."""
        reading = self.look(now)
        accepted = accept(reading, self.stored, self.state, Limits())
        self.stored, self.state = accepted.rows, accepted.state
        return accepted

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """Return the stored rows of an entity, without what is null, by key."""
        frame = self.stored.get(entity, pl.DataFrame())
        kept = [name for name in frame.columns if not name.startswith("@")]
        found = [
            {name: value for name, value in row.items() if value is not None} for row in frame.select(kept).to_dicts()
        ]
        return [{**row, "key": row.pop("uid").rpartition(":")[2]} for row in found]

    def row(self, entity: str, name: str) -> dict[str, Any]:
        """Return the one stored row of that name or title."""
        (found,) = [row for row in self.rows(entity) if name in {row.get("name"), row.get("title"), row["key"]}]
        return found

    def names(self, entity: str) -> list[str]:
        """Return the names of the stored rows."""
        return sorted(str(row.get("name")) for row in self.rows(entity))


@contextmanager
def environment(folder: Path, certificate: Path, **settings: Any) -> Iterator[Installation]:
    """Serve an environment without rows and give a source that reads it."""
    (folder / "dataverse.pem").write_bytes(certificate.read_bytes())
    with serving(FakeDataverse(NOW), certificate) as site:
        yield Installation(site, folder, dict(settings))


def new_certificate(folder: Path) -> Path:
    """Return a certificate for servers of this machine."""
    return self_signed(folder)


# --- rows ---------------------------------------------------------------------------------------------------------


def project(site: FakeDataverse, name: str = "Apollo", **values: Any) -> str:
    """Add a project from January to June."""
    given = {
        "msdyn_subject": name,
        "msdyn_scheduledstart": "2026-01-05T07:00:00Z",
        "msdyn_finish": "2026-06-30T16:00:00Z",
        "msdyn_progress": 0.45,
    }
    return site.rows.add("msdyn_project", **{**given, **values})


def task(site: FakeDataverse, of: str, name: str = "Design", **values: Any) -> str:
    """Add a task of five days."""
    given = {
        "msdyn_subject": name,
        "msdyn_project": of,
        "msdyn_start": "2026-01-05T07:00:00Z",
        "msdyn_finish": "2026-01-09T16:00:00Z",
        "msdyn_duration": 5.0,
        "msdyn_progress": 0.0,
        "msdyn_ismilestone": False,
    }
    return site.rows.add("msdyn_projecttask", **{**given, **values})


def baseline(site: FakeDataverse, of: str, **tasks: tuple[str, str]) -> str:
    """Add a baseline of a project: task -> start and finish, instants in UTC, five days of eight hours each."""
    key = site.rows.add("msdyn_projectbaselinedata", msdyn_projectid=of)
    for one, (start, finish) in tasks.items():
        dates = {"msdyn_taskstartdate": start, "msdyn_taskfinishdate": finish}
        effort = {"msdyn_taskduration": 5.0, "msdyn_taskeffort": 40.0}
        site.rows.add(BASELINE_ROWS, msdyn_baseline=key, msdyn_projecttaskid=one, **dates, **effort)
    return key


def user(site: FakeDataverse, name: str = "Zoë Müller", email: str | None = "zoe.muller@example.org") -> str:
    """Add a user of the environment."""
    return site.rows.add("systemuser", fullname=name, internalemailaddress=email, isdisabled=False)


def resource(site: FakeDataverse, name: str = "Zoë Müller", **values: Any) -> str:
    """Add a bookable resource that is a user."""
    return site.rows.add("bookableresource", **{"name": name, "resourcetype": 3, **values})
