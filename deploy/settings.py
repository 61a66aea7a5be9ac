"""Settings: one frozen value from a TOML file and the environment; a key that nobody knows is an error.

The file is `lapwing.toml` in the home (or what `LAPWING_SETTINGS` names); `LAPWING_SMTP_PORT=2526` in the environment
stands above the key `port` of its table `smtp`. Everything has a default that works on one machine.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from enrichment.blocklists import zones_named
from intake.errors import Refused
from referral.request import Authority


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Smtp(Section, frozen=True):
    """The SMTP door. `domains` are those it takes mail for; none means every recipient. `per_minute` 0: no limit."""

    host: str = "127.0.0.1"
    port: int = 2525
    domains: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    per_minute: int = 60


class Upload(Section, frozen=True):
    """The upload door."""

    host: str = "127.0.0.1"
    port: int = 8025


class Dns(Section, frozen=True):
    """Who answers questions about names: live, off, or recorded (in `file`). `zones` are the blocklists asked."""

    mode: Literal["live", "off", "recorded"] = "live"
    file: str = ""
    nameservers: tuple[str, ...] = ()
    zones: tuple[str, ...] = ("zen.spamhaus.org", "dnsbl.dronebl.org", "bl.spamcop.net", "psbl.surriel.com")


class KnownReporter(Section, frozen=True):
    """A reporter whom we know: an address, or a domain for all in it, with class and the edges of its mail service."""

    address: str
    class_: Literal["public", "isp", "partner", "trap"] = msgspec.field(name="class", default="isp")
    edges: tuple[str, ...] = ()


class Outbox(Section, frozen=True):
    """Where an approved request goes when a person says send: a folder, and by SMTP when a host is given."""

    folder: str = "outbox"
    smtp_host: str = ""
    smtp_port: int = 25
    mail_from: str = ""


class Settings(Section, frozen=True):
    """All of them. `reserve` is the disk space in bytes that must stay free; `batch` how many items a worker takes."""

    domain: str = "lapwing.invalid"
    smtp: Smtp = Smtp()
    upload: Upload = Upload()
    dns: Dns = Dns()
    outbox: Outbox = Outbox()
    reporters: tuple[KnownReporter, ...] = ()
    authority: Authority = Authority(
        name="", country="", liaison="", liaison_address="", official="", power="", legal_basis=""
    )
    reserve: int = 200_000_000
    batch: int = 32
    segment: int = 64 << 20


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
