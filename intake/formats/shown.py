"""Addresses as mail programs show them to people, put back into the form of a header field.

`mailbox` and `mailboxes` take 'Bessie, Berry <b@x.example>', "'b@x.example'" <b@x.example>, b@x.example [mailto:...] or
'Ana; Bert <b@x.example>' and give RFC 5322 section 3.4: names quoted where that is needed, left out where they only
say the address again, a comma between mailboxes. No address is made up and none is lost; names stay as shown.
"""

import re

WIDTH = 2000
"""Characters of a value that are read."""

ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[^\s<>()\[\]\"',;:]{1,255}")
_MAILTO = re.compile(r"<mailto:[^<>]{0,320}>")
_BRACKET = re.compile(r"\[(?:mailto:|SMTP:)?([^\[\]\s]{1,320}@[^\[\]\s]{1,255})\]")
_ENTRY = re.compile(r"([^<>]{0,2000}?)<\s{0,4}([^<>\s]{0,320})\s{0,4}>")
_QUOTES = " \t\"'“”„‘’‚«»「」『』"
_SPECIAL = re.compile(r"[,.:;@()<>\[\]]")


def mailbox(value: str) -> str:
    """One mailbox: its name and the first address in it; what has no address stays as it is."""
    value = _plain(value)
    address = ADDRESS.search(value)
    if address is None:
        return value
    return _written(value[: address.start()], address[0])


def mailboxes(value: str) -> str:
    """All mailboxes of a list; a comma before an address in brackets is part of the name that is shown."""
    value = _plain(value)
    pieces = value.split(";") if ";" in value else [value]
    return ", ".join(written for piece in pieces for written in _listed(piece) if written)


def _plain(value: str) -> str:
    """Without what Outlook doubles in it, and with one kind of brackets."""
    value = value.replace("＜", "<").replace("＞", ">")
    return _BRACKET.sub(r"<\1>", _MAILTO.sub("", value[:WIDTH])).strip(" \t;,")


def _listed(piece: str) -> list[str]:
    """The mailboxes between two semicolons: entries that end with an address in brackets, then what is left."""
    out: list[str] = []
    end = 0
    for match in _ENTRY.finditer(piece):
        name = match[1].strip(" \t,;")
        bare = ADDRESS.fullmatch(name.strip(_QUOTES))
        while not bare and "," in name and ADDRESS.fullmatch(name.partition(",")[0].strip()):
            first, _, name = name.partition(",")
            out.append(first.strip())
        out.append(_written(name, match[2]))
        end = match.end()
    rest = piece[end:].strip(" \t,;")
    return out + [each.strip(_QUOTES) for each in rest.split(",") if each.strip(_QUOTES)]


def _written(name: str, address: str) -> str:
    """Name and address as RFC 5322 section 3.4 writes them; the name is left out where it says nothing else."""
    name = name.strip(" \t<(,;").strip(_QUOTES).replace("\\", "").replace('"', "").strip()
    if not name or name.casefold() == address.casefold():
        return address
    if not address:
        return name
    return f'"{name}" <{address}>' if _SPECIAL.search(name) else f"{name} <{address}>"
