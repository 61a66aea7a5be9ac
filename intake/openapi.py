"""The OpenAPI 3.1 document of the API for feeds, made from the structs that are sent; that of the public door is
`openapi_public.py`.

Each answer that is an error names the codes that it can have; each route of the API the scope that a key must have.
"""

from typing import Any

import msgspec

from intake.answers import Batch, Events, Findings, Kept, Page, Problem, Replayed, Reported, Stats, Validation
from intake.api_body import ALONE, KEY
from intake.lines import Line
from intake.multipart import TYPE as FORM
from intake.web import STATUS

_ERRORS = {
    400: "it is not what it should be", 401: "no key, or none that is good", 403: "a key without that scope",
    404: "not there, or another feed's", 408: "it came too slowly", 409: "it does not go with what is there",
    410: "it was erased and is no longer kept",
    413: "too large", 415: "another type, or encoded", 422: "the idempotency key came with other bytes before",
    429: "over a limit of your own", 431: "the head of the request is too large", 500: "a fault of ours",
    503: "not now",
}  # fmt: skip
CONNECTION = ("request", "head-time", "head-size", "connections-source", "connections-network", "connections")
"""Codes of the port, which any request can meet."""
CODES = (
    *CONNECTION, "key", "scope", "feed", "wrong-keys", "total", "disk", "crowded", "busy", "fault", "unknown-reference",
    "erased", "parameter", "too-slow", "in-progress", "too-big", "too-many", "line", "line-size", "type", "encoding",
    "other-bytes", "feed-rate", "items", "dry-runs", "memory", "empty", "malformed", "one-at-a-time", "idempotency-key",
)  # fmt: skip
"""Every code of the API."""
AGAIN = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "seconds"}}
PLACE = {"Location": {"schema": {"type": "string"}, "description": "where its state is told"}}
_PAGES = {
    "Lapwing-Cursor": {"schema": {"type": "string"}, "description": "with CSV: the `since` of the next question"},
    "Link": {"schema": {"type": "string"}, "description": "with CSV, while there are more: the next page"},
}
_TYPES: tuple[Any, ...] = (Kept, Batch, Validation, Reported, Page, Stats, Events, Replayed, Findings, Problem, Line)


def document() -> dict[str, Any]:
    """The document of the API as plain values."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lapwing, the API for feeds", "version": "1",
            "description": "Hand in reports and see what became of them. Members are only ever added.",
        },
        "servers": [{"url": "/api/v1"}],
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "lapw_ID_SECRET"}},
        },
        "paths": _paths(),
    }  # fmt: skip


def _paths() -> dict[str, Any]:
    since = _query("since", {"type": "string", "maxLength": 100}, "the cursor of the last answer; none: from the start")
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": 500}, "rows at most")
    after = _query("after", {"type": "integer", "minimum": 0}, "the last number that you have")
    days = _query("days", {"type": "integer", "minimum": 1, "maximum": 366}, "how many days")
    reference = {
        "name": "reference", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
    }  # fmt: skip
    return {
        "/reports": {
            "post": _post("report", "Hand in one report", Kept, 202, _alone()),
            "get": _get("changes", "Items that are new or have changed", Page, [since, limit], table=True),
        },
        "/batches": {"post": _post("batch", "Hand in many, each with its own result", Batch, 200, _many())},
        "/validate": {"post": _post("validate", "A dry run: nothing is kept", Validation, 200, _alone(), dry=True)},
        "/reports/{reference}": {"get": _get("outcome", "What became of one submission", Reported, [reference, after])},
        "/stats": {"get": _get("stats", "Volumes, time to triage, health", Stats, [days], table=True)},
        "/events": {"get": _get("events", "What the webhook is told", Events, [after, limit])},
        "/events/replay": {"post": _get("replay", "Have events posted to your webhook again", Replayed, [after])},
        "/findings": {
            "get": _get("findings", "Findings about your networks, as XARF", Findings, [since, limit], "findings")
        },
    }


def _post(name: str, says: str, answer: Any, status: int, content: dict[str, Any], dry: bool = False) -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "schema": {"type": "string", "maxLength": KEY, "pattern": "^[ -~]*$"},
        "description": "the same key with the same bytes gives the same reference for ever",
    }  # fmt: skip
    filename = _query("filename", {"type": "string", "maxLength": 255}, "what the file is called")
    return {
        "operationId": name, "summary": says, "parameters": [filename, *([] if dry else [key])],
        "requestBody": {"required": True, "content": content},
        "responses": _responses(answer, status, (409, 413, 415, 422)), **_scope("report"),
    }  # fmt: skip


def _get(
    name: str, says: str, answer: Any, parameters: list[dict[str, Any]], scope: str = "status", table: bool = False
) -> dict[str, Any]:
    responses = _responses(answer, 200, (404, 410) if answer is Reported else ())
    if table:
        responses["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
        responses["200"]["headers"] = _PAGES if answer is Page else {}
    return {
        "operationId": name, "summary": says, "parameters": parameters, "responses": responses, **_scope(scope)
    }  # fmt: skip


def _scope(name: str) -> dict[str, Any]:
    return {"security": [{"key": [name]}], "description": f"The key must have the scope `{name}`."}


def _responses(answer: Any, status: int, more: tuple[int, ...]) -> dict[str, Any]:
    wrong = errors({400, 401, 403, 408, 429, 431, 500, 503, *more}, CODES)
    if answer is Batch:
        for code in ("400", "408", "413", "503"):
            either = [{"$ref": "#/components/schemas/Problem"}, {"$ref": "#/components/schemas/Batch"}]
            wrong[code]["content"]["application/json"]["schema"] = {"anyOf": either}
    done = described(answer.__name__, "done") | ({"headers": PLACE} if answer is Kept else {})
    return {str(status): done, **wrong}


def errors(statuses: set[int], codes: tuple[str, ...]) -> dict[str, Any]:
    """The answers with these statuses, and which of the codes each can have."""
    found = {}
    for status in sorted(statuses):
        mine = ", ".join(f"`{code}`" for code in codes if STATUS.get(code, 400) == status)
        found[str(status)] = described("Problem", f"{_ERRORS[status]}: {mine}")
        if status in (429, 503):
            found[str(status)]["headers"] = AGAIN
    return found


def described(name: str, says: str) -> dict[str, Any]:
    """An answer that is a struct of that name."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": says, "content": {"application/json": {"schema": schema}}}


def _query(name: str, schema: dict[str, Any], says: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": says}


def _alone() -> dict[str, Any]:
    raw = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
    return {**dict.fromkeys(sorted(ALONE), raw), FORM: {"schema": _form({"type": "string", "format": "binary"})}}


def _many() -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    lines = {"type": "string", "description": "one Line object a line"}
    return {
        FORM: {"schema": _form(files)},
        "application/x-ndjson": {"schema": lines},
        "application/zip": {"schema": {"type": "string", "format": "binary"}},
    }


def _form(file: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"file": file}, "required": ["file"]}


DOCUMENT = msgspec.json.encode(document())
"""The document as it is sent."""
