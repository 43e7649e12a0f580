"""The demo from end to end: six weeks replayed, and everything it wrote looked at."""

import email
import email.policy
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from agreement import every_message_is_found, everybody_has_an_answer

from pmo_watch.demo.replay import METRICS, run_demo
from pmo_watch.errors import ConfigError

LABEL = {"en": "[RECOVERED]", "fr": "[RÉTABLI]", "nl": "[HERSTELD]"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demo once and return its folder."""
    made = tmp_path_factory.mktemp("demo") / "out"
    run_demo(made, serve=False)
    return made


def mails(folder: Path) -> Iterator[EmailMessage]:
    for path in sorted((folder / "mails").glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        yield mail


def rows(folder: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / "pmo-watch.db")) as database:
        return database.execute(query).fetchall()


def test_everything_is_there_to_look_at(folder: Path) -> None:
    for part in ("pmo-watch.yaml", "pmo-watch.db", "rules.d/00-people.yaml", "plans/GEM-01.xml", "sheets/raid.csv"):
        assert (folder / part).stat().st_size > 0
    pages = {page.stem for page in (folder / "mails").glob("*.html")}
    assert {mail.stem for mail in (folder / "mails").glob("*.eml")} == pages
    metrics = (folder / "metrics.txt").read_text(encoding="utf-8")
    assert 'pmo_alerts{rule="' in metrics
    assert "pmo_watch_build_info" in metrics
    for shown in METRICS:
        assert any(line.startswith(shown) and not line.endswith((" 0", " 0.0")) for line in metrics.splitlines())


def test_mails_are_whole_and_each_in_the_language_of_its_reader(folder: Path) -> None:
    languages: dict[str, set[str]] = {}
    for mail in mails(folder):
        assert not mail.defects
        text, page = (part.get_content_type() for part in mail.iter_parts())
        assert (text, page in {"text/html", "multipart/related"}) == ("text/plain", True)
        assert all(mail[name] for name in ("Subject", "Message-ID", "Date"))
        languages.setdefault(str(mail["To"].addresses[0].username), set()).add(str(mail["Content-Language"]))

    assert languages == {
        "elise.lambert": {"fr"},
        "joris.vermeulen": {"nl"},
        "tom.haddad": {"en"},
        "karim.benali": {"nl"},
        "sofie.peeters": {"fr"},
        "an.wouters": {"nl"},
        "marc.dubois": {"fr"},
        "ict": {"en"},
        "pmo": {"en"},
    }


def test_the_committee_reads_a_page_on_the_first_working_day_of_november(folder: Path) -> None:
    (mail,) = [one for one in mails(folder) if one["To"].addresses[0].username == "marc.dubois"]
    text = mail.get_body(("plain",))
    assert text is not None

    for part in ("Projets\u00a0: 2 rouges, 1 orange, 1 gris, 1 vert.", "Statut par dimension", "Tendance des jalons"):
        assert part in text.get_content()
    page = next((folder / "mails").glob("*-marc-dubois.html")).read_text(encoding="utf-8")
    assert "cid:" not in page  # shown by a browser as a mail program shows it


def test_every_message_was_accepted_once(folder: Path) -> None:
    ids = [mail["Message-ID"] for mail in mails(folder)]

    assert len(set(ids)) == len(ids)
    assert {state for (state,) in rows(folder, "select distinct state from outbox")} == {"accepted"}


def test_plan_that_was_cut_off_recovers_nothing(folder: Path) -> None:
    steps = rows(
        folder,
        "select reason from transition where project = 'project:gem-02' and at between '2026-10-16' and '2026-10-20'",
    )

    assert steps
    assert {reason for (reason,) in steps} <= {"unknown", "out_of_scope", "opened"}


def reasons(folder: Path, project: str, rule: str) -> list[str]:
    found = rows(
        folder, f"select reason from transition where project = '{project}' and rule = '{rule}' order by at, rowid"
    )
    return [reason for (reason,) in found]


def test_plan_in_dynamics_slips_and_catches_up(folder: Path) -> None:
    assert reasons(folder, "project:gem-04", "milestone-slip") == ["opened", "recovered"]


def test_jira_that_shows_nothing_recovers_nothing(folder: Path) -> None:
    assert reasons(folder, "project:gem-05", "milestone-slip") == ["opened", "unknown", "known_again", "recovered"]
    ((error,),) = rows(folder, "select distinct error from reading where source = 'tickets' and error <> ''")
    assert error.startswith("Jira refuses the query: ")
    assert ".." not in error


def test_systems_are_read_by_changes_after_the_first_time(folder: Path) -> None:
    read = rows(
        folder, "select source, max(rows), sum(changed) from reading where source in ('projops', 'tickets') group by 1"
    )

    for _, held, written in read:
        assert int(held) > 10
        assert int(written) < 4 * int(held)  # twelve readings


def test_cards_are_messages_of_a_flow(folder: Path) -> None:
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "cards").glob("*.json"))]

    assert cards
    for card in cards:
        assert card["type"] == "message"
        (attachment,) = card["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert attachment["content"]["version"] == "1.4"


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(ConfigError, match="holds something that the demo has not made"):
        run_demo(tmp_path, serve=False)

    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_whatever_was_told_is_found_and_whoever_was_not_told_has_a_reason(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "pmo-watch.db")) as database:
        (last,) = database.execute("SELECT max(read_at) FROM reading").fetchone()
    after = datetime.fromisoformat(str(last)).replace(tzinfo=UTC)

    assert every_message_is_found(folder / "pmo-watch.yaml", after) > 20
    assert everybody_has_an_answer(folder / "pmo-watch.yaml", after) > 20
