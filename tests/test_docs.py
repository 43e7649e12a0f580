"""What the documentation shows is true: every block of it that is marked as rules loads with the built-in measures."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_watch.plugin_host import load_plugins
from pmo_watch.rule_files import Catalogue, Readable, rules_from_texts

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```yaml (?P<kind>rule-file|rules)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^```text\n(?P<text>rules\.d/.*?)^```$", re.MULTILINE | re.DOTALL)
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
def test_rule_files_of_a_page_load_together(page: str) -> None:
    measures = load_plugins(installed=False).measures
    files = dict(rule_files(page))

    loaded = rules_from_texts(DOCS / page, Readable(files), Catalogue(measures, frozenset({"mail", "teams"})))

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
