"""The fields a plan's owner added: extended attributes and outline codes, by alias or name (spec sources 4.3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from .elements import child, children, texts_of

FIRST_TASK_FIELD, FIRST_RESOURCE_FIELD = 188743680, 205520896
# Numbers of the fields that every plan has, from FIRST_TASK_FIELD on: facts of the schema; each series in its order.
SERIES: dict[str, tuple[int, ...]] = {
    "Text": (51, 54, 57, 60, 63, 66, 67, 68, 69, 70, *range(317, 337)),
    "Start": (52, 55, 58, 61, 64, 282, 284, 286, 288, 290),
    "Finish": (53, 56, 59, 62, 65, 283, 285, 287, 289, 291),
    "Flag": (*range(72, 82), *range(292, 302)),
    "Number": (*range(87, 92), *range(302, 317)),
    "Duration": (103, 104, 105, *range(275, 282)),
    "Cost": (106, 107, 108, *range(258, 265)),
    "Date": tuple(range(265, 275)),
    "Outline Code": tuple(range(416, 436, 2)),
}
FIELD_NAMES = {
    str(FIRST_TASK_FIELD + offset): f"{series}{number}"
    for series, offsets in SERIES.items()
    for number, offset in enumerate(offsets, 1)
}


def fold(word: str) -> str:
    """Fold a name for comparing: case and blanks do not count."""
    return "".join(word.lower().split())


FIELD_NUMBERS = {fold(name): number for number, name in FIELD_NAMES.items()}


@dataclass(slots=True)
class Lookup:
    """The values that a field chooses from: id or GUID -> text, and the id of the value above it."""

    texts: dict[str, str] = field(default_factory=dict)
    above: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # GUID -> id
    separators: list[str] = field(default_factory=list)

    def path(self, value_id: str | None, value_guid: str | None) -> str | None:
        """Return the texts from the top down to the value; None when it is not in the list."""
        at = value_id if value_id in self.texts else self.ids.get((value_guid or "").lower())
        names: list[str] = []
        while at in self.texts and len(names) < len(self.texts):
            names.insert(0, self.texts[at])
            at = self.above.get(at, "")
        parts = [name + (self._separator(level) if level < len(names) - 1 else "") for level, name in enumerate(names)]
        return "".join(parts) or None

    def _separator(self, level: int) -> str:
        return self.separators[level] if level < len(self.separators) else "."


class CustomFields:
    """The custom fields of one plan."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}  # folded alias or name -> FieldID
        self._names: dict[str, str] = dict(FIELD_NAMES)
        self._lookups: dict[str, Lookup] = {}
        self._by_guid: dict[str, Lookup] = {}  # GUID of a list of values -> the list
        self._lists: dict[str, str] = {}  # FieldID -> GUID of the list it chooses from

    def define(self, container: etree._Element) -> None:
        """Take in `ExtendedAttributes` or `OutlineCodes` of a project."""
        for definition in container:
            texts = texts_of(definition)
            number = texts.get("FieldID", "")
            lookup = _lookup(definition)
            if guid := texts.get("Guid", ""):
                self._by_guid.setdefault(guid.lower(), lookup)
            if not _is_task_field(number):
                continue
            if lookup.texts:
                self._lookups[number] = lookup
            self._lists[number] = texts.get("Ltuid", "").lower()
            if name := texts.get("FieldName"):
                self._names[number] = name
            # An alias is what people see; of two fields of one name the first is meant.
            for word in filter(None, (texts.get("Alias"), texts.get("FieldName"))):
                self._numbers.setdefault(fold(word), number)

    def number(self, word: str) -> str | None:
        """Return the FieldID that an alias or field name means; None when the plan has no such field."""
        folded = fold(word)
        return self._numbers.get(folded) or FIELD_NUMBERS.get(folded)

    def numbers(self, words: Iterable[str]) -> frozenset[str]:
        """Return the FieldIDs that any of the words mean."""
        return frozenset(number for word in words if (number := self.number(word)))

    def is_cost(self, word: str) -> bool:
        """Say whether the field holds an amount of money, which is written in hundredths."""
        return self._names.get(self.number(word) or "", "").lower().startswith("cost")

    def value(self, texts: Mapping[str, str | None]) -> str | None:
        """Return what an ExtendedAttribute or OutlineCode of a task says, chosen values as their text."""
        if texts.get("Value"):
            return texts["Value"]
        number = texts.get("FieldID") or ""
        lookup = self._lookups.get(number) or self._by_guid.get(self._lists.get(number, ""))
        return lookup.path(texts.get("ValueID"), texts.get("ValueGUID")) if lookup else None


def _is_task_field(number: str) -> bool:
    return number.isascii() and number.isdigit() and FIRST_TASK_FIELD <= int(number) < FIRST_RESOURCE_FIELD


def _lookup(definition: etree._Element) -> Lookup:
    """Read the values below an OutlineCode (`Values`) or an ExtendedAttribute (`ValueList`)."""
    lookup = Lookup()
    container = child(definition, "Values")
    if container is None:
        container = child(definition, "ValueList")
    for entry in children(container, "Value"):
        texts = texts_of(entry)
        at = texts.get("ValueID") or texts.get("ID") or texts.get("FieldGUID", "")
        if at and "Value" in texts:
            lookup.texts[at] = texts["Value"]
            lookup.above[at] = texts.get("ParentValueID", "")
            if "FieldGUID" in texts:
                lookup.ids[texts["FieldGUID"].lower()] = at
    for mask in children(child(definition, "Masks"), "Mask"):
        lookup.separators.append(texts_of(mask).get("Separator", "."))
    return lookup
