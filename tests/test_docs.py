"""What the documentation shows is true: its rules and settings load, its plugins run, its commands exist."""

import json
import re
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import TypeAdapter
from rest_server import Reply, scripted

from pmo_watch.alerts import OutboxRow, Rendered
from pmo_watch.api import NotifierContext, Probes, Pushes, SourceContext
from pmo_watch.cli import app
from pmo_watch.flow import Organisation, Summary
from pmo_watch.lint import run_examples
from pmo_watch.plugin_host import Plugins, load_plugins
from pmo_watch.rule_files import Catalogue, Readable, rules_from_texts
from pmo_watch.testing import check_measure, check_pusher, check_source
from pmo_watch.testing_examples import check_catalogue
from pmo_watch.workdays import Calendar
from pmo_watch.yaml_faults import load

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```yaml (?P<kind>rule-file|rules)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^```text\n(?P<text>rules\.d/.*?)^```$", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CLOSURE = Calendar("closure", closed=frozenset({date(2026, 12, 24)}))
DROP_IN = re.compile(r"^```python drop-in (?P<name>\w+)\.py\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
IN_LINE = re.compile(r"`pmo-watch((?: [a-z][a-z-]*)+)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
AT_THE_PROMPT = re.compile(r"^[$ ]*pmo-watch((?: [a-z][a-z-]*)+)", re.MULTILINE)
EVERY_PAGE = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md"), *ROOT.glob("plugins/*/*/README.md"))
)
PAGES = sorted(page.name for page in DOCS.glob("*.md") if BLOCK.search(page.read_text(encoding="utf-8")))


def rule_files(page: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks of a page as rule files, named by their lines; ` ```yaml rules` holds rules alone."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        is_whole = found["kind"] == "rule-file"
        yield f"{line:04}.yaml", found["text"] if is_whole else f"rules:\n{textwrap.indent(found['text'], '  ')}"


def test_rules_are_documented() -> None:
    assert "rules.md" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_rule_files_of_a_page_load_together(page: str, tmp_path: Path) -> None:
    measures = with_drop_ins(page, tmp_path).measures
    files = dict(rule_files(page))

    known = Catalogue(measures, frozenset({"mail", "teams"}), calendars={"closure": CLOSURE})

    loaded = rules_from_texts(DOCS / page, Readable(files), known)

    assert [fault.shown() for fault in loaded.faults] == []
    assert set(loaded.texts) == set(files)


def test_faults_are_shown_as_they_are_printed() -> None:
    _, first = next(rule_files("rules.md"))
    slips = first.replace("over 5 wd", "over 5").replace("{amber: project_leader,", "{amber: project_lead,")
    present = Readable({"10-milestones.yaml": slips})

    loaded = rules_from_texts(Path("rules.d"), present, Catalogue(load_plugins(installed=False).measures))

    shown = PRINTED.search((DOCS / "rules.md").read_text(encoding="utf-8"))
    assert shown is not None
    assert "".join(f"{fault.shown()}\n" for fault in loaded.faults) == shown["text"]


# --- every page ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_example_of_yaml_can_be_read(page: str) -> None:
    for found in YAML.finditer((ROOT / page).read_text(encoding="utf-8")):
        if any(line.strip() and not line.startswith("#") for line in found["text"].splitlines()):
            assert load(Path(page), TypeAdapter(Any), found["text"])


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_link_leads_somewhere(page: str) -> None:
    here = ROOT / page

    links = LINK.findall(here.read_text(encoding="utf-8"))

    assert [link for link in links if not (here.parent / link).exists()] == []


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_command_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    named = IN_LINE.findall(text) + [words for block in FENCE.findall(text) for words in AT_THE_PROMPT.findall(block)]

    assert [words for words in named if not exists(words.split())] == []


def exists(words: list[str]) -> bool:
    """Say whether words that follow `pmo-watch` begin with a command; what comes after one may be anything."""
    group: Any = typer.main.get_command(app)
    for word in words:
        commands = getattr(group, "commands", {})
        if not commands:
            return True
        if word not in commands:
            return False
        group = commands[word]
    return True


def test_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")

    assert [path.name for path in DOCS.glob("*.md") if path.name != "README.md" and f"({path.name})" not in index] == []


def test_rule_of_the_readme_loads_and_its_examples_come_true() -> None:
    (block,) = [found["text"] for found in BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]
    measures = load_plugins(installed=False).measures

    loaded = rules_from_texts(ROOT, Readable({"readme.yaml": block}), Catalogue(measures))

    assert [fault.shown() for fault in loaded.faults] == []
    calendars = {"be": Calendar("be")}
    assert run_examples(loaded.rules, measures, calendars, Organisation(calendar="be"), date(2026, 7, 20)) == []


# --- writing a plugin ---------------------------------------------------------------------------------------------


def with_drop_ins(page: str, folder: Path) -> Plugins:
    """Load the built-in plugins and those that a page shows."""
    drop_ins = folder / "plugins"
    drop_ins.mkdir()
    for found in DROP_IN.finditer((DOCS / page).read_text(encoding="utf-8")):
        (drop_ins / f"{found['name']}.py").write_text(found["text"], encoding="utf-8")
    return load_plugins(drop_ins, installed=False)


def settings(section: str, name: str) -> dict[str, Any]:
    """Return the settings that the page shows for an entry, without the keys that every entry has."""
    shown: dict[str, Any] = {}
    for found in YAML.finditer((DOCS / "plugins.md").read_text(encoding="utf-8")):
        if found["kind"].strip() == "settings":
            for part, entries in load(DOCS / "plugins.md", TypeAdapter(dict[str, Any]), found["text"]).items():
                shown.setdefault(part, {}).update(entries)
    return {key: value for key, value in shown[section][name].items() if key != "type"}


def test_source_that_is_shown_can_be_read(tmp_path: Path) -> None:
    kind = with_drop_ins("plugins.md", tmp_path).sources["action_list"]
    (tmp_path / "actions.txt").write_text("ATL;Ship it;2026-12-01\nATL;Soon;never\n", encoding="utf-8")
    context = SourceContext("actions", tmp_path, datetime(2026, 11, 20, tzinfo=UTC), UTC, Organisation(), {})
    given = settings("sources", "actions")

    faults = check_source(kind, given, context)
    *_, summary = kind.open(kind.settings.model_validate(given), context).read(None)

    assert faults == []
    assert isinstance(summary, Summary)
    assert [one.where for one in summary.rejected] == ["actions.txt:2"]


def test_live_source_that_is_shown_can_be_read(tmp_path: Path) -> None:
    kind = with_drop_ins("plugins.md", tmp_path).sources["ticket_list"]
    context = SourceContext("tickets", tmp_path, datetime(2026, 11, 20, tzinfo=UTC), UTC, Organisation(), {})
    tickets = [{"key": key, "project": "ATL", "title": key, "due": "2026-12-01"} for key in ("A1", "A2")]
    first = answer({"tickets": tickets[:1], "next": "/tickets?page=2"})
    last, keys = answer({"tickets": tickets[1:], "now": "10:00"}), answer({"keys": ["A1", "A2"]})
    nothing = answer({"tickets": [], "now": "10:15"})
    whole = [first, last, keys]
    with scripted(*whole, *whole, nothing, keys, first, answer({"version": "9", "may_read": False})) as server:
        given = {"url": server.base, "token": "a-secret"}

        faults = check_source(kind, given, context)
        with closing(kind.open(kind.settings.model_validate(given), context)) as source:
            assert isinstance(source, Probes)
            sights = list(source.probe())

    assert faults == []
    assert [one.target for one in server.asked[6:8]] == ["/tickets?changed_after=10:00", "/tickets/keys"]
    assert [one.ok for one in sights] == [True, False]


def answer(data: object) -> Reply:
    return Reply(json.dumps(data).encode())


def test_measure_that_is_shown_keeps_the_contract(tmp_path: Path) -> None:
    measures = with_drop_ins("plugins.md", tmp_path).measures
    loaded = rules_from_texts(DOCS, Readable(dict(rule_files("plugins.md"))), Catalogue(measures))

    assert check_measure(measures["action.late"], rows=1_000) == []
    calendars = {"default": Calendar("default")}
    assert run_examples(loaded.rules, measures, calendars, Organisation(), date(2026, 11, 20)) == []


def test_catalogue_that_is_shown_comes_true(tmp_path: Path) -> None:
    measures = with_drop_ins("plugins.md", tmp_path).measures
    blocks = YAML.finditer((DOCS / "plugins.md").read_text(encoding="utf-8"))
    (text,) = (one["text"] for one in blocks if one["kind"].strip() == "catalogue")
    (tmp_path / "catalogue.yaml").write_text(text, encoding="utf-8")

    assert list(check_catalogue(tmp_path, {"action.late": measures["action.late"]})) == []


async def test_observer_that_is_shown_pushes(tmp_path: Path) -> None:
    kind = with_drop_ins("plugins.md", tmp_path).observers["open_alerts"]
    given = settings("notifiers", "line")
    opened = kind.open(kind.settings.model_validate(given), NotifierContext("line", tmp_path, "pmo-watch/1"))

    assert isinstance(opened, Pushes)
    assert await opened.push_test() == {"file": None}
    assert (tmp_path / "open.txt").read_text() == "test\n"
    nowhere = NotifierContext("line", tmp_path / "nowhere", "pmo-watch/1")
    assert await check_pusher(kind, given, nowhere) == []
    assert kind.every is not None
    assert kind.every(kind.settings.model_validate(given)) == timedelta(minutes=1)


async def test_notifier_that_is_shown_sends(tmp_path: Path) -> None:
    kind = with_drop_ins("plugins.md", tmp_path).notifiers["spool"]
    (tmp_path / "spool").mkdir()
    checked = kind.settings.model_validate(settings("notifiers", "spool"))
    opened = kind.open(checked, NotifierContext("spool", tmp_path, "pmo-watch/1"))

    answer = await opened.send(OutboxRow("1", "spool", "spool", "", "", "en", Rendered("Late", "Ship it")))
    await opened.close()

    assert answer == "written as 1.txt"
    assert (tmp_path / "spool" / "1.txt").read_text() == "Late\n\nShip it"
