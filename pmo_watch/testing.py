"""The conformance kit: what a plugin's folder must have, for ours and, with one line in its tests, for anybody's.

    assert check_plugin(Path("acme_pmo")) == []

What no program can see from a folder needs the plugin's own tests; `check_source`, `check_answers` and `check_pusher`
help with it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pmo_watch.contracts import Measure
from pmo_watch.plugin_host import Plugins, load_folder
from pmo_watch.testing_examples import check_catalogue
from pmo_watch.testing_measures import LONGEST_SECONDS, MANY, check_measure
from pmo_watch.testing_running import check_answers, check_pusher, check_source
from pmo_watch.testing_settings import check_rule_sample, check_settings

__all__ = ["check_answers", "check_measure", "check_plugin", "check_pusher", "check_source"]

FENCED = re.compile(r"^```yaml[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
SAYS = ("What it reads", "What it finds", "What it sends", "What it shows")
YEAR = re.compile(r"\b(19|20)\d\d\b")


def check_plugin(folder: Path, *, rows: int = MANY, longest_seconds: float = LONGEST_SECONDS) -> list[str]:
    """Return everything that is wrong with a plugin's folder; nothing when it keeps the contract.

    `rows`: how many made-up rows its measures are timed with, `longest_seconds` how long that may take.
    """
    if not folder.name.isidentifier():
        return [f"the folder's name '{folder.name}' is no Python identifier"]
    plugins = load_folder(folder)
    if plugins.failed:
        return [f"it is left out: {why}" for why in plugins.failed.values()]
    return [
        *_names(folder, plugins),
        *_readme(folder, plugins),
        *_sample(folder, plugins),
        *(check_catalogue(folder, plugins.measures) if plugins.measures else ()),
        *(
            fault
            for one in plugins.measures.values()
            for fault in check_measure(one, rows=rows, longest_seconds=longest_seconds)
        ),
    ]


def _names(folder: Path, plugins: Plugins) -> Iterator[str]:
    (loaded,) = plugins.loaded
    if not loaded.text:
        yield "its module has no docstring: the first line is what 'pmo-watch plugins' shows"
    for kind, offered in (
        ("source", plugins.sources),
        ("notifier", plugins.notifiers),
        ("observer", plugins.observers),
    ):
        for name in offered:
            if name != folder.name:
                yield f"its {kind} '{name}' must be called '{folder.name}', like its folder"


# --- README.md ----------------------------------------------------------------------------------------------------


def _readme(folder: Path, plugins: Plugins) -> Iterator[str]:
    path = folder / "README.md"
    if not path.is_file():
        yield "there is no README.md"
        return
    text = path.read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    if not re.fullmatch(r"# \S.*", title):
        yield "README.md: the first line must be '# ' and the plugin's name"
    if not re.match(r"\n[^#\s][^\n]*(\n[^\n]+)*\.\n\n## ", rest):
        yield "README.md: one sentence, ending in a full stop, must stand between the title and the first heading"
    parts = _parts(text)
    wanted = [("Measures",)] if plugins.measures else [("Settings",)]
    for names in (*wanted, SAYS, ("Limits",), ("Sources",)):
        if not any(parts.get(name, "").strip() for name in names):
            yield f"README.md: the part '## {' or '.join(names)}' is missing"
    if not YEAR.search(parts.get("Sources", "")):
        yield "README.md: '## Sources' must say from when its sources are"
    yield from _blocks(folder, plugins, parts)
    for measure in plugins.measures.values():
        yield from _row(measure, parts.get("Measures", ""))


def _parts(text: str) -> dict[str, str]:
    """Return the text below each heading of the second level."""
    pieces = HEADING.split(text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _blocks(folder: Path, plugins: Plugins, parts: dict[str, str]) -> Iterator[str]:
    sample = folder / "sample.yaml"
    heading = "What it finds" if plugins.measures else "Settings"
    if sample.is_file() and sample.read_text(encoding="utf-8") not in FENCED.findall(parts.get(heading, "")):
        yield f"README.md: '## {heading}' must show sample.yaml exactly, as a block of yaml"


def _row(measure: Measure[Any], text: str) -> Iterator[str]:
    """Yield what the table of measures lacks: name, entity, unit, needs, companions, parameters."""
    row = next((line for line in text.splitlines() if line.startswith(f"| `{measure.name}` |")), "")
    if not row:
        yield f"README.md: '## Measures' has no row for `{measure.name}`"
        return
    cells = [one.strip() for one in row.strip("|").split("|")]
    for what, name in (("entity", ", ".join(measure.subjects)), ("unit", measure.unit.value)):
        if name not in cells:
            yield f"README.md: the row of `{measure.name}` does not say its {what}, {name}"
    own = {need if "." in need else f"{measure.entity}.{need}" for need in measure.needs}
    absent = [f"`{need}`" for need in sorted(own) if f"`{need}`" not in row]
    params = [field.alias or name for name, field in measure.params.model_fields.items()]
    absent += [f"`{one}`" for one in (*measure.companions, *params) if f"`{one}`" not in text]
    if absent:
        yield f"README.md: '## Measures' says nothing of {', '.join(absent)} of `{measure.name}`"


# --- sample.yaml --------------------------------------------------------------------------------------------------


def _sample(folder: Path, plugins: Plugins) -> Iterator[str]:
    path = folder / "sample.yaml"
    if not path.is_file():
        yield "there is no sample.yaml"
        return
    text = path.read_text(encoding="utf-8")
    if plugins.measures:
        yield from check_rule_sample(path, text, plugins.measures)
    for source in plugins.sources.values():
        yield from check_settings(source, text, "sources")
    for notifier in plugins.notifiers.values():
        yield from check_settings(notifier, text, "notifiers")
    for observer in plugins.observers.values():
        yield from check_settings(observer, text, "notifiers")
