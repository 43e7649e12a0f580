"""What commands say in passing: numbers with their nouns, folders where files are meant, logins that nobody has."""

from pathlib import Path

import pytest
from messages import NOW, a_message, an_item
from office import Office, cycle
from typer.testing import CliRunner, Result

from pmo_watch.alerts import Rendered
from pmo_watch.cli import app
from pmo_watch.cycle import Engine
from pmo_watch.output import counted
from pmo_watch.store import CycleChange

KEY = "an-acknowledge-key-of-32-bytes-or-more"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office without a database."""
    return Office(tmp_path)


def command(office: Office, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(office.config)])


def test_one_is_no_plural(office: Office) -> None:
    assert [counted(number, "fault") for number in (0, 1, 2)] == ["0 faults", "1 fault", "2 faults"]
    office.rules("20-empty.yaml", "version: 1\nruels: []\n")

    said = command(office, "check").stderr

    assert "1 rule with 0 examples, 2 sources, 2 notifiers: 1 fault\n" in said


def test_copy_that_is_a_folder_is_called_one(office: Office) -> None:
    done = command(office, "db", "restore", str(office.folder))

    assert str(done.exception) == f"{office.folder}: is a folder: name the copy in it"


def test_database_that_is_a_folder_is_called_one(office: Office) -> None:
    (office.folder / "pmo-watch.db").mkdir()

    done = command(office, "alerts", "list")

    place = office.folder / "pmo-watch.db"
    assert str(done.exception) == f"{place}: is a folder: 'database: url' names a file, such as {place}/pmo-watch.db"


@pytest.mark.parametrize("name", ["measures", "schema", "plugins"])
def test_settings_that_are_a_folder_are_refused(office: Office, name: str) -> None:
    done = CliRunner().invoke(app, [name, "--config", str(office.folder)])

    assert str(done.exception) == f"the settings file {office.folder}, named by --config, is a folder: name a file"


@pytest.mark.parametrize("name", ["measures", "schema"])
def test_settings_with_faults_do_not_matter_where_they_are_not_needed(office: Office, name: str) -> None:
    office.config.write_text("sauces: {}\n")

    assert CliRunner().invoke(app, [name, "--config", str(office.config)]).exit_code == 0


def test_login_that_nobody_has_is_a_warning(office: Office) -> None:
    text = office.config.read_text(encoding="utf-8")
    listen = f'listen: "127.0.0.1:{office.http}"'
    ack = f'{listen}, ack: {{login: required, keys: [{{id: k1, key: "{KEY}"}}]}}'
    office.config.write_text(text.replace(listen, ack), encoding="utf-8")

    said = command(office, "check").stderr

    assert "required: nobody can sign in: set http.users or http.proxy, or leave it out" in said


def test_held_reading_is_accepted_by_the_name_of_its_source(office: Office) -> None:
    office.config.write_text(office.config.read_text().replace(", accept_shrink: true", ""))
    store = office.open()
    people = [f"P{number:02}" for number in range(1, 21)]
    office.people(people)
    engine = Engine(store, office.load())
    cycle(engine)
    office.people(people[:2])
    cycle(engine)

    assert "'pmo-watch sources accept people'" in store.sources()["people"].held
    store.close()


def test_address_without_a_name_is_shown_once(office: Office) -> None:
    store = office.open()
    message = a_message(an_item(), address="owner@pmo.test", recipient_name="owner@pmo.test")
    store.write(CycleChange(NOW, messages=[(message, Rendered("Subject", "Text"))]))
    store.close()

    assert command(office, "outbox", "show", message.id).stdout.startswith("To: owner@pmo.test\nSubject: Subject\n")
