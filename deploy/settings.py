"""Settings: one frozen value from a TOML file and the environment; a key that nobody knows is an error.

The file is `lapwing.toml` in the home (or what `LAPWING_SETTINGS` names); `LAPWING_SMTP_PORT=2526` in the environment
stands above the key `port` of its table `smtp`. Everything has a default that works on one machine.
"""

import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import msgspec

from enrichment.answer import writable
from enrichment.blocklists import zones_named
from intake.errors import Refused
from intake.pickup import Mailbox
from referral.request import Authority


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Smtp(Section, frozen=True):
    """The SMTP door. `domains` are those it takes mail for; none means every recipient. `per_minute` 0: no limit.

    `tls_port`, `lmtp_port` and `metrics_port` open nothing when they are -1, and a free port when 0.
    """

    host: str = "127.0.0.1"
    port: int = 2525
    tls_port: int = -1
    lmtp_host: str = "127.0.0.1"
    lmtp_port: int = -1
    lmtp_socket: str = ""
    domains: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    plain_auth: bool = False
    proxies: tuple[str, ...] = ()
    per_source: int = 20
    per_minute: int = 60
    total: int = 200
    processes: int = 1
    metrics_port: int = -1


class Upload(Section, frozen=True):
    """The upload door. `country` (ISO 3166-1 alpha-2): whose public bodies its pages name; '' is the authority's.
    `contact` is the address at which people answer those who report; '' is that of `receipts.mail_from`. `proxies` are
    networks of web servers in front, whose X-Forwarded-For is believed.
    """

    host: str = "127.0.0.1"
    port: int = 8025
    country: str = ""
    contact: str = ""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    metrics_port: int = -1

    def __post_init__(self) -> None:
        if self.contact and not writable(self.contact):
            raise ValueError("`contact` is an address such as help@agency.example")
        for each in self.proxies:
            ip_network(each)


class PickUp(Section, frozen=True):
    """The process that picks up from mailboxes."""

    metrics_port: int = -1


class Dns(Section, frozen=True):
    """Who answers questions about names: live, off, or recorded (in `file`). `zones` are the blocklists asked."""

    mode: Literal["live", "off", "recorded"] = "live"
    file: str = ""
    nameservers: tuple[str, ...] = ()
    zones: tuple[str, ...] = ("zen.spamhaus.org", "dnsbl.dronebl.org", "bl.spamcop.net", "psbl.surriel.com")


class KnownReporter(Section, frozen=True):
    """A reporter whom we know: an address, or a domain for all in it, with class and the edges of its mail service."""

    address: str
    class_: Literal["public", "isp", "partner", "trap", "authority"] = msgspec.field(name="class", default="isp")
    edges: tuple[str, ...] = ()


class Hooks(Section, frozen=True):
    """Webhooks of feeds. `private` allows plain http and addresses that are not public, for one's own network."""

    private: bool = False


class Outbox(Section, frozen=True):
    """Where an approved request goes when a person says send: a folder, and by SMTP when a host is given."""

    folder: str = "outbox"
    smtp_host: str = ""
    smtp_port: int = 25
    mail_from: str = ""


class Retention(Section, frozen=True):
    """Days after which what came in is erased, by the reporter's class; `rest` is what held no report; 0: never."""

    public: int = 0
    isp: int = 0
    partner: int = 0
    trap: int = 0
    authority: int = 0
    rest: int = 0


class Receipts(Section, frozen=True):
    """Receipts by mail to those who report by mail; with `outcome` the status page says that a case is closed, and
    where receipts are on a note does.

    `relays` are addresses of our own mail servers that hand mail on to us; `calls` are numbers to call, by language.
    """

    on: bool = False
    outcome: bool = False
    smtp_host: str = ""
    smtp_port: int = 25
    mail_from: str = ""
    name: str = ""
    base_url: str = ""
    language: str = "en"
    dkim_key: str = ""
    dkim_selector: str = ""
    relays: tuple[str, ...] = ()
    calls: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.on and not (self.smtp_host and writable(self.mail_from)):
            raise ValueError("receipts need `smtp_host`, and an address in `mail_from`")
        if bool(self.dkim_key) != bool(self.dkim_selector):
            raise ValueError("`dkim_key` and `dkim_selector` go together")
        for text in (self.name, self.base_url, *self.calls.values()):
            if not text.isprintable():
                raise ValueError("`name`, `base_url` and `calls` are one line each")


class Lanes(Section, frozen=True):
    """Danger to life and child abuse: who is mailed at once (by the server of `receipts`), and after how many seconds
    again, while nobody has taken the case."""

    alarm_to: str = ""
    every: int = 900

    def __post_init__(self) -> None:
        if self.alarm_to and not writable(self.alarm_to):
            raise ValueError("`alarm_to` is an address such as duty@agency.example")
        if self.every < 1:
            raise ValueError("`every` is at least one second")


class Settings(Section, frozen=True):
    """All of them. `reserve` is the disk space in bytes that must stay free; `batch` how many items a worker takes;
    `volatile` lets `serve` start on a file system that forgets (tmpfs) or that another machine syncs (NFS).
    """

    domain: str = "lapwing.invalid"
    smtp: Smtp = Smtp()
    upload: Upload = Upload()
    dns: Dns = Dns()
    hooks: Hooks = Hooks()
    outbox: Outbox = Outbox()
    receipts: Receipts = Receipts()
    lanes: Lanes = Lanes()
    reporters: tuple[KnownReporter, ...] = ()
    retention: Retention = Retention()
    mailbox: tuple[Mailbox, ...] = ()
    pickup: PickUp = PickUp()
    authority: Authority = Authority(
        name="", country="", liaison="", liaison_address="", official="", power="", legal_basis=""
    )
    reserve: int = 200_000_000
    batch: int = 32
    segment: int = 64 << 20

    def __post_init__(self) -> None:
        if self.lanes.alarm_to and not (self.receipts.smtp_host and writable(self.receipts.mail_from)):
            raise ValueError("`lanes.alarm_to` needs receipts.smtp_host, and an address in receipts.mail_from")

    @property
    def contact(self) -> str:
        """The address at which people answer those who report, '' where none is set."""
        return self.upload.contact or self.receipts.mail_from

    @property
    def country(self) -> str:
        """Whose public bodies are named to people (ISO 3166-1 alpha-2), '' where none is set."""
        return self.upload.country or self.authority.country

    volatile: bool = False


def read(home: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of a home; `Refused('settings')` says which key is wrong and why."""
    path = Path(environment.get("LAPWING_SETTINGS") or home / "lapwing.toml")
    try:
        data = tomllib.loads(path.read_text()) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Refused("settings", f"{path.name} can't be read: {error}") from error
    _from_environment(data, environment)
    unknown = sorted(set(data.get("authority", {})) - set(Authority.__struct_fields__))
    if unknown:
        raise Refused("settings", f"{path.name}: [authority] has no key `{unknown[0]}`")
    try:
        settings = msgspec.convert(data, type=Settings)
        zones_named(settings.dns.zones)
    except ValueError as error:
        raise Refused("settings", f"{path.name}: {error}") from error
    return settings


def _from_environment(data: dict[str, Any], environment: Mapping[str, str]) -> None:
    known = dict(_names(Settings, ()))
    for name, text in environment.items():
        if name.startswith("LAPWING_") and name not in {"LAPWING_HOME", "LAPWING_SETTINGS", "LAPWING_PERSON"}:
            if name not in known:
                if name in OTHERS:
                    continue
                raise Refused("settings", f"the environment variable {name} is no setting of Lapwing")
            *tables, key = known[name]
            place = data
            for table in tables:
                place = place.setdefault(table, {})
            place[key] = _value(text)


OTHERS = frozenset({"LAPWING_CORPORA", "LAPWING_PASSPHRASE", "LAPWING_TRACE", "LAPWING_PYTHON"})
"""Variables of ours that are no settings: the tests' corpora, the passphrase for scripts."""


def _names(type_: Any, above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Environment name -> path of every plain key."""
    for field in msgspec.structs.fields(type_):
        path = (*above, field.encode_name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _names(field.type, path)
        else:
            yield "LAPWING_" + "_".join(path).upper(), path


def _value(text: str) -> Any:
    """A TOML value, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
