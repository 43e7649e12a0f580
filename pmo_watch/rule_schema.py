"""The JSON Schema of rule files, for editors: the shape, with the names that this installation knows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pmo_watch.entities.readable import PREFIXES, readable_fields
from pmo_watch.entities.shared import ROLES
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_people import AT_ONCE, DAYS, DERIVED_ROLES, NEVER
from pmo_watch.rule_shape import KEBAB, FileShape

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def json_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a rule file; editors complete and check by it while one types."""
    schema = without_null(FileShape.model_json_schema())
    parts = schema["$defs"]
    _describe(parts["RuleShape"]["properties"], catalogue)
    _describe(parts["Measured"]["properties"], catalogue)
    if catalogue.measures:
        parts["RuleShape"]["allOf"] = parts["Measured"]["allOf"] = list(_with(catalogue))
        parts.update(_parameters(catalogue))
    parts["OnSubject"]["properties"]["measure"] = one_of({*catalogue.measures, *_companions(catalogue)})
    parts["OnSubject"]["properties"]["field"] = one_of(_fields())
    audience = parts["AudienceShape"]["properties"]
    audience["role"] = one_of((*ROLES, *DERIVED_ROLES))
    audience["notifier"] = one_of(catalogue.notifiers) if catalogue.notifiers else {"type": "string"}
    for level in ("amber", "red", "grey"):
        audience[level] = _suggested((AT_ONCE, NEVER))
    digest = parts["DigestShape"]["properties"]
    digest["on"] = _suggested((*DAYS, "5 wd before steering_committee"))
    digest["at"] = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["08:30"]}
    silence = parts["SilenceShape"]["properties"]
    silence["calendar"] = one_of(catalogue.calendars) if catalogue.calendars else {"type": "string"}
    for end, example in (("from", "12-20"), ("to", "01-05")):
        silence[end] = {"type": "string", "pattern": r"^\d{1,2}-\d{1,2}$", "examples": [example]}
    return {"$schema": SCHEMA_ID, **schema, "title": "Rules of pmo-watch"}


def _describe(properties: dict[str, Any], catalogue: Catalogue) -> None:
    """Put the names of the catalogue and the model in their places, with a line about each measure."""
    if "id" in properties:
        properties["id"] = {"type": "string", "pattern": f"^{KEBAB.pattern}$"}
        properties["for_each"] = one_of(PREFIXES)
        properties["only_if"]["propertyNames"] = one_of({*_fields(), *catalogue.measures})
        properties["confirm_after"] = _suggested(("1 evaluation", "2 evaluations", "3 wd", "24 h"))
    measures = sorted(catalogue.measures.values(), key=lambda one: one.name)
    if measures:
        about = [{"const": one.name, "description": f"{one.text} ({one.unit})".strip()} for one in measures]
        properties["measure"] = {"oneOf": about}
    for level in ("amber", "red", "recover"):
        properties[level] = {**properties[level], "examples": ["over 5 wd", "at least 90 %", "between 1 and 3"]}


def _parameters(catalogue: Catalogue) -> dict[str, Any]:
    """Return the shape of what may stand under `with` of each measure, by a name of its own."""
    shapes = {name: one.params.model_json_schema() for name, one in catalogue.measures.items()}
    return {f"with-{name}": without_null(shape) for name, shape in shapes.items()}


def _with(catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """Yield, for each measure, that what stands under `with` has its parameters and no others."""
    for name in sorted(catalogue.measures):
        named = {"properties": {"measure": {"const": name}}, "required": ["measure"]}
        yield {"if": named, "then": {"properties": {"with": {"$ref": f"#/$defs/with-{name}"}}}}


def _fields() -> set[str]:
    return {name for for_each in PREFIXES for name in readable_fields(for_each)}


def _companions(catalogue: Catalogue) -> set[str]:
    return {name for one in catalogue.measures.values() for name in one.companions}


def one_of(names: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a text that is one of these."""
    return {"type": "string", "enum": sorted(names)}


def _suggested(words: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "examples": list(words)}


def without_null(schema: Any) -> Any:
    """Return the schema without `null`: a key that holds nothing is an error here."""
    if isinstance(schema, list):
        return [without_null(one) for one in schema if one != {"type": "null"}]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: without_null(one) for key, one in schema.items() if not (key == "default" and one is None)}
    members = kept.get("anyOf")
    if isinstance(members, list) and len(members) == 1:
        return {**{key: one for key, one in kept.items() if key != "anyOf"}, **members[0]}
    return kept
