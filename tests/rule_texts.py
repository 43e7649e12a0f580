"""Texts of rule files for tests, and what they come to."""

from pathlib import Path

from catalogues import CATALOGUE

from pmo_watch.rule_files import LoadedRules, Readable, rules_from_texts
from pmo_watch.rules import Rule

SPECIFIED = """\
version: 1
owner: pmo@example.org
defaults:
  confirm_after: 1 evaluation
  no_data: grey
  tell: {amber: [project_leader], red: [project_leader, programme_manager]}

audiences:
  project_leader:    {role: project_leader,    amber: at once, red: at once}
  programme_manager: {role: programme_manager, amber: weekly, red: at once}
  committee:         {role: management_committee, amber: never, red: monthly}
  pmo:               {email: pmo@example.org, amber: daily, red: daily, grey: daily}
  pmo_channel:       {notifier: teams, red: at once}

digests:
  daily:   {at: "08:30", on: every working day}
  weekly:  {at: "08:30", on: monday}
  monthly: {at: "08:30", on: 5 wd before steering_committee}

rules:
  - id: key-milestone-slip
    name: {en: Key milestone slips, fr: Jalon clé en glissement, nl: Kernmijlpaal loopt uit}
    for_each: milestone
    only_if:
      project.state: executing
      milestone.kind: [key, gate, contractual]
      milestone.done: false
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    escalate:
      - {after: 10 wd, while: red, to: committee}
    advice: {en: "Confirm the new date or propose a recovery plan in the project log."}
    examples:
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-24}, expect: green}
      - {given: {baseline_finish: null,       forecast_finish: 2026-07-28}, expect: grey}
"""
SLIP = "  - {id: slip, name: Slips, measure: milestone.slip}\n"


def load(**texts: str) -> LoadedRules:
    """Return what files with these texts come to, without a disk."""
    return rules_from_texts(
        Path("rules.d"), Readable({f"{name}.yaml": text for name, text in texts.items()}), CATALOGUE
    )


def the_rule(text: str, head: str = "") -> Rule:
    """Return the one rule of a file."""
    loaded = load(
        a=f"{head}rules:\n  - id: it\n    name: It\n" + "".join(f"    {line}\n" for line in text.splitlines())
    )
    assert [str(fault) for fault in loaded.faults] == []
    return loaded.rules.rules["it"]


def said(loaded: LoadedRules) -> list[str]:
    """Return the faults, each in its line, with the file's name below the folder."""
    return [str(fault).removeprefix("rules.d/") for fault in loaded.faults]
