"""The OpenAPI 3.1 document of the public door, for programs; browsers get pages instead.

Nobody needs a key. What a person answers in the form is not in it, but the loss that can be added to a report.
"""

from typing import Any

import msgspec

from intake.answers import Added, Problem, State, Uploaded
from intake.multipart import TYPE as FORM
from intake.openapi import CONNECTION, PLACE, described, errors
from intake.questionnaire import AMOUNT, CURRENCIES, WORDS
from intake.upload_form import RAW_TYPES

CODES = (
    *CONNECTION, "source", "network", "total", "crowded", "source-rate", "network-rate", "disk", "busy", "fault",
    "too-slow", "too-big", "type", "encoding", "empty", "malformed", "one-at-a-time", "unknown-reference", "erased",
    "no-additions", "not-found", "method", "answers", "amount-form", "currency-missing", "words-long", "loss-missing",
)  # fmt: skip
"""Every code of the door."""
_SMALL = "application/x-www-form-urlencoded"


def document() -> dict[str, Any]:
    """The document as plain values."""
    _, schemas = msgspec.json.schema_components(
        (Uploaded, State, Added, Problem), ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lapwing, the public door", "version": "1",
            "description": "Report a message and ask for its state, without a key. Members are only ever added.",
        },
        "servers": [{"url": "/"}],
        "components": {"schemas": schemas},
        "paths": {
            "/reports": {"post": _report()},
            "/reports/{reference}": {"get": _state()},
            "/reports/{reference}/loss": {"post": _add("loss", "Add a loss", _loss())},
            "/reports/{reference}/original": {"post": _add("original", "Send the original", _message())},
            "/reports/{reference}/consent": {"post": _add("consent", "Agree no more to being named abroad", {})},
            "/reports/{reference}/withdraw": {"post": _add("withdraw", "Take it back", {})},
        },
    }  # fmt: skip


def _report() -> dict[str, Any]:
    done = described("Uploaded", "it is on disk") | {"headers": PLACE}
    return {
        "operationId": "report", "summary": "Report one message: a file, pasted text, or the body itself",
        "requestBody": {"required": True, "content": _message()},
        "responses": {"202": done, **errors({400, 408, 413, 415, 429, 431, 500, 503}, CODES)},
    }  # fmt: skip


def _state() -> dict[str, Any]:
    wrong = errors({400, 404, 408, 410, 429, 431, 500, 503}, CODES)
    return {
        "operationId": "state", "summary": "What became of it", "parameters": [_reference()],
        "responses": {"200": described("State", "where it stands"), **wrong},
    }  # fmt: skip


def _add(what: str, says: str, content: dict[str, Any]) -> dict[str, Any]:
    body = {"requestBody": {"required": True, "content": content}} if content else {}
    return {
        "operationId": what, "summary": says, "parameters": [_reference()], **body,
        "responses": {
            "202": described("Added", "it is on disk"),
            **errors({400, 404, 408, 409, 410, 413, 415, 429, 431, 500, 503}, CODES),
        },
    }  # fmt: skip


def _reference() -> dict[str, Any]:
    return {"name": "reference", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _message() -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"file": file, "source": {"type": "string"}}}
    return {FORM: {"schema": form}, **{each: {"schema": file | {"minLength": 1}} for each in RAW_TYPES}}


def _loss() -> dict[str, Any]:
    properties = {
        "amount": {"type": "string", "maxLength": AMOUNT}, "currency": {"enum": ["", *CURRENCIES]},
        "words": {"type": "string", "maxLength": WORDS},
    }  # fmt: skip
    return {_SMALL: {"schema": {"type": "object", "properties": properties}}}


DOCUMENT = msgspec.json.encode(document())
"""The document as it is sent."""
