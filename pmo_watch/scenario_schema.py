"""The JSON Schema of scenario tests, for editors: the shape, with the entities and fields that sources deliver."""

from collections.abc import Mapping
from typing import Any

from pmo_watch.entities import ENTITIES
from pmo_watch.given_values import NUMBERS, WHOLE
from pmo_watch.model import Field, Kind
from pmo_watch.rule_schema import SCHEMA_ID, one_of, without_null
from pmo_watch.scenario_rows import entities, fields_given
from pmo_watch.scenario_shape import ScenarioShape
from pmo_watch.view import ROWS_OF

DAY = r"^\d{4}-\d{2}-\d{2}([ T]\d{1,2}:\d{2})?$"
TYPES: Mapping[Kind, dict[str, Any]] = {
    Kind.FLAG: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.LIST: {"type": "array", "items": {"type": ["string", "number"]}},
    **{kind: {"type": "integer"} for kind in WHOLE},
    **{kind: {"type": "number"} for kind in NUMBERS},
}
TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario test; editors complete and check by it while one types."""
    schema: dict[str, Any] = without_null(ScenarioShape.model_json_schema())
    parts = schema["$defs"]
    parts.update({f"row-{called}": _row(called) for called in entities()})
    rows = {called: {"type": "array", "items": {"$ref": f"#/$defs/row-{called}"}} for called in entities()}
    schema["properties"]["given"] |= {"properties": rows, "additionalProperties": False}
    parts["DayShape"]["properties"]["add"] |= {"properties": rows, "additionalProperties": False}
    days = schema["properties"]["days"]["items"]
    days |= {"propertyNames": {"pattern": DAY}, "minProperties": 1, "maxProperties": 1}
    return {"$schema": SCHEMA_ID, **schema, "title": "Scenario tests of pmo-watch"}


def _row(called: str) -> dict[str, Any]:
    entity = ENTITIES[ROWS_OF.get(called, called)]
    fields = {one.name: _field(one) for one in fields_given(entity, called)}
    uid = {**TEXT, "description": "The name of the row in this test, unique in the file."}
    about = entity.text
    return {"type": "object", "description": about, "properties": {"uid": uid, **fields}, "required": ["uid"],
            "additionalProperties": False}  # fmt: skip


def _field(one: Field) -> dict[str, Any]:
    kind = one_of(one.one_of) if one.one_of else TYPES.get(one.kind, TEXT)
    return {"anyOf": [kind, {"type": "null"}], "description": one.text}
