"""Lines of JSON, cut anywhere: the same items, and no message is held whole."""

import base64
import json
from typing import Any

import pytest

from intake.lines import BESIDE, Lines

MESSAGE = bytes(range(256)) * 3 + b"?>?"  # has + and / in base64


class Items:
    """Takes items; each is [filename, id, key, bytes, fate]."""

    def __init__(self) -> None:
        self.items: list[list[Any]] = []
        self.largest = 0

    def begin(self, filename: str, id_: str = "", key: str | None = "") -> None:
        self.items.append([filename, id_, key, b"", "open"])

    def feed(self, chunk: bytes) -> None:
        self.items[-1][3] += chunk
        self.largest = max(self.largest, len(chunk))

    def name(self, filename: str, id_: str, key: str) -> None:
        self.items[-1][:3] = filename, id_, key

    def fail(self, error: Any) -> None:
        self.items[-1][4] = error.code, error.says

    def end(self) -> None:
        self.items[-1][4] = "whole"


def read(body: bytes, step: int = 0) -> Items:
    items = Items()
    lines = Lines(items)
    for start in range(0, len(body), step or len(body) or 1):
        lines.write(body[start : start + (step or len(body))])
    lines.end()
    return items


def coded(data: bytes = MESSAGE) -> str:
    return base64.b64encode(data).decode()


GOOD = [
    json.dumps({"message": coded()}),
    json.dumps({"id": "x", "message": coded(), "filename": "a.eml", "idempotency_key": "k"}),
    json.dumps({"idempotency_key": "k", "id": "x", "filename": "a.eml", "message": coded()}),
    json.dumps({"message": coded(), "more": {"message": "!", "list": ["message", ":", "{"]}}),
    json.dumps({"note": '"message": "', "message": coded()}),
    json.dumps({"message": coded()}).replace("/", "\\/"),
    json.dumps({"message": coded()}).replace("+", "\\u002B").replace("=", "\\u003d"),
    json.dumps({"message": coded()}).replace(":", " : \t").replace("{", " { ") + " \r",
    json.dumps({"message": coded(b"x")}).replace("message", "m\\u0065ssage"),
    json.dumps({"message": ""}),
]


@pytest.mark.parametrize("line", GOOD)
@pytest.mark.parametrize("step", [0, 1, 3, 7, 64])
def test_a_line_cut_anywhere_is_the_same(line: str, step: int) -> None:
    body = f"\n{line}\n\n{line}".encode()
    given = json.loads(line)
    told = [given.get("filename", ""), given.get("id", ""), given.get("idempotency_key", ""),
            base64.b64decode(given["message"]), "whole"]  # fmt: skip
    assert read(body, step).items == [told, told]


@pytest.mark.parametrize("step", [0, 1, 7])
def test_a_key_that_is_no_utf8_costs_its_line_alone(step: int) -> None:
    bad = b'{"idempotency_key": "k\xe7\xd3", "message": "eA=="}'
    items = read(bad + b"\n" + GOOD[0].encode(), step).items
    assert [each[4] for each in items] == [("line", "this line is no JSON object"), "whole"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{oops", "this line is no JSON object"),
        ('{"message": "eA=="', "this line is no JSON object"),
        ('{"message": "eA=="} {}', "this line is no JSON object"),
        ('["message", "eA=="]', "Expected `object`, got `array`"),
        ('{"id": "x"}', "Object missing required field `message`"),
        ('{"message": 7}', "Expected `str`, got `int` - at `$.message`"),
        ('{"id": 7, "message": "eA=="}', "Expected `str`, got `int` - at `$.id`"),
        ('{"message": "eA"}', "`message` is no base64"),
        ('{"message": "eA==eA=="}', "`message` is no base64"),
        ('{"message": "e!=="}', "`message` is no base64"),
        ('{"message": "eA\\n=="}', "`message` is no base64"),
        ('{"message": "eA==", "message": "eA=="}', "`message` stands there twice"),
        ('{"message": "eA==", "m\\u0065ssage": "eA=="}', "`message` stands there twice"),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 5])
def test_a_line_that_can_not_be_read_fails_alone(line: str, says: str, step: int) -> None:
    good = json.dumps({"message": coded()})
    items = read(f"{good}\n{line}\n{good}\n".encode(), step).items
    assert [each[4] for each in items] == ["whole", ("line", says), "whole"]


@pytest.mark.parametrize(("over", "fate"), [(-1, "whole"), (0, "whole"), (1, "line-size")])
def test_what_stands_beside_the_message_is_limited(over: int, fate: str) -> None:
    bare = json.dumps({"message": "", "note": ""})
    line = json.dumps({"message": coded(), "note": "n" * (BESIDE - len(bare) + over)})
    (item,) = read(line.encode(), 1000).items
    assert (item[4] if fate == "whole" else item[4][0]) == fate


@pytest.mark.parametrize(("size", "fate"), [(254, "whole"), (255, "whole"), (256, "idempotency-key")])
def test_the_length_of_a_key(size: int, fate: str) -> None:
    (item,) = read(json.dumps({"message": "eA==", "idempotency_key": "k" * size}).encode()).items
    assert (item[4] if fate == "whole" else item[4][0]) == fate


def test_no_message_is_held() -> None:
    items = Items()
    lines = Lines(items)
    lines.write(b'{"message": "')
    for _ in range(100):
        lines.write(b"QUJD" * 1000)
        assert len(lines._beside) < 100 and items.largest <= 3000
    lines.write(b'"}')
    lines.end()
    assert items.items == [["", "", "", b"ABC" * 100_000, "whole"]]
