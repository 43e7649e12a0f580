"""Folders of rule files: what is in force, what a faulty file keeps, what files say against each other."""

import time
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from catalogues import CATALOGUE, ReadinessParams, SlipParams, StreakParams, measure
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_watch import rules
from pmo_watch.rule_files import Catalogue, LoadedRules, Readable, load_rules, rules_from_texts
from pmo_watch.rules import Condition, Op, Quantity, Rule, Span, State, Threshold, Thresholds, Unit
from pmo_watch.yaml_faults import compose

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
    return [str(fault).removeprefix("rules.d/") for fault in loaded.faults]


def over(number: int, unit: str = "wd") -> Thresholds:
    return Thresholds((Threshold(Condition(Op.OVER, (Quantity(Decimal(number), unit),), f"over {number} {unit}")),))


# --- one rule -----------------------------------------------------------------------------------------------------


def test_file_of_the_specification_is_understood() -> None:
    loaded = load(a=SPECIFIED)

    assert loaded.faults == ()
    rule = loaded.rules.rules["key-milestone-slip"]
    assert (rule.for_each, rule.owner, rule.file, rule.line) == ("milestone", "pmo@example.org", "a.yaml", 21)
    assert rule.only_if == (
        rules.Test("project.state", Condition(Op.IS, ("executing",), "executing")),
        rules.Test(
            "milestone.kind", Condition(Op.ONE_OF, ("key", "gate", "contractual"), "one of key, gate, contractual")
        ),
        rules.Test("milestone.done", Condition(Op.IS, (False,), "false")),
    )
    assert (rule.measures[0].amber, rule.measures[0].red) == (over(5), over(10))
    assert rule.tell == {"amber": ("project_leader",), "red": ("project_leader", "programme_manager")}
    assert rule.escalate == (rules.Escalation(Span(10, "wd"), "red", ("committee",)),)
    assert [(one.expect, one.line) for one in rule.examples] == [(State.GREEN, 36), (State.GREY, 37)]
    assert rule.examples[1].given == {"baseline_finish": None, "forecast_finish": date(2026, 7, 28)}
    assert loaded.rules.audiences["committee"].deliver == {"amber": "never", "red": "monthly"}
    assert loaded.rules.digests["monthly"].on == "5 wd before steering_committee"
    assert loaded.rules.owners == {"a.yaml": "pmo@example.org"}


def test_entity_and_thresholds_come_from_the_measure() -> None:
    rule = the_rule("measure: milestone.slip")

    (judged,) = rule.measures
    assert rule.for_each == "milestone"
    assert (judged.amber, judged.red, judged.recover and judged.recover.parts[0].condition.text) == (
        over(5),
        over(10),
        "at most 3 wd",
    )
    assert judged.params == SlipParams()


def test_thresholds_of_the_rule_stand_alone() -> None:
    (judged,) = the_rule("measure: milestone.slip\nred: over 20 wd").measures

    assert (judged.amber, judged.red, judged.recover) == (None, over(20), None)


def test_own_thresholds_of_a_measure_may_be_about_a_companion() -> None:
    (judged,) = the_rule("measure: milestone.slip_streak").measures

    assert judged.red is not None
    assert [(part.on, part.condition.text) for part in judged.red.parts] == [
        ("", "at least 3 periods"),
        ("milestone.slip_slope", "at least 1"),
    ]
    assert judged.red.how == "any"


def test_rows_may_bring_the_thresholds() -> None:
    (judged,) = the_rule("measure: kpi.value\nwith: {indicator: availability}").measures

    assert (judged.amber, judged.red) == (None, None)


def test_several_conditions_may_be_about_other_measures_and_fields() -> None:
    (judged,) = the_rule(
        "measure: milestone.slip_streak\n"
        "amber: {all: [at least 2 periods, {field: milestone.confirmed, is: is not true}]}\n"
        "red:\n"
        "  any:\n"
        "    - at least 3 periods when milestone.kind is key\n"
        "    - {measure: milestone.slip_slope, is: at least 1}\n"
        "    - {measure: milestone.slip, is: over 20 wd}\n"
    ).measures

    assert judged.amber is not None
    assert judged.red is not None
    assert (judged.amber.how, judged.red.how) == ("all", "any")
    assert [part.on for part in judged.amber.parts] == ["", "milestone.confirmed"]
    assert [part.on for part in judged.red.parts] == ["", "milestone.slip_slope", "milestone.slip"]
    assert judged.red.parts[0].when == rules.Test("milestone.kind", Condition(Op.IS, ("key",), "is key"))


def test_several_measures_each_have_their_own_thresholds() -> None:
    rule = the_rule(
        "overall: worst\nmeasures:\n  - {measure: project.cpi, red: under 0.8}\n  - {measure: project.data_age}\n"
    )

    assert rule.for_each == "project"
    assert [(one.measure, one.red and one.red.parts[0].condition.text) for one in rule.measures] == [
        ("project.cpi", "under 0.8"),
        ("project.data_age", "over 14 d"),
    ]


def test_parameters_are_the_measures_own_model() -> None:
    (judged,) = the_rule("measure: milestone.readiness\nwith: {window: 20 wd, missing: 12.5 %}").measures

    assert judged.params == ReadinessParams.model_validate({"window": "20 wd", "missing": "12.5 %"})


def test_history_says_how_often_and_how_many() -> None:
    rule = the_rule("measure: milestone.slip_streak\nhistory: {every: month, at_least: 4 periods}")

    assert rule.history == {"every": "month", "at_least": 4}
    assert rule.measures[0].params == StreakParams(every="month")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("confirm_after: 2 evaluations", {"confirm_after": Span(2, "evaluations")}),
        ("confirm_after: 24 h", {"confirm_after": Span(24, "h")}),
        ("no_data: ignore", {"no_data": rules.NoData("ignore")}),
        (
            "no_data: {state: amber, after: 3 wd, because: The plan is late}",
            {"no_data": rules.NoData("amber", Span(3, "wd"), "The plan is late")},
        ),
        ("remind: every 5 wd", {"remind": rules.Reminder(Span(5, "wd"))}),
        ("remind: {before: 1 wd, to: pmo}", {"remind": rules.Reminder(None, Span(1, "wd"), ("pmo",))}),
        ("tell: {red: pmo}", {"tell": {"red": ("pmo",)}}),
        ("show: [deadline, project.phase]", {"show": ("milestone.deadline", "project.phase")}),
        ("tags: [steering, steering, Q3]", {"tags": ("steering", "Q3")}),
        ("enabled: false", {"enabled": False}),
        ("review_by: 2026-12-31", {"review_by": date(2026, 12, 31)}),
        ("dimension: cost", {"dimension": "cost"}),
        ("message: Late\nadvice: {fr: Agir}", {"message": {"en": "Late"}, "advice": {"fr": "Agir"}}),
    ],
)
def test_keys_of_a_rule(text: str, expected: Mapping[str, Any]) -> None:
    rule = the_rule(f"measure: milestone.slip\n{text}", "audiences: {pmo: {email: pmo@example.org, red: at once}}\n")

    assert {name: getattr(rule, name) for name in expected} == expected


def test_what_a_rule_leaves_out_has_a_default() -> None:
    rule = the_rule("measure: milestone.slip")

    assert (rule.confirm_after, rule.no_data, rule.tell, rule.enabled) == (
        Span(1, "evaluations"),
        rules.NoData("grey"),
        {},
        True,
    )


def test_defaults_of_the_file_give_way_to_the_rule() -> None:
    head = (
        "audiences: {a: {role: pmo}, b: {role: pmo}}\n"
        "defaults: {confirm_after: 3 wd, no_data: amber, tell: {amber: [a], red: [a]}, tags: [all], enabled: no}\n"
    )

    rule = the_rule("measure: milestone.slip\nno_data: red\ntell: {red: [b], grey: [b]}\nenabled: true", head)

    assert (rule.confirm_after, rule.no_data.state, rule.tags, rule.enabled) == (Span(3, "wd"), "red", ("all",), True)
    assert rule.tell == {"amber": ("a",), "red": ("b",), "grey": ("b",)}


def test_examples_hold_what_the_model_holds() -> None:
    rule = the_rule(
        "measure: milestone.slip\n"
        "examples:\n"
        "  - given: {milestone.done: true, cost: 12.50, priority: 3, labels: [a], project.state: executing,\n"
        "            owner: m.rossi, wbs: 1.10, updated_at: 2026-07-17T12:00:00Z}\n"
        "    expect: na\n"
        "    today: 2026-07-20\n"
    )

    (example,) = rule.examples
    moment = example.given.pop("updated_at")  # type: ignore[attr-defined]
    assert example.given == {
        "done": True,
        "cost": Decimal("12.50"),
        "priority": 3,
        "labels": ["a"],
        "project.state": "executing",
        "owner": "m.rossi",
        "wbs": "1.10",
    }
    assert (str(moment), example.expect, example.today) == ("2026-07-17 12:00:00+00:00", State.NA, date(2026, 7, 20))


def test_text_without_language_is_in_the_organisations() -> None:
    present = Readable({"a.yaml": f"rules:\n{SLIP}"})

    loaded = rules_from_texts(Path("rules.d"), present, CATALOGUE, language="fr")

    assert loaded.rules.rules["slip"].name == {"fr": "Slips"}


def test_version_changes_with_what_the_rule_says_and_with_nothing_else() -> None:
    def version(text: str, catalogue: Catalogue = CATALOGUE) -> str:
        loaded = rules_from_texts(Path("rules.d"), Readable({"a.yaml": text}), catalogue)
        return loaded.rules.rules["slip"].version

    first = version(f"rules:\n{SLIP}")
    stricter = measure("milestone.slip", Unit.WORKING_DAYS, SlipParams, amber="over 1 wd")

    assert version(f"# a comment\nrules:\n\n{SLIP}") == first
    assert version(f"defaults: {{confirm_after: 2 evaluations}}\nrules:\n{SLIP}") != first
    assert version(f"rules:\n{SLIP}".replace("Slips", "Slides")) != first
    assert version(f"rules:\n{SLIP}", Catalogue({"milestone.slip": stricter})) != first


def test_faulty_thresholds_of_a_plugin_are_said_and_not_raised() -> None:
    faulty = measure("milestone.slip", Unit.WORKING_DAYS, SlipParams, amber="over 5")
    present = Readable({"a.yaml": f"rules:\n{SLIP}"})

    loaded = rules_from_texts(Path("rules.d"), present, Catalogue({"milestone.slip": faulty}))

    (fault,) = said(loaded)
    assert fault == (
        "a.yaml:2:38: the measure's own thresholds are faulty: "
        "5 has no unit; milestone.slip is counted in working days: write `5 wd`"
    )


# --- several files ------------------------------------------------------------------------------------------------


def test_faults_of_all_files_come_in_one_run() -> None:
    other = SLIP.replace("id: slip", "id: other")
    loaded = load(a="rules: [", b=f"rules:\n{other.replace('milestone.slip', 'velocity')}", c=f"rules:\n{SLIP}", d="")

    assert [one.partition(":")[0] for one in said(loaded)] == ["a.yaml", "b.yaml", "d.yaml"]
    assert list(loaded.rules.rules) == ["slip"]


def test_names_may_stand_in_any_file() -> None:
    loaded = load(
        a=f"defaults: {{tell: {{red: [pmo]}}}}\nrules:\n{SLIP}",
        b="audiences: {pmo: {role: pmo, red: daily}}",
        c="digests: {daily: {}}",
    )

    assert loaded.faults == ()
    assert loaded.rules.digests["daily"] == rules.Digest("daily", "08:30", "every working day")


def test_name_defined_twice_names_both_places() -> None:
    audiences = "audiences:\n  pmo: {role: pmo}\n"
    loaded = load(a=f"{audiences}digests: {{daily: {{}}}}\nrules:\n{SLIP}", b=f"{audiences}rules:\n{SLIP}")

    assert said(loaded) == [
        "b.yaml:2:3: the audience 'pmo' stands twice; first at rules.d/a.yaml:2:3",
        "b.yaml:4:10: the id 'slip' stands twice; first at rules.d/a.yaml:5:10",
    ]
    assert loaded.rules.rules["slip"].file == "a.yaml"


def test_name_in_a_faulty_file_does_not_stop_a_good_one() -> None:
    loaded = load(a=f"rule: 1\nrules:\n{SLIP}", b=f"rules:\n{SLIP}")

    assert said(loaded)[1:] == ["a.yaml:3:10: the id 'slip' stands twice; first at rules.d/b.yaml:2:10"]
    assert loaded.rules.rules["slip"].file == "b.yaml"


def test_one_faulty_file_is_not_the_fault_of_others() -> None:
    loaded = load(
        audiences="audiences: {pmo: {role: pmo, red: at once}, boss: {rol: x}}",
        rules=f"defaults: {{tell: {{red: [pmo]}}}}\nrules:\n{SLIP}",
    )

    assert said(loaded) == [
        "audiences.yaml:1:45: an audience is a role, an email or a notifier; 'boss' has none of them",
        "audiences.yaml:1:52: 'rol' is not known here, did you mean 'role'?",
    ]
    assert loaded.rules.rules["slip"].tell == {"red": ("pmo",)}  # whom `route` does not find it takes for the PMO


def test_what_waits_for_a_digest_that_is_not_in_force_goes_at_once() -> None:
    loaded = load(a="digests: {daily: {at: late}}", b="audiences: {pmo: {role: pmo, red: daily, amber: never}}")

    assert len(loaded.faults) == 1
    assert loaded.rules.audiences["pmo"].deliver == {"red": "at once", "amber": "never"}


# --- the last good version ----------------------------------------------------------------------------------------


def again(before: LoadedRules, **texts: str) -> LoadedRules:
    present = Readable({f"{name}.yaml": text for name, text in texts.items()})
    return rules_from_texts(Path("rules.d"), present, CATALOGUE, before.texts)


def test_faulty_file_keeps_its_last_good_version() -> None:
    good = f"owner: pmo@example.org\nrules:\n{SLIP}"
    before = load(a=good, b="rules: []")

    after = again(before, a=good.replace("milestone.slip", "milestone.slpi"), b="rules: []")

    assert list(after.rules.rules) == ["slip"]
    assert after.texts == {"a.yaml": good, "b.yaml": "rules: []"}
    assert after.rules.stale_files == {
        "a.yaml": "rules.d/a.yaml:3:38: there is no measure 'milestone.slpi', did you mean 'milestone.slip'?"
    }
    assert after.rules.owners == {"a.yaml": "pmo@example.org"}
    assert after.rules.hash == before.rules.hash


def test_repaired_file_is_in_force_again() -> None:
    before = load(a=f"rules:\n{SLIP}")

    after = again(again(before, a="rules: ["), a="rules: []")

    assert (after.faults, dict(after.rules.rules), dict(after.rules.stale_files)) == ((), {}, {})


def test_removed_file_is_gone() -> None:
    before = load(a=f"rules:\n{SLIP}", b="rules: []")

    after = again(before, b="rules: []")

    assert (dict(after.rules.rules), set(after.texts)) == ({}, {"b.yaml"})


def test_owner_is_found_in_a_file_that_is_not_even_yaml() -> None:
    loaded = load(a='owner: "pmo@example.org"  # us\nrules: [')

    assert loaded.rules.owners == {"a.yaml": "pmo@example.org"}


def test_rule_that_moved_out_of_a_file_with_faults_counts_where_it_is_now() -> None:
    before = load(a=f"rules:\n{SLIP}")

    after = again(before, a="rules: [", b=f"rules:\n{SLIP.replace('Slips', 'Moved')}")

    assert after.rules.rules["slip"].name == {"en": "Moved"}
    assert set(after.rules.stale_files) == {"a.yaml"}


def test_last_good_version_that_is_no_longer_good_is_left_out() -> None:
    present = Readable({"a.yaml": "rules: ["})

    loaded = rules_from_texts(Path("rules.d"), present, Catalogue(), {"a.yaml": f"rules:\n{SLIP}"})

    assert (dict(loaded.rules.rules), dict(loaded.texts), len(loaded.faults)) == ({}, {}, 1)


# --- the folder ---------------------------------------------------------------------------------------------------


def test_files_at_any_depth_are_read_hidden_ones_and_tests_aside(tmp_path: Path) -> None:
    for name in ("10.yaml", "deep/er/20.yml", "30.YAML", ".hidden.yaml", ".git/40.yaml", "50.test.yaml", "60.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"rules:\n{SLIP.replace('id: slip', f'id: r{name[-7:-5]}'.replace('/', ''))}")

    loaded = load_rules(tmp_path, CATALOGUE)

    assert loaded.faults == ()
    assert set(loaded.texts) == {"10.yaml", "deep/er/20.yml", "30.YAML"}


def test_what_cannot_be_read_is_a_fault_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "inside.yaml").write_text(f"rules:\n{SLIP}")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "odd\x07.yaml").write_text("rules: []")

    loaded = load_rules(tmp_path, CATALOGUE)

    assert [str(fault).replace(f"{tmp_path}/", "") for fault in loaded.faults] == [
        "folder.yaml:1:1: this is a folder, not a file; rename it so that it does not end in .yaml or .yml",
        "gone.yaml:1:1: the file does not exist",
        "odd·.yaml:1:1: the file's name holds a character that cannot be shown; rename it",
    ]
    assert list(loaded.rules.rules) == ["slip"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda folder: None, "the folder does not exist"),
        (lambda folder: folder.write_text("rules: []"), "this is a file, not a folder of rule files"),
    ],
    ids=["absent", "a file"],
)
def test_folder_that_cannot_be_read_takes_no_rule_out_of_force(
    tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    folder = tmp_path / "rules.d"
    make(folder)

    loaded = load_rules(folder, CATALOGUE, {"10.yaml": f"rules:\n{SLIP}"})

    assert [str(fault) for fault in loaded.faults] == [f"{folder}:1:1: {expected}"]
    assert list(loaded.rules.rules) == ["slip"]
    assert loaded.rules.stale_files == {"10.yaml": f"{folder}:1:1: {expected}"}


def test_empty_folder_is_no_fault(tmp_path: Path) -> None:
    loaded = load_rules(tmp_path, CATALOGUE)

    assert (loaded.faults, dict(loaded.rules.rules)) == ((), {})


def test_thousand_rules_load_in_seconds_and_reload_at_once(tmp_path: Path) -> None:
    head, _, rule = SPECIFIED.partition("rules:\n")
    for number in range(20):
        many = "".join(rule.replace("key-milestone-slip", f"rule-{number}-{one}") for one in range(50))
        shared = head if number == 0 else "defaults: {tell: {red: [pmo]}}\n"
        (tmp_path / f"{number:02}.yaml").write_text(f"{shared}rules:\n{many}", encoding="utf-8")

    begun = time.perf_counter()
    first = load_rules(tmp_path, CATALOGUE)
    loaded = time.perf_counter()
    (tmp_path / "19.yaml").write_text("rules: []")
    second = load_rules(tmp_path, CATALOGUE, first.texts)
    reloaded = time.perf_counter()

    assert (first.faults, len(first.rules.rules), len(second.rules.rules)) == ((), 1000, 950)
    assert loaded - begun < 30  # 2.5 s on two cores, nearly all of it the YAML library's
    assert (reloaded - loaded) * 5 < loaded - begun


# --- never a traceback --------------------------------------------------------------------------------------------


def lines_or_faults(text: str) -> None:
    """Check that a text is in force as a whole, or has faults inside it, and that all can be shown."""
    loaded = load(a=text)
    height = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

    assert bool(loaded.faults) != bool(loaded.texts)
    if not loaded.faults:
        written = compose(Path("a.yaml"), text).data
        assert isinstance(written, dict)
        assert len(loaded.rules.rules) == len(written.get("rules", []))
    assert all(1 <= fault.line <= height and fault.column >= 1 for fault in loaded.faults)
    assert all(fault.shown().replace("\n", "").isprintable() for fault in loaded.faults)


WORDS = sorted({word for line in SPECIFIED.splitlines() for word in line.split()})
PIECES = st.sampled_from([*WORDS, *"[]{}:,-&*!?|>'\"#%@`\n\t ", "null", "~", "true", "<<: *x", "&x ", "5", "-", "\x00"])


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=80))
def test_any_text_loads_or_has_faults(text: str) -> None:
    lines_or_faults(text)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_slip_in_a_good_file_loads_or_has_faults(data: st.DataObject) -> None:
    text = SPECIFIED
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=5)) + text[end:]

    lines_or_faults(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(WORDS),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), below, max_size=3)
    ),
    max_leaves=6,
)
KEYS = (
    *(
        "id",
        "name",
        "message",
        "advice",
        "for_each",
        "only_if",
        "measure",
        "with",
        "measures",
        "overall",
        "amber",
        "red",
    ),
    *("recover", "confirm_after", "no_data", "tell", "escalate", "remind", "history", "show", "tags", "enabled"),
    *("review_by", "dimension", "examples"),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4))
def test_any_value_under_any_key_loads_or_has_faults(given_keys: dict[str, object]) -> None:
    import json

    rule = {"id": "a", "name": "A", "measure": "milestone.slip", **given_keys}

    lines_or_faults(json.dumps({"rules": [rule]}))
