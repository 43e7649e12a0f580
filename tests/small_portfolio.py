"""Two projects in CSV files, run as `once` runs them at moments of one's choosing, and asked why and why not."""

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from pmo_watch.calendars import build_calendars
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.in_force import InForce, load
from pmo_watch.inquiry import look
from pmo_watch.mailroom import Mailroom
from pmo_watch.operations import Hush, add_silence
from pmo_watch.settings_shape import CalendarSettings
from pmo_watch.store import Store, open_store
from pmo_watch.why import RuleOnRow, Why
from pmo_watch.why_asked import ask_why
from pmo_watch.why_not import AlertForPerson
from pmo_watch.why_not_asked import Scope, WhyNotAnswer, ask_why_not
from pmo_watch.workdays import Calendar

ZONE = ZoneInfo("Europe/Brussels")
SETTINGS = """\
organisation: {timezone: Europe/Brussels, calendar: be, tolerances: {time: {amber: 8}}}
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
calendars: {be: {country: BE, extra_days: [2026-11-13]}}
delivery: {once_a_day: false}
sources:
  projects: {type: csv_file, path: projects.csv, profile: projects, settle_seconds: 0}
  milestones: {type: csv_file, path: milestones.csv, profile: milestones, settle_seconds: 0}
  people: {type: csv_file, path: people.csv, profile: people, settle_seconds: 0}
notifiers:
  mail: {type: file, folder: mails}
"""
PEOPLE_RULES = """\
version: 1
owner: owner@example.org
audiences:
  leader:    {role: project_leader, amber: at once, red: at once}
  programme: {role: programme_manager, amber: weekly, red: at once}
  owners:    {role: project_owner, amber: never, red: at once}
  committee: {role: management_committee, amber: never, red: at once}
  pmo:       {email: pmo@example.org, amber: never, red: weekly, grey: daily}
digests:
  daily:  {at: "08:30", on: every working day}
  weekly: {at: "08:30", on: monday}
"""
SLIP = """\
version: 1
owner: owner@example.org
rules:
  - id: slip
    name: Milestone slips
    measure: milestone.slip
    only_if: {project.state: executing}
    amber: over 5 wd
    red: over 10 wd
    tags: [time]
    tell: {amber: [leader, programme, owners], red: [leader, programme, owners, pmo]}
    escalate: [{after: 5 wd, while: red, to: committee}]
"""
PROJECTS = """\
project_id,code,name,state,leader
NOV-01,NOV-01,Counter,executing,ann@example.org
NOV-02,NOV-02,Cases,executing,bob@example.org
"""
PEOPLE = """\
email,name,language,role,scope
ann@example.org,Ann Anders,en,,
bob@example.org,Bob Baker,en,,
cleo@example.org,Cleo Clark,en,programme_manager,NOV-01
dora@example.org,Dora Dunn,en,project_owner,NOV-01
emil@example.org,Emil Ernst,en,management_committee,
finn@example.org,Finn Falk,en,,
"""
BASELINE = date(2026, 11, 2)  # a Monday


def at(day: str, hour: str = "10:00") -> datetime:
    """Return a moment in Brussels: a day of November 2026, and the time."""
    return datetime.fromisoformat(f"2026-11-{day}T{hour}").replace(tzinfo=ZONE)


@dataclass
class Portfolio:
    """The folder with everything.

    `slips`: working days by which milestones M1 (NOV-01) and M2 (NOV-02) are late; none: the list stays as it is.
    """

    folder: Path
    slips: dict[str, int | None] = field(default_factory=lambda: {"M1": 0, "M2": 0})

    def __post_init__(self) -> None:
        self._in_force: InForce
        (self.folder / "rules.d").mkdir()
        self.write("pmo-watch.yaml", SETTINGS)
        self.write("rules.d/00-people.yaml", PEOPLE_RULES)
        self.write("rules.d/10-slip.yaml", SLIP)
        self.write("projects.csv", PROJECTS)
        self.write("people.csv", PEOPLE)

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "pmo-watch.yaml"

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def _milestones(self) -> None:
        calendar = _calendar()
        rows = ["project_id,milestone_id,name,baseline_finish,forecast_finish"]
        for name, project in (("M1", "NOV-01"), ("M2", "NOV-02")):
            slip = self.slips[name]
            forecast = "" if slip is None else calendar.add(BASELINE, slip) or ""
            rows.append(f"{project},{name},Go-live {name},{BASELINE},{forecast}")
        self.write("milestones.csv", "\n".join(rows) + "\n")

    def store(self) -> Store:
        """Open the database."""
        return open_store(f"sqlite:///{self.folder / 'pmo-watch.db'}")

    def once(self, now: datetime, *, deliver: bool = True, **slips: int | None) -> Draft:
        """Run what `once` runs: a cycle over all sources, and delivery."""
        self.slips |= slips
        if self.slips:
            self._milestones()
        in_force = self._in_force = load(self.config)
        with closing(self.store()) as store:
            draft = Engine(store, in_force).cycle(now, list(in_force.sources()))
            if deliver:
                asyncio.run(_deliver(Mailroom(store, in_force, FixedClock(now))))
        return draft

    def silence(self, now: datetime, until: date, **what: str) -> None:
        """Silence something."""
        with closing(self.store()) as store:
            add_silence(store, Hush("Gus", "migration weekend", until, **what), now, ZONE)

    def why(self, now: datetime, subject: str = "M1", rule: str = "") -> Why:
        """Ask why."""
        with closing(self.store()) as store:
            return ask_why(store, look(store, self._in_force, now), subject, rule)

    def slip(self, now: datetime, subject: str = "M1") -> RuleOnRow:
        """Ask why the rule `slip` says what it says of a milestone."""
        (found,) = self.why(now, subject, "slip").rules
        return found

    def why_not(self, now: datetime, person: str, since: datetime | None = None, **scope: str) -> WhyNotAnswer:
        """Ask why somebody was not told."""
        with closing(self.store()) as store:
            return ask_why_not(store, look(store, self._in_force, now), person, Scope(since=since, **scope))

    def of_m1(self, now: datetime, person: str, since: datetime | None = None) -> AlertForPerson:
        """Ask why somebody was not told of the alert on M1."""
        (found,) = [one for one in self.why_not(now, person, since).alerts if one.alert.subject_id == "M1"]
        return found


@cache
def _calendar() -> Calendar:
    extra = (date(2026, 11, 13),)
    return build_calendars({"be": CalendarSettings(country="BE", extra_days=extra)}, Path())["be"]


async def _deliver(mailroom: Mailroom) -> None:
    try:
        await mailroom.drain()
    finally:
        await mailroom.close()
