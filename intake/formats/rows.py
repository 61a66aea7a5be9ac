"""Rows: what the headings of a feed's table mean, and one row of it as a claim; used by the readers `rows_*.py`.

Promises a Row for every row that is not blank: a claim, or a bad one with its column and the reason. Columns are known
by a kept list of headings, in any order, case and spelling; what stands under others is left alone, above all who
received a message. A machine's own name in the DNS is taken for its domain only where no column holds an address.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from intake.formats import rows_value
from intake.formats.rows_value import LONGEST, Bad, Values
from intake.sheet import Row

T = TypeVar("T")
COLUMNS = 200
"""Most columns of a table that are looked at."""
VALUES = 4
"""Most columns of one row that name something."""
CLIP = 200
"""Characters of a cell that a row repeats."""
WORD = 40

_HEADINGS = {
    "address": "ip ip_address ipaddress ip_addr ipv4 ipv6 ipv4_address ipv6_address ip_range cidr network netblock"
    " prefix subnet address addr src src_ip srcip ip_src source_ip sourceip source_address source_ip_address sender_ip"
    " client_ip remote_ip host_ip connecting_ip attacker_ip offender_ip infected_ip bot_ip relay_ip abuse_ip ip位址"
    " ip地址 來源ip 来源ip 位址 送信元ip",
    "domain": "domain domain_name domainname fqdn host_domain bad_domain phishing_domain spam_domain sender_domain"
    " from_domain reported_domain 網域 網域名稱 域名 ドメイン",
    "machine": "host hostname host_name rdns ptr reverse_dns",
    "url": "url uri link href website web_address http_url phishing_url phish_url landing_url malicious_url malware_url"
    " spam_url payload_url reported_uri 網址 網站 网址 链接",
    "mailbox": "email e_mail mail mailbox email_address mail_address sender sender_address sender_email from"
    " from_address mail_from envelope_from return_path reply_to dropbox drop_address 寄件者 發信人 发件人",
    "hash": "md5 sha1 sha_1 sha256 sha_256 sha512 sha_512 hash file_hash filehash md5_hash sha1_hash sha256_hash"
    " checksum",
    "wallet": "wallet wallet_address btc btc_address bitcoin bitcoin_address eth_address crypto_address coin_address"
    " 錢包",
    "any": "indicator indicators ioc iocs indicator_value value observable artifact entity entry",
    "time": "last_seen last_seen_utc lastseen last_observed timestamp time_stamp time time_utc utc_time datetime"
    " date_time date_utc event_time event_date report_time report_date source_time detected detected_at detection_time"
    " observed observed_at seen sighted dateadded date_added arrival_date first_seen first_seen_utc firstseen"
    " first_observed date when 時間 时间 日期 日時",
    "count": "count counts hits events event_count number total volume messages message_count num occurrences sightings"
    " reports report_count incidents times connections spam_count 次數 件數 数量 次数 件数",
    "word": "type category class classification infection malware malware_family family threat threat_type abuse_type"
    " abuse_category event_type feedback_type reason kind tag tags label labels 類型 類別 类型 種類",
}
"""What a column is for -> its headings; of those for one thing the first in the list that the table has counts."""
_KNOWN = {heading: kind for kind, listed in _HEADINGS.items() for heading in listed.split()}
_RANK = {heading: rank for listed in _HEADINGS.values() for rank, heading in enumerate(listed.split())}
_NAMING = ("address", "domain", "url", "mailbox", "hash", "wallet", "any", "machine")
_JOINER = re.compile(r"[\s._/-]{1,8}")
_BLANK = frozenset(("", "-", "--", "n/a", "na", "null", "none", "nil", "unknown", "\\n"))


class Column(NamedTuple):
    """A column: its place, and the kind of what it names."""

    at: int
    kind: str


class Columns(NamedTuple):
    """The columns of a table that are read; a place of -1 is a column that it doesn't have."""

    naming: tuple[Column, ...]
    time: int = -1
    date: int = -1
    number: int = -1
    word: int = -1
    headings: tuple[str, ...] = ()


ALONE = Columns((Column(0, "any"),), headings=("",))
"""A list of things without a heading."""


def folded(heading: str) -> str:
    """A heading as the list spells it."""
    return _JOINER.sub("_", heading.strip().strip("\"'#").strip()[:60]).strip("_").lower()


def columns(headings: Sequence[str]) -> Columns | None:
    """The columns that these headings name; None where none of them names anything."""
    placed: dict[str, list[tuple[int, int]]] = {}
    for at, heading in enumerate(headings[:COLUMNS]):
        word = folded(heading)
        if word in _KNOWN:
            placed.setdefault(_KNOWN[word], []).append((_RANK[word], at))
    if "address" in placed or "domain" in placed:
        placed.pop("machine", None)
    found = sorted((at, kind) for kind in _NAMING for _, at in placed.get(kind, []))[:VALUES]
    if not found:
        return None
    times = [at for _, at in sorted(placed.get("time", []))]
    return Columns(
        naming=tuple(Column(at, "domain" if kind == "machine" else kind) for at, kind in found),
        time=times[0] if times else -1,
        date=next((at for at in times if folded(headings[at]) == "date"), -1),
        number=min(placed.get("count", [(0, -1)]))[1],
        word=min(placed.get("word", [(0, -1)]))[1],
        headings=tuple(headings),
    )  # fmt: skip


def row(line: int, cells: Sequence[str], known: Columns) -> Row | None:
    """The row; None where all its cells are blank."""
    cells = [cell.strip() for cell in cells]
    if not any(cells):
        return None
    try:
        if len(cells) > len(known.headings) and any(cells[len(known.headings) :]):
            raise Bad("unreadable", f"the row has {len(cells)} cells under {len(known.headings)} headings")
        values, found = _named(cells, known)
        time = _read(rows_value.time, _when(cells, known), known.time)
        count, cut = _read(rows_value.count, _cell(cells, known.number), known.number) or (0, False)
    except Bad as bad:
        heading = clipped(known.headings[bad.at].strip())[:60] if bad.at >= 0 else ""
        return Row(
            line=line, verdict=bad.code, column=heading, says=bad.says, found=clipped(_cell(cells, bad.at))
        )  # fmt: skip
    return Row(
        line=line, values=values, time=time or "", count=count, word=_word(_cell(cells, known.word)),
        says=f"the count was cut to {rows_value.MOST:,}" if cut else "",
        found="" if values[0][1] == found else clipped(found),
    )  # fmt: skip


def _named(cells: Sequence[str], known: Columns) -> tuple[Values, str]:
    """What the row names, each once, and the first cell that names something as it was found."""
    values: Values = ()
    found = ""
    for at, kind in known.naming:
        cell = _cell(cells, at)
        values += _read(rows_value.READERS[kind], cell, at) or ()
        found = found or cell
    if not values:
        raise Bad("no-value", "the row names nothing")
    return tuple(dict.fromkeys(values)), found


def _read(reader: Callable[[str], T], cell: str, at: int) -> T | None:
    """What the reader makes of a cell, None where it is blank; `Bad` knows the column."""
    if not cell or (len(cell) < 8 and cell.lower() in _BLANK):
        return None
    try:
        if len(cell) > LONGEST:
            raise Bad("bad-value", f"is longer than {LONGEST} characters")
        return reader(cell if cell.isascii() else cell.encode("utf-8", "replace").decode())
    except Bad as bad:
        bad.at = at
        raise


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if 0 <= at < len(cells) else ""


def _when(cells: Sequence[str], known: Columns) -> str:
    """The time; where a table has it apart from the date, both."""
    time, date = _cell(cells, known.time), _cell(cells, known.date)
    return f"{date} {time}" if date and known.date != known.time and ":" in time and len(time) < 15 else time


def clipped(text: str) -> str:
    """Text as a row repeats it: cut, nothing that a terminal would obey, and valid as UTF-8."""
    text = text[:CLIP]
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text).encode("utf-8", "replace").decode()


def _word(text: str) -> str:
    return clipped(text[:WORD]).strip().lower()


def of_objects(objects: Iterable[tuple[int, Mapping[str, object]]]) -> Iterable[Row]:
    """Rows of JSON objects, each with its line: members are columns; nested ones are left alone."""
    plans: dict[tuple[str, ...], Columns | None] = {}
    for line, each in objects:
        names = plain(each)
        if names not in plans and len(plans) < COLUMNS:
            plans[names] = columns(names)
        known = plans.get(names)
        if known is None:
            yield Row(line=line, verdict="no-value", says="no member of the object names anything that we know")
            continue
        found = row(line, [_text(each[name]) for name in names], known)
        if found is not None:
            yield found


def plain(found: Mapping[str, object]) -> tuple[str, ...]:
    """The members of an object that are columns: those with a plain value."""
    return tuple(name for name, value in found.items() if not isinstance(value, (dict, list)))[:COLUMNS]


def _text(value: object) -> str:
    """A plain member as text; whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def unknown(headings: Iterable[str]) -> str:
    """The sentence for a table of which no column is known."""
    shown = ", ".join(clipped(each.strip()[:30]) for each in list(headings)[:12])
    return (
        "A table without a column that we know: address, domain, link, mail address, digest or wallet."
        + (f" Its headings are: {shown}." if shown else "")
    )  # fmt: skip
