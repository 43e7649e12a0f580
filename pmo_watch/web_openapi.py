"""The description of /api and /-/ in OpenAPI 3.1, for programs that make clients of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pmo_watch import __version__

FAULTS = {
    400: "A parameter or the body is wrong; the message names it.",
    401: "Nobody has signed in.",
    403: "The role does not suffice.",
    404: "There is no such alert.",
    409: "It cannot be done as things are.",
    422: "A value is wrong; the message names the field.",
    503: "The store does not answer, or something is not ready yet.",
}
LISTED = {
    "alerts": "Alerts: pending, open and closed.",
    "findings": "Findings of the last cycle: every rule on every row it is for.",
    "projects": "Projects as known in the last cycle, with their computed colours.",
    "sources": "Sources with their last readings.",
    "outbox": "Messages without their bodies.",
}
DAY = {"type": "string", "format": "date"}
REASON = {"type": "string", "minLength": 3, "maxLength": 500}
TEXT = {"type": "string"}
PREVIEW = {
    "name": "preview",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Set nothing, and answer what it would do.",
}
READY = {
    "ready": {"type": "boolean"},
    "waiting_for": {"type": "array", "items": {"enum": ["store", "rules", "first_cycle"]}},
}


def document() -> Mapping[str, Any]:
    """Return the whole description."""
    promised = {
        **DAY,
        "description": "A date that is promised; once it has passed, whoever is told hears that it was missed.",
    }
    ack = _object({"until": DAY, "reason": REASON, "new_date": promised}, "until", "reason")
    match = {"type": "object", "minProperties": 1, "additionalProperties": False,
             "properties": dict.fromkeys(("rule", "project", "entity", "tag"), TEXT)}  # fmt: skip
    silence = _object({"match": match, "until": DAY, "reason": REASON}, "match", "until", "reason")
    acts = (400, 401, 403, 422, 503)
    alert = {"name": "id", "in": "path", "required": True, "schema": TEXT}
    paths = {
        "/-/healthy": {"get": _operation("Say that the process lives.", {200: "It does."}, public=True)},
        "/-/ready": {
            "get": _operation("Say whether it is ready.", {200: "It is.", 503: "It is not yet."}, public=True)
        },
        "/-/reload": {"post": _operation("Take up changed settings and rules.", _RELOADED, faults=(401, 403))},
        **{f"/api/v1/{name}": {"get": _listing(text)} for name, text in LISTED.items()},
        "/api/v1/alerts/{id}/ack": {
            "post": _operation("Acknowledge an alert.", {200: "The alert."}, ack, (*acts, 404, 409), parameters=[alert])
        },
        "/api/v1/silences": {
            "post": _operation(
                "Hold messages back.",
                {200: "What it would hide and who would not be told: a preview.", 201: "The silence."},
                silence,
                acts,
                parameters=[PREVIEW],
            )
        },
        "/api/openapi.json": {"get": _operation("Describe all this.", {200: "This document."}, faults=(401, 403))},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "pmo-watch", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {
                "Error": _object({"error": _object({"code": TEXT, "message": TEXT}, "code", "message")}, "error")
            },
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
        "security": [{"basic": []}, {}],
    }


_RELOADED = {
    200: "Everything is in force.",
    202: "It waits for approval: it would change too many alerts.",
    409: "A reload is running.",
    422: "Something keeps its last good version; the message says what is wrong, as check does.",
}


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _operation(
    summary: str,
    answers: Mapping[int, str],
    body: Mapping[str, Any] | None = None,
    faults: Sequence[int] = (),
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
    public: bool = False,
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": summary,
        "responses": {str(code): _said(code, answers[code]) for code in answers},
    }
    told["responses"] |= {str(code): _said(code, FAULTS[code]) for code in sorted(faults)}
    if parameters:
        told["parameters"] = list(parameters)
    if body:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {**told, "security": []} if public else told


def _said(code: int, text: str) -> dict[str, Any]:
    if code < 400:
        return {"description": text}
    return {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _listing(summary: str) -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    parameters: list[dict[str, Any]] = [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "after", "in": "query", "schema": TEXT, "description": "From the header Link of the page before."},
        {
            "name": "field",
            "in": "query",
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
            "description": "Any field by its name; several values of one: any of them; an empty one: null.",
        },
    ]
    rows = {"type": "array", "items": {"type": "object"}}
    told = _operation(summary, {}, faults=(400, 401, 403, 503), parameters=parameters)
    link = {"description": "The next page, if there is one.", "schema": TEXT}
    shown = {"description": "One page.", "headers": {"Link": link}, "content": {"application/json": {"schema": rows}}}
    return {**told, "responses": {"200": shown, **told["responses"]}}
