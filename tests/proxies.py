"""PROXY headers as a load balancer sends them (HAProxy's PROXY protocol, sections 2.1 and 2.2)."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client: str, port: int = 4711) -> bytes:
    family = "TCP6" if ":" in client else "TCP4"
    return f"PROXY {family} {client} {'2001:db8::1' if ':' in client else '192.0.2.1'} {port} 25\r\n".encode()


def v2(client: str, command: int = 1, family: int = 0, more: bytes = b"") -> bytes:
    source = ipaddress.ip_address(client)
    family = family or (0x11 if source.version == 4 else 0x21)
    addresses = source.packed + ipaddress.ip_address("192.0.2.1" if source.version == 4 else "2001:db8::1").packed
    body = addresses + struct.pack("!HH", 4711, 25) + more
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(body)) + body
