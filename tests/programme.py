"""The programme NOVA replayed week by week: its files laid out as a project office would, its mails caught by a server.

The files lie in a folder beside the checkout that does not ship with it; the settings and rules are the tests' own.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from mail_server import Mailbox

from pmo_watch.alerts import Transition
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.in_force import load
from pmo_watch.mailroom import Mailroom
from pmo_watch.store import Store, open_store

SERIES = Path(__file__).parents[1].parent / "shared" / "data" / "programme-series"
ABSENT = f"no programme series in {SERIES}: it does not ship with the checkout"
FRIDAYS = (*(date(2026, 9, day) for day in (4, 11, 18, 25)), date(2026, 10, 2), date(2026, 10, 9))
ZONE = ZoneInfo("Europe/Brussels")
PLANS = ("NOV-01", "NOV-02", "NOV-03", "NOV-04")
LISTS = ("jalons", "raid", "documents", "personnes")
FIGURES = ("indicateurs", "indicatoren-NOV-02")

# NOV-04 comes from ProjectLibre: no GUID, no code of its own, and `auto` falls back to UIDs that follow the rows.
SETTINGS = """\
organisation:
  name: Agence Exemple / Agentschap Voorbeeld
  timezone: Europe/Brussels
  calendar: be
  language: fr
  document_sets: {{M: {{executing: [BC, PC, PH, WP, RL, SR, DA]}}}}
database: {{url: "sqlite:///pmo-watch.db"}}
rules: rules.d
calendars:
  be: {{country: BE, extra_days: [2026-07-20, 2026-11-02]}}
people: {{source: personnes}}
sources:
  registre: {{type: csv_file, path: lists/projets.csv, profile: projects}}
  nov-01: {{type: ms_project, path: plans/NOV-01.xml, project_code: file_name, attributes: {{code: Code}}}}
  nov-02: {{type: ms_project, path: plans/NOV-02.xml, project_code: file_name, attributes: {{code: Code}}}}
  nov-03: {{type: ms_project, path: plans/NOV-03.xml, project_code: file_name, attributes: {{code: Code}}, key: GUID}}
  nov-04: {{type: ms_project, path: plans/NOV-04.xml, project_code: file_name, key: {key}}}
  jalons: {{type: csv_file, path: lists/jalons.csv, profile: milestones, dates: dmy}}
  definitions: {{type: csv_file, path: lists/definitions.csv, profile: indicators, decimal: point}}
  indicateurs: {{type: csv_file, path: "figures/*.csv", profile: kpi_observations, decimal: comma, dates: dmy}}
  raid: {{type: csv_file, path: lists/raid.csv, profile: raid, dates: dmy}}
  documents: {{type: csv_file, path: lists/documents.csv, profile: documents, dates: dmy}}
  personnes:
    type: csv_file
    path: lists/personnes.csv
    profile: people
    dates: dmy
notifiers:
  mail: {{type: email, host: 127.0.0.1, port: {port}, starttls: off, from: "PMO <pmo-watch@example.org>"}}
"""
REGISTER = """\
code,name,state,phase,size_class
NOV-01,Guichet numérique du citoyen,executing,executing,M
NOV-02,Zaakbeheersysteem,executing,executing,M
NOV-03,Identity and access platform,executing,executing,M
NOV-04,Migration du centre de données,executing,executing,M
"""
# Figures are due on the Monday after their week: on a Friday they speak of the week before.
DEFINITIONS = """\
indicator,name_en,unit,direction,target,min,max,cadence,cut_off,scopes
KPI-01,Availability of the test environment,%,higher_better,99.5,0,100,week,1 wd after period,
KPI-02,Open incidents,,lower_better,10,0,,week,1 wd after period,
KPI-03,Budget spent,EUR,,,0,,week,1 wd after period,"NOV-01, NOV-03, NOV-04"
KPI-04,Work done,,,,0,,week,1 wd after period,"NOV-01, NOV-03, NOV-04"
KPI-05,Satisfaction of users,,higher_better,7.5,0,10,week,1 wd after period,"NOV-01, NOV-02, NOV-03"
"""
RULES = """\
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [leader], red: [leader, owner]}

audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  owner:  {role: project_owner, amber: never, red: at once}
  pmo:    {email: pmo@example.org, amber: at once, red: at once, grey: at once}
  ict:    {email: ict@example.org, amber: at once, red: at once}

rules:
  - id: slip
    name: {en: Milestone slips, fr: Jalon en glissement, nl: Mijlpaal loopt uit}
    for_each: milestone
    only_if: {milestone.done: false, project.code: [NOV-01, NOV-02, NOV-03]}
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd

  - id: move                          # a data centre is left on a day that is fixed: a week is much
    name: {en: Move of the data centre slips, fr: Migration en glissement, nl: Migratie loopt uit}
    for_each: milestone
    only_if: {milestone.done: false, project.code: NOV-04}
    measure: milestone.slip
    amber: at least 5 wd
    red: over 10 wd

  - id: deadline                      # the writer's own slack: negative once a deadline cannot be met
    name: {en: Deadline cannot be met, fr: Échéance intenable, nl: Deadline onhaalbaar}
    for_each: milestone
    only_if: {milestone.deadline: present}
    measure: milestone.float
    red: under 0 wd

  - id: past
    name: {en: Forecast in the past, fr: Date prévue passée, nl: Prognose in het verleden}
    for_each: milestone
    measure: milestone.forecast_in_past
    amber: at least 1 wd

  - id: streak
    name: {en: Later week after week, fr: Reporté de semaine en semaine, nl: Week na week later}
    for_each: milestone
    only_if: {milestone.done: false}
    measure: milestone.slip_streak
    amber: at least 2 periods
    red: at least 3 periods
    recover: at most 0 periods
    no_data: ignore

  - id: risk
    name: {en: Risk is high, fr: Risque élevé, nl: Hoog risico}
    for_each: risk
    measure: risk.level
    amber: at least 12
    red: at least 20

  - id: decision
    name: {en: Decision is needed, fr: Décision attendue, nl: Beslissing nodig}
    for_each: decision
    measure: decision.days_left
    amber: at most 5 wd
    red: under 0 wd

  - id: documents
    name: {en: Documents are missing, fr: Documents manquants, nl: Documenten ontbreken}
    for_each: project
    measure: project.documents_complete
    amber: under 100 %

  - id: incidents
    name: {en: Too many open incidents, fr: Trop d'incidents ouverts, nl: Te veel openstaande incidenten}
    for_each: kpi
    measure: kpi.value
    with: {indicator: KPI-02}
    amber: over 10
    red: over 20

  - id: availability
    name: {en: Not available enough, fr: Disponibilité insuffisante, nl: Te weinig beschikbaar}
    for_each: kpi
    measure: kpi.against_target
    with: {indicator: KPI-01}
    amber: over 0.5 %
    red: over 2 %

  - id: figure
    name: {en: Figure has not come, fr: Chiffre non reçu, nl: Cijfer niet ontvangen}
    for_each: submission
    measure: submission.days_late
    with: {keep: 1 periods}
    amber: over 0 wd
    red: over 2 wd
"""


def lay_out(folder: Path, port: int, *, key: str) -> Path:
    """Write settings, register, definitions and rules, and return the settings file."""
    for name in ("plans", "lists", "figures", "rules.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "lists/projets.csv").write_text(REGISTER, encoding="utf-8")
    (folder / "lists/definitions.csv").write_text(DEFINITIONS, encoding="utf-8")
    (folder / "rules.d/nova.yaml").write_text(RULES, encoding="utf-8")
    _save_figures_before(folder / "figures")
    settings = folder / "pmo-watch.yaml"
    settings.write_text(SETTINGS.format(port=port, key=key), encoding="utf-8")
    return settings


def _save_figures_before(folder: Path) -> None:
    """Save the figures of the week before the series as if they had come in time: those of its first week."""
    for name in FIGURES:
        text = (SERIES / FRIDAYS[0].isoformat() / f"{name}.csv").read_bytes()
        for now, before in ((b"-S36", b"-S35"), (b"-W36", b"-W35"), (b"07/09/", b"31/08/"), (b"07-09-", b"31-08-")):
            text = text.replace(now, before)
        (folder / f"2026-08-28-{name}.csv").write_bytes(text)


def save_week(folder: Path, friday: date) -> None:
    """Save what was reported on a Friday: plans and lists in place of the old ones, figures beside the older ones."""
    week = SERIES / friday.isoformat()
    for name in PLANS:
        shutil.copyfile(week / f"{name}.xml", folder / "plans" / f"{name}.xml")
    for name in LISTS:
        shutil.copyfile(week / f"{name}.csv", folder / "lists" / f"{name}.csv")
    for name in FIGURES:
        shutil.copyfile(week / f"{name}.csv", folder / "figures" / f"{friday}-{name}.csv")
    saved = at(friday, time(9)).timestamp()
    for path in [*folder.glob("plans/*"), *folder.glob("lists/*"), *folder.glob(f"figures/{friday}*")]:
        os.utime(path, (saved, saved))


def at(friday: date, clock: time = time(10)) -> datetime:
    """Return a moment of that day in Brussels."""
    return datetime.combine(friday, clock, ZONE).astimezone(UTC)


def said(step: Transition) -> str:
    """Return a transition in words: rule, what people call the row, reason, level, value."""
    alert = step.alert
    value = "" if alert.value is None else f" {alert.value:.4g}"
    project = "" if alert.subject_id.startswith(alert.project_code or "-") else f"{alert.project_code}/"
    return f"{alert.rule} {project}{alert.subject_id} {step.reason.value} {alert.level or '-'}{value}"


@dataclass(slots=True, eq=False)
class Replay:
    """What came of it: per Friday the committed cycle and the mails that the server took."""

    drafts: list[Draft] = field(default_factory=list)
    mails: list[list[EmailMessage]] = field(default_factory=list)

    def steps(self, week: int, rules: Sequence[str] = ()) -> list[str]:
        """Return the transitions of a week, of these rules or of all."""
        found = self.drafts[week - 1].advanced.transitions
        return sorted(said(one) for one in found if not rules or one.alert.rule in rules)

    def findings(self, week: int, rule: str) -> dict[str, tuple[str, float | None]]:
        """Return state and value of a rule on each task of a week, by what people call the row."""
        draft = self.drafts[week - 1]
        (found,) = [one.frame for one in draft.findings if one.rule == rule]
        codes = dict(draft.picture.snapshot.frames["task"].select("uid", "id").iter_rows())
        return {codes[uid]: (state, value) for uid, state, value in found.select("uid", "state", "value").iter_rows()}

    def tasks(self, week: int, project: str) -> dict[str, dict[str, object]]:
        """Return the tasks of a project as the snapshot of a week holds them, by what people call the row."""
        rows = self.drafts[week - 1].picture.snapshot.frames["task"].iter_rows(named=True)
        return {row["id"]: row for row in rows if row["project"] == f"project:{project.lower()}"}

    def told(self) -> list[tuple[str, str, str, str, str]]:
        """Return (address, channel, alert, reason, level) for all that messages said, in order."""
        return [
            (message.address, message.notifier, item.alert.id, item.reason, item.level)
            for draft in self.drafts
            for message in draft.routed.messages
            for item in message.items
        ]


async def _replay(settings: Path, store: Store, mailbox: Mailbox, days: Sequence[date]) -> Replay:
    replay = Replay()
    in_force = load(settings)
    assert [str(one) for one in in_force.loaded.faults] == []
    clock = FixedClock(at(days[0]))
    engine = Engine(store, in_force)
    mailroom = Mailroom(store, in_force, clock)
    try:
        for day in days:
            if day in FRIDAYS:
                save_week(settings.parent, day)
            clock.moment = at(day)
            before = len(mailbox.mails)
            replay.drafts.append(await asyncio.to_thread(engine.cycle, clock.moment, list(in_force.sources())))
            await mailroom.drain()
            replay.mails.append(mailbox.mails[before:])
    finally:
        await mailroom.close()
    return replay


def replay_series(settings: Path, mailbox: Mailbox, days: Sequence[date] = FRIDAYS) -> Replay:
    """Run a cycle on each day at ten and deliver what is due; a Friday of the series first brings its files."""
    store = open_store(f"sqlite:///{settings.parent / 'pmo-watch.db'}")
    try:
        return asyncio.run(_replay(settings, store, mailbox, days))
    finally:
        store.close()
