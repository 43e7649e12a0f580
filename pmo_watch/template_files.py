"""templates/*.j2 -> templates in force; one with faults keeps its last good version, and never stops a message."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmo_watch.faults import Fault, Faults, masked, or_known, quoted
from pmo_watch.render import page_values
from pmo_watch.sample_messages import NOW, SOURCE, sample_messages, spoken
from pmo_watch.template_grammar import BUILT_IN, Reading, Wrong, look_at
from pmo_watch.template_pages import KINDS, Overrides, TemplateFault
from pmo_watch.templates import built_in_text
from pmo_watch.wording import RenderContext
from pmo_watch.words import LANGUAGES
from pmo_watch.workdays import Calendar
from pmo_watch.yaml_faults import read_text

SUFFIX = ".j2"
LONGEST = 64_000  # characters of one template; ours has 8,000
MOST_FILES = 60
STEMS = tuple(f"{kind}{language}" for kind in KINDS for language in ("", *(f".{one}" for one in LANGUAGES)))
NAMED = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z]{2})?\.(html|txt)\.j2")
_EXAMPLES = "such as mail.html.j2, digest.fr.txt.j2 or, to be included, letterhead.html.j2"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedTemplates:
    """What is in force, every fault of the present files, and which keep an older version or are not used.

    `folder`: its name, which stands before each file in `texts`, `stale` and `unused`.
    """

    folder: str = ""
    overrides: Overrides = field(default_factory=Overrides)
    faults: tuple[Fault, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    stale: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()  # files that make no message and are part of none

    def failed(self) -> dict[str, str]:
        """Return the templates that failed on a message and are not used any more, with what went wrong."""
        return {f"{self.folder}/{name}": text for name, text in self.overrides.failed.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a template is tried with: a message of one kind, in one language."""

    kind: str
    language: str
    values: Mapping[str, Any]


def load_templates(folder: Path, last_good: Mapping[str, str] | None = None) -> LoadedTemplates:
    """Load every template of a folder; it only ever returns faults, and raises none.

    A folder that is not there is fine. `last_good`: the text that was in force, by folder's name and file.
    """
    present, faults = _present(folder)
    if not present and not faults:
        return LoadedTemplates(folder.name)
    former = {Path(name).name: text for name, text in (last_good or {}).items()}
    return _in_force(folder, present, faults, former)


def _present(folder: Path) -> tuple[dict[str, str], dict[str, list[Fault]]]:
    """Return the texts of a folder, and what is wrong with files that cannot be templates."""
    texts: dict[str, str] = {}
    faults: dict[str, list[Fault]] = {}
    for name in _listed(folder):
        path = folder / name
        try:
            texts[name] = read_text(path)
        except Faults as unreadable:
            faults[name] = list(unreadable.faults)
            continue
        if said := _unfit(name, texts[name]):
            faults[name] = [Fault(path, 1, 1, said)]
            del texts[name]
    return texts, faults


def _listed(folder: Path) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if name.endswith(SUFFIX) and not name.startswith(".") and name.isprintable()]


def _unfit(name: str, text: str) -> str:
    if name in BUILT_IN:
        own = name.replace("message", "mail")
        return f"this is the name of the template that ships with pmo-watch: call yours {own}"
    if not NAMED.fullmatch(name):
        return f"a template's name says what it makes and ends in .html.j2 or .txt.j2, {_EXAMPLES}"
    stem = name.removesuffix(".html.j2").removesuffix(".txt.j2")
    kind, _, language = stem.partition(".")
    if language and language not in LANGUAGES:
        return f"{quoted(language)} is no language here{or_known(language, LANGUAGES)}"
    if language and kind not in KINDS:
        return f"there is no kind of message {quoted(kind)}{or_known(kind, KINDS)}"
    if len(text) > LONGEST:
        return f"the template has {len(text)} characters; it may have {LONGEST}"
    return ""


def _in_force(
    folder: Path, present: Mapping[str, str], faults: dict[str, list[Fault]], former: Mapping[str, str]
) -> LoadedTemplates:
    """Put together what is good of the present files and, for those with faults, of the former ones."""
    readings = {name: _look(name, text, present) for name, text in present.items()}
    for name, reading in readings.items():
        if wrong := [*reading.wrong, *_misnamed(name, reading, readings)]:
            faults[name] = [_fault(folder, name, present[name], one) for one in wrong]
    kept = {name: former[name] for name in faults if name in former and not _look(name, former[name], former).wrong}
    for name, one in _made_of_faulty(readings, set(faults) - set(kept)).items():
        faults.setdefault(name, [_fault(folder, name, present[name], one)])
    texts = {name: text for name, text in present.items() if name not in faults}
    kept |= {name: former[name] for name in faults if name in former and not _look(name, former[name], former).wrong}
    chosen, late = _tried(folder, {**texts, **kept}, former)
    for name, fault in late.items():
        faults.setdefault(name, [fault])
    everything = tuple(one for name in sorted(faults) for one in faults[name])
    said = {name: "\n".join(map(str, some)) for name, some in faults.items()}
    label = folder.name
    return LoadedTemplates(
        label,
        Overrides(folder, chosen),
        everything,
        {f"{label}/{name}": text for name, text in chosen.items()},
        {f"{label}/{name}": text for name, text in said.items() if name in chosen},
        {f"{label}/{name}": text for name, text in said.items() if name not in chosen},
        _idle(readings),
    )


def _look(name: str, text: str, others: Mapping[str, str]) -> Reading:
    labels = next(iter(trials())).values["view"].labels
    return look_at(text, name, _blocks(name, others), labels)


def _blocks(name: str, others: Mapping[str, str]) -> set[str]:
    """Return the blocks that a template may have from others: ours, and those of the folder."""
    form = name.removesuffix(SUFFIX).rpartition(".")[2]
    same = [text for other, text in others.items() if other != name and other.endswith(f".{form}{SUFFIX}")]
    texts = [built_in_text(f"message.{form}{SUFFIX}"), *same]
    return {found for text in texts for found in re.findall(r"{%[-+]?\s*block\s+(\w+)", text)}


def _misnamed(name: str, reading: Reading, known: Mapping[str, Reading]) -> Iterable[Wrong]:
    """Yield what is wrong with the templates that one names: not there, of the other form, made of this one."""
    form = name.removesuffix(SUFFIX).rpartition(".")[2]
    for one in reading.references:
        there = (*known, f"message.{form}{SUFFIX}")
        if one.name not in there:
            yield Wrong(one.line, f"there is no template {quoted(one.name)}{or_known(one.name, there)}", one.name)
        elif not one.name.endswith(f".{form}{SUFFIX}"):
            yield Wrong(one.line, f"{quoted(one.name)} makes no {form}: name one that ends in .{form}.j2", one.name)
        elif name in _made_of(one.name, known):
            yield Wrong(one.line, f"{quoted(one.name)} is made of this template: it would never end", one.name)


def _made_of_faulty(readings: Mapping[str, Reading], faulty: set[str]) -> dict[str, Wrong]:
    """Return what is wrong with good templates that are made of one with faults."""
    return {
        name: Wrong(one.line, f"{quoted(one.name)} has faults, or is made of a template with faults", one.name)
        for name, reading in readings.items()
        for one in reading.references
        if name not in faulty and _made_of(one.name, readings) & faulty
    }


def _made_of(name: str, known: Mapping[str, Reading]) -> set[str]:
    """Return a template and all that it is made of."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += [other.name for other in known[one].references] if one in known else []
    return found


def _fault(folder: Path, name: str, text: str, wrong: Wrong) -> Fault:
    lines = text.split("\n")
    line = min(max(wrong.line, 1), len(lines))
    shown = masked(lines, line)
    at = re.search(rf"(?<!\w){re.escape(wrong.word)}(?!\w)", shown) if wrong.word else None
    column = at.start() + 1 if at else len(shown) - len(shown.lstrip()) + 1
    return Fault(folder / name, line, column, wrong.text, shown)


def _idle(readings: Mapping[str, Reading]) -> tuple[str, ...]:
    used = {other for name in readings if _makes(name) for other in _made_of(name, readings)}
    return tuple(sorted(set(readings) - used))


def _makes(name: str) -> bool:
    return name.removesuffix(".html.j2").removesuffix(".txt.j2") in STEMS


# --- trying them ----------------------------------------------------------------------------------------------------


def _tried(
    folder: Path, texts: Mapping[str, str], former: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Fault]]:
    """Fill in every template with samples; return those that can be, and what is wrong with the others.

    One that cannot is replaced by its former version where that is another one, else left out, and with it what is
    made of it.
    """
    chosen = dict(texts)
    faults: dict[str, Fault] = {}
    while (found := _first_fault(Overrides(folder, chosen))) is not None:
        faults.setdefault(found.file, found.fault)
        if former.get(found.file, chosen[found.file]) != chosen[found.file] and former[found.file] != texts[found.file]:
            chosen[found.file] = former[found.file]
        else:
            del chosen[found.file]
    return chosen, faults


def _first_fault(overrides: Overrides) -> TemplateFault | None:
    for trial in trials():
        for form in ("html", "txt"):
            if name := overrides.chosen(trial.kind, trial.language, form):
                try:
                    overrides.page(name, trial.values)
                except TemplateFault as found:
                    return found
    return None


_TRIALS: list[Trial] = []


def trials() -> Sequence[Trial]:
    """Return a message of every kind in every language, as templates get it; made once."""
    if not _TRIALS:
        _TRIALS.extend(
            Trial(one.kind, language, page_values(spoken(one.message, language), sample_context()))
            for language in LANGUAGES
            for one in sample_messages()
        )
    return _TRIALS


def sample_context(overrides: Overrides | None = None) -> RenderContext:
    """Return what made-up messages are rendered with: an address of our own, so that links are there."""
    return RenderContext(
        now=NOW,
        calendar=Calendar("be"),
        source_kinds={SOURCE: "ms_project"},
        external_url="https://pmo.example.org",
        alerts_page="https://pmo.example.org/alerts",
        grafana_url="https://grafana.example.org",
        acknowledge=lambda message: f"https://pmo.example.org/ack/{message.id}",
        overrides=overrides or Overrides(),
    )
