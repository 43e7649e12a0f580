"""One rule file while it is being read: its values by their keys, and every fault at its place."""

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from pmo_watch.faults import Fault, quoted
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_values import Misread
from pmo_watch.yaml_faults import Document, faults_of
from pmo_watch.yaml_nodes import Key, Node, ScalarNode

T = TypeVar("T")
Keys = tuple[Key, ...]
FIRST_WORD = re.compile(r"'([^']+)'")
MOST_TRIES = 4  # what is left out may leave something else unfit
NULL_HAS_A_MEANING = frozenset(
    {"given", "with", "only_if", "change", "add"}
)  # below these keys, for what reads the values there


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that another file may define; `place` is a fault without words, at the name."""

    kind: Literal["audience", "digest", "rule"]
    name: str
    place: Fault

    def wrong(self, text: str) -> Fault:
        """Return the fault that says this of the name."""
        return replace(self.place, text=text)


class Page:
    """A document with what it is checked against; gathers faults and references to other files."""

    def __init__(self, document: Document, catalogue: Catalogue, language: str, faults: Iterable[Fault] = ()) -> None:
        self.document, self.catalogue, self.language = document, catalogue, language
        self.faults: list[Fault] = [*faults]
        self.references: list[Reference] = []

    def data(self, keys: Keys) -> Any:
        """Return the plain value at the end of these keys; None when there is none."""
        here: Any = self.document.data
        for key in keys:
            if not isinstance(here, (dict, list)) or (isinstance(here, list) and not isinstance(key, int)):
                return None
            here = here.get(key) if isinstance(here, dict) else here[int(key)]
        return here

    def node(self, keys: Keys) -> Node | None:
        """Return the node at the end of these keys, else the nearest one above."""
        for end in range(len(keys), -1, -1):
            if (found := self.document.find(*keys[:end])) is not None:
                return found
        return None

    def place(self, keys: Keys) -> Fault:
        """Return a fault without words at the value."""
        return self.document.fault(self.node(keys), "")

    def key_place(self, keys: Keys) -> Fault:
        """Return a fault without words at the key."""
        return self.document.fault(self.document.find_key(*keys) or self.node(keys), "")

    def wrong(self, keys: Keys, text: str, offset: int = 0) -> None:
        """Note a fault at the value."""
        self.faults.append(self.document.fault(self.node(keys), text, offset))

    def wrong_key(self, keys: Keys, text: str, offset: int = 0) -> None:
        """Note a fault at the key."""
        self.faults.append(self.document.fault(self.document.find_key(*keys) or self.node(keys), text, offset))

    def written(self, keys: Keys) -> str:
        """Return a value as it is written: `5.0` and not 5.0."""
        node = self.document.find(*keys)
        return str(node.value) if isinstance(node, ScalarNode) else ""

    def read(self, keys: Keys, reader: Callable[[str], T]) -> T | None:
        """Return what the reader makes of a value as written; None with a fault at the word it does not understand."""
        try:
            return reader(self.written(keys))
        except Misread as error:
            self.wrong(keys, error.text, error.offset)
            return None

    def read_key(self, keys: Keys, reader: Callable[[str], T]) -> T | None:
        """Return what the reader makes of the last key; None with a fault at the key."""
        try:
            return reader(str(keys[-1]))
        except Misread as error:
            self.wrong_key(keys, error.text, error.offset)
            return None

    def shaped(self, keys: Keys, adapter: TypeAdapter[T], required: Mapping[str, str] | None = None) -> T | None:
        """Return a part in its shape, with a fault for each value that does not fit.

        What does not fit is left out (in a list an empty place remains) and the rest returned, so that it is looked
        at as well; `required` stand in for what cannot be left out. None when nothing is left to look at.
        """
        empty: list[Keys] = []
        data = self._filled(keys, self.data(keys), empty)
        said = False
        for _ in range(MOST_TRIES):
            try:
                return adapter.validate_python(data)
            except ValidationError as error:
                if not said:
                    part = Document(self.document.path, self.document.text, self.node(keys))
                    self.faults += faults_of(part, adapter, error, frozenset(one[len(keys) :] for one in empty))
                said = True
                data = _without_unfit(data, error, required or {})
        return None

    def _filled(self, keys: Keys, value: Any, empty: list[Keys]) -> Any:
        """Return a value without the keys that hold nothing, with a fault for each: `amber:` and no more."""
        if isinstance(value, list):
            for number, item in enumerate(value):
                if item is None:
                    self.wrong((*keys, number), "nothing stands here; give the item a value or delete it")
                    empty.append((*keys, number))
            return [self._filled((*keys, number), item, empty) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        filled: dict[str, Any] = {}
        for key, item in value.items():
            if item is None:
                self.wrong_key((*keys, key), f"{quoted(key)} is empty; give it a value or delete the line")
                empty.append((*keys, key))
            else:
                filled[key] = item if key in NULL_HAS_A_MEANING else self._filled((*keys, key), item, empty)
        return filled


def _without_unfit(data: Any, error: ValidationError, required: Mapping[str, str]) -> Any:
    """Return a copy without what pydantic complains of; None when that is the whole."""
    data = deepcopy(data)
    for one in error.errors(include_url=False):
        path = _existing(data, one["loc"])
        if not path and one["type"] == "missing" and one["loc"][0] in required:
            data[one["loc"][0]] = required[str(one["loc"][0])]
        elif not path:
            return None
        else:
            _replace(data, path, FIRST_WORD.match(str(one.get("ctx", {}).get("expected", ""))))
    return data


def _existing(data: Any, loc: tuple[Key, ...]) -> Keys:
    """Return the steps of an error's place that the data have; members of unions are no steps."""
    path: list[Key] = []
    for step in loc:
        inside = isinstance(step, int) and step < len(data) if isinstance(data, list) else False
        if inside or (isinstance(data, dict) and step in data):
            data = data[step]
            path.append(step)
    return tuple(path)


def _replace(data: Any, path: Keys, word: re.Match[str] | None) -> None:
    """Put a word that would fit in place of one that does not; without such a word leave the place out."""
    holder = data
    for step in path[:-1]:
        holder = holder[step] if holder is not None else None
    last: Any = path[-1]
    if isinstance(holder, list):
        holder[last] = word[1] if word else None  # the places of the others stay
    elif isinstance(holder, dict) and word:
        holder[last] = word[1]
    elif isinstance(holder, dict):
        holder.pop(last, None)
