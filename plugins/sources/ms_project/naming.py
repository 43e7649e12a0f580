"""What a plan is called and known by: the project's code, and its key in the source (spec sources 4.6, model 2.3)."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from .identity import normal_guid
from .memory import KnownPlan
from .outline import outline_of
from .parse import Plan
from .settings import Settings

AUTO_ALIAS = "project code"
PLAN_SUFFIXES = frozenset({".xml", ".mpp", ".mpt"})


@dataclass(frozen=True, slots=True)
class Naming:
    """What a file says of its plan: code, GUID and UID; `plan` tells plans apart, states of one plan have the same.

    `is_given`: the code comes from where the settings say, so that two files of one code are one plan. A title may
    have been copied with the plan: there the GUID must be the same too, or without one the file's name.
    """

    part: str
    code: str
    guid: str | None
    uid: str | None
    is_given: bool

    @property
    def stem(self) -> str:
        """The file's name without suffix."""
        return PurePath(self.part).stem

    @property
    def plan(self) -> str:
        """What tells plans apart; short, since it is remembered for every file."""
        said = self.code.lower() if self.is_given else f"{self.code.lower()}|{self.guid or self.stem}"
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def naming_words(settings: Settings) -> frozenset[str]:
    """Return the aliases and field names that a plan's code may come from."""
    wished = settings.project_code
    return frozenset({AUTO_ALIAS}) if isinstance(wished, dict) else frozenset({AUTO_ALIAS, wished})


def naming_of(plan: Plan, part: str, settings: Settings) -> Naming:
    """Name a plan from its header and the first of its rows."""
    header = plan.header
    given = _given_code(plan, part, settings.project_code)
    automatic = _field(plan, AUTO_ALIAS) or header.get("Title") or PurePath(part).stem
    return Naming(part, given or automatic, normal_guid(header.get("GUID")), header.get("UID"), given is not None)


def _given_code(plan: Plan, part: str, wished: str | dict[str, str]) -> str | None:
    path = PurePath(part)
    if isinstance(wished, dict):
        return next((wished[name] for name in (part, path.name, path.stem) if name in wished), None)
    if wished == "auto":
        return None
    if wished == "file_name":
        return path.stem
    if wished in {"Name", "Title"}:
        return _without_suffix(plan.header.get(wished))
    return _field(plan, wished)


def _without_suffix(name: str | None) -> str | None:
    """Return a plan's name without the file's suffix that Project writes behind it."""
    path = PurePath(name or "")
    return (path.name.removesuffix(path.suffix) if path.suffix.lower() in PLAN_SUFFIXES else name) or None


def _field(plan: Plan, word: str) -> str | None:
    """Return what the project's own row says in a custom field."""
    number = plan.fields.number(word)
    own = outline_of(plan).own
    return plan.attributes.get(number, {}).get(own) if number is not None and own is not None else None


def name_plans(namings: Iterable[Naming], known: Mapping[str, KnownPlan]) -> dict[str, KnownPlan]:
    """Return key and code of each plan: those that are known, and for others new ones that no plan has."""
    by_plan = {one.plan: one for one in sorted(namings, key=lambda one: one.part, reverse=True)}
    named = dict(known)
    fresh = [one for plan, one in sorted(by_plan.items()) if plan not in known]
    codes = Counter([*(one.code.lower() for one in fresh), *(one.code.lower() for one in known.values())])
    marks = Counter(mark for one in fresh for mark in {one.guid, one.uid, one.stem})
    for one in fresh:
        keys = {plan.key for plan in named.values()}
        free = (mark for mark in (one.guid, one.uid, one.stem) if mark and marks[mark] == 1 and mark not in keys)
        key = next(free, one.part)
        named[one.plan] = KnownPlan(key, one.code if codes[one.code.lower()] == 1 else _other_code(one, named))
    return named


def _other_code(naming: Naming, named: Mapping[str, KnownPlan]) -> str:
    """Return a code for a plan whose title another plan has too: its file's name, with folders where needed."""
    taken = {one.code.lower() for one in named.values()}
    return naming.part if naming.stem.lower() in taken else naming.stem
