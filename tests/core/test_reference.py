"""The generated pages say what the code says, and `make reference` writes them."""

import subprocess
import sys
from pathlib import Path

import pytest

from pmo_watch.entities.readable import PREFIXES, readable_fields
from pmo_watch.plugin_host import load_plugins
from pmo_watch.reference import pages

DOCS = Path(__file__).parents[2] / "docs"


def test_committed_pages_are_those_that_are_generated(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-P", "-m", "pmo_watch.reference", str(tmp_path)], check=True)

    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(written) == set(pages())
    for name, text in written.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "make reference"


@pytest.mark.parametrize("for_each", PREFIXES)
def test_every_field_that_a_rule_may_name_is_there(for_each: str) -> None:
    page = pages()["reference.md"]

    assert f"| `{for_each}` |" in page
    assert [name for name in readable_fields(for_each) if f"| `{name.rpartition('.')[2]}` |" not in page] == []


def test_every_measure_is_there_with_what_it_needs() -> None:
    page = pages()["measures.md"]

    for name, measure in load_plugins(installed=False).measures.items():
        part = page.partition(f"### `{name}`")[2].partition("### ")[0]
        assert all(need in part for need in (measure.text, measure.unit.value, *measure.needs)), name
