"""The receipt by mail: to whom it goes and to whom never, how often, in which language, and what stands in it."""

import base64
import email.utils
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest

from deploy import erasing, retention
from deploy.settings import read
from enrichment.acknowledge import Acknowledgement
from enrichment.answer import REASONS, Turn, unfit, writable
from intake.errors import Refused, Temporary
from intake.parsing import Parser, command
from intake.report import Reporter, pseudonym
from intake.submission import Submission
from tests.reporters_house import KEY, NOW, SETTINGS, Reporters, cover, house, signed
from tests.sample_dns import public
from tests.sink import Sink, sink


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    running = Parser(command("deploy.parserd"), children=1)
    yield running
    running.close()


@pytest.fixture
def made(tmp_path: Path, server: Sink, parser: Parser) -> Iterator[Reporters]:
    server.mails.clear()
    server.replies.clear()
    server.hang_up = False
    with house(tmp_path, server, parser=parser) as opened:
        yield opened


def test_a_receipt_goes_to_a_sender_whose_spf_passes(made: Reporters) -> None:
    kept = made.receipt(cover())
    (mail,) = made.server.mails
    assert (kept.result, kept.proof, kept.template) == ("sent", "spf", "en/3")
    assert (mail.sender, mail.recipients) == ("<>", ["rita@isp.example"])
    read = mail.read
    assert read["From"].addresses[0].addr_spec == "reports@lapwing.example"
    assert read["From"].addresses[0].display_name == "Example Agency, 通報中心"
    assert (read["To"], read["Auto-Submitted"]) == ("rita@isp.example", "auto-replied")
    assert read["In-Reply-To"] == read["References"] == "<cover.1@client.example>"
    assert read["Message-ID"] not in (None, read["In-Reply-To"]) and email.utils.parsedate_to_datetime(read["Date"])
    reference = made.house.answering.reference(kept.submission)
    for said in (reference, f"https://report.lapwing.example/reports/{reference}", "165, day and night", "bank"):
        assert said in mail.text
    assert reference in read["Subject"] and "send us the original" not in mail.text


def test_what_was_sent_is_kept_by_digest_and_version_and_never_with_the_address(made: Reporters) -> None:
    from intake.record import sha256

    kept = made.receipt(cover())
    assert sha256(made.server.mails[0].data.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n")) == kept.sha256
    assert b"rita" not in kept.body and {each.id for each in kept.lookups} == {"TXT isp.example"}
    turns = made.house.store.find(Turn, {}, limit=10)[0]
    assert len(turns) == 2 and all(b"rita" not in each.body for each in turns)
    assert kept.reporter in {each.id for each in made.house.store.find(Reporter, {}, limit=10)[0]}


def test_a_receipt_goes_to_a_sender_who_signed(made: Reporters) -> None:
    data = signed(cover("ann@signs.example"))
    assert made.receipt(data, "ann@signs.example", peer="127.0.0.1").proof == "dkim"
    assert made.receipt(data.replace(b"Buy", b"Bye"), "bob@signs.example", peer="127.0.0.1").reason == "none"
    assert [each.recipients for each in made.server.mails] == [["ann@signs.example"]]


def test_a_signature_of_the_provider_proves_nothing_of_its_other_customers(made: Reporters) -> None:
    data = signed(cover("mallory@signs.example"))
    kept = made.receipt(data, "victim@signs.example", peer="127.0.0.1")
    assert (kept.result, kept.reason, made.server.mails) == ("not-sent", "none", [])


@pytest.mark.parametrize(
    ("mail_from", "peer", "reason"),
    [
        ("a@hard.example", "192.0.2.10", "fail"),
        ("a@isp.example", "198.51.100.77", "fail"),
        ("a@soft.example", "192.0.2.10", "none"),
        ("a@anybody.example", "192.0.2.10", "none"),
        ("a@nothing.example", "192.0.2.10", "none"),
        ("a@isp.example", "127.0.0.1", "none"),
        ("a@isp.example", "10.1.2.3", "none"),
        ("a@isp.example", "203.0.113.25", "none"),
        ("a@isp.example", "", "none"),
        ("<>", "192.0.2.10", "null-sender"),
        ("", "192.0.2.10", "no-address"),
        ("postmaster@isp.example", "192.0.2.10", "role"),
        ("MAILER-DAEMON@isp.example", "192.0.2.10", "role"),
        ("owner-list@isp.example", "192.0.2.10", "role"),
        ("list-request@isp.example", "192.0.2.10", "role"),
        ("bounces+rita=isp.example@isp.example", "192.0.2.10", "role"),
        ("SRS0=abcd=xy=victim.example=ann@forwarder.example", "192.0.2.10", "role"),
        ("reports@lapwing.example", "192.0.2.10", "own"),
        ("someone@sub.report.lapwing.example", "192.0.2.10", "own"),
        ("abuse@feed.example", "192.0.2.10", "feed"),
        ("rita@isp.example\r\nRCPT TO:<x@isp.example>", "192.0.2.10", "no-address"),
        ("rita@[192.0.2.10]", "192.0.2.10", "no-address"),
    ],
)  # fmt: skip
def test_nobody_is_answered_who_is_not_proven_or_must_not_be(
    made: Reporters, mail_from: str, peer: str, reason: str
) -> None:
    kept = made.receipt(cover(mail_from.partition("\r")[0]), mail_from, peer=peer)
    assert (kept.result, kept.reason) == ("not-sent", reason)
    assert made.server.mails == [] and reason in REASONS


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("Auto-Submitted: auto-generated\r\n", "auto-submitted"),
        ("Auto-Submitted: (it is) no-reply\r\n", "auto-submitted"),
        ("Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n", "auto-submitted"),
        ("List-Id: <list.isp.example>\r\n", "list"),
        ("List-Unsubscribe: <mailto:x@isp.example>\r\n", "list"),
        ("Precedence: bulk\r\n", "list"),
        ("Precedence: first-class\r\nPrecedence: Junk\r\n", "list"),
        ("X-Autoreply: yes\r\n", "auto-reply"),
        ("X-Auto-Response-Suppress: All\r\n", "suppressed"),
        ("X-Loop: reports@lapwing.example\r\n", "list"),
        ("Received: from a by b; Mon, 23 Nov 2026 10:00:00 +0000\r\n" * 30, "loop"),
    ],
)
def test_no_program_and_no_list_is_answered(made: Reporters, fields: str, reason: str) -> None:
    kept = made.receipt(cover(fields=fields))
    assert (kept.result, kept.reason, made.server.mails) == ("not-sent", reason, [])


def test_auto_submitted_no_is_answered(made: Reporters) -> None:
    assert made.receipt(cover(fields="Auto-Submitted: no (a person; really)\r\n")).result == "sent"


def test_bounces_and_what_was_handed_in_before_are_not_answered(made: Reporters) -> None:
    bounce = (Path(__file__).parents[1] / "golden" / "formats" / "bounce-dsn.eml").read_bytes()
    assert made.receipt(bounce).reason == "bounce"
    assert made.receipt(cover(tag="again")).result == "sent"
    made.later = timedelta(days=1)
    assert made.receipt(cover(tag="again")).reason == "duplicate"


def test_one_a_day_to_an_address_and_one_in_a_conversation(made: Reporters) -> None:
    assert made.receipt(cover(tag="1")).result == "sent"
    assert made.receipt(cover(tag="2"), "Rita@ISP.example").reason == "one-a-day"
    made.later = timedelta(days=1)
    reply = "References: <cover.1@client.example> <receipt.x@lapwing.example>\r\n"
    assert made.receipt(cover(tag="3", fields=reply)).reason == "one-per-thread"
    assert made.receipt(cover(tag="4")).result == "sent"
    assert len(made.server.mails) == 2


def test_doing_it_again_sends_nothing_again(made: Reporters) -> None:
    id_ = made.hand_in(cover())
    made.acknowledge()
    made.acknowledge([id_])
    assert len(made.server.mails) == 1 and made.kept(id_).result == "sent"


def test_killed_while_it_sent_it_sends_nothing_again(made: Reporters, monkeypatch: Any) -> None:
    id_ = made.hand_in(cover())
    known = made.house.archive.keep

    def keep(record: Any) -> Any:
        if isinstance(record, Acknowledgement):
            raise KeyboardInterrupt
        return known(record)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(made.house.archive, "keep", keep)
        made.acknowledge()
    made.acknowledge([id_])
    assert len(made.server.mails) == 1
    assert (made.kept(id_).result, made.kept(id_).reason) == ("undelivered", "interrupted")


def locked(how: str) -> bytes:
    """A mail with something in it that can't be opened: an encrypted entry of a zip, or a broken one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("spam.eml", cover(tag=how))
    data = packed.getvalue()
    if how == "locked":
        data = data.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\1\0")
        data = data.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")
    else:
        data = data.replace(b"Buy at", b"Bye at")
    top = cover(tag=how).partition(b"--x\r\n")[0]
    part = 'Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return top + b"--x\r\n" + part.encode() + base64.encodebytes(data) + b"\r\n--x--\r\n"


ASKED = {"original": "Please send us the original, too", "locked": "without a password", "unread": "mail once more"}


@pytest.mark.parametrize(
    ("data", "asks"),
    [
        (cover(), ""),
        (cover(headers=False), "original"),
        (cover().replace(b"Received: from a.test", b"X-Was: from a.test"), "original"),
        (locked("locked"), "locked"),
        (locked("broken"), "unread"),
    ],
    ids=["whole", "no headers", "no Received line", "locked", "broken"],
)
def test_what_is_missing_is_asked_for(made: Reporters, data: bytes, asks: str) -> None:
    assert made.receipt(data).result == "sent"
    text = made.server.mails[0].text
    assert [name for name, words in ASKED.items() if words in text] == [each for each in (asks,) if each]


def test_the_receipt_says_what_can_be_done_with_its_reference(made: Reporters) -> None:
    assert made.receipt(cover()).result == "sent"
    text = " ".join(made.server.mails[0].text.split())
    for said in (
        "add a loss",
        "send the original",
        "take the report back",
        "erase it, write to reports@lapwing.example",
    ):
        assert said in text
    assert "If we have a question we write to you" in text and "Nobody will call you" in text


FEEDS: list[tuple[str, dict[str, Any]]] = [
    ("trap", {"class_": "trap", "addresses": ("trap-x7@lapwing.example",)}),
    ("by-address", {"addresses": ("by-address-x7@lapwing.example",)}),
    ("by-domain", {"addresses": ("isp.example",)}),
    ("by-key", {}),
]


@pytest.mark.parametrize(("name", "known"), FEEDS, ids=[name for name, _ in FEEDS])
def test_a_feed_is_never_answered_however_it_is_known(made: Reporters, name: str, known: dict[str, Any]) -> None:
    made.feed(name, **known)
    to = next((each for each in known.get("addresses", ()) if "@" in each), "report@lapwing.example")
    account = f"feed:{name}" if name == "by-key" else ""
    kept = made.receipt(cover(), to=to, account=account)
    assert (kept.result, kept.reason, made.server.mails) == ("not-sent", "feed", [])
    assert made.house.archive.get(Reporter, pseudonym(made.house.secret("reporter"), f"feed:{name}")) is not None
    if name != "by-domain":
        assert made.receipt(cover(tag="2")).result == "sent", "the same sender is answered when it is nobody's feed"


def test_after_an_erasure_no_second_receipt_goes_to_the_same_day_or_conversation(made: Reporters) -> None:
    house = made.house
    first = made.receipt(cover(tag="1"))
    erasing.erase(house, erasing.plan(house, [("submission", first.submission)]), "their wish", "anna")
    assert made.receipt(cover(tag="2")).reason == "one-a-day"
    made.later = timedelta(days=1)
    reply = "References: <cover.1@client.example>\r\n"
    assert made.receipt(cover(tag="3", fields=reply)).reason == "one-per-thread"
    turns = house.store.find(Turn, {}, limit=10)[0]
    assert turns and all(b"rita" not in each.body and b"client.example" not in each.body for each in turns)


def test_the_marks_of_answers_are_kept_for_a_year_after_their_month(made: Reporters) -> None:
    assert made.receipt(cover()).result == "sent"
    day = NOW.date().replace(day=1)
    retention.run(made.house, day.replace(year=day.year + 1))
    assert made.house.store.count(Turn, {}) == {"": 2}
    retention.run(made.house, (day.replace(year=day.year + 1) + timedelta(days=31)).replace(day=1))
    assert made.house.store.count(Turn, {}) == {}
    assert made.house.archive.get(Submission, made.house.store.find(Submission, {})[0][0].id) is not None


@pytest.mark.parametrize(
    ("fields", "text", "template"),
    [
        ("Accept-Language: zh-TW, en-US;q=0.5\r\n", "", "zh-Hant/3"),
        ("Accept-Language: en-GB\r\n", "", "en/3"),
        ("Content-Language: zh-HK\r\n", "", "zh-Hant/3"),
        ("Accept-Language: de-DE, zh-Hant-TW\r\n", "", "zh-Hant/3"),
        ("Accept-Language: xx; q=\r\n y\r\n", "", "en/3"),
        ("Accept-Language: en\r\n", "您好，我收到這封詐騙郵件，請協助處理，謝謝。我沒有點選連結。", "zh-Hant/3"),
        ("", "", "en/3"),
    ],
)
def test_it_is_in_the_reporters_language(made: Reporters, fields: str, text: str, template: str) -> None:
    assert made.receipt(cover(fields=fields, text=text)).template == template
    (mail,) = made.server.mails
    assert mail.read["Content-Language"] == template.partition("/")[0]
    assert ("銀行" in mail.text) is ("165 反詐騙專線" in mail.text) is template.startswith("zh")


def test_a_silent_dns_is_tried_later_and_then_given_up(made: Reporters) -> None:
    id_ = made.hand_in(cover("a@silent.example"), "a@silent.example")
    tries = 0
    with pytest.raises(Temporary) as told:
        made.acknowledge()
    while told.value.after and made.house.archive.get(Acknowledgement, id_) is None:
        tries += 1
        made.later += timedelta(seconds=told.value.after)
        try:
            made.acknowledge([id_])
        except Temporary as error:
            told.value.after = error.after
    assert (made.kept(id_).result, made.kept(id_).reason) == ("not-sent", "open")
    assert 4 < tries < 15 and made.server.mails == []


def test_a_mail_server_that_is_away_is_tried_later(made: Reporters) -> None:
    id_ = made.hand_in(cover())
    made.server.replies["RCPT"] = "451 4.3.0 later"
    with pytest.raises(Temporary):
        made.acknowledge()
    assert made.house.archive.get(Acknowledgement, id_) is None
    made.server.replies.clear()
    made.acknowledge([id_])
    assert made.kept(id_).result == "sent" and len(made.server.mails) == 1


def test_what_is_not_delivered_is_known(made: Reporters) -> None:
    made.server.replies["RCPT"] = "550 5.1.1 nobody"
    assert made.receipt(cover(tag="1"), "a@isp.example").reason == "refused"
    made.server.replies = {"DATA": "554 5.6.0 no"}
    assert made.receipt(cover(tag="2"), "b@isp.example").reason == "refused"
    made.server.replies.clear()
    made.server.hang_up = True
    cut = made.receipt(cover(tag="3"), "c@isp.example")
    assert (cut.result, cut.reason) == ("undelivered", "interrupted")


def test_a_server_that_cannot_be_had_is_given_up_after_two_days(made: Reporters, tmp_path: Path) -> None:
    made.server.replies["RCPT"] = "451 4.3.0 later"
    id_ = made.hand_in(cover())
    with pytest.raises(Temporary):
        made.acknowledge()
    made.later = timedelta(hours=47, minutes=30)
    made.acknowledge([id_])
    assert (made.kept(id_).result, made.kept(id_).reason) == ("undelivered", "no-server")
    made.later = timedelta(days=3)
    assert made.receipt(cover(tag="old")).reason == "too-late"


def test_other_ways_in_leave_nothing_to_answer(made: Reporters) -> None:
    id_ = made.hand_in(cover(), channel="upload")
    made.acknowledge()
    assert made.house.archive.get(Acknowledgement, id_) is None and made.server.mails == []


def test_from_a_mailbox_only_a_signature_counts(made: Reporters) -> None:
    assert made.receipt(cover(), peer="", channel="mailbox").reason == "none"
    data = signed(cover("ann@signs.example"))
    assert made.receipt(data, "ann@signs.example", peer="", channel="mailbox").result == "sent"


def test_who_logged_in_under_their_address_is_proven(made: Reporters) -> None:
    kept = made.receipt(cover("a@nothing.example"), "a@nothing.example", account="A@nothing.example")
    assert (kept.result, kept.proof) == ("sent", "account")
    other = made.receipt(cover("b@nothing.example", tag="2"), "b@nothing.example", account="a@nothing.example")
    assert other.reason == "none"


def test_the_receipt_is_signed_when_there_is_a_key(tmp_path: Path, server: Sink) -> None:
    server.mails.clear()
    server.replies.clear()
    server.hang_up = False
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dkim.pem").write_bytes(KEY)
    more = SETTINGS.replace("relays", 'dkim_key = "dkim.pem"\ndkim_selector = "sample"\nrelays')
    with house(tmp_path, server, more) as made:
        assert made.receipt(cover()).result == "sent"
    record = public(KEY).encode()
    data = server.mails[0].data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert dkim.verify(data, dnsfunc=lambda name, timeout=5: record) and b"d=lapwing.example" in data


def test_addresses_that_cannot_stand_in_a_header_are_none() -> None:
    for bad in (
        "a b@x.example",
        "a@x",
        "@x.example",
        "a@x.example.",
        "a@-x.example",
        "a@x..example",
        "a" * 65 + "@x.example",
        "a@x.example>",
        '"a b"@x.example',
        "ä@x.example",
        "a@x.example\n",
        "a,b@x.example",
        ".a@x.example",
    ):
        assert writable(bad) == "" or bad.endswith("\n"), bad
    assert writable("o'neil+tag@x.example") == "o'neil+tag@x.example"
    assert unfit("request@isp.example", ()) == "" and unfit("rita-request@isp.example", ()) == "role"


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("on = true", "smtp_host"),
        ('on = true\nsmtp_host = "h"\nmail_from = "not an address"', "mail_from"),
        ('dkim_key = "k"', "go together"),
        ('name = "a\\r\\nBcc: b@example.com"', "one line"),
        ('[receipts.calls]\nen = "a\\nb"', "one line"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "lapwing.toml").write_text(f"[receipts]\n{table}\n")
    with pytest.raises(Refused, match=says):
        read(tmp_path, {})
