"""rules.d/**/*.yaml -> rules, audiences and digests in force; a file with faults keeps its last good version."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmo_watch.audiences import PERSONAL, reads_of_persons
from pmo_watch.faults import Fault, Faults, did_you_mean, or_known, quoted
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.rule_file import FileRead, Named, read_file
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_people import AT_ONCE, NEVER
from pmo_watch.rule_shape import EMAIL
from pmo_watch.rules import Audience, Rule, RuleSet
from pmo_watch.yaml_faults import read_text

__all__ = [
    "Catalogue",
    "LoadedRules",
    "Readable",
    "list_rule_files",
    "list_test_files",
    "load_rules",
    "rules_from_texts",
]

SUFFIXES = (".yaml", ".yml")
TEST_SUFFIXES = (".test.yaml", ".test.yml")  # scenario tests: read by `pmo-watch test`
NOT_OF_PERSONS = (
    "must not be told of single persons; name audiences of the roles project_leader and line_manager under `tell:` of "
    "the rule, or a committee that gets a digest"
)
BUILT_IN = ("rule", SOURCE_FAILING.id)  # what may be named though no file defines it
OWNER = re.compile(r"^owner:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRules:
    """What is in force, every fault of the present files, and the text in force of each file."""

    rules: RuleSet
    faults: tuple[Fault, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Readable:
    """The rule files of a folder, by their path below it; `unreadable` ones and folders with what is wrong."""

    texts: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    closed_folders: tuple[str, ...] = ()  # nothing is known of the files below them


@dataclass(frozen=True, slots=True)
class Untaken:
    """What is wrong with present files, by name: of those with an older good version, and of the others."""

    stale: Mapping[str, str]
    unused: Mapping[str, str]


def load_rules(
    folder: Path, catalogue: Catalogue, last_good: Mapping[str, str] | None = None, language: str = "en"
) -> LoadedRules:
    """Load every rule file below a folder; it only ever returns faults, and raises none.

    `last_good`: the text that was in force, by file. `language`: of texts that do not say theirs.
    """
    return rules_from_texts(folder, list_rule_files(folder), catalogue, last_good, language)


def list_rule_files(folder: Path) -> Readable:
    """Read `*.yaml` and `*.yml` at any depth; hidden files and folders and scenario tests aside."""
    texts: dict[str, str] = {}
    unreadable: dict[str, tuple[Fault, ...]] = {}
    closed: list[str] = []
    for path in _walk(folder, _is_rules, lambda shut: closed.append(_below(shut, folder)), set()):
        name = _below(path, folder)
        try:
            if not name.isprintable():
                raise Faults([Fault(path, 1, 1, "the file's name holds a character that cannot be shown; rename it")])
            texts[name] = read_text(path)
        except Faults as error:
            unreadable[name] = error.faults
    unreadable |= {shut: (Fault(folder / shut, 1, 1, _shut(folder / shut)),) for shut in closed}
    return Readable(texts, unreadable, tuple(closed))


def list_test_files(folder: Path) -> list[Path]:
    """Return the scenario tests below a folder at any depth, in the order of their paths; hidden ones aside."""
    return list(_walk(folder, _is_test, lambda _: None, set()))


def _is_test(name: str) -> bool:
    return name.lower().endswith(TEST_SUFFIXES)


def _is_rules(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not _is_test(name)


def _shut(folder: Path) -> str:
    if not os.path.lexists(folder):
        return "the folder does not exist"
    if not os.path.isdir(folder):
        return "this is a file, not a folder of rule files"
    return "the folder cannot be read; give this user the right to read and enter it"


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _walk(
    folder: Path, wanted: Callable[[str], bool], closed: Callable[[Path], None], seen: set[str]
) -> Iterator[Path]:
    """Yield files of that name in the order of their paths; a folder that is linked to itself is entered once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        closed(folder)
        return
    for name in entries:
        path = folder / name
        if name.startswith("."):
            continue
        if wanted(name):
            yield path  # a folder of that name too: it is named as a fault
        if os.path.isdir(path):  # Path.is_dir raises where a folder may not be entered
            yield from _walk(path, wanted, closed, seen)


def rules_from_texts(
    folder: Path,
    present: Readable,
    catalogue: Catalogue,
    last_good: Mapping[str, str] | None = None,
    language: str = "en",
) -> LoadedRules:
    """Return what is in force given the present texts and those that were in force before. Pure."""

    def read(name: str, text: str) -> FileRead:
        return read_file(folder / name, name, text, catalogue, language)

    before = dict(last_good or {})
    reads = {name: read(name, text) for name, text in sorted(present.texts.items())}
    faults: dict[str, list[Fault]] = {name: list(one.faults) for name, one in reads.items()}
    for name, across in _across(reads).items():
        faults[name] += across
    faults.update({name: list(why) for name, why in present.unreadable.items()})
    for name in before:  # a folder that cannot be read says nothing of its files: they are not gone
        if shut := next((one for one in present.closed_folders if _is_below(name, one)), None):
            faults[name] = list(present.unreadable[shut])
    kept = {name: before[name] for name in faults if name in before and faults[name]}
    good = {name: one for name, one in reads.items() if not faults[name]}
    old = {name: one for name, text in kept.items() if not (one := read(name, text)).faults}
    everything = tuple(dict.fromkeys(fault for name in sorted(faults) for fault in _in_order(faults[name])))
    owners = {name: owner for name in {*reads, *old} if (owner := _owner(reads.get(name), old.get(name)))}
    wrong = {name: "\n".join(map(str, _in_order(some))) for name, some in faults.items() if some}
    stale = {name: wrong[name] for name in old}
    # A folder is told of by its files; that there is none at all, by whoever starts the daemon.
    unused = {name: why for name, why in wrong.items() if name not in old and name not in present.closed_folders}
    texts = {name: one.text for name, one in (good | old).items()}
    return LoadedRules(_in_force(good, old, Untaken(stale, unused), owners), everything, texts)


def _is_below(name: str, folder: str) -> bool:
    return folder == "." or name.startswith(f"{folder}/")


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, fault.column))


def _owner(present: FileRead | None, old: FileRead | None) -> str:
    """Return who is told of a file; of one that is not even YAML, from the line that looks like it."""
    if present is not None and present.owner:
        return present.owner
    found = OWNER.search(present.text) if present is not None else None
    if found and EMAIL.fullmatch(found[1]):
        return found[1]
    return old.owner if old is not None else ""


def _across(reads: Mapping[str, FileRead]) -> dict[str, list[Fault]]:
    """Return what files say against each other: names defined twice, names that no file defines."""
    found: dict[str, list[Fault]] = {name: [] for name in reads}
    first: dict[tuple[str, str], Named] = {}
    for name, one in sorted(reads.items(), key=lambda item: bool(item[1].faults)):  # a good file's word counts
        for named in one.defined:
            earlier = first.setdefault((named.kind, named.name), named)
            if earlier is not named:
                found[name].append(named.wrong(_twice(named, earlier)))
    for name, one in reads.items():
        for reference in one.references:
            if (reference.kind, reference.name) not in {*first, BUILT_IN}:
                known = [other for kind, other in first if kind == reference.kind]
                found[name].append(reference.wrong(_undefined(reference.kind, reference.name, known)))
    audiences = {audience.name: audience for one in reads.values() for audience in one.audiences}
    for name, one in reads.items():
        found[name] += _telling_of_persons(one, audiences)
    return found


def _telling_of_persons(read: FileRead, audiences: Mapping[str, Audience]) -> Iterator[Fault]:
    """Yield the rules about single persons that tell somebody who must not know of one."""
    places = {one.name: one for one in read.defined if one.kind == "rule"}
    for rule in read.rules:
        if rule.for_each != PERSONAL or not rule.enabled:
            continue
        named = [name for level, names in rule.tell.items() if level != "grey" for name in names]
        named += [name for step in rule.escalate for name in step.to]
        named += rule.remind.to if rule.remind else ()
        for name in dict.fromkeys(named):
            if (known := audiences.get(name)) and not _may_be_told(known):
                yield places[rule.id].wrong(f"{quoted(name)} {NOT_OF_PERSONS}")


def _may_be_told(audience: Audience) -> bool:
    how = reads_of_persons(audience)
    return how == "names" or (how == "counts" and AT_ONCE not in audience.deliver.values())


def _twice(named: Named, earlier: Named) -> str:
    what = "the id" if named.kind == "rule" else f"the {named.kind}"
    place = earlier.place
    return f"{what} {quoted(named.name)} stands twice; first at {place.path}:{place.line}:{place.column}"


def _undefined(kind: str, name: str, known: Iterable[str]) -> str:
    if kind == "audience":
        near = did_you_mean(name, known) or "; define it under `audiences:` in any rule file"
        return f"there is no audience {quoted(name)}{near}"
    if kind == "rule":
        return f"there is no rule {quoted(name)}{or_known(name, sorted(known))}"
    near = did_you_mean(name, [AT_ONCE, NEVER, *known]) or f"; write `{AT_ONCE}`, `{NEVER}` or the name of a digest"
    return f"there is no digest {quoted(name)}{near}"


def _in_force(
    good: Mapping[str, FileRead], old: Mapping[str, FileRead], untaken: Untaken, owners: Mapping[str, str]
) -> RuleSet:
    """Put the files together; where an older version of a file says something twice, a present file's word counts.

    A rule may name an audience whose file has faults and no older version: `route` then tells the PMO.
    """
    order = sorted({*good, *old})
    reads = [*(good[name] for name in order if name in good), *(old[name] for name in order if name in old)]
    digests = {one.name: one for read in reversed(reads) for one in read.digests}
    silences = {one.name: one for read in reversed(reads) for one in read.silences}
    audiences = {one.name: _delivered(one, digests) for read in reversed(reads) for one in read.audiences}
    rules: dict[str, Rule] = {}
    for read in reads:
        for rule in read.rules:
            rules.setdefault(rule.id, rule)
    ordered = dict(sorted(rules.items(), key=lambda item: (item[1].file, item[1].line)))
    said = _hash(ordered, audiences, digests, silences)
    return RuleSet(ordered, audiences, digests, silences, untaken.stale, untaken.unused, owners, said)


def _delivered(audience: Audience, digests: Mapping[str, object]) -> Audience:
    """Send at once what would wait for a digest that is not in force, since its file has faults."""
    known = {AT_ONCE, NEVER, *digests}
    return replace(
        audience, deliver={level: how if how in known else AT_ONCE for level, how in audience.deliver.items()}
    )


def _hash(rules: Mapping[str, Rule], *further: Mapping[str, object]) -> str:
    said = [*(f"{name} {rule.version}" for name, rule in sorted(rules.items()))]
    said += [repr(one) for some in further for _, one in sorted(some.items())]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()
