"""Parsing: warm child processes for hostile bytes: bytes in, records out, no keys, no sockets, no store.

A child is exec'ed with two pipes and an empty environment, closes itself in (`sandbox.py`), and answers one job at
a time; several children work side by side. A child that hangs, bloats or dies is killed and replaced, and costs that
one job a `NotExamined`; it is used for a limited number of jobs. On the pipes: length 4 bytes big-endian, then a
MessagePack map; after that of a job the bytes that it is about, which are never copied on this side.
"""

import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple

import msgspec

from intake import sandbox
from intake.record import Value

WALL_SECONDS = 20.0
"""How long one job may take before its child is killed; large input gets a second more per 2 MB."""
JOBS_PER_CHILD = 2_000
MAX_ANSWER = 512 << 20
STARTS = 3
Job = Callable[[bytes, Any], Any]
Bytes = bytes | memoryview


class NotExamined(Exception):
    """The child could not deal with these bytes; `reason` is a word: time, memory, depth, crash, shape, or
    'error' and the exception's class."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Request(Value, frozen=True):
    job: str
    size: int
    about: msgspec.Raw = msgspec.Raw(b"\xc0")


class _Answer(Value, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""


class NoParser(Exception):
    """No child starts: that is the installation's fault or the machine's, never that of the bytes."""


class Given(NamedTuple):
    """What one job is given. Jobs of one `lane` go to one child, which may remember what it read before."""

    lane: int
    data: bytes
    about: object


class Parser:
    """A parent's handle on its children; `command` starts one, when it is first needed. Safe to use from several
    threads.
    """

    def __init__(self, command: Sequence[str], wall_seconds: float = WALL_SECONDS, children: int = 1) -> None:
        self._children = tuple(_Child(tuple(command), wall_seconds) for _ in range(children))

    def run(self, job: str, data: Bytes, about: object, type_: Any) -> Any:
        """What the first child's job of that name makes of `data` and `about`, as `type_`; or raises `NotExamined`."""
        return self._children[0].run(job, data, about, type_)

    def run_all(self, job: str, given: Sequence[Given], type_: Any) -> list[Any]:
        """`run` for each, by all children at once; a `NotExamined` stands in its place in the list."""
        results: list[Any] = [None] * len(given)

        def lane(number: int) -> None:
            for index, each in enumerate(given):
                if each.lane % len(self._children) == number:
                    results[index] = self._children[number].tried(job, each, type_)

        lanes = {each.lane % len(self._children) for each in given}
        with ThreadPoolExecutor(max(len(lanes), 1), "parsing") as threads:
            list(threads.map(lane, lanes))
        return results

    @property
    def pid(self) -> int:
        """The first child's process number, 0 when there is none."""
        return self._children[0].pid

    @property
    def sandbox(self) -> str:
        """How the first child is closed in: seccomp or limits."""
        return self._children[0].sandbox

    def close(self) -> None:
        """Kill the children, if there are any."""
        for child in self._children:
            child.close()


class _Child:
    """One child and its pipes; does one job at a time."""

    def __init__(self, command: tuple[str, ...], wall_seconds: float) -> None:
        self._command, self._wall = command, wall_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._jobs = 0
        self._guard = threading.Lock()
        self.sandbox = ""

    def tried(self, job: str, given: Given, type_: Any) -> Any:
        """The result, or the `NotExamined` that says why there is none."""
        try:
            return self.run(job, given.data, given.about, type_)
        except NotExamined as error:
            return error

    def run(self, job: str, data: Bytes, about: object, type_: Any) -> Any:
        request = _Request(job=job, size=len(data), about=msgspec.Raw(msgspec.msgpack.encode(about)))
        with self._guard:
            answer = self._ask_twice((_framed(request), data), self._wall + len(data) / 2_000_000)
        if answer.error:
            raise NotExamined(answer.error)
        try:
            return msgspec.msgpack.decode(answer.result, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotExamined("shape") from error

    def _ask_twice(self, request: Sequence[Bytes], seconds: float) -> _Answer:
        """A child that dies may have been killed by somebody else: only the second death is the bytes' own doing."""
        try:
            return self._ask(request, seconds)
        except NotExamined as error:
            if error.reason != "crash":
                raise
        return self._ask(request, seconds)

    def _ask(self, request: Sequence[Bytes], seconds: float) -> _Answer:
        child = self._ready()
        deadline = time.monotonic() + seconds
        try:
            for piece in request:
                _send(child, piece, deadline)
            answer = msgspec.msgpack.decode(_receive(child, deadline), type=_Answer)
        except NotExamined:
            self.close()
            raise
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self.close()
            raise NotExamined("crash") from error
        self._jobs += 1
        if answer.error == "memory" or self._jobs >= JOBS_PER_CHILD:
            self.close()
        return answer

    def _ready(self) -> "subprocess.Popen[bytes]":
        """The child, started when there is none; `NoParser` when none starts in three attempts."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        for _ in range(STARTS):
            self.close()
            try:
                return self._start()
            except NotExamined:
                continue
        self.close()
        raise NoParser

    def _start(self) -> "subprocess.Popen[bytes]":
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={},
            close_fds=True, bufsize=0,
        )  # fmt: skip
        self._jobs = 0
        for pipe in (self._child.stdin, self._child.stdout):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]
        ready = _receive(self._child, time.monotonic() + 60.0)
        self.sandbox = msgspec.msgpack.decode(ready, type=str)
        return self._child

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                pipe.close()  # type: ignore[union-attr]
            self._child = None


def _framed(value: object) -> bytes:
    data = msgspec.msgpack.encode(value)
    return struct.pack(">I", len(data)) + data


def _send(child: "subprocess.Popen[bytes]", data: Bytes, deadline: float) -> None:
    pipe = child.stdin.fileno()  # type: ignore[union-attr]
    view = memoryview(data)
    while view:
        _wait(pipe, select.POLLOUT, deadline)
        view = view[os.write(pipe, view[: 1 << 20]) :]


def _receive(child: "subprocess.Popen[bytes]", deadline: float) -> bytes:
    pipe = child.stdout.fileno()  # type: ignore[union-attr]
    (length,) = struct.unpack(">I", _exactly(pipe, 4, deadline))
    if length > MAX_ANSWER:
        raise NotExamined("memory")
    return _exactly(pipe, length, deadline)


def _exactly(pipe: int, size: int, deadline: float) -> bytes:
    pieces: list[bytes] = []
    while size:
        _wait(pipe, select.POLLIN, deadline)
        piece = os.read(pipe, min(size, 1 << 20))
        if not piece:
            raise NotExamined("crash")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _wait(pipe: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise NotExamined("time")


def serve(jobs: Mapping[str, Job], pipe_in: BinaryIO, pipe_out: BinaryIO) -> None:
    """The child's life: close in, say so, then answer jobs until the parent goes."""
    reserved = sandbox.reserved()
    _reply(pipe_out, sandbox.close_in())
    while head := pipe_in.read(4):
        (length,) = struct.unpack(">I", head)
        request = msgspec.msgpack.decode(pipe_in.read(length), type=_Request)
        sandbox.allow(length + request.size, reserved)
        _reply(pipe_out, _answer(jobs, request, pipe_in.read(request.size)))


def _answer(jobs: Mapping[str, Job], request: _Request, data: bytes) -> _Answer:
    try:
        result = jobs[request.job](data, request.about)
        return _Answer(result=msgspec.Raw(msgspec.msgpack.encode(result)))
    except MemoryError:
        return _Answer(error="memory")
    except RecursionError:
        return _Answer(error="depth")
    except Exception as error:
        return _Answer(error=f"error {type(error).__name__}")


def _reply(pipe: BinaryIO, value: object) -> None:
    pipe.write(_framed(value))
    pipe.flush()


def command(module: str) -> tuple[str, ...]:
    """How to start a child that runs `module` with this Python, isolated from environment and user folders."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    start = (
        f"import sys; sys.path.insert(0, {folder!r}); import runpy; runpy.run_module({module!r}, run_name='__main__')"
    )
    return (sys.executable, "-I", "-c", start)
