"""A parsing child whose jobs misbehave, for the tests of `intake/parsing.py`."""

import os
import socket
import subprocess
import sys
import time

import msgspec

from intake.parsing import serve


def _text(about):
    return msgspec.msgpack.decode(about)


def _open(data, about):
    with open(_text(about), "rb") as file:
        return file.read(10)


def _socket(data, about):
    return socket.socket().fileno()


def _run(data, about):
    return subprocess.run(["/bin/true"], check=False).returncode


def _hang(data, about):
    while True:
        time.sleep(0.01)


def _burn(data, about):
    while True:
        pass


def _bloat(data, about):
    return len(bytearray(4 << 30))


def _die(data, about):
    os._exit(3)


def _deep(data, about):
    return _deep(data, about)


JOBS = {
    "garbled": lambda data, about: msgspec.Raw(b"\xa2\xe7\xd3"),
    "echo": lambda data, about: data + _text(about).encode(),
    "number": lambda data, about: os.getpid(),
    "big": lambda data, about: bytes(3_000_000),
    "environment": lambda data, about: dict(os.environ),
    "fail": lambda data, about: 1 // 0,
    "open": _open, "socket": _socket, "run": _run, "hang": _hang, "burn": _burn, "bloat": _bloat, "die": _die,
    "deep": _deep,
}  # fmt: skip

if __name__ == "__main__":
    serve(JOBS, sys.stdin.buffer, sys.stdout.buffer)
