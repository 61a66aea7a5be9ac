"""Hook: events of a feed posted to the one address that an administrator registered for it, signed.

A post is `POST URL` with the JSON of `answers.Events` and the header fields Lapwing-Feed, Lapwing-Timestamp (seconds
since 1970) and Lapwing-Signature: `v1=` and the hexadecimal HMAC-SHA-256 of timestamp, a dot and the body. It goes by
https to public addresses alone, to the one that the name was resolved to and checked as. A redirect is not followed,
and what comes back is not read beyond its status. `private` allows http and the machine's own or private addresses.
"""

import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from urllib.parse import SplitResult, urlsplit

from intake.errors import Refused, Temporary

PATIENCE = 10.0
"""Seconds that connecting, writing and one read may take; twice that for all of it."""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of Lapwing-Signature."""
    return "v1=" + hmac.digest(secret.encode(), str(timestamp).encode() + b"." + body, "sha256").hex()


def checked_url(url: str, private: bool) -> SplitResult:
    """The parts of a webhook's address; `Refused('webhook')` when nothing may be posted there."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused("webhook", "the webhook is no address") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Refused("webhook", "a webhook is reached by https")
    if not parts.hostname or parts.username or parts.fragment or not url.isascii() or not url.isprintable():
        raise Refused("webhook", "a webhook has a host, no user and no fragment: https://abuse.isp.example/lapwing")
    return parts


def post(url: str, headers: dict[str, str], body: bytes, private: bool) -> int:
    """The status that the address answered; `Temporary` when nobody did, `Refused` when it may not be asked."""
    parts = checked_url(url, private)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    told = {"Content-Type": "application/json", "User-Agent": "Lapwing", "Connection": "close", **headers}
    try:
        address = _address(host, port, private)
        with socket.create_connection((address, port), timeout=PATIENCE) as plain, plain.dup() as end:
            over = threading.Timer(2 * PATIENCE, _hang_up, [end])
            over.start()
            try:
                return _exchange(plain, parts, path, told, body)
            finally:
                over.cancel()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise Temporary(f"no answer ({type(error).__name__})") from error


def _exchange(plain: socket.socket, parts: SplitResult, path: str, headers: dict[str, str], body: bytes) -> int:
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    secure = parts.scheme == "https"
    connection.sock = (
        ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) if secure else plain
    )
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _address(host: str, port: int, private: bool) -> str:
    """The address that the host's name stands for; all that it stands for must be public ones."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(_public(each) for each in found):
        raise Refused("webhook", "that host has an address that is not public")
    return found[0]


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return address.is_global and inner.is_global and not address.is_multicast
