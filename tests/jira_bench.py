"""A made-up Jira for tests, and somebody who follows it from reading to reading, as the daemon does."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from pmo_watch_plugins.sources.jira import JIRA
from pmo_watch_plugins.sources.jira.source import Jira

from pmo_watch.api import Organisation, SourceContext
from pmo_watch.collect import Asked, read_source
from pmo_watch.demo.fake_jira import TOKEN, USER, FakeJira, serving
from pmo_watch.demo.jira_site import JiraSite, Person
from pmo_watch.flow import Reading, SourceState
from pmo_watch.normalise import Accepted, Limits, accept

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")
ZOE = Person("5b10a2844c20165700ede21g", "Zoë Müller", "zoe.muller@example.org")
JAN = Person("5b10a2844c20165700ede22h", "Jan Peeters", "jan.peeters@example.org")
TYPES = "com.atlassian.jira.plugin.system.customfieldtypes"
AGILE = "com.pyxis.greenhopper.jira"
FIELDS = {
    "sprints": ("Sprint", "array", f"{AGILE}:gh-sprint"),
    "points": ("Story Points", "number", f"{TYPES}:float"),
    "epic": ("Epic Link", "any", f"{AGILE}:gh-epic-link"),
    "flag": ("Flagged", "array", f"{TYPES}:multicheckboxes"),
    "begins": ("Start date", "date", f"{TYPES}:datepicker"),
    "target_end": ("Target end", "date", "com.atlassian.jpo:jpo-custom-field-baseline-end"),
    "probability": ("Probability", "option", f"{TYPES}:select"),
    "go_live": ("Go-live", "date", f"{TYPES}:datepicker"),
}


def empty_site() -> JiraSite:
    """Return a site with two projects, the first with sprints, and no ticket."""
    site = JiraSite(NOW - timedelta(hours=1), BRUSSELS)
    site.persons = [ZOE, JAN]
    site.add_project("ATL", "Atlas")
    site.add_project("BOR", "Boréal", "kanban")
    for name, (shown, kind, custom) in FIELDS.items():
        site.add_field(name, shown, kind, custom)
    return site


def small_site() -> JiraSite:
    """Return a site with a few tickets of each kind, a sprint that goes on, and a version."""
    site = empty_site()
    begin = datetime(2026, 11, 9, 8, tzinfo=UTC)
    sprint = site.add_sprint(1, "Sprint 7, goal=ship", begin)
    version = site.add_version("ATL", "R1", date(2026, 12, 15))
    site.start(sprint)
    made = begin - timedelta(days=3)
    site.add("ATL", "Epic", "Cloud move", made)
    first = site.add("ATL", "Story", "Cut-over plan", made, owner=ZOE, points=5, parent="ATL-1", due=date(2026, 11, 25))
    site.add("ATL", "Task", "Licences", made, owner=JAN, points=3, blocks=["ATL-2"], versions=[version], labels=["key"])
    site.add("BOR", "Bug", "Lost letters", made, priority="High", estimate=144_000, spent=36_000, left=108_000)
    site.add("ATL", "Milestone", "Go-live", made, due=date(2026, 12, 18))
    site.edit(first.key, begin - timedelta(days=1), sprints=[sprint])
    site.edit(first.key, begin + timedelta(days=2), status="In Progress")
    return site


def large_site(number: int) -> JiraSite:
    """Return a site with so many tickets, each changed at a moment of its own."""
    site = empty_site()
    for count in range(number):
        site.add("ATL" if count % 3 else "BOR", "Task", f"Step {count}", NOW - timedelta(days=30, seconds=-count))
    return site


@contextmanager
def running(site: JiraSite, **kinds: Any) -> Iterator[FakeJira]:
    """Serve a site."""
    with serving(FakeJira(site, **kinds)) as jira:
        yield jira


def settings(jira: FakeJira, **given: Any) -> Any:
    """Return the settings for a site that is served."""
    user = USER if jira.cloud else ""
    said = {"url": jira.url, "user": user, "token": TOKEN, "jql": "project in (ATL, BOR)", **given}
    return JIRA.settings.model_validate(said)


def context(now: datetime = NOW) -> SourceContext:
    """Return what a source is opened with."""
    return SourceContext("tickets", Path(), now, BRUSSELS, Organisation(), {})


def opened(jira: FakeJira, now: datetime = NOW, **given: Any) -> Jira:
    """Open the source; it never waits between tries."""
    return Jira(settings(jira, **given), context(now), pause=lambda _: None)


@dataclass
class Follower:
    """Reads a site again and again; `rows` is what is stored, `state` what is known of the source."""

    jira: FakeJira
    given: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    state: SourceState = field(default_factory=lambda: SourceState("tickets", "jira"))

    def read(self, now: datetime = NOW) -> Reading:
        """Read once and take in what was read."""
        self.jira.requests.clear()
        with closing(opened(self.jira, now, **self.given)) as source:
            asked = Asked("tickets", source, self.state.cursor, rows=self.rows)
            reading = read_source(asked, now, Limits())
        self.accepted: Accepted = accept(reading, self.rows, self.state, Limits())
        self.rows, self.state = self.accepted.rows, self.accepted.state
        return reading

    def stored(self, entity: str) -> pl.DataFrame:
        """Return the rows of an entity that are stored and present, with their native `key`."""
        frame = self.rows[entity].filter(pl.col("@missing").is_null())
        return frame.with_columns(pl.col("uid").str.strip_prefix(f"tickets:{entity}:").alias("key"))

    def row(self, entity: str, id: str) -> dict[str, Any]:  # noqa: A002
        """Return the row that people call so."""
        found = self.stored(entity)
        return found.filter((pl.col("id") if "id" in found.columns else pl.col("key")) == id).row(0, named=True)

    def ids(self, entity: str = "task") -> set[str]:
        """Return what people call the rows of an entity."""
        return set(self.stored(entity)["id"]) if entity in self.rows else set()
