"""The folder of the demo: settings as a person would write them, and the rules that ship with pmo-watch."""

from dataclasses import asdict, dataclass
from pathlib import Path

from pmo_watch.demo.fake_dataverse import CLIENT, SECRET, TENANT
from pmo_watch.demo.fake_jira import TOKEN
from pmo_watch.starter import Delivery, write_starter

SETTINGS = """\
# The settings of the demo: files, a Jira and a Dynamics 365 are read; they, the mail server and the channel are on this
# machine and last as long as the demo.
organisation:
  name: ICT unit of the Example Agency
  timezone: Europe/Brussels
  calendar: be
  language: en
  document_sets:
    S: {{initiating: [project_charter]}}
    M: {{initiating: [project_charter], planning: [project_work_plan]}}
    L: {{initiating: [project_charter], planning: [project_work_plan, risk_plan]}}
database: {{url: "sqlite:///pmo-watch.db"}}
secrets_dir: secrets
rules: rules.d
calendars:
  be: {{country: BE, extra_days: [2026-11-02]}}      # a bridge day after All Saints
http: {{listen: "127.0.0.1:{http}"}}
people: {{source: people}}
merge: {{cost: [register, plans]}}                      # the office's own figures before those of the plans
sources:
  plans:
    type: ms_project
    path: plans/*.xml
    key: Text1                                        # the code that people use; row numbers change
    project_code: file_name
    attributes: {{kind: Text2}}
  register: {{type: csv_file, path: sheets/projects.csv, profile: projects, decimal: comma, dates: dmy}}
  people: {{type: csv_file, path: sheets/people.csv, profile: people}}
  indicators: {{type: csv_file, path: sheets/indicators.csv, profile: indicators, decimal: comma}}
  figures: {{type: csv_file, path: sheets/observations.csv, profile: kpi_observations, decimal: comma, dates: dmy}}
  raid: {{type: csv_file, path: sheets/raid.csv, profile: raid, dates: dmy}}
  documents: {{type: csv_file, path: sheets/documents.csv, profile: documents, dates: dmy}}
  projops:
    type: dynamics
    url: {dataverse}
    authority: {dataverse}
    tenant: {tenant}
    client_id: {client}
    client_secret: {{secret: projops}}
    verify: dataverse.pem                             # the environment on this machine signs its own
    tables: {{project: {{columns: {{code: gem_code}}}}}}      # the organisation's own column
  tickets:
    type: jira
    url: {jira}
    token: {{secret: jira}}
    jql: "project = MOB"
    baseline: first_snapshot                          # Jira has none: the first dates that were seen
aliases: {{MOB: GEM-05}}                                # what Jira calls a project that has another code
notifiers:
  mail:
    type: email
    host: 127.0.0.1
    port: {smtp}
    starttls: off                                     # a server on this machine that keeps what it gets
    from: "PMO watch <pmo-watch@gemeenten.example>"
  teams:
    type: teams
    url: {{secret: teams_url}}
  prometheus: {{type: prometheus}}
"""
PEOPLE = """\
# Who is told, and when, in the demo.
version: 1
owner: pmo@gemeenten.example

audiences:
  project_leader:    {role: project_leader,    amber: at once, red: at once}
  programme_manager: {role: programme_manager, amber: weekly,  red: at once}
  committee:         {role: management_committee, amber: never, red: monthly}
  pmo:               {email: pmo@gemeenten.example, amber: weekly, red: weekly, grey: weekly}
  ict:               {email: ict@gemeenten.example, amber: at once, red: at once}
  pmo_channel:       {notifier: teams, red: at once}

digests:
  weekly:  {at: "08:30", on: monday}
  monthly: {at: "08:30", on: first working day of month}
"""
FIGURES = """\
# Figures against their targets.
version: 1
owner: pmo@gemeenten.example
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo, pmo_channel]}

rules:
  - id: calls-answered
    name: {en: Calls answered too late, fr: Appels pris trop tard, nl: Oproepen te laat beantwoord}
    measure: kpi.against_target
    with: {indicator: CALLS}
    amber: over 5 %
    red: over 10 %

  - id: availability
    name: {en: Service not available enough, fr: Disponibilité insuffisante, nl: Dienst te weinig beschikbaar}
    measure: kpi.against_target
    with: {indicator: AVAIL}
    amber: over 0.5 %
    red: over 2 %
"""


RED = "red: [project_leader, programme_manager, pmo]"
WITH_CHANNEL = "red: [project_leader, programme_manager, pmo, pmo_channel]"


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Where the systems beside the demo answer: ports of this machine, and addresses of the two that are read."""

    smtp: int
    teams: int
    http: int
    dataverse: str
    jira: str


def write_folder(folder: Path, beside: Counterparts) -> Path:
    """Write settings, secrets and rules into the folder and return the settings file."""
    write_starter(folder, Delivery.WATERFALL)
    settings = folder / "pmo-watch.yaml"
    places = {**asdict(beside), "tenant": TENANT, "client": CLIENT}
    settings.write_text(SETTINGS.format(**places), encoding="utf-8")
    _write_secrets(folder / "secrets", beside)
    for rules in (folder / "rules.d").glob("*.yaml"):
        text = rules.read_text(encoding="utf-8")
        rules.write_text(text.replace(RED, WITH_CHANNEL), encoding="utf-8")
    (folder / "rules.d" / "00-people.yaml").write_text(PEOPLE, encoding="utf-8")
    (folder / "rules.d" / "80-demo.yaml").write_text(FIGURES, encoding="utf-8")
    return settings


def _write_secrets(folder: Path, beside: Counterparts) -> None:
    folder.mkdir(mode=0o700)
    secrets = {
        "teams_url": f"http://127.0.0.1:{beside.teams}/workflows/demo?sig=demo",
        "projops": SECRET,
        "jira": TOKEN,
    }
    for name, text in secrets.items():
        (folder / name).write_text(text, encoding="utf-8")
