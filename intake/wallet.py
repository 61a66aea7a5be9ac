"""Wallets: addresses of cryptocurrencies in a text, only those whose checksum holds.

Bitcoin: Base58Check (versions 0x00 and 0x05) and Bech32 or Bech32m (BIP 173, BIP 350). Ethereum has a checksum only in
mixed case (EIP-55), so there the form alone decides. Tron: Base58Check, version 0x41.
"""

import re

import base58
import bech32

MOST = 20
"""Most wallets that are taken from one text."""

# What an address begins with stands before the look behind it, because the search for a fixed beginning is fast.
_BASE58 = re.compile(r"[13T](?<![0-9A-Za-z].)[1-9A-HJ-NP-Za-km-z]{25,34}(?![0-9A-Za-z])")
_BECH32 = re.compile(
    r"[bB][cC]1(?<![0-9A-Za-z]...)(?:(?<=bc1)[02-9ac-hj-np-z]{11,71}|(?<=BC1)[02-9AC-HJ-NP-Z]{11,71})(?![0-9A-Za-z])"
)
_ETHER = re.compile(r"0x(?<![0-9A-Za-z]..)[0-9a-fA-F]{40}(?![0-9A-Za-z])")
_VERSIONS = {"1": 0x00, "3": 0x05, "T": 0x41}


def wallets(text: str) -> tuple[str, ...]:
    """The valid addresses in `text`, each once, in a fixed spelling, at most `MOST`."""
    found: dict[str, None] = {}
    for match in _BASE58.finditer(text):
        if _base58_holds(match.group()):
            found[match.group()] = None
    for match in _BECH32.finditer(text):
        if _bech32_holds(match.group().lower()):
            found[match.group().lower()] = None
    for match in _ETHER.finditer(text):
        found[match.group().lower()] = None
    return tuple(found)[:MOST]


def _base58_holds(address: str) -> bool:
    try:
        plain = base58.b58decode_check(address)
    except ValueError:
        return False
    return len(plain) == 21 and plain[0] == _VERSIONS[address[0]]


def _bech32_holds(address: str) -> bool:
    """Bech32 for witness version 0, Bech32m for later ones."""
    data = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".find(each) for each in address[3:]]
    check = bech32.bech32_polymod(bech32.bech32_hrp_expand("bc") + data)
    return bool(check == (1 if data[0] == 0 else 0x2BC830A3))
