"""What clients do who come to a limit of the SMTP door: so many things, for so long, with so many bytes.

Each does it `count` times and gives (the connection, the reply that tells whether that was too much).
"""

import base64
import select
import time
from collections.abc import Callable
from contextlib import ExitStack

from intake.smtp_sasl import LINE
from tests.doors import Line
from tests.proxies import v1, v2
from tests.still import Door

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


class Client:
    """Whoever comes to a still door."""

    def __init__(self, door: Door, open_: ExitStack) -> None:
        self.door, self._open = door, open_

    def come(self, source: str = "127.0.0.1", way: str = "smtp", greet: bool = True, header: bytes = b"") -> Line:
        line = self._open.enter_context(Line(self.door.ports[way], greet and not header, source))
        line.socket.sendall(header)
        return line


Act = Callable[[Client, int], tuple[Line, str]]


# -- places ---------------------------------------------------------------------------------------------------------


def connections(source: Callable[[int], str]) -> Act:
    def act(client: Client, count: int) -> tuple[Line, str]:
        for number in range(count):
            line = client.come(source(number), greet=False)
            reply = line.reply()
        return line, reply

    return act


def balanced(source: Callable[[int], str]) -> Act:
    def act(client: Client, count: int) -> tuple[Line, str]:
        for number in range(count):
            line = client.come(header=(v1, v2)[number % 2](source(number)))
            reply = line.reply()
        return line, reply

    return act


def idle_beside_a_newcomer(newcomer: str, client: Client, seconds: int) -> tuple[Line, str]:
    idle = client.come()
    client.door.wait(seconds)
    client.come(newcomer, greet=False).reply()
    return idle, idle.say("NOOP")


def message_beside_a_newcomer(client: Client, seconds: int) -> tuple[Line, str]:
    slow = client.come()
    slow.envelope()
    slow.say("DATA")
    client.door.wait(seconds)
    client.come("127.0.1.1", greet=False).reply()
    slow.socket.sendall(MAIL)
    return slow, slow.reply()


def two_beside_a_newcomer(client: Client, seconds: int) -> tuple[Line, str]:
    idle = client.come()
    client.door.wait(0.5)
    client.come()
    client.door.wait(seconds - 0.5)
    client.come("127.0.1.1", greet=False).reply()
    return idle, idle.say("NOOP")


# -- time -----------------------------------------------------------------------------------------------------------


def silent(client: Client, seconds: int) -> tuple[Line, str]:
    line = client.come()
    client.door.wait(seconds)
    return line, line.say("NOOP")


def in_a_message(sent: int, client: Client, seconds: int) -> tuple[Line, str]:
    """So many bytes of a message, then nothing for so long, then its end."""
    line = client.come()
    line.envelope()
    line.say("DATA")
    line.socket.sendall(b"y" * sent)
    client.door.settle()
    client.door.wait(seconds)
    line.socket.sendall(b"\r\n.\r\n")
    return line, line.reply()


def bytes_in_ten_seconds(client: Client, sent: int) -> tuple[Line, str]:
    return in_a_message(sent, client, 10)


def shaken(way: str, client: Client, seconds: int) -> tuple[Line, str]:
    """TLS or a PROXY header after so long; the first reply then, '' when there was none."""
    line = client.come(way="smtp-tls" if way == "implicit" else "smtp", greet=way == "starttls")
    if way == "starttls":
        line.say("STARTTLS")
    client.door.settle()
    client.door.wait(seconds)
    try:
        if way == "proxy":
            line.socket.sendall(v1("198.51.100.7"))
            return line, line.reply()
        line.wrap()
        return line, line.reply() if way == "implicit" else line.say("NOOP")
    except OSError:
        return line, ""


# -- commands -------------------------------------------------------------------------------------------------------


def said(command: str) -> Act:
    def act(client: Client, count: int) -> tuple[Line, str]:
        line, reply = client.come(), "nothing was said"
        for _ in range(count):
            reply = line.say(command)
        return line, reply

    return act


def messages(source: Callable[[int], str], login: bool = False) -> Act:
    """Each on a connection of its own, or all on one."""

    def act(client: Client, count: int) -> tuple[Line, str]:
        line = client.come()
        for number in range(count):
            line = client.come(source(number)) if not login else line
            line.say("EHLO c.example")
            if login and not number:
                line.say(f"AUTH PLAIN {base64.b64encode(b'%cacme%cright' % (0, 0)).decode()}")
            reply = line.say("MAIL FROM:<a@example.com>")
            line.say("RSET")
        return line, reply

    return act


def messages_of_one_connection(client: Client, count: int) -> tuple[Line, str]:
    line = client.come()
    line.say("EHLO c.example")
    for _ in range(count):
        reply = line.say("MAIL FROM:<a@example.com>")
        line.socket.sendall(b"RSET\r\n" if reply.startswith("250") else b"")
        assert not reply.startswith("250") or line.reply()
    return line, reply


def recipients(client: Client, count: int) -> tuple[Line, str]:
    line = client.come()
    line.envelope(0)
    for _ in range(count):
        reply = line.say("RCPT TO:<r@example.org>")
    return line, reply


def long_command(head: bytes, client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.say("EHLO c.example")
    return line, line.say(head.ljust(size - 2))


def long_response(client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.say("EHLO c.example")
    line.say("AUTH PLAIN")
    line.socket.sendall(b"A" * 12_000 + b"\r" * (size - 12_001) + b"\n")
    return line, line.reply()


def no_end(client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.socket.sendall(b"y" * size)
    client.door.settle()
    if size <= LINE:
        line.socket.sendall(b"\n")
    return line, line.reply()


def wrong_logins(client: Client, count: int, wait: float = 1.0) -> tuple[Line, str]:
    """The reply to the last one, after a while."""
    line = client.come()
    line.say("EHLO c.example")
    for number in range(1, count + 1):
        line.socket.sendall(b"AUTH PLAIN " + base64.b64encode(b"\0acme\0wrong") + b"\r\n")
        end = time.monotonic() + 10
        while client.door.metrics.value("logins_total", door="smtp", outcome="wrong") < number:
            if select.select([line.socket], [], [], 0.01)[0]:
                break
            assert time.monotonic() < end
        client.door.wait(wait)
        if not select.select([line.socket], [], [], 1.0)[0]:
            return line, "nothing yet"
        reply = line.reply()
    return line, reply


# -- bytes ----------------------------------------------------------------------------------------------------------


def message_of(size: int) -> bytes:
    return b"s" * (size - 2) + b"\r\n"


def data(client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.envelope()
    return line, line.data(message_of(size) + b".\r\n")


def chunk(client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.envelope()
    line.socket.sendall(b"BDAT %d LAST\r\n" % size + message_of(size))
    return line, line.reply()


def announced(client: Client, size: int) -> tuple[Line, str]:
    line = client.come()
    line.say("EHLO c.example")
    return line, line.say(f"MAIL FROM:<a@example.com> SIZE={size}")


def endless(client: Client, size: int) -> tuple[Line, str]:
    """So many bytes, and then the end of the message."""
    line = client.come()
    line.envelope()
    line.say("DATA")
    line.socket.sendall(b"y" * size)
    client.door.settle()
    line.socket.sendall(b"\r\n.\r\n")
    return line, line.reply()


def low(client: Client, free: int) -> tuple[Line, str]:
    client.door.free = free
    line = client.come()
    line.envelope()
    return line, line.say("DATA")


def padded(version: int, client: Client, size: int) -> tuple[Line, str]:
    """A PROXY header of so many bytes."""
    if version == 1:
        header = b"PROXY UNKNOWN ".ljust(size - 2, b"x") + b"\r\n"
    else:
        header = v2("198.51.100.7", more=b"\x04" + (size - 31).to_bytes(2, "big") + bytes(size - 31))
    assert len(header) == size
    line = client.come(header=header)
    return line, line.reply()
