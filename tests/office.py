"""A small office in a folder of its own: plans, a list of people, rules and settings, ready for the daemon to watch."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mail_server import free_port

from pmo_watch.cycle import Engine
from pmo_watch.demo.plans import Plan, Row, Week, plan_xml
from pmo_watch.in_force import InForce, load
from pmo_watch.store import Store, open_store
from pmo_watch.workdays import Calendar

FRIDAY = date(2026, 10, 2)
NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)  # ten o'clock in Brussels, a working day
LEADERS = "leader-{}@pmo.test"
CALENDAR = Calendar("be")
SETTINGS = """\
organisation: {{timezone: Europe/Brussels, calendar: be}}
database: {{url: "sqlite:///pmo-watch.db"}}
rules: rules.d
http: {{listen: "127.0.0.1:{http}"}}
calendars:
  be: {{country: BE}}
limits: {{mass_change: {mass_change}}}
sources:
  plans:
    {{type: ms_project, path: plans/*.xml, key: Text1, project_code: file_name, attributes: {{kind: Text2}},
     settle_seconds: {settle}, every: {every}, accept_shrink: true}}
  people: {{type: csv_file, path: people.csv, profile: people, every: {every}, settle_seconds: 0}}
notifiers:
  mail: {{type: email, host: 127.0.0.1, port: {smtp}, from: pmo-watch@pmo.test, subjects: state,
    {mail}}}
{teams}  prometheus: {{type: prometheus}}
"""
TEAMS = '  teams: {{type: teams, url: "{url}"}}\n'
PEOPLE = """\
version: 1
owner: owner@pmo.test
audiences:
  project_leader: {role: project_leader, amber: at once, red: at once}
  pmo:  {email: pmo@pmo.test, amber: never, red: never, grey: at once}
  ict:  {email: ict@pmo.test, amber: at once, red: at once}
"""
ROOM = "  room: {notifier: teams, red: at once}\n"
SLIP = """\
version: 1
owner: owner@pmo.test
rules:
  - id: milestone-slip
    name: {{en: Milestone slips against its baseline}}
    for_each: milestone
    measure: milestone.slip
    amber: {amber}
    red: {red}
    recover: at most 3 wd
    tell: {{amber: [project_leader], red: [project_leader{room}]}}
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the office's messages go; `teams` empty: no channel. `mail`: the rest of that notifier's settings."""

    smtp: int = 1
    teams: str = ""
    mail: str = "starttls: off"


class Office:
    """Projects P01, P02 ...: each a plan whose milestone slips as many working days as the plan was saved with."""

    def __init__(
        self,
        folder: Path,
        reach: Reach | None = None,
        *,
        projects: int = 2,
        every: str = "15m",
        settle: float = 0,
        mass_change: int = 50,
    ) -> None:
        self.folder = folder
        self.codes = [f"P{number:02}" for number in range(1, projects + 1)]
        self.http = free_port()
        self._room = bool(reach and reach.teams)
        self._parts = {"every": every, "settle": settle, "mass_change": mass_change, "http": self.http}
        for part in ("plans", "rules.d"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self.settings(reach or Reach())
        self.people(self.codes)
        self.rules("00-people.yaml", PEOPLE + (ROOM if self._room else ""))
        self.slip_rule()
        for code in self.codes:
            self.save(code, 0)

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "pmo-watch.yaml"

    @property
    def url(self) -> str:
        """The URL of the database."""
        return f"sqlite:///{self.folder / 'pmo-watch.db'}"

    def settings(self, reach: Reach, **parts: object) -> None:
        """Write the settings."""
        teams = TEAMS.format(url=reach.teams) if reach.teams else ""
        values = {**self._parts, "smtp": reach.smtp, "teams": teams, "mail": reach.mail, **parts}
        self.config.write_text(SETTINGS.format(**values), encoding="utf-8")

    def rules(self, name: str, text: str) -> Path:
        """Write a rule file and return it."""
        path = self.folder / "rules.d" / name
        path.write_text(text, encoding="utf-8")
        return path

    def slip_rule(self, amber: str = "over 5 wd", red: str = "over 10 wd") -> Path:
        """Write the only rule."""
        return self.rules("10-slip.yaml", SLIP.format(amber=amber, red=red, room=", room" if self._room else ""))

    def people(self, codes: Iterable[str]) -> None:
        """Write the list of people: each project has a leader of its own."""
        rows = [f"{LEADERS.format(code.lower())};{code} Leader;en;project_leader;{code}" for code in codes]
        text = "\n".join(["E-mail;Name;Language;Role;Scope", *rows])
        (self.folder / "people.csv").write_text(f"{text}\n", encoding="utf-8")
        os.utime(self.folder / "people.csv", (NOW.timestamp(), NOW.timestamp()))

    def plan(self, code: str, late: int, share: float = 1.0, status: date = FRIDAY) -> bytes:
        """Return a plan whose milestone slips so many working days; `share` of it, cut off behind that."""
        rows = (Row("BUILD", "Build", 20), Row("LIVE", "Go-live", 0, after=("BUILD",), kind="key"))
        week = Week({"BUILD": 50}, {"BUILD": late})
        text = plan_xml(
            Plan(code, f"Project {code}", "Nobody", date(2026, 9, 14), rows, (week,), (0,)), 0, status, CALENDAR
        )
        return text.encode()[: int(len(text.encode()) * share)]

    def save(self, code: str, late: int, share: float = 1.0, status: date = FRIDAY) -> Path:
        """Save a plan the way programs do that write in place."""
        path = self.folder / "plans" / f"{code}.xml"
        path.write_bytes(self.plan(code, late, share, status))
        return path

    def save_slowly(self, code: str, late: int, seconds: float) -> None:
        """Save a plan in place, bit by bit, over so many seconds."""
        text, steps = self.plan(code, late), 25
        with (self.folder / "plans" / f"{code}.xml").open("wb", buffering=0) as file:
            for step in range(steps):
                file.write(text[len(text) * step // steps : len(text) * (step + 1) // steps])
                time.sleep(seconds / steps)

    def load(self) -> InForce:
        """Load what the office has set."""
        return load(self.config)

    def open(self) -> Store:
        """Open the office's database."""
        return open_store(self.url)


def cycle(engine: Engine, now: datetime = NOW, *sources: str) -> list[str]:
    """Run a cycle over these sources, or all of them, and return what changed, as reason and project."""
    draft = engine.cycle(now, sources or list(engine.in_force.sources()))
    return sorted(f"{one.reason.value} {one.alert.project_code}" for one in draft.advanced.transitions)
