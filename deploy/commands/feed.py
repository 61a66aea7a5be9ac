"""`lapwing feed`: the providers, traps and authorities that hand in reports: add, keys, health, webhook."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.feeds import fill_keyring, kept
from deploy.wiring import now
from intake import hook
from intake.accept import reference
from intake.errors import Refused
from intake.feed import SCOPES, Feed, FeedClass, FeedKey, FeedKeyEnd, checked, end_of, hook_secret, new_secret
from intake.inquiry import Inquiry
from intake.notice import Sender
from intake.postbox import Postbox
from intake.record import name_of
from intake.store import every
from intake.vault import keys

app = typer.Typer(help="Feeds: add, change, key, rotate, revoke, list, show, replay.", no_args_is_help=True)
NAME = typer.Argument(..., help="Short name of the feed: lower-case letters, digits, hyphens.")
CLASS = typer.Option(None, "--class", help="isp, partner, trap or authority.")
EDGE = typer.Option(None, "--edge", help="Host name, domain or network of a server that takes in its mail; repeat.")
NETWORK = typer.Option(None, "--network", help="Network that it is responsible for; may be repeated.")
SENDER = typer.Option(None, "--sender", help="Network that it mails reports from; default: its networks.")
ADDRESS = typer.Option(None, "--address", help="A recipient address only it knows, or its envelope domain; repeat.")
MINUTE = typer.Option(None, "--per-minute", help="Items within a minute; 0: no limit.")
WEBHOOK = typer.Option(None, "--webhook", help="https address that events are posted to; '' for none.")
FROM = typer.Option(None, "--findings-from", help="Distinct reporters from which on a finding is shown to it.")
SCOPE = typer.Option(",".join(SCOPES), "--scope", help="What the key is good for, with commas between.")
DAYS = typer.Option(365, "--days", help="Days that it is good for; 0: until it is revoked.")


@app.command("add")
def add(
    context: typer.Context, name: str = NAME, class_: str = CLASS, edge: list[str] = EDGE, network: list[str] = NETWORK,
    sender: list[str] = SENDER, address: list[str] = ADDRESS, per_minute: int = MINUTE, webhook: str = WEBHOOK,
    findings_from: int = FROM, json: bool = JSON,
) -> None:  # fmt: skip
    """Add a feed. It is known by a key (`feed key`), or by an address of its own."""
    desk: Desk = context.obj
    desk.makes = True
    if kept(desk.house.archive).named(name) is not None:
        raise Refused("feed", f"there is a feed {name} already; see: lapwing feed change")
    given = _given(class_, edge, network, sender, address, per_minute, webhook, findings_from)
    _keep(desk, Feed(name=name, by="", at=now()), given, "add a feed", json)


@app.command("change")
def change(
    context: typer.Context, name: str = NAME, class_: str = CLASS, edge: list[str] = EDGE, network: list[str] = NETWORK,
    sender: list[str] = SENDER, address: list[str] = ADDRESS, per_minute: int = MINUTE, webhook: str = WEBHOOK,
    findings_from: int = FROM,
    new_secret: bool = typer.Option(False, "--new-webhook-secret", help="Sign its webhook's events with a new secret."),
    json: bool = JSON,
) -> None:  # fmt: skip
    """Change what is given; the rest stays. Also opens a revoked feed again, without its old keys."""
    desk: Desk = context.obj
    known = _found(desk, name)
    given = _given(class_, edge, network, sender, address, per_minute, webhook, findings_from)
    if new_secret:
        given["webhook_round"] = known.webhook_round + 1
    _keep(desk, msgspec.structs.replace(known, version=known.version + 1, closed=False), given, "change a feed", json)


def _given(
    class_: str | None, edges: list[str] | None, networks: list[str] | None, senders: list[str] | None,
    addresses: list[str] | None, per_minute: int | None, webhook: str | None, findings_from: int | None,
) -> dict[str, Any]:  # fmt: skip
    """The fields of a feed that the options set."""
    if class_ is not None and class_ not in get_args(FeedClass):
        raise Refused("feed", f"there is no class {class_}; there are {', '.join(get_args(FeedClass))}")
    lists = {"edges": edges, "networks": networks, "senders": senders, "addresses": addresses}
    fields: dict[str, Any] = {name: tuple(value) for name, value in lists.items() if value}
    one = {"class_": class_, "per_minute": per_minute, "webhook": webhook, "findings_from": findings_from}
    return fields | {name: value for name, value in one.items() if value is not None}


def _keep(desk: Desk, feed: Feed, given: dict[str, Any], action: str, json: bool) -> None:
    changed = given.get("webhook", feed.webhook) != feed.webhook or "webhook_round" in given
    feed = checked(msgspec.structs.replace(feed, **given))
    if feed.webhook:
        hook.checked_url(feed.webhook, desk.house.settings.hooks.private)
    by = desk.noted(action, f"feed {feed.name}", right="feeds")
    ours = msgspec.structs.replace(feed, by=by, at=now())
    feed = desk.house.archive.keep(ours)
    if feed != ours:
        raise Refused("feed", f"somebody else changed {feed.name} at the same moment; look, and try again")
    fill_keyring(desk.house.archive, desk.house.keyring)
    if changed:
        Postbox(desk.house.outcomes).again(feed.name)
    secret = hook_secret(keys.door(desk.house.keys), feed.name, feed.webhook_round) if feed.webhook and changed else ""
    if json:
        emit({"feed": feed.name, "version": feed.version, "class": feed.class_, "edges": feed.edges,
              "networks": feed.networks, "senders": feed.senders, "addresses": feed.addresses,
              "per_minute": feed.per_minute, "webhook": feed.webhook, "findings_from": feed.findings_from,
              "webhook_secret": secret})  # fmt: skip
        return
    err.print(f"feed {feed.name} is kept (version {feed.version})")
    if secret:
        err.print("its webhook's events are signed with this secret; give it to the feed:")
        out.print(secret, soft_wrap=True)


def _found(desk: Desk, name: str) -> Feed:
    feed = kept(desk.house.archive).named(name)
    if feed is None:
        raise Refused("feed", f"there is no feed {name}; see: lapwing feed list")
    return feed


@app.command("key")
def key(context: typer.Context, name: str = NAME, scope: str = SCOPE, days: int = DAYS, json: bool = JSON) -> None:
    """Make a key and print it, once: only a hash of it is kept."""
    _make(context.obj, name, scope, days, "make a key", json)


def _make(desk: Desk, name: str, scope: str, days: int, action: str, json: bool) -> None:
    feed = _found(desk, name)
    scopes = tuple(each for each in SCOPES if each in scope.split(","))
    wrong = set(scope.split(",")) - set(SCOPES)
    if wrong or not scopes or not 0 <= days <= 36_500:
        raise Refused("feed", f"scopes are {', '.join(SCOPES)}, with commas between; days 0 to 36500")
    if feed.closed:
        raise Refused("feed", f"{name} was revoked; open it again with: lapwing feed change {name}")
    by = desk.noted(action, f"feed {name}", right="feeds")
    text, id_, hash_ = new_secret(os.urandom(64))
    until = now() + timedelta(days=days) if days else None
    desk.house.archive.keep(FeedKey(id=id_, feed=name, hash=hash_, scopes=scopes, until=until, by=by, at=now()))
    fill_keyring(desk.house.archive, desk.house.keyring)
    if json:
        emit({"feed": name, "key": text, "id": id_, "scopes": scopes, "until": until})
    else:
        err.print(f"key {id_} of {name}, good for {', '.join(scopes)}; it is shown this once:")
        out.print(text, soft_wrap=True)


@app.command("rotate")
def rotate(
    context: typer.Context, name: str = NAME,
    one: str = typer.Option("", "--key", help="The id of the key to be replaced; without it all that are good are."),
    scope: str = typer.Option("", "--scope", help="What the new key is good for; default: what the old one is."),
    days: int = DAYS, grace: int = typer.Option(7, "--grace", help="Days for which the old keys stay good."),
    json: bool = JSON,
) -> None:  # fmt: skip
    """Make a new key that is good for what the old one is; the old one ends after the grace."""
    desk: Desk = context.obj
    if not 0 <= grace <= 365:
        raise Refused("feed", "the grace has 0 to 365 days")
    old = [each for each in _keys(desk, name) if _good(desk, each) and one in ("", each.id)]
    if one and not old:
        raise Refused("feed", f"{name} has no key {one} that is good")
    _make(desk, name, scope or _scope_of(old), days, "rotate a key", json)
    until = now() + timedelta(days=grace)
    _end(desk, old, desk.person("feeds"), until)
    for each in old:
        err.print(f"key {each.id} is good until {until:%Y-%m-%d %H:%M} UTC")


def _scope_of(old: list[FeedKey]) -> str:
    """What these keys are all good for."""
    scopes = {",".join(each.scopes) for each in old} or {",".join(SCOPES)}
    if len(scopes) > 1:
        raise Refused(
            "feed", "its keys are good for different things; say --key ID for one, or --scope for the new one"
        )
    return scopes.pop()


@app.command("revoke")
def revoke(
    context: typer.Context, name: str = NAME,
    one: str = typer.Option("", "--key", help="The id of one key; without it the feed and all its keys end."),
) -> None:  # fmt: skip
    """End a key at once, or a whole feed; what it handed in stays."""
    desk: Desk = context.obj
    feed, chosen = _found(desk, name), _keys(desk, name)
    if one:
        chosen = [each for each in chosen if each.id == one]
        if not chosen:
            raise Refused("feed", f"{name} has no key {one}")
    by = desk.noted("revoke a key" if one else "revoke a feed", f"feed {name}", one, right="feeds")
    if not one and not feed.closed:
        closed = msgspec.structs.replace(feed, version=feed.version + 1, closed=True, by=by, at=now())
        desk.house.archive.keep(closed)
    _end(desk, chosen, by, now())
    err.print(f"revoked: {one or name}")


def _keys(desk: Desk, name: str) -> list[FeedKey]:
    _found(desk, name)
    return list(every(desk.house.store, FeedKey, {"feed": name}))


def _good(desk: Desk, key: FeedKey) -> bool:
    until = _until(desk, key)
    return until is None or until > now()


def _until(desk: Desk, key: FeedKey) -> datetime | None:
    return end_of(key, every(desk.house.store, FeedKeyEnd, {"feed_key": key.id}))


def _end(desk: Desk, chosen: list[FeedKey], by: str, until: datetime) -> None:
    ends = [FeedKeyEnd(id=name_of(os.urandom(16)), feed_key=each.id, until=until, by=by, at=now()) for each in chosen]
    desk.house.archive.keep_all(ends)
    fill_keyring(desk.house.archive, desk.house.keyring)


def _inquiry(desk: Desk) -> Inquiry:
    secret = keys.door(desk.house.keys)
    return Inquiry(desk.house.outcomes, lambda ref: reference(secret, ref), Sender("", "", ""), desk.house.turned_away)


@app.command("list")
def list_(context: typer.Context, json: bool = JSON) -> None:
    """All feeds, each with its health: last report, usual rate, silent for too long."""
    desk: Desk = context.obj
    desk.noted("look at feeds", "feed")
    inquiry = _inquiry(desk)
    table = Table("feed", "class", "keys", "health", "webhook", box=None, header_style="bold")
    for feed in kept(desk.house.archive).newest:
        good = sum(_good(desk, each) for each in _keys(desk, feed.name))
        health, posted = inquiry.health(feed.name, now()), Postbox(desk.house.outcomes).state(feed.name)
        told = "revoked" if feed.closed else health.says
        if json:
            emit({"feed": feed.name, "class": feed.class_, "revoked": feed.closed, "keys": good, "health": health,
                  "webhook": feed.webhook, "posted": posted.n, "failed": posted.attempts,
                  "said": posted.said})  # fmt: skip
        hooked = "yes" if feed.webhook else ""
        if feed.webhook and posted.attempts:
            hooked = f"{posted.attempts} attempts failed: {posted.said}"
        table.add_row(feed.name, feed.class_, str(good), told, escape(defanged(hooked)))
    if not json:
        out.print(table if table.row_count else "There are no feeds; add one: lapwing feed add NAME")


@app.command("show")
def show(context: typer.Context, name: str = NAME, json: bool = JSON) -> None:
    """One feed: how it is known, its keys, its volumes and time to triage."""
    desk: Desk = context.obj
    feed = _found(desk, name)
    desk.noted("look at a feed", f"feed {name}")
    stats, used = _inquiry(desk).stats(name, now()), desk.house.outcomes.last_used(name)
    held = [_told(desk, each, used) for each in _keys(desk, name)]
    if json:
        emit({"feed": feed, "keys": held, "stats": stats})
        return
    out.print(f"[bold]{feed.name}[/bold] {feed.class_}: {'revoked' if feed.closed else stats.health.says}")
    for label, values in (("edges", feed.edges), ("networks", feed.networks), ("addresses", feed.addresses)):
        out.print(f"  {label}: {', '.join(values) or 'none'}")
    for each in held:
        end = f"until {each['until']:%Y-%m-%d}" if each["until"] else "without end"
        use = f"used {each['used']:%Y-%m-%d}" if each["used"] else "never used"
        out.print(f"  key {each['id']} ({', '.join(each['scopes'])}) {end}, {use}{'' if each['good'] else ', over'}")
    total = stats.total
    out.print(f"  30 days: {total.accepted} accepted, {total.duplicate} duplicate, {total.refused} refused")
    if total.triage:
        out.print(f"  half of them were in a case within {total.triage.half_below:.0f} s")


def _told(desk: Desk, key: FeedKey, used: dict[str, float]) -> dict[str, Any]:
    """What is told of a key."""
    last = datetime.fromtimestamp(used[key.id], UTC) if key.id in used else None
    return {"id": key.id, "scopes": key.scopes, "made": key.at, "until": _until(desk, key), "good": _good(desk, key),
            "used": last}  # fmt: skip


@app.command("replay")
def replay(
    context: typer.Context, name: str = NAME,
    start: int = typer.Option(1, "--from", help="Number of the first event to be posted again."),
) -> None:  # fmt: skip
    """Post the feed's events again, from that number on."""
    desk: Desk = context.obj
    _found(desk, name)
    desk.noted("replay events", f"feed {name}", f"from {start}", right="feeds")
    Postbox(desk.house.outcomes).replay(name, start)
    err.print(f"events of {name} from {start} on will be posted again")
