"""Rules for each sprint, release and board: from what a source sends to the subject of a message in French."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sprints import TODAY, both, earlier, noon, release, sprint

from pmo_watch.cycle import Engine
from pmo_watch.in_force import load
from pmo_watch.starter import Delivery, write_starter
from pmo_watch.store import open_store

NOW = noon(TODAY)
MINUTE = timedelta(minutes=1)
SETTINGS = """\
organisation: {timezone: Europe/Brussels, calendar: be, language: fr}
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
plugins_dir: plugins.d
calendars: {be: {country: BE}}
sources:
  tickets: {type: rows, path: rows.json, every: 15m}
notifiers:
  mail: {type: email, host: 127.0.0.1, port: 1, from: pmo-watch@pmo.test, starttls: off}
"""
SOURCE = '''"""Rows: sends what a file holds, by entity, as a system of tickets would."""

import json

import polars as pl

from pmo_watch.api import ENTITIES, Kind, PluginSettings, Records, SourceType, Summary, hookimpl

READ = {
    Kind.DATE: lambda text: text.cast(pl.String).str.to_date(),
    Kind.MOMENT: lambda text: text.cast(pl.String).str.to_datetime(time_unit="us", time_zone="UTC"),
}


class Settings(PluginSettings):
    path: str


class Rows:
    def __init__(self, settings, context):
        self.path = context.folder / settings.path

    def read(self, since):
        for entity, rows in json.loads(self.path.read_text()).items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            known = [one for one in ENTITIES[entity].stored() if one.name in frame.columns]
            columns = [READ.get(one.kind, lambda column: column)(pl.col(one.name)).cast(one.dtype) for one in known]
            yield Records(entity, frame.select("key", *columns))
        yield Summary()

    def close(self):
        pass


@hookimpl
def pmo_watch_sources():
    return [SourceType("rows", Settings, Rows)]
'''
PEOPLE: dict[str, Any] = {
    "project": [{"key": "P", "code": "ATL", "name": "Atlas", "language": "fr", "leader": "zoe@pmo.test"}],
    "person": [{"key": "zoe", "name": "Zoé", "email": "zoe@pmo.test", "language": "fr"}],
}


class Team:
    """An office with the rules for agile projects, and a source that sends these rows."""

    def __init__(self, folder: Path, rows: dict[str, Any], rules: str = "") -> None:
        write_starter(folder, Delivery.AGILE)
        (folder / "pmo-watch.yaml").write_text(SETTINGS)
        (folder / "plugins.d").mkdir()
        (folder / "plugins.d" / "rows.py").write_text(SOURCE)
        if rules:
            (folder / "rules.d" / "90-own.yaml").write_text(rules)
        self.folder = folder
        self.send(rows)
        self.store = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
        self.engine = Engine(self.store, load(folder / "pmo-watch.yaml"))

    def send(self, rows: dict[str, Any]) -> None:
        """Let the source send these rows from now on."""
        sent = {name: [_sent(name, row) for row in some] for name, some in {**rows, **PEOPLE}.items()}
        (self.folder / "rows.json").write_text(json.dumps(sent, default=_written))

    def subjects(self, now: datetime = NOW) -> dict[str, str]:
        """Run a cycle and return the mails to the project's leader, text by subject."""
        draft = self.engine.cycle(now, ["tickets"])
        failed = {one.rule: one.failed for one in draft.findings if one.failed}
        assert not failed, failed
        sent = [mail for message, mail in draft.messages if message.recipient == "person:zoe@pmo.test"]
        return {plain(mail.subject): plain(mail.text) for mail in sent}


def plain(text: str) -> str:
    """Return a text with ordinary blanks."""
    return text.replace("\u00a0", " ")


def _sent(entity: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its key, and its project as the system writes it."""
    project: dict[str, Any] = {"project": "P"} if entity in {"task", "release"} else {}
    project |= {"project": ["P"]} if entity == "board" else {}
    return {**project, **row, "key": row.get("key") or row.pop("uid")}


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def test_sprint_is_told_to_the_leader_of_its_boards_project(tmp_path: Path) -> None:
    team = Team(tmp_path, sprint())

    ((subject, text),) = team.subjects().items()

    assert subject == "[ROUGE] ATL Sprint « Sprint 7 » avec trop de reports : 38,5 % (+2)"
    assert "Sprint « Sprint 7 » dont l'engagement n'est pas tenu" in text
    assert "Sprint « Sprint 7 » dont le périmètre a changé" in text
    assert "non terminés : S5, S4, S7" in text
    team.store.close()


def test_release_is_told_after_two_evaluations_with_its_likely_days(tmp_path: Path) -> None:
    team = Team(tmp_path, release(30, 7, [3, 5, 4, 0, 6, 2, 5, 7, 4, 3, 5, 4], name="R1"))

    assert team.subjects() == {}
    team.send(release(31, 7, [3, 5, 4, 0, 6, 2, 5, 7, 4, 3, 5, 4], name="R1"))
    told = team.subjects(NOW + MINUTE)

    ((subject, text),) = told.items()
    assert subject.startswith("[ROUGE] ATL Version « R1 » qui risque de ne pas être livrée à temps : ")
    assert "probable (85 %) au : 22/07/2026" in text
    team.store.close()


def test_sprint_that_is_done_better_closes_its_alert(tmp_path: Path) -> None:
    team = Team(tmp_path, sprint())
    team.subjects()
    team.send(both(earlier(5), sprint({f"S{n}": (3, 3, "done") for n in range(1, 11)})))

    ((subject, _),) = team.subjects(NOW + MINUTE).items()

    assert subject.startswith("[RÉTABLI] ATL Sprint « Sprint 7 »")
    team.store.close()


OWN = """\
version: 1
owner: pmo@example.org
rules:
  - id: board-blocked
    name: {en: Board has blocked work, fr: Tableau avec du travail bloqué, nl: Bord met geblokkeerd werk}
    for_each: board
    only_if: {board.type: kanban, project.code: ATL}
    measure: board.blocked
    show: [board.wip_limit]
    tell: {amber: project_leader, red: project_leader}
"""


def test_board_is_named_and_its_fields_can_be_asked_and_shown(tmp_path: Path) -> None:
    doing = {"board": "5", "status_category": "doing", "done": False}
    tickets = [{"uid": f"t:{n}", "id": f"T{n}", "flagged": n < 3, **doing} for n in range(12)]
    boards = [{"uid": "5", "id": "5", "name": "Équipe", "type": "kanban", "wip_limit": 10}]
    team = Team(tmp_path, {"board": boards, "task": tickets}, OWN)

    ((subject, text),) = team.subjects().items()

    assert subject == "[ORANGE] ATL Tableau « Équipe » avec du travail bloqué : 25 %"
    assert "limite du travail en cours : 10" in text
    team.store.close()


def test_item_blocked_for_long_is_known_from_readings_alone(tmp_path: Path) -> None:
    """A source without a history of its own: since when an item is blocked is what the readings have shown."""
    doing = {"board": "5", "status_category": "doing", "done": False}
    tickets = [{"uid": f"t:{n}", "id": f"T{n}", "flagged": n < 1, **doing} for n in range(12)]
    boards = [{"uid": "5", "id": "5", "name": "Équipe", "type": "kanban"}]
    team = Team(tmp_path, {"board": boards, "task": tickets}, OWN)

    assert team.subjects() == {}
    later = team.subjects(NOW + timedelta(days=14))

    assert [one[:8] for one in later] == ["[ORANGE]"]
    team.store.close()
