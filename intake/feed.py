"""Feed: a reporter that hands in by the thousand, an ISP, a trap or an authority: how it is known, what it may have.

A feed never changes: each change is a record of the next version. It is known by an account (a key, whose secret is
kept as a hash alone), by a recipient address that only it knows, or by its envelope domain together with the networks
that it sends from. A submission is judged by the version that stood when it came in, with the edges of that time, so
that a rebuild gives the same answer. Keys end at a time; the earliest end counts.
"""

import hmac
import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Literal

from intake.errors import Refused
from intake.record import Record, name_of
from intake.submission import Envelope

FeedClass = Literal["isp", "partner", "trap", "authority"]
SCOPES = ("report", "status", "findings")
"""What a key may be good for: hand in, ask what became of it, read findings about the feed's own networks."""
ACCOUNT = "feed:"
"""What the account of a feed begins with, in an envelope and as a reporter's address."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_KEY = re.compile(r"lapw_([0-9a-z]{12})_([0-9a-z]{26})")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Feed(Record, frozen=True, kw_only=True):
    """Version `version` (from 1) of a feed.

    `edges` are host names, domains or networks of the servers that take in mail for its customers (the trust boundary);
    `networks` are those that it is responsible for, about which it gets findings; `senders` those it sends reports
    from, `networks` where it names none. An entry of `addresses` with an @ is a recipient address that only the feed
    knows, one without is its envelope domain. `findings_from` is from how many distinct reporters on a finding about
    its networks is shown to it.
    """

    kind = "feed"
    indexed = ("name",)

    name: str
    version: int = 1
    class_: FeedClass = "isp"
    edges: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    per_minute: int = 600
    """Items that it may hand in within a minute; 0 is no limit."""
    webhook: str = ""
    webhook_round: int = 1
    """Of the webhook's signing secret."""
    findings_from: int = 2
    closed: bool = False
    by: str
    at: datetime

    @property
    def key(self) -> str:
        return f"{self.name}/{self.version}"


class FeedKey(Record, frozen=True, kw_only=True):
    """A key of a feed: `hash` is the SHA-256 of its secret, which has 130 random bits and is kept nowhere."""

    kind = "feed_key"
    indexed = ("feed",)

    id: str
    feed: str
    hash: str
    scopes: tuple[str, ...]
    until: datetime | None = None
    by: str
    at: datetime


class FeedKeyEnd(Record, frozen=True, kw_only=True):
    """That a key is good until then and no longer."""

    kind = "feed_key_end"
    indexed = ("feed_key",)

    id: str
    feed_key: str
    until: datetime
    by: str
    at: datetime


def checked(feed: Feed) -> Feed:
    """The feed, if its parts are what they should be; `Refused('feed')` says what is wrong."""
    if not _NAME.fullmatch(feed.name):
        raise Refused("feed", "a feed's name has lower-case letters, digits and hyphens, 40 at most")
    for text in (*feed.networks, *feed.senders):
        if network(text) is None:
            raise Refused("feed", f"'{text}' is no network such as 192.0.2.0/24")
    if any(address != address.strip().lower() or not address.strip("@") for address in feed.addresses):
        raise Refused("feed", "an address is in lower case: reports-x7@agency.example, or a domain: isp.example")
    domains = [each for each in feed.addresses if "@" not in each]
    if domains and not (feed.senders or feed.networks):
        raise Refused("feed", f"mail from {domains[0]} can be believed from the feed's own networks only; name some")
    if not 0 <= feed.per_minute <= 1_000_000 or not 1 <= feed.findings_from <= 1000:
        raise Refused("feed", "a limit is out of its range")
    return feed


def network(text: str) -> Network | None:
    """The network that is written there, None where it is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def inside(address: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of these networks."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any((each := network(text)) is not None and parsed in each for text in networks)


class Feeds:
    """All versions of all feeds, and the question whose a submission is."""

    def __init__(self, versions: Iterable[Feed] = ()) -> None:
        self._versions: dict[str, list[Feed]] = {}
        for each in sorted(versions, key=lambda feed: (feed.name, feed.version)):
            self._versions.setdefault(each.name, []).append(each)

    @property
    def newest(self) -> tuple[Feed, ...]:
        """The latest version of each, closed ones too, by name."""
        return tuple(versions[-1] for versions in self._versions.values())

    def named(self, name: str) -> Feed | None:
        """The latest version of that feed, None when there is none."""
        return self._versions[name][-1] if name in self._versions else None

    def of(self, envelope: Envelope, at: datetime) -> Feed | None:
        """The feed whose submission, received `at`, this envelope is of; None where it is nobody's."""
        if envelope.account.startswith(ACCOUNT):
            return self._shown(envelope.account.removeprefix(ACCOUNT), at)
        if not envelope.rcpt_to and not envelope.mail_from:
            return None
        standing = (self._then(versions, at) for versions in self._versions.values())
        return next((feed for feed in standing if feed is not None and _sent_by(feed, envelope)), None)

    def responsible(self, address: str) -> tuple[Feed, ...]:
        """The open feeds in whose networks the address lies."""
        return tuple(feed for feed in self.newest if not feed.closed and inside(address, feed.networks))

    def _shown(self, name: str, at: datetime) -> Feed | None:
        """The version at that time of a feed whose key was shown; its first one where the clock had gone back."""
        versions = self._versions.get(name, [])
        return next((each for each in reversed(versions) if each.at <= at), versions[0] if versions else None)

    def _then(self, versions: list[Feed], at: datetime) -> Feed | None:
        last = next((each for each in reversed(versions) if each.at <= at), None)
        return last if last is not None and not last.closed else None


def _sent_by(feed: Feed, envelope: Envelope) -> bool:
    recipients = {each.strip("<>").lower() for each in envelope.rcpt_to}
    if recipients & {each for each in feed.addresses if "@" in each}:
        return True
    domain = envelope.mail_from.strip("<>").lower().rpartition("@")[2]
    return bool(domain) and domain in feed.addresses and inside(envelope.peer, feed.senders or feed.networks)


def new_secret(random: bytes) -> tuple[str, str, str]:
    """(text of the key as the feed is told it, its id, the hash to be kept) from 64 random bytes."""
    id_, secret = name_of("feed key", random[:32])[:12], name_of("feed secret", random[32:])
    return f"lapw_{id_}_{secret}", id_, sha256(secret.encode()).hexdigest()


def parts_of(text: str) -> tuple[str, str] | None:
    """(id, hash of the secret) of a key's text, None where it is no key."""
    found = _KEY.fullmatch(text)
    return (found[1], sha256(found[2].encode()).hexdigest()) if found else None


def end_of(key: FeedKey, ends: Iterable[FeedKeyEnd]) -> datetime | None:
    """Until when the key is good; None: for ever."""
    times = [key.until, *(each.until for each in ends if each.feed_key == key.id)]
    return min((each for each in times if each is not None), default=None)


def hook_secret(door: bytes, feed: str, round_: int) -> str:
    """The secret with which events for that feed's webhook are signed; `door` is the house's door secret."""
    return "whsec_" + hmac.digest(door, f"webhook {feed} {round_}".encode(), "sha256").hex()
