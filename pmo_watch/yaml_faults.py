"""Every fault in a YAML file as file:line:column: what pydantic complains of, in plain words, at its place."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic_core import ErrorDetails

from pmo_watch.faults import Fault, Faults, did_you_mean, or_known, quoted
from pmo_watch.yaml_nodes import Document, Node, child, compose, compose_in_part, read_text

__all__ = [
    "Document",
    "Fault",
    "Faults",
    "Walk",
    "compose",
    "compose_in_part",
    "did_you_mean",
    "faults_of",
    "load",
    "read_text",
    "validate",
]

T = TypeVar("T")
Schema = Mapping[str, Any]
Loc = tuple[int | str, ...]
_START = re.compile(r"^(?:Input|Value|String|List|Dictionary|Tuple|Set|Decimal input|URL) should")
SHAPES = {  # the kind of value that stands there is wrong: said once, however many kinds are allowed
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "dataclass_type": "keys with values",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "nothing",
    "date_type": "a date such as 2026-07-17",
    "date_parsing": "a date such as 2026-07-17",
    "date_from_datetime_parsing": "a date such as 2026-07-17",
    "date_from_datetime_inexact": "a date such as 2026-07-17",
    "time_type": 'a time such as "08:30"',
    "time_parsing": 'a time such as "08:30"',
    "path_type": "a path",
    "url_type": "an address such as https://example.org",
    "url_parsing": "an address such as https://example.org",
    "url_scheme": "an address such as https://example.org",
}


def load(path: Path, adapter: TypeAdapter[T], text: str | None = None) -> T:
    """Read and validate one file, or `text` in its place.

    Raises:
        Faults: every fault, in the order of the file.
    """
    return validate(compose(path, text), adapter)


def validate(document: Document, adapter: TypeAdapter[T]) -> T:
    """Validate what a document holds.

    Raises:
        Faults: every fault, in the order of the file.
    """
    try:
        return adapter.validate_python(document.data)
    except ValidationError as error:
        raise Faults(faults_of(document, adapter, error)) from None


def faults_of(
    document: Document, adapter: TypeAdapter[Any], error: ValidationError, said: Container[Loc] = frozenset()
) -> list[Fault]:
    """Return pydantic's errors at their places; of what a union's members each complain of, what fits best.

    `said`: the places of which something has been said already.
    """
    walk = Walk(_schema_of(adapter))
    found = [walk.follow(document.root, one) for one in error.errors(include_url=False)]
    found = [one for one in found if one.keys not in said and (*one.keys, *one.error["loc"][-1:]) not in said]
    faults = dict.fromkeys(document.fault(one.mark, one.text()) for one in _best(found))
    return sorted(faults, key=lambda fault: (fault.line, fault.column))


def _schema_of(adapter: TypeAdapter[Any]) -> Schema:
    try:
        return adapter.json_schema()
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        return {}  # a type without JSON form: places come from the nodes alone


class Spot:
    """One error at its node: what is allowed there, and whether it is a secret's."""

    def __init__(self, error: ErrorDetails, node: Node | None) -> None:
        self.error, self.node, self.mark = error, node, node
        self.keys: tuple[int | str, ...] = ()
        self.known: list[str] = []
        self.secret = False
        self.wanted = [SHAPES[error["type"]]] if error["type"] in SHAPES else []

    def text(self) -> str:
        """Return what is wrong in plain words."""
        if self.wanted:
            given = "" if self.secret or not _is_word(self.error["input"]) else f"{quoted(_as_written(self))} "
            wanted = " or ".join(dict.fromkeys(self.wanted))
            quotes = "; put it in quotes" if given and "a text" in self.wanted else ""
            return f"{given}should be {wanted}{quotes}" if given else f"should be {wanted} here"
        explain = WORDS.get(self.error["type"])
        if explain is not None:
            return explain(self)
        return _START.sub("should", self.error["msg"])


def _best(spots: Iterable[Spot]) -> Iterator[Spot]:
    """Join the complaints about one node's kind; leave them out where another member of its union came further."""
    kinds: dict[tuple[int | str, ...], Spot] = {}
    others: list[Spot] = []
    for spot in spots:
        if not spot.wanted:
            others.append(spot)
        elif spot.keys in kinds:
            kinds[spot.keys].wanted += spot.wanted
        else:
            kinds[spot.keys] = spot
    every = {spot.keys for spot in (*others, *kinds.values())}
    for keys, spot in kinds.items():
        deeper = any(one[: len(keys)] == keys and one != keys for one in every)
        if not deeper and keys not in {one.keys for one in others}:
            yield spot
    yield from others


def _is_word(value: object) -> bool:
    return value is not None and not isinstance(value, (dict, list))


def _as_written(spot: Spot) -> object:
    if spot.error["loc"][-1:] == ("[key]",):
        return spot.error["input"]
    written = getattr(spot.node, "value", None)
    return written if isinstance(written, str) else spot.error["input"]


class Walk:
    """Follows an error's `loc` through the nodes and the JSON schema together.

    `loc` also names members of unions, which have no node and may equal a real key.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def follow(self, root: Node | None, error: ErrorDetails) -> Spot:
        """Return the error's place: the key for one that is not known, else the value."""
        spot = Spot(error, root)
        here = self._resolve(self._schema)
        hit: tuple[Node, Node] | None = None
        for number, step in enumerate(error["loc"], start=1):
            options = self._options(here)
            if member := self._member(options, step):
                here = member
                continue
            if step == "[key]":  # a mapping's key is at fault, not its value
                spot.mark = hit[0] if hit is not None else spot.mark
                continue
            spot.known = [name for option in options for name in option.get("properties", {})] or spot.known
            below = child(spot.node, step) if spot.node is not None else None
            if below is None:
                continue
            hit = below
            is_unknown_key = number == len(error["loc"]) and error["type"] == "extra_forbidden"
            spot.node, spot.keys = hit[1], (*spot.keys, step)
            spot.mark = hit[0] if is_unknown_key else hit[1]
            here = self._resolve(self._below(options, step))
        spot.secret = any(option.get("writeOnly", False) for option in self._options(here))
        if error["type"] == "union_tag_invalid":
            spot.mark = self._tag_node(spot)
        return spot

    def _member(self, options: list[Schema], step: int | str) -> Schema | None:
        """Return the member of a union that the step names, unless it is a key there."""
        for option in options:
            if target := option.get("discriminator", {}).get("mapping", {}).get(step):
                return self._resolve({"$ref": target})
        if any(step in option.get("properties", {}) for option in options):
            return None
        return next((option for option in options[1:] if option.get("title") == step), None)

    @staticmethod
    def _tag_node(spot: Spot) -> Node | None:
        name = str(spot.error.get("ctx", {}).get("discriminator", "")).strip("'")
        hit = child(spot.node, name) if spot.node is not None else None
        return hit[1] if hit else spot.node

    def _below(self, options: list[Schema], step: int | str) -> Schema:
        if isinstance(step, int):
            return next((option["items"] for option in options if isinstance(option.get("items"), dict)), {})
        for option in options:
            if step in option.get("properties", {}):
                found: Schema = option["properties"][step]
                return found
        more = (option.get("additionalProperties") for option in options)
        return next((one for one in more if isinstance(one, dict)), {})

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schema["$defs"][str(schema["$ref"]).rsplit("/", 1)[1]]
        return schema

    def _options(self, schema: Schema) -> list[Schema]:
        here = self._resolve(schema)
        members = (member for word in ("oneOf", "anyOf", "allOf") for member in here.get(word, ()))
        return [here, *(option for member in members for option in self._options(member))]


def _missing(spot: Spot) -> str:
    return f"{quoted(spot.error['loc'][-1])} is missing"


def _unknown_key(spot: Spot) -> str:
    key = spot.error["loc"][-1]
    return f"{quoted(key)} is not known here{or_known(key, spot.known)}"


def _expected(spot: Spot) -> list[str]:
    words = str(spot.error.get("ctx", {}).get("expected", ""))
    return [word.strip(" '") or '""' for word in words.replace(" or ", ", ").split(", ")]


def _not_one_of(spot: Spot) -> str:
    known = _expected(spot)
    given = _as_written(spot)
    if not _is_word(spot.error["input"]):
        return f"should be one of {', '.join(known)} here"
    return f"{quoted(given)} is not one of {', '.join(known)}{did_you_mean(given, known)}"


def _no_such_type(spot: Spot) -> str:
    about = spot.error.get("ctx", {})
    known = [word.strip(" '") for word in str(about.get("expected_tags", "")).split(", ")]
    name = str(about.get("discriminator", "type")).strip("'")
    if name.endswith("()"):  # a function chose by the kind of value; its tags are words
        return f"should be {' or '.join(known)} here"
    return f"{name} {quoted(about.get('tag', ''))} does not exist{or_known(about.get('tag', ''), known)}"


def _no_type(spot: Spot) -> str:
    return f"{quoted(str(spot.error.get('ctx', {}).get('discriminator', 'type')).strip(chr(39)))} is missing"


def _length(spot: Spot) -> str:
    about = spot.error.get("ctx", {})
    bound = f"at most {about['max_length']}" if "max_length" in about else f"at least {about.get('min_length', 1)}"
    return f"should hold {bound}, not {about.get('actual_length', 'so many')}"


def _no_text(spot: Spot) -> str:
    return "a text is missing here"


def _long_text(spot: Spot) -> str:
    return f"the text is longer than {spot.error.get('ctx', {}).get('max_length')} characters"


def _own_words(spot: Spot) -> str:
    return str(spot.error.get("ctx", {}).get("error", spot.error["msg"]))


WORDS: Mapping[str, Callable[[Spot], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "unexpected_keyword_argument": _unknown_key,
    "literal_error": _not_one_of,
    "enum": _not_one_of,
    "union_tag_invalid": _no_such_type,
    "union_tag_not_found": _no_type,
    "string_too_short": _no_text,
    "string_too_long": _long_text,
    "too_long": _length,
    "too_short": _length,
    "value_error": _own_words,
}
