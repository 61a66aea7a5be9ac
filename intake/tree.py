"""The tree of a message's parts, as `intake/mime.py` finds them: plain values, offsets into the message's bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Field(NamedTuple):
    """One header field: data[start:end] without its last line end; the colon stands at `colon`."""

    name: str
    start: int
    colon: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """One part. Offsets count bytes of the message; the body is [body_start, end)."""

    type: str
    params: tuple[tuple[str, str], ...]
    name: str
    disposition: str
    encoding: str
    charset: str
    header_start: int
    body_start: int
    end: int
    depth: int
    fields: tuple[Field, ...]
    children: tuple[int, ...]
    parent: int
    first: Mapping[str, Field] = field(compare=False)
    """The first field of each name in lower case."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All parts in the order of the document; `root` is nodes[0]."""

    root: Node
    nodes: tuple[Node, ...]
    flags: tuple[str, ...]
    limits: tuple[str, ...]
