"""Settings and rules of the ICT unit whose year is replayed."""

from pathlib import Path

from year_days import FIRST, RECESS
from year_life import Life, steady

from pmo_watch.in_force import InForce, load

SETTINGS = f"""\
organisation:
  name: ICT unit
  timezone: Europe/Brussels
  calendar: ict
  language: fr
  decimal: point
  dates: ymd
database: {{url: "sqlite:///year.db"}}
rules: rules.d
calendars:
  ict: {{country: BE, extra_days: [{", ".join(str(day) for day in RECESS)}]}}
  vl: {{country: BE, extra_days: [2024-07-11, {", ".join(str(day) for day in RECESS)}]}}
  fr: {{country: BE, extra_days: [2024-09-27, {", ".join(str(day) for day in RECESS)}]}}
people: {{source: people}}
notifiers:
  mail: {{type: email, host: 127.0.0.1, port: 25, starttls: off, from: "PMO <pmo-watch@example.org>"}}
sources:
"""
SOURCE = "  {name}: {{type: csv_file, path: lists/{name}.csv, profile: {profile}, settle_seconds: 0}}\n"
PROFILES = {"observations": "kpi_observations"} | {f"milestones-{number}": "milestones" for number in range(4)}
RULES = """\
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [leader, pmo], red: [leader, manager, pmo]}

audiences:
  leader:    {role: project_leader, amber: at once, red: at once}
  manager:   {role: programme_manager, amber: weekly, red: at once}
  committee: {role: management_committee, amber: never, red: monthly}
  pmo:       {email: pmo@example.org, amber: daily, red: daily, grey: daily}
  ict:       {email: ict@example.org, amber: at once, red: at once}

digests:
  daily:   {at: "08:30", on: every working day}
  weekly:  {at: "08:30", on: monday}
  monthly: {at: "08:30", on: 5 wd before management_committee}

rules:
  - id: milestone-slip
    name: {en: Milestone slips, fr: Jalon en glissement, nl: Mijlpaal loopt uit}
    for_each: milestone
    only_if: {milestone.kind: key, milestone.done: false}
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    tell: {amber: [leader, manager, pmo], red: [leader, manager, pmo]}
    escalate: [{after: 10 wd, while: red, to: committee}]
    remind: every 10 wd

  - id: milestone-overdue
    name: {en: Milestone is overdue, fr: Jalon en retard, nl: Mijlpaal is te laat}
    for_each: milestone
    measure: milestone.overdue
    amber: at least 5 wd
    red: over 10 wd

  - id: baseline-moved
    name: {en: Baseline moved without approval, fr: Référence déplacée sans accord, nl: Baseline verschoven}
    for_each: project
    measure: project.unapproved_rebaseline
    amber: at least 1
    no_data: ignore

  - id: budget-overrun
    name: {en: Forecast is over the budget, fr: Dépassement prévu, nl: Budgetoverschrijding verwacht}
    for_each: project
    measure: project.forecast_overrun
    amber: over 5 %
    red: over 10 %
    recover: at most 4 %
    confirm_after: 2 evaluations

  - id: figure-missing
    name: {en: Figure has not come, fr: Chiffre non reçu, nl: Cijfer niet ontvangen}
    for_each: submission
    measure: submission.days_late
    with: {keep: 1 periods}
    amber: over 0 wd
    red: over 2 wd

  - id: availability
    name: {en: Not available enough, fr: Disponibilité insuffisante, nl: Te weinig beschikbaar}
    for_each: kpi
    measure: kpi.against_target
    with: {indicator: availability}
    amber: over 1 %
    red: over 2 %
    no_data: ignore

  - id: data-too-old
    name: {en: Nothing was heard of the project, fr: Projet sans nouvelles, nl: Niets vernomen van het project}
    for_each: project
    measure: project.data_age
    with: {of: [declared_rag]}
    amber: over 14 d
    red: over 21 d

  - id: decision-needed
    name: {en: Decision is needed, fr: Décision attendue, nl: Beslissing nodig}
    for_each: decision
    measure: decision.days_left
    amber: at most 5 wd
    red: under 0 wd
    tell: {amber: [leader, pmo], red: [leader, pmo]}
    escalate: [{after: 5 wd, while: red, to: manager}]

  - id: risk-high
    name: {en: Risk is high, fr: Risque élevé, nl: Hoog risico}
    for_each: risk
    measure: risk.level
    amber: at least 12
    red: at least 20

  - id: action-overdue
    name: {en: Action is overdue, fr: Action en retard, nl: Actie te laat}
    for_each: action
    measure: action.overdue
    amber: over 0 wd
    red: over 10 wd

  - id: sprint-delivers-less
    name: {en: Sprint delivers less than usual, fr: Sprint moins productif, nl: Sprint levert minder op}
    for_each: sprint
    measure: sprint.velocity_deviation
    amber: under -25 %
    red: under -40 %
"""


def set_up(folder: Path) -> InForce:
    """Write settings and rules to a folder, and load them."""
    names = [*steady(), *Life(()).lists(FIRST)]
    sources = "".join(SOURCE.format(name=name, profile=PROFILES.get(name, name)) for name in names)
    (folder / "rules.d").mkdir(parents=True)
    (folder / "rules.d" / "year.yaml").write_text(RULES, encoding="utf-8")
    settings = folder / "pmo-watch.yaml"
    settings.write_text(SETTINGS + sources, encoding="utf-8")
    in_force = load(settings)
    assert [str(one) for one in in_force.loaded.faults] == []
    return in_force
