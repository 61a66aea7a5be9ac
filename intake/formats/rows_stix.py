"""STIX 2.1 bundles: indicators with a simple pattern, plain observables, and how often they were sighted.

Promises a Row for every indicator and observable of the bundle, numbered by its place in `objects`: `[ipv4-addr:value =
'...']` and its kin, file hashes, and the bare objects of these types. Observed data and sightings give a row of their
own with their count and time. A pattern that is not one such comparison is a bad row that says so. What else is in a
bundle (identities, relations, markings) names nothing here. Standard: OASIS STIX 2.1, sections 4.7, 4.14, 5.2, 6 and 9.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from intake.formats import rows
from intake.formats.opened import Desk, Item
from intake.sheet import Row

FORMAT = "rows_stix"
REFERENCES = 100
"""Most objects of one observation that are followed."""
_PATTERN = re.compile(
    r"\s{0,9}\[\s{0,9}([a-z0-9-]{2,40}):([a-z_]{2,20}(?:\.'?[A-Za-z0-9-]{2,20}'?)?)\s{0,9}=\s{0,9}"
    r"'((?:[^'\\]|\\['\\]){1,2000})'\s{0,9}\]\s{0,9}"
)
_COLUMNS = {
    "ipv4-addr": "address", "ipv6-addr": "address", "domain-name": "domain", "url": "url", "email-addr": "email",
}  # fmt: skip
"""Type of an observable whose `value` names something -> heading of the column."""
Thing = tuple[str, str]
"""Heading and cell."""


def is_bundle(found: Any) -> bool:
    """Whether a JSON value is a bundle."""
    return isinstance(found, dict) and found.get("type") == "bundle" and isinstance(found.get("objects"), list)


def take(item: Item, bundle: Mapping[str, Any], desk: Desk) -> None:
    """A Found for the bundle."""
    objects = [each if isinstance(each, dict) else {} for each in bundle["objects"]]
    found = _rows(objects)
    first = next(found, None)
    if first is None:
        desk.verdict(item, "not-a-report", FORMAT, "A STIX bundle without an indicator or an observable that we read.")
    else:
        desk.table(item, FORMAT, _all(first, found))


def _all(first: Row, others: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from others


def _rows(objects: list[dict[str, Any]]) -> Iterator[Row]:
    by_id = {_text(each, "id"): each for each in objects}
    observed = {each for one in objects if one.get("type") == "observed-data" for each in _references(one)}
    for line, each in enumerate(objects, 1):
        kind = _text(each, "type")
        if kind == "indicator":
            yield _indicator(line, each, _text(each, "valid_from"), "")
        elif kind == "sighting" and _text(each, "sighting_of_ref").startswith("indicator--"):
            yield _sighting(line, each, by_id)
        elif kind == "observed-data":
            yield from _observed(line, each, by_id)
        elif (thing := _thing(each)) and _text(each, "id") not in observed:
            yield _row(line, thing, "", "", "")


def _indicator(line: int, found: Mapping[str, Any], when: str, count: str) -> Row:
    pattern = _text(found, "pattern")
    if found.get("revoked") is True:
        return _bad(line, "revoked", "the indicator was revoked by its maker", "")
    if found.get("pattern_type", "stix") != "stix":
        return _bad(line, "pattern_type", "is a pattern language that is not read here", _text(found, "pattern_type"))
    match = _PATTERN.fullmatch(pattern)
    heading = _heading(match[1], match[2]) if match else ""
    if match is None or not heading:
        return _bad(line, "pattern", "is not one comparison with '=' of an address, domain, link or digest", pattern)
    return _row(line, (heading, re.sub(r"\\(.)", r"\1", match[3])), when, count, _word(found))


def _heading(kind: str, path: str) -> str:
    """Heading for what a pattern compares, '' where it is not read."""
    if path == "value":
        return _COLUMNS.get(kind, "")
    return "hash" if kind == "file" and path.startswith("hashes.") else ""


def _sighting(line: int, sighting: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Row:
    found = by_id.get(_text(sighting, "sighting_of_ref"))
    if found is None:
        return _bad(line, "sighting_of_ref", "is an indicator that is not in the bundle", "")
    when = _text(sighting, "last_seen") or _text(sighting, "first_seen") or _text(sighting, "modified")
    return _indicator(line, found, when, _text(sighting, "count"))


def _observed(line: int, observed: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """A row for each thing that was observed."""
    when, count = _text(observed, "last_observed"), _text(observed, "number_observed")
    things = [thing for each in _references(observed) if (thing := _thing(by_id.get(each, {})))]
    if not things:
        yield _bad(line, "object_refs", "names no address, domain, link or file of the bundle", "")
    for thing in things:
        yield _row(line, thing, when, count, _word(observed))


def _references(observed: Mapping[str, Any]) -> list[str]:
    found = observed.get("object_refs")
    return [each for each in found if isinstance(each, str)][:REFERENCES] if isinstance(found, list) else []


def _thing(found: Mapping[str, Any]) -> Thing | None:
    """What an observable names."""
    kind = _text(found, "type")
    if kind in _COLUMNS and _text(found, "value"):
        return _COLUMNS[kind], _text(found, "value")
    hashes = found.get("hashes") if kind == "file" else None
    if not isinstance(hashes, dict):
        return None
    best = next((hashes[name] for name in ("SHA-256", "SHA-1", "MD5") if isinstance(hashes.get(name), str)), "")
    return ("hash", best) if best else None


def _row(line: int, thing: Thing, when: str, count: str, word: str) -> Row:
    heading, cell = thing
    known = rows.columns((heading, "time", "count", "type"))
    found = rows.row(line, (cell, when, count, word), known) if known else None
    return found or _bad(line, heading, "is empty", "")


def _bad(line: int, column: str, says: str, found: str) -> Row:
    return Row(line=line, verdict="pattern", column=column, says=says, found=rows.clipped(found))


def _word(found: Mapping[str, Any]) -> str:
    """The first of its types or labels."""
    for name in ("indicator_types", "labels"):
        listed = found.get(name)
        if isinstance(listed, list) and listed and isinstance(listed[0], str):
            return listed[0]
    return ""


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
