"""`why`: every value, day, suppression and reader behind an alert, over real runs at fixed moments."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import PEOPLE, SLIP, ZONE, Portfolio, at
from typer.testing import CliRunner

from pmo_watch.acknowledgements import Wanted
from pmo_watch.cli import app
from pmo_watch.errors import ConfigError
from pmo_watch.operations import acknowledge_alerts
from pmo_watch.store import OutboxQuery, OutboxState
from pmo_watch.why import RuleOnRow


@pytest.fixture
def portfolio(tmp_path: Path) -> Portfolio:
    """Return two projects with a milestone each, of which nothing is late."""
    return Portfolio(tmp_path)


def holds(found: RuleOnRow) -> dict[str, tuple[str, date | None]]:
    """Return what holds back, by kind: its author, and the day of its end."""
    ends = {one.kind: one.until for one in found.held_back}
    days = {kind: end.astimezone(ZONE).date() if isinstance(end, datetime) else end for kind, end in ends.items()}
    return {one.kind: (one.who, days[one.kind]) for one in found.held_back}


def november(day: int) -> date:
    """Return a day of November 2026."""
    return date(2026, 11, day)


# --- values -------------------------------------------------------------------------------------------------------


def test_value_its_days_and_thresholds_are_laid_open(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)

    found = portfolio.slip(at("03", "10:05"))

    (measure,) = found.measures
    assert (found.finding["state"], measure.seen.value, measure.seen.unit) == ("amber", 9, "wd")
    assert measure.seen.evidence["baseline_finish"] == november(2)
    assert measure.seen.evidence["forecast_finish"] == november(17)
    assert measure.days is not None
    assert [one.why for one in measure.days.left_out] == [
        *("Saturday", "Sunday"),
        *("Armistice Day", "extra day off"),
        *("Saturday", "Sunday"),
    ]
    assert len(measure.days.counted) == 9
    assert [(one.level, one.holds) for one in measure.seen.thresholds] == [("amber", True), ("red", False)]
    (condition,) = found.row.only_if if found.row else ()
    assert (condition.subject, condition.value, condition.holds) == ("project.state", "executing", True)


def test_row_that_is_out_of_scope_says_which_condition_is_false(portfolio: Portfolio) -> None:
    portfolio.change("projects.csv", "Counter,executing", "Counter,on_hold")
    portfolio.once(at("03"), M1=9)

    found = portfolio.slip(at("03", "10:05"))

    assert found.finding["state"] == "na"
    assert found.alert is None
    (condition,) = found.row.only_if if found.row else ()
    assert (condition.value, condition.holds) == ("on_hold", False)


def test_grey_names_the_field_that_is_missing(portfolio: Portfolio) -> None:
    portfolio.change("rules.d/10-slip.yaml", "project.state: executing", "project.size_class: M")
    portfolio.once(at("03"), M1=9)

    found = portfolio.slip(at("03", "10:05"))

    assert (found.finding["state"], found.finding["reason"]) == ("grey", "missing project.size_class")
    (condition,) = found.row.only_if if found.row else ()
    assert (condition.holds, condition.unknown) == (None, "missing project.size_class")


@pytest.mark.parametrize(
    ("threshold", "own", "limit", "whose"),
    [
        ("over tolerance.time.amber or 5 wd", False, 8, "organisation"),
        ("over tolerance.time.amber or 5 wd", True, 3, "project"),
        ("over tolerance.scope.amber or 6 wd", False, 6, "rule"),
    ],
)
def test_tolerance_says_whose_it_is(portfolio: Portfolio, threshold: str, own: bool, limit: float, whose: str) -> None:
    portfolio.change("rules.d/10-slip.yaml", "over 5 wd", threshold)
    if own:
        portfolio.change("projects.csv", "state,leader", "state,leader,tolerance_time_amber")
        portfolio.change("projects.csv", "ann@example.org", "ann@example.org,3")
    portfolio.once(at("03"), M1=9)

    (measure,) = portfolio.slip(at("03", "10:05")).measures

    amber = measure.seen.thresholds[0]
    assert (amber.limit, amber.tolerance_of, amber.holds) == (limit, whose, limit < 9)


# --- what holds back ----------------------------------------------------------------------------------------------


def test_pending_says_how_often_it_was_seen(portfolio: Portfolio) -> None:
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("    tags:", "    confirm_after: 2 evaluations\n    tags:"))
    portfolio.once(at("03"), M1=9)

    found = portfolio.slip(at("03", "10:05"))

    assert found.waits is not None
    assert (found.waits.level, found.waits.seen, found.waits.wanted) == ("amber", 1, "2 evaluations")
    assert holds(found) == {"pending": ("confirm_after of the rule", None)}
    assert [one.reason for one in found.transitions] == ["pending"]


def test_silence_names_its_author_and_end(portfolio: Portfolio) -> None:
    portfolio.once(at("02"))
    portfolio.silence(at("02", "11:00"), november(20), project="NOV-01")
    portfolio.once(at("03"), M1=12)

    found = portfolio.slip(at("03", "10:05"))

    assert holds(found)["silenced"] == ("Gus", november(20))
    assert next(one.why for one in found.held_back if one.kind == "silenced") == "migration weekend"
    assert found.messages == ()


def test_acknowledgement_names_its_author_and_end_and_what_comes_after(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    alert = portfolio.slip(at("03", "10:05")).alert
    assert alert is not None
    store = portfolio.store()
    acknowledge_alerts(store, [alert.id], Wanted(november(10), "Ann", "new date agreed"), at("03", "11:00"), ZONE)
    store.close()

    found = portfolio.slip(at("03", "11:05"))

    assert holds(found)["acknowledged"] == ("Ann", november(10))
    assert [(one.reason, one.who) for one in found.transitions] == [("opened", "engine"), ("acknowledged", "Ann")]
    assert found.ahead[0].reason == "acknowledgement_ended"
    assert found.ahead[0].on == november(11)


def test_audiences_that_are_never_told_or_read_digests_are_named(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)

    found = portfolio.slip(at("03", "10:05"))

    held = {(one.kind, one.what): one.until for one in found.held_back}
    assert ("never", "owners") in held
    assert held["digest", "programme"] == at("09", "08:30")  # the Monday after


def test_message_that_waits_for_the_morning_says_until_when(portfolio: Portfolio) -> None:
    portfolio.once(at("03", "20:00"), M1=12)

    found = portfolio.slip(at("03", "20:05"))

    waiting = [one for one in found.held_back if one.kind == "send_window"]
    assert {one.what for one in waiting} == {"Ann Anders", "Cleo Clark", "Dora Dunn"}
    assert {one.until for one in waiting} == {at("04", "08:30")}


def test_holiday_and_day_off_are_waited_out(portfolio: Portfolio) -> None:
    portfolio.once(at("10", "18:00"), M1=12)  # the eve of Armistice Day

    found = portfolio.slip(at("10", "18:05"))

    assert {one.until for one in found.held_back if one.kind == "send_window"} == {at("12", "08:30")}


def test_source_that_is_gone_freezes_and_says_so(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    portfolio.write("milestones.csv", "nothing of this\nis a list,of,milestones\n")
    portfolio.slips = {}  # the file stays broken
    portfolio.once(at("04"))

    answer = portfolio.why(at("04", "10:05"), "M1", "slip")

    (found,) = answer.rules
    assert holds(found)["unknown"] == ("pmo-watch", None)
    assert answer.sources[0].outcome == "failed"
    assert answer.sources[0].error
    assert found.ahead == ()


def test_rule_that_is_switched_off_says_so(portfolio: Portfolio) -> None:
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("    tags:", "    enabled: false\n    tags:"))
    portfolio.once(at("03"), M1=12)

    found = portfolio.slip(at("03", "10:05"))

    assert holds(found) == {"rule_off": ("owner@example.org", None)}


def test_rule_file_with_faults_says_which_version_is_in_force(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    config = str(portfolio.config)
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("over 10 wd", "over 10 bananas"))

    done = CliRunner().invoke(app, ["why", "M1", "--at", at("03", "10:05").isoformat(), "--config", config])

    assert done.exit_code == 0, done.output
    assert "stale rule file (10-slip.yaml), by owner@example.org" in done.stdout


def test_message_that_was_refused_or_given_up_says_who(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12, deliver=False)
    store = portfolio.store()
    message = store.outbox(OutboxQuery())[0].id
    dropped = store.drop(message, "Gus", at("03", "10:02"))
    store.close()
    assert dropped is not None
    assert dropped.state == OutboxState.DROPPED

    found = portfolio.slip(at("03", "10:05"))

    assert holds(found)["dropped"][0] == "Gus"


def test_alert_of_a_rule_that_is_no_more_is_told_to_its_end(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("id: slip", "id: late"))
    portfolio.once(at("04"))

    found = {one.rule.id: one for one in portfolio.why(at("04", "10:05")).rules}

    assert found.keys() == {"slip", "late"}
    assert [one.reason for one in found["slip"].transitions] == ["opened", "rule_removed"]
    assert holds(found["slip"]) == {"rule_off": ("the rules", None)}


# --- whom, when ---------------------------------------------------------------------------------------------------


def test_readers_are_named_with_the_place_where_they_hold_their_role(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)

    found = portfolio.slip(at("03", "10:05"))

    red = {one.audience: one for one in found.routings if one.by == "tell" and one.level == "red"}
    assert [(each.name, each.held_at, each.channel) for each in red["leader"].readers] == [
        ("Ann Anders", "NOV-01", "mail")
    ]
    assert [each.name for each in red["programme"].readers] == ["Cleo Clark"]
    (step,) = [one for one in found.routings if one.by == "escalate"]
    assert (step.audience, step.after, step.taken, [each.name for each in step.readers]) == (
        "committee",
        "5 wd",
        False,
        ["Emil Ernst"],
    )
    assert [(one.reason, one.on, one.to) for one in found.ahead] == [("escalated", november(10), ("committee",))]


def test_role_that_nobody_holds_is_named(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M2=12)

    found = portfolio.slip(at("03", "10:05"), "M2")

    owners = next(one for one in found.routings if one.audience == "owners" and one.level == "red")
    assert owners.vacant
    assert [each.in_place_of for each in owners.readers] == ["project_owner"]


def test_outbox_and_book_say_who_was_told(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)

    found = portfolio.slip(at("03", "10:05"))

    assert {(one.address, one.state.value) for one in found.messages} == {
        (f"{name}@example.org", "accepted") for name in ("ann", "cleo", "dora")
    }
    assert {one.address for one in found.told} == {f"{name}@example.org" for name in ("ann", "cleo", "dora")}


LOAD = """\
from pmo_watch.api import Columns, Measure, NoParams, Unit, hookimpl
import polars as pl

LOAD = Measure("person.load", "person", Unit.PERCENT, NoParams, (), lambda _, __: Columns(pl.lit(150.0)),
               text="How much somebody has to do.", amber="over 100 %", red="over 110 %")


@hookimpl
def pmo_watch_measures():
    return [LOAD]
"""
LOAD_RULE = """\
version: 1
rules:
  - {id: load, name: Load, measure: person.load, amber: over 100 %, red: over 110 %, tell: {red: [managers]}}
audiences:
  managers: {role: line_manager, red: at once}
"""


def with_loads(portfolio: Portfolio) -> None:
    """Let a rule find everybody's load red, and tell Emil of Cleo's."""
    (portfolio.folder / "plugins").mkdir()
    portfolio.write("plugins/load.py", LOAD)
    portfolio.write("rules.d/20-load.yaml", LOAD_RULE)
    portfolio.change("pmo-watch.yaml", "sources:", "plugins_dir: plugins\npeople: {results: true}\nsources:")
    portfolio.write(
        "people.csv",
        PEOPLE.replace("scope\n", "scope,manager\n").replace("NOV-01\ndora", "NOV-01,emil@example.org\ndora"),
    )
    portfolio.once(at("03"))


def test_what_is_found_of_a_single_person_is_not_shown_to_whoever_asks(portfolio: Portfolio) -> None:
    with_loads(portfolio)
    now = at("03", "10:05").isoformat()

    shown = [
        CliRunner().invoke(app, [*words, "--format", form, "--config", str(portfolio.config)]).output
        for words in (["why", "cleo@example.org", "--at", now], ["why-not", "emil@example.org", "--now", now])
        for form in ("table", "json")
    ]

    found = portfolio.why(at("03", "10:05"), "Cleo Clark", "load").rules[0]
    assert found.alert is not None
    assert (found.alert.level, found.alert.value, found.finding, found.row, found.messages) == (
        "red",
        None,
        {},
        None,
        (),
    )
    for text in shown:
        assert "load" in text
        assert "Cleo" not in text
    assert "150" not in "".join(shown[:3])
    assert "150" not in json.dumps(json.loads(shown[3])["alerts"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["preview", "load", "--to", "dora@example.org"], "a sample at the threshold"),
        (["preview", "load", "--to", "emil@example.org", "--kind", "digest"], "a sample at the threshold"),
        (["report", "--audience", "managers", "--format", "text", "--now", at("03", "10:05").isoformat()], "1 red"),
        (["report", "--audience", "managers", "--to", "emil@example.org", "--now", at("03", "10:05").isoformat()], "1"),
    ],
)
def test_no_preview_and_no_page_names_a_single_person(portfolio: Portfolio, words: list[str], says: str) -> None:
    with_loads(portfolio)

    shown = CliRunner().invoke(app, [*words, "--config", str(portfolio.config)])

    assert shown.exit_code == 0
    assert says in shown.output
    assert not [name for name in ("Ann", "Cleo", "150") if name in shown.output]


# --- what is asked ------------------------------------------------------------------------------------------------


def test_alert_is_found_by_how_its_id_begins(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    alert = portfolio.slip(at("03", "10:05")).alert
    assert alert is not None

    answer = portfolio.why(at("03", "10:05"), alert.id[:6])

    assert (answer.subject.id, [one.rule.id for one in answer.rules]) == ("M1", ["slip"])


def test_alert_that_ended_is_told_to_its_end(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    portfolio.once(at("04"), M1=0)

    found = portfolio.slip(at("04", "10:05"))

    assert found.alert is not None
    assert found.alert.close_reason == "recovered"
    assert [one.reason for one in found.transitions] == ["opened", "recovered"]
    assert found.held_back == ()


def test_moment_of_the_past_is_answered_as_it_was_known(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)
    portfolio.once(at("04"), M1=12)
    portfolio.once(at("05"), M1=0)

    then = portfolio.slip(at("03", "12:00"))
    later = portfolio.slip(at("04", "12:00"))

    assert then.alert is not None
    assert later.alert is not None
    assert (then.alert.level, then.finding["value"], [one.reason for one in then.transitions]) == (
        "amber",
        9,
        ["opened"],
    )
    assert (later.alert.level, later.finding["value"]) == ("red", 12)


@pytest.mark.parametrize(
    ("text", "rule", "said"),
    [
        ("NOV-1", "", "nothing is called 'NOV-1', did you mean 'NOV-01'?"),
        ("M1", "slap", "there is no rule 'slap', did you mean 'slip'?"),
        ("NOV-01", "slip", "rule 'slip' is not for each project"),
    ],
)
def test_what_is_unknown_is_answered_in_words(portfolio: Portfolio, text: str, rule: str, said: str) -> None:
    portfolio.once(at("03"))

    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        portfolio.why(at("03", "10:05"), text, rule)


def test_rows_of_one_name_are_listed(portfolio: Portfolio) -> None:
    portfolio.once(at("03"))
    portfolio.write(
        "milestones.csv", (portfolio.folder / "milestones.csv").read_text().replace("Go-live M2", "Go-live M1")
    )
    portfolio.slips = {}  # the file stays as it is
    portfolio.once(at("04"))

    with pytest.raises(ConfigError, match="2 rows are called") as fault:
        portfolio.why(at("04", "10:05"), "Go-live M1")

    assert "of NOV-01" in str(fault.value)
    assert "of NOV-02" in str(fault.value)


def test_json_holds_everything(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    words = ["why", "M1", "--rule", "slip", "--format", "json", "--at", at("03", "10:05").isoformat()]

    done = CliRunner().invoke(app, [*words, "--config", str(portfolio.config)])

    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    (rule,) = found["rules"]
    assert (found["subject"]["id"], rule["finding"]["state"], rule["measures"][0]["days"]["number"]) == (
        "M1",
        "red",
        12,
    )
    assert rule["alert"]["level"] == "red"
    assert rule["transitions"][0]["finding"]["evidence"]["baseline_finish"] == "2026-11-02"
    assert {"held_back", "tells", "told", "messages", "next"} <= rule.keys()


def test_table_reads_from_top_to_bottom(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)

    done = CliRunner().invoke(
        app, ["why", "M1", "--at", at("03", "10:05").isoformat(), "--config", str(portfolio.config)]
    )

    assert done.exit_code == 0, done.output
    assert "slip: red since 2026-11-03 10:00, alert" in done.stdout
    for text in (
        "baseline_finish 2026-11-02 to forecast_finish 2026-11-20: 12 wd in calendar 'be'",
        "2026-11-11 Armistice Day, 2026-11-13 extra day off",
        "red: over 10 wd: holds",
        "project.state: executing: holds, it is executing",
        "2026-11-10: escalated to committee",
        "Ann Anders <ann@example.org> at NOV-01 over mail in en, within hours",
    ):
        assert text in done.stdout, text


def test_database_stays_as_it_is(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    before = (portfolio.folder / "pmo-watch.db").read_bytes()

    for words in (["why", "M1"], ["why-not", "Ann Anders"]):
        done = CliRunner().invoke(app, [*words, "--config", str(portfolio.config)])
        assert done.exit_code == 0, done.output

    assert (portfolio.folder / "pmo-watch.db").read_bytes() == before


SHOWN = re.compile(r"^```text\n\$ pmo-watch (?P<words>why.*?)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_documentation_shows_what_is_printed(portfolio: Portfolio) -> None:
    portfolio.once(at("02"))
    portfolio.silence(at("02", "11:00"), november(20), project="NOV-02")
    portfolio.once(at("03"), M1=9, M2=12)
    page = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text(encoding="utf-8")
    blocks = list(SHOWN.finditer(page))

    assert len(blocks) == 3
    for block in blocks:
        done = CliRunner().invoke(app, [*block["words"].split(), "--config", str(portfolio.config)])
        printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
        printed = re.sub(r"written as \S+", "written as ann.eml", printed)  # by the clock on the wall
        printed = re.sub(r"silence [0-9a-f]{8}", "silence 3f9a0c1d", printed)  # made up when it is set
        assert printed == block["text"].rstrip("\n")
