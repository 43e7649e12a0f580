"""What scenario tests may name in tests of their files, and the broken ones among them."""

from dataclasses import replace
from pathlib import Path

from catalogues import CATALOGUE

from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.scenario_file import Surroundings
from pmo_watch.workdays import Calendar

FILES = sorted((Path(__file__).parent / "core" / "broken").glob("scenario-*.test.yaml"))
RULES = """\
audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  pmo: {email: pmo@example.org, amber: daily, red: daily}
digests:
  daily: {at: "08:30", on: every working day}
rules:
  - {id: slip, name: Slips, measure: milestone.slip, amber: over 5 wd, red: over 10 wd, tell: {red: [leader, pmo]}}
  - {id: late, name: Late, measure: milestone.slip, red: over 20 wd, tell: {red: leader}}
  - {id: asleep, name: Asleep, measure: milestone.slip, red: over 30 wd, tell: {red: leader}, enabled: false}
"""


def around() -> Surroundings:
    """Return rules, audiences, a digest, notifiers and calendars."""
    loaded = rules_from_texts(Path("rules.d"), Readable({"rules.yaml": RULES}), CATALOGUE)
    assert [fault.shown() for fault in loaded.faults] == []
    catalogue = replace(CATALOGUE, calendars={"be": Calendar("be"), "nl": Calendar("nl")})
    return Surroundings(loaded.rules, catalogue, ("mail", "teams"), "en", {SOURCE_FAILING.id: SOURCE_FAILING})
