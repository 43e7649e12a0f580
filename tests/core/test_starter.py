"""What `init` writes can be used as it is, and takes nothing away from what was there."""

import os
import re
from datetime import date
from pathlib import Path

import pytest

from pmo_watch.configuration import read_configuration
from pmo_watch.errors import SettingsError
from pmo_watch.lint import remarks, run_examples
from pmo_watch.rule_files import Catalogue, load_rules
from pmo_watch.starter import Delivery, settings_text, write_starter
from pmo_watch.template_checks import template_remarks
from pmo_watch.template_files import load_templates

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PMO_WATCH_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)


@pytest.mark.parametrize("delivery", Delivery)
def test_what_is_written_has_no_fault(delivery: Delivery, tmp_path: Path) -> None:
    done = write_starter(tmp_path / "pmo", delivery)

    started = read_configuration(tmp_path / "pmo" / "pmo-watch.yaml", installed=False)
    told = frozenset(name for name, entry in started.settings.notifiers.items() if not entry.observes)
    loaded = load_rules(started.settings.rules, Catalogue(started.plugins.measures, told))
    assert [fault.shown() for fault in loaded.faults] == []
    assert len(loaded.rules.rules) > 8
    assert started.settings.warnings == ()
    organisation = started.settings.organisation_values()
    assert run_examples(loaded.rules, started.plugins.measures, started.calendars, organisation, TODAY) == []
    assert remarks(loaded.rules, started.calendars, TODAY) == []
    assert all(path.is_file() for path in done.written)
    assert done.kept == ()


def test_every_source_is_there_and_switched_off(tmp_path: Path) -> None:
    write_starter(tmp_path)

    started = read_configuration(tmp_path / "pmo-watch.yaml", installed=False)

    types = set(re.findall(r"^ +(# +)?type: (\w+)$", settings_text(), re.MULTILINE))
    assert {name for _, name in types} >= set(started.plugins.sources)
    assert {entry.type for entry in started.settings.sources.values()} == {"ms_project", "csv_file"}
    assert not any(entry.enabled for entry in started.settings.sources.values())


def test_entry_that_needs_a_secret_is_commented_out_and_whole(tmp_path: Path) -> None:
    text = settings_text()
    write_starter(tmp_path)
    (tmp_path / "pmo-watch.yaml").write_text(
        "\n".join(line.replace("  # ", "  ", 1) if line.startswith("  # ") else line for line in text.splitlines())
    )

    with pytest.raises(SettingsError) as caught:
        read_configuration(tmp_path / "pmo-watch.yaml", installed=False)

    assert "smtp_password" in text
    assert "the secret 'smtp_password' was not found" in str(caught.value)
    assert all("secret" in line for line in str(caught.value).splitlines())


def test_calendar_file_can_be_used(tmp_path: Path) -> None:
    write_starter(tmp_path)
    (tmp_path / "pmo-watch.yaml").write_text(settings_text().replace("  # institution:", "  institution:"))

    calendars = read_configuration(tmp_path / "pmo-watch.yaml", installed=False).calendars

    assert calendars["institution"].first is not None


def test_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "rules.d").mkdir()
    mine = tmp_path / "rules.d" / "10-milestones.yaml"
    mine.write_text("version: 1\n")

    first = write_starter(tmp_path)
    again = write_starter(tmp_path)

    assert mine.read_text() == "version: 1\n"
    assert first.kept == (mine,)
    assert set(again.kept) == {*first.written, mine}
    assert again.written == ()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "pmo").write_text("a file")

    with pytest.raises(SettingsError, match="pmo cannot be written"):
        write_starter(tmp_path / "pmo")


def test_example_of_a_template_works_once_it_has_its_name(tmp_path: Path) -> None:
    write_starter(tmp_path)
    folder = tmp_path / "templates"
    assert load_templates(folder).texts == {}

    (folder / "mail.html.j2.example").rename(folder / "mail.html.j2")

    loaded = load_templates(folder)
    assert (loaded.faults, list(loaded.texts), template_remarks(loaded)) == ((), ["templates/mail.html.j2"], [])
