"""`preview`: a message as it would look now, from stored data or a sample; nothing is sent or written."""

import json
import re
from pathlib import Path

import pytest
from office import Office, Reach, cycle
from typer.testing import CliRunner, Result

from pmo_watch.cli import app
from pmo_watch.cycle import Engine
from pmo_watch.errors import ConfigError

LEADER = "leader-p01@pmo.test"
RULES = """\
version: 1
rules:
  - id: risk-high
    name: {en: Risk is high, fr: Risque élevé, nl: Risico is hoog}
    measure: risk.level
    red: at least 20
    tell: {red: [project_leader]}
    examples:
      - given: {title: Subsidence, likelihood: 5, impact: 5, status: assessing}
        expect: red
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office with one late project, a rule with an example and acknowledge links."""
    office = Office(tmp_path, Reach(teams="https://flow.environment.api.powerplatform.com/x?sig=secret"))
    office.save("P01", 12)
    office.rules("20-risks.yaml", RULES)
    http = f'http: {{external_url: "https://pmo.test", ack: {{keys: [{{id: k1, key: "{"a" * 40}"}}]}}, '
    settings = office.config.read_text(encoding="utf-8").replace("http: {", http, 1)
    office.config.write_text(settings, encoding="utf-8")
    return office


@pytest.fixture
def read(office: Office) -> Office:
    """Return the office after its first cycle."""
    store = office.open()
    cycle(Engine(store, office.load()))
    store.close()
    return office


def preview(office: Office, *words: str) -> Result:
    return CliRunner().invoke(app, ["preview", *words, "--config", str(office.config)], catch_exceptions=False)


def refused(office: Office, *words: str) -> str:
    with pytest.raises(ConfigError) as found:
        preview(office, *words)
    return str(found.value)


def files(office: Office) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in office.folder.rglob("*") if path.is_file()}


def test_open_alert_is_shown_as_the_person_would_read_it(read: Office) -> None:
    before = files(read)

    done = preview(read, "milestone-slip", "--to", LEADER)

    assert done.exit_code == 0
    assert done.stdout.startswith("▲ Red · Milestone slips against its baseline\n")
    assert "12 working days, threshold 10 working days" in done.stdout
    assert "Why you receive this: project leader" in done.stdout
    assert re.search(r"^of the open alert [0-9a-f]{16} on Go-live, red since 2026-10-02$", done.stderr, re.M)
    assert "subject: [RED] P01 Milestone" in done.stderr
    assert files(read) == before


def test_link_to_acknowledge_is_shown_and_does_nothing(read: Office) -> None:
    assert "Acknowledge: https://pmo.test/ack/preview\n" in preview(read, "milestone-slip", "--to", LEADER).stdout


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("worsened", "from amber to red"),
        ("recovered", "● Green · Milestone"),
        ("digest", "New (1)"),
    ],
)
def test_message_is_of_the_kind_that_is_asked_for(read: Office, kind: str, expected: str) -> None:
    assert expected in preview(read, "milestone-slip", "--to", LEADER, "--kind", kind).stdout


def test_level_that_no_alert_has_is_shown_by_a_sample(read: Office) -> None:
    done = preview(read, "milestone-slip", "--to", LEADER, "--level", "amber")

    assert "a sample at the threshold for amber: no example of the rule comes out amber" in done.stderr
    assert done.stdout.startswith("◆ Amber · Milestone slips against its baseline\n")
    assert "5 working days, threshold 5 working days" in done.stdout


@pytest.mark.parametrize("person", [LEADER, LEADER.upper(), "P01 Leader", "p01 leader"])
def test_person_is_found_by_address_and_name(read: Office, person: str) -> None:
    assert preview(read, "milestone-slip", "--to", person).exit_code == 0


def test_person_reads_it_in_their_language(read: Office) -> None:
    people = read.folder / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("P01 Leader;en", "P01 Leader;fr"), encoding="utf-8")
    store = read.open()
    cycle(Engine(store, read.load()))
    store.close()

    shown = preview(read, "risk-high", "--to", LEADER).stdout

    assert shown.startswith("▲ Rouge · Risque élevé\n")
    assert "Ce qui est attendu de vous" in shown
    assert "Risque « Subsidence » élevé" in shown.replace("\u00a0", " ")


def test_sample_is_made_from_the_rules_example(read: Office) -> None:
    done = preview(read, "risk-high", "--to", LEADER)

    assert "a sample: example 1 of the rule, line 9 of 20-risks.yaml" in done.stderr
    assert 'Risk "Subsidence" is high: 25 steps, threshold 20 steps' in done.stdout
    assert "PRJ-001 · Project 1" in done.stdout


def test_whom_the_rule_does_not_tell_is_said(read: Office) -> None:
    other = preview(read, "milestone-slip", "--to", "leader-p02@pmo.test")

    assert "P02 Leader would not be told of it: see 'tell' of the rule" in other.stderr
    assert "would not be told" not in preview(read, "milestone-slip", "--to", LEADER).stderr


def test_without_a_database_a_sample_is_shown_to_any_address(office: Office) -> None:
    before = files(office)

    done = preview(office, "risk-high", "--to", "a.b@example.org")

    assert (done.exit_code, files(office)) == (0, before)
    assert "a.b@example.org is nobody that a source knows: written in en, for Europe/Brussels" in done.stderr
    assert done.stdout.startswith("▲ Red · Risk is high\n")


def test_unknown_rule_and_person_are_named_with_the_nearest(read: Office) -> None:
    assert refused(read, "milestone-slpi", "--to", LEADER) == (
        "there is no rule 'milestone-slpi', did you mean 'milestone-slip'?"
    )
    assert refused(read, "milestone-slip", "--to", "leader-p1@pmo.test") == (
        "nobody is known as 'leader-p1@pmo.test', did you mean 'leader-p01@pmo.test'?"
    )


def test_name_without_any_person_read_asks_for_an_address(office: Office) -> None:
    assert refused(office, "risk-high", "--to", "Maria") == (
        "nobody is known as 'Maria'; no persons were read yet: give an e-mail address"
    )


def test_html_and_card_are_written_to_a_file(read: Office, tmp_path: Path) -> None:
    page, card = tmp_path / "out.html", tmp_path / "out.json"

    preview(read, "milestone-slip", "--to", LEADER, "--format", "html", "--output", str(page))
    done = preview(read, "milestone-slip", "--to", LEADER, "--format", "card", "--output", str(card))

    assert "<!doctype html>" in page.read_text(encoding="utf-8").lower()
    (attachment,) = json.loads(card.read_text(encoding="utf-8"))["attachments"]
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert (done.stdout, f"written: {card}" in done.stderr) == ("", True)


def test_card_needs_a_notifier_that_makes_one(tmp_path: Path) -> None:
    office = Office(tmp_path)

    assert refused(office, "milestone-slip", "--to", "a@b.test", "--format", "card") == (
        "no notifier of the settings makes cards: set one up, or leave --format card out"
    )


def test_organisations_template_makes_it_and_a_faulty_one_is_said(read: Office) -> None:
    templates = read.folder / "templates"
    templates.mkdir()
    signed = '{% extends "message.txt.j2" %}{% block signature %}The PMO\n{% endblock %}'
    (templates / "alert.txt.j2").write_text(signed, encoding="utf-8")

    done = preview(read, "milestone-slip", "--to", LEADER)

    assert "-- \nThe PMO\n" in done.stdout
    assert "txt made by templates/alert.txt.j2" in done.stderr
