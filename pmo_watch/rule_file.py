"""One rule file by itself: what it defines, what it refers to, and all its faults."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from pmo_watch.faults import Fault, Faults
from pmo_watch.rule_checks import check_rule
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_page import Page, Reference
from pmo_watch.rule_people import Shared, audience, digest, shared
from pmo_watch.rule_shape import EMAIL, KEBAB, Common, Head
from pmo_watch.rule_silences import silence
from pmo_watch.rules import Audience, Digest, Recurring, Rule
from pmo_watch.yaml_faults import compose_in_part

HEAD: TypeAdapter[Head] = TypeAdapter(Head)
DEFAULTS: TypeAdapter[Common] = TypeAdapter(Common)


@dataclass(frozen=True, slots=True)
class Named:
    """A name that the file defines, and where; a name is defined once over all files."""

    kind: Literal["rule", "audience", "digest", "silence"]
    name: str
    place: Fault

    def wrong(self, text: str) -> Fault:
        """Return the fault that says this of the name."""
        return replace(self.place, text=text)


@dataclass(frozen=True, slots=True, eq=False)
class FileRead:
    """What one text of a file says; with faults, `defined` still names what it means to define."""

    text: str
    rules: tuple[Rule, ...] = ()
    audiences: tuple[Audience, ...] = ()
    digests: tuple[Digest, ...] = ()
    defined: tuple[Named, ...] = ()
    references: tuple[Reference, ...] = ()
    faults: tuple[Fault, ...] = ()
    owner: str = ""
    silences: tuple[Recurring, ...] = ()


@lru_cache(maxsize=2_000)  # files: a reload reads again only those whose text changed
def read_file(path: Path, file: str, text: str, catalogue: Catalogue, language: str) -> FileRead:
    """Read one rule file; `file` is its name below the folder of rules."""
    try:
        document, faults = compose_in_part(path, text)
    except Faults as error:
        return FileRead(text, faults=error.faults)
    if not isinstance(document.data, dict):
        faults.append(document.fault(document.root, "a rule file begins with keys: `rules:`, and the rules below it"))
        return FileRead(text, faults=tuple(faults))
    page = Page(document, catalogue, language, faults)
    head = page.shaped((), HEAD)
    if head is None:
        return FileRead(text, faults=tuple(page.faults))
    common = page.shaped(("defaults",), DEFAULTS) if page.data(("defaults",)) is not None else None
    defaults = shared(page, ("defaults",), common) if common is not None else Shared()
    audiences = [audience(page, name) for name in head.audiences]
    digests = [digest(page, name) for name in head.digests]
    rules = [check_rule(page, number, defaults, file) for number in range(len(head.rules))]
    owner = page.data(("owner",))
    owner = owner if isinstance(owner, str) and EMAIL.fullmatch(owner) else ""
    silences = [silence(page, name, file, owner) for name in head.silences]
    return FileRead(
        text,
        tuple(one for one in rules if one),
        tuple(one for one in audiences if one),
        tuple(one for one in digests if one),
        _defined(page, head),
        tuple(page.references),
        tuple(page.faults),
        owner,
        tuple(one for one in silences if one),
    )


def _defined(page: Page, head: Head) -> tuple[Named, ...]:
    ids = ((("rules", number, "id"), page.data(("rules", number, "id"))) for number in range(len(head.rules)))
    return (
        *(
            Named("rule", name, page.place(keys))
            for keys, name in ids
            if isinstance(name, str) and KEBAB.fullmatch(name)
        ),
        *(Named("audience", name, page.key_place(("audiences", name))) for name in head.audiences),
        *(Named("digest", name, page.key_place(("digests", name))) for name in head.digests),
        *(Named("silence", name, page.key_place(("silences", name))) for name in head.silences),
    )
