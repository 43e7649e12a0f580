"""`why-not`: somebody who got no message is told why, alert by alert, over real runs at fixed moments."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from small_portfolio import PEOPLE, SLIP, ZONE, Portfolio, at
from typer.testing import CliRunner

from pmo_watch.acknowledgements import Wanted
from pmo_watch.cli import app
from pmo_watch.errors import ConfigError
from pmo_watch.operations import acknowledge_alerts
from pmo_watch.store import OutboxQuery

ANN, BOB, CLEO, DORA, EMIL, FINN = (f"{name}@example.org" for name in ("ann", "bob", "cleo", "dora", "emil", "finn"))


@pytest.fixture
def portfolio(tmp_path: Path) -> Portfolio:
    """Return two projects with a milestone each, of which nothing is late."""
    return Portfolio(tmp_path)


def november(day: int) -> date:
    """Return a day of November 2026."""
    return date(2026, 11, day)


# --- who ----------------------------------------------------------------------------------------------------------


def test_person_is_shown_as_the_product_knows_them(portfolio: Portfolio) -> None:
    portfolio.once(at("03"))

    person = portfolio.why_not(at("03", "10:05"), "Cleo Clark").person

    assert (person.email, person.active, person.channel, person.zone) == (CLEO, True, "mail", "Europe/Brussels")
    assert [(one.role, one.where, one.holds) for one in person.roles] == [("programme_manager", "NOV-01", True)]
    assert (person.audiences, person.problem) == (("programme",), "")


def test_leader_that_the_project_names_holds_the_role(portfolio: Portfolio) -> None:
    portfolio.once(at("03"))

    (role,) = portfolio.why_not(at("03", "10:05"), ANN).person.roles

    assert (role.role, role.where, role.named_by) == ("project_leader", "NOV-01", "project.leader")


def test_address_of_the_rules_may_be_asked_about(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)

    answer = portfolio.why_not(at("03", "10:05"), "pmo@example.org")

    assert (answer.person.kind, answer.person.audiences) == ("address", ("pmo",))
    assert [one.because[0].kind for one in answer.alerts] == ["digest"]


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("an@example.org", "did you mean 'ann@example.org'?"),
        ("somebody else", "there are 6 persons in the sources"),
    ],
)
def test_nobody_of_that_name_is_answered_in_words(portfolio: Portfolio, person: str, said: str) -> None:
    portfolio.once(at("03"))

    with pytest.raises(ConfigError) as fault:
        portfolio.why_not(at("03", "10:05"), person)

    assert said in str(fault.value)


def test_moment_before_the_last_run_is_refused(portfolio: Portfolio) -> None:
    portfolio.once(at("04"))

    with pytest.raises(ConfigError, match="after that moment"):
        portfolio.why_not(at("03"), ANN)


# --- why not ------------------------------------------------------------------------------------------------------


def test_who_was_told_sees_the_message(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)

    found = portfolio.of_m1(at("03", "10:05"), ANN)

    assert found.told
    assert found.because[0].message == found.messages[0].id


@pytest.mark.parametrize(
    ("person", "slip", "kind", "says"),
    [
        (CLEO, 9, "digest", "reads amber in the digest 'weekly'"),
        (DORA, 9, "never", "never told of amber"),
        (EMIL, 12, "escalation_to_come", "step 1, after 5 wd at red"),
        ("pmo@example.org", 9, "other_level", "told at red, and the alert is amber"),
    ],
)
def test_reason_is_the_one_that_holds(portfolio: Portfolio, person: str, slip: int, kind: str, says: str) -> None:
    portfolio.once(at("03"), M1=slip)

    found = portfolio.of_m1(at("03", "10:05"), person)

    assert not found.told
    assert found.because[0].kind == kind
    assert says in found.because[0].text


def test_digest_says_when_it_leaves(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)

    assert portfolio.of_m1(at("03", "10:05"), CLEO).because[0].until == at("09", "08:30")


def test_who_is_no_reader_of_the_rule_hears_who_is(portfolio: Portfolio) -> None:
    portfolio.write("people.csv", PEOPLE.replace("Finn Falk,en,,", "Finn Falk,en,pmo,NOV-01"))
    portfolio.once(at("03"), M1=12)

    found = portfolio.of_m1(at("03", "10:05"), FINN)

    assert found.because[0].kind == "not_in_audience"
    assert "leader (Ann Anders)" in found.because[0].text
    assert "Finn Falk is none of them, holding pmo of NOV-01" in found.because[0].text


def test_pending_is_told_to_nobody(portfolio: Portfolio) -> None:
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("    tags:", "    confirm_after: 2 evaluations\n    tags:"))
    portfolio.once(at("03"), M1=12)

    because = portfolio.of_m1(at("03", "10:05"), ANN).because[0]

    assert (because.kind, because.who) == ("pending", "confirm_after of the rule")
    assert "1 of 2 evaluations" in because.text


def test_silence_that_goes_on_names_author_end_and_reason(portfolio: Portfolio) -> None:
    portfolio.once(at("02"))
    portfolio.silence(at("02", "11:00"), november(20), project="NOV-01")
    portfolio.once(at("03"), M1=12)

    because = portfolio.of_m1(at("03", "10:05"), ANN).because[0]

    assert (because.kind, because.who) == ("silenced", "Gus")
    assert isinstance(because.until, datetime)
    assert because.until.astimezone(ZONE).date() == november(20)
    assert "migration weekend" in because.text


def test_worsening_during_a_silence_is_not_told_though_the_beginning_was(portfolio: Portfolio) -> None:
    portfolio.once(at("02"), M1=9)
    portfolio.silence(at("02", "11:00"), november(20), rule="slip")
    portfolio.once(at("03"), M1=12)

    found = portfolio.of_m1(at("03", "10:05"), ANN)

    assert not found.told
    assert found.because[0].kind == "silenced"
    assert found.because[-1].text.startswith("earlier: ")


def test_message_that_waits_for_hours_is_on_its_way(portfolio: Portfolio) -> None:
    portfolio.once(at("10", "18:00"), M1=12)

    found = portfolio.of_m1(at("10", "18:05"), ANN)

    assert not found.told
    assert (found.because[0].kind, found.because[0].until) == ("on_its_way", at("12", "08:30"))


def test_acknowledged_before_somebody_joined(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    store = portfolio.store()
    (alert,) = [one for one in store.alerts() if one.closed_at is None]
    acknowledge_alerts(store, [alert.id], Wanted(november(12), "Ann", "new date agreed"), at("03", "11:00"), ZONE)
    store.close()
    portfolio.write("people.csv", PEOPLE.replace("Finn Falk,en,,", "Finn Falk,en,programme_manager,NOV-01"))
    portfolio.once(at("04"))

    found = portfolio.of_m1(at("04", "10:05"), FINN)

    assert [one.kind for one in found.because] == ["acknowledged", "joined_since"]
    assert found.because[0].who == "Ann"
    assert "Finn Falk is programme now" in found.because[1].text


def test_rule_that_names_somebody_only_since_it_was_changed(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    portfolio.change("rules.d/10-slip.yaml", "owners, pmo]}", "owners, pmo, committee]}")
    portfolio.once(at("04"))

    found = portfolio.of_m1(at("04", "10:05"), EMIL)

    assert "rule_changed_since" in {one.kind for one in found.because}


def test_dropped_message_names_who_gave_it_up(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12, deliver=False)
    store = portfolio.store()
    (message,) = [one for one in store.outbox(OutboxQuery()) if one.address == ANN]
    store.drop(message.id, "Gus", at("03", "10:02"))
    store.close()

    because = portfolio.of_m1(at("03", "10:05"), ANN).because[0]

    assert (because.kind, because.who, because.message) == ("not_delivered", "Gus", message.id)


def test_person_who_left_cannot_be_told(portfolio: Portfolio) -> None:
    portfolio.write(
        "people.csv", "email,name,role,scope,active\ncleo@example.org,Cleo Clark,programme_manager,NOV-01,false\n"
    )
    portfolio.once(at("03"), M1=12)

    found = portfolio.of_m1(at("03", "10:05"), CLEO)

    assert found.because[0].kind == "cannot_be_told"
    assert "not active" in found.because[0].text


@pytest.mark.parametrize(
    ("seen", "kind"),
    [("confirmed", "not_told_of_beginning"), ("pending", "unconfirmed"), ("at night", "came_and_went")],
)
def test_what_ended_says_why_nobody_heard(portfolio: Portfolio, seen: str, kind: str) -> None:
    if seen == "pending":
        portfolio.write(
            "rules.d/10-slip.yaml", SLIP.replace("    tags:", "    confirm_after: 2 evaluations\n    tags:")
        )
    hour, next_hour = ("20:00", "21:00") if seen == "at night" else ("10:00", "11:00")
    portfolio.once(at("03", hour), M1=12)
    portfolio.once(at("03", next_hour), M1=0)

    found = portfolio.of_m1(at("03", "22:00"), EMIL, at("01"))

    assert (found.told, found.because[0].kind) == (False, kind)


def test_end_is_told_to_whoever_was_told_of_the_beginning(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=12)
    portfolio.once(at("04"), M1=0)

    assert portfolio.of_m1(at("04", "10:05"), ANN, at("01")).told
    assert portfolio.why_not(at("04", "10:05"), ANN).alerts == ()


# --- nothing to tell ----------------------------------------------------------------------------------------------


def test_green_says_how_far_from_the_threshold(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=4)

    (quiet,) = portfolio.why_not(at("03", "10:05"), ANN).quiet

    assert (quiet.rule, quiet.tells, quiet.counts) == ("slip", True, {"green": 1})
    assert quiet.nearest is not None
    assert (quiet.nearest.value, quiet.nearest.threshold, quiet.nearest.left) == (4, "amber over 5 wd", 1)


def test_grey_and_out_of_scope_say_why(portfolio: Portfolio) -> None:
    portfolio.change("projects.csv", "Cases,executing", "Cases,closing")
    portfolio.once(at("03"), M1=None)

    of_ann = portfolio.why_not(at("03", "10:05"), ANN).quiet[0]
    of_bob = portfolio.why_not(at("03", "10:05"), BOB).quiet[0]

    assert (of_ann.counts, of_ann.reasons) == ({"grey": 1}, {"missing milestone.forecast_finish": 1})
    assert (of_bob.counts, of_bob.reasons) == ({"na": 1}, {"out of scope": 1})


def test_rule_is_shown_row_by_row_when_it_is_asked_about(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=4, M2=12)

    (quiet,) = portfolio.why_not(at("03", "10:05"), ANN, rule="slip").quiet
    (other,) = portfolio.why_not(at("03", "10:05"), ANN, rule="slip", project="NOV-02").quiet

    assert [(one.subject, one.state, one.value) for one in quiet.rows] == [("Go-live M1", "green", 4)]
    assert [(one.subject, one.state, one.value) for one in other.rows] == [("Go-live M2", "red", 12)]


def test_what_is_switched_off_is_said(portfolio: Portfolio) -> None:
    portfolio.write("rules.d/10-slip.yaml", SLIP.replace("    tags:", "    enabled: false\n    tags:"))
    portfolio.once(at("03"), M1=12)
    portfolio.slips = {}
    portfolio.write("milestones.csv", "nothing of this\nis a list,of,milestones\n")
    portfolio.once(at("04"))

    off = portfolio.why_not(at("04", "10:05"), ANN).off

    assert any(one.startswith("rule slip is switched off") and "owner@example.org" in one for one in off)
    assert any(one.startswith("source milestones cannot be read since") for one in off)


# --- as it is printed ---------------------------------------------------------------------------------------------


def test_json_holds_everything(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)
    words = ["why-not", CLEO, "--format", "json", "--now", at("03", "10:05").isoformat()]

    done = CliRunner().invoke(app, [*words, "--config", str(portfolio.config)])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["person"]["email"] == CLEO
    assert [(one["told"], one["because"][0]["kind"]) for one in found["alerts"]] == [(False, "digest")]
    assert found["quiet"][0]["counts"] == {"amber": 1}


def test_table_says_it_in_words(portfolio: Portfolio) -> None:
    portfolio.once(at("03"), M1=9)
    words = ["why-not", CLEO, "--now", at("03", "10:05").isoformat(), "--config", str(portfolio.config)]

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, done.output
    for text in (
        "Cleo Clark <cleo@example.org> (person)",
        "programme_manager of NOV-01 (list of roles)",
        "not told: 1",
        "digest, until 2026-11-09 08:30: programme reads amber in the digest 'weekly'",
        "told: 0",
    ):
        assert text in done.stdout, text


# --- everybody, always --------------------------------------------------------------------------------------------


def test_everybody_was_told_or_has_a_reason(portfolio: Portfolio) -> None:
    moments = [("03", 9, 0), ("04", 12, 7), ("05", 7, 12), ("06", 7, 12), ("12", 0, 12)]
    for number, (day, first, second) in enumerate(moments):
        portfolio.once(at(day), M1=first, M2=second)
        if number == 1:
            portfolio.silence(at(day, "11:00"), november(6), project="NOV-02")
    now = at("12", "10:05")

    for person in (ANN, BOB, CLEO, DORA, EMIL, FINN, "pmo@example.org"):
        answer = portfolio.why_not(now, person, at("01"))
        for one in answer.alerts:
            assert one.because, (person, one.alert)
            if one.told:
                assert one.messages, (person, one.alert)


# --- absent, and personal -----------------------------------------------------------------------------------------


def test_who_is_away_is_told_on_the_return_and_the_deputy_now(portfolio: Portfolio) -> None:
    portfolio.change(
        "pmo-watch.yaml",
        "notifiers:",
        "  absences: {type: csv_file, path: absences.csv, profile: absences, settle_seconds: 0}\nnotifiers:",
    )
    portfolio.write("absences.csv", "email,from,to\nann@example.org,2026-11-03,2026-11-06\n")
    portfolio.write(
        "people.csv", PEOPLE.replace("scope\n", "scope,deputy\n").replace("Anders,en,,", f"Anders,en,,,{FINN}")
    )
    portfolio.once(at("03"), M1=12)
    now = at("03", "10:05")

    ann, finn = portfolio.of_m1(now, ANN), portfolio.of_m1(now, FINN)
    readers = {one.name: one for one in portfolio.slip(now).routings[0].readers}

    assert (ann.because[0].kind, ann.because[0].until) == ("on_its_way", at("09", "08:30"))
    assert finn.told
    assert (readers["Ann Anders"].away_until, readers["Finn Falk"].in_place_of) == (november(6), "Ann Anders")
    person = portfolio.why_not(now, ANN).person
    assert (person.away, person.deputies) == (((november(3), november(6)),), ("Finn Falk",))
