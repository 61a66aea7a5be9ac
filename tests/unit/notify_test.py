"""The note when a case is closed: to proven reporters, once, saying nothing that warns anybody."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from enrichment.acknowledge import Acknowledgement
from enrichment.letters import OUTCOMES, catalogues
from intake.errors import Temporary
from tests.reporters_house import NOW, Reporters, cover, house
from tests.sink import Sink, sink
from triage import decide
from triage.case import Filing
from triage.notify import OutcomeNote


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, server: Sink) -> Iterator[Reporters]:
    """One case of three reporters: two are proven, one of them twice, one is not."""
    with house(tmp_path_factory.mktemp("notes"), server) as opened:
        for sender, peer, tag in (
            ("rita@isp.example", "192.0.2.10", "1"), ("rita@isp.example", "192.0.2.10", "2"),
            ("ann@isp.example", "192.0.2.11", "3"), ("forged@isp.example", "198.51.100.1", "4"),
        ):  # fmt: skip
            opened.hand_in(
                cover(sender, tag, fields="Accept-Language: zh-TW\r\n" if "ann" in sender else ""), sender, peer
            )
        fresh = opened.unpack()
        opened.acknowledge(fresh)
        opened.file()
        opened.house.work.done("acknowledge", fresh)
        yield opened


def case_of(made: Reporters) -> str:
    cases = {each.case for each in made.house.store.find(Filing, {}, limit=100)[0]}
    assert len(cases) == 1, "the same spam makes one case"
    return cases.pop()


def notes(made: Reporters) -> list[OutcomeNote]:
    return list(made.house.store.find(OutcomeNote, {}, limit=100)[0])


def test_proven_reporters_get_one_note_each_in_their_language(made: Reporters) -> None:
    case, archive = case_of(made), made.house.archive
    made.server.mails.clear()
    made.notes([case])
    assert made.server.mails == [], "an open case gives no note"
    decide.close(archive, case, "ivan", "the suspect was named to the police of Example", NOW, outcome="helped")
    made.notes([case])
    assert sorted(each.recipients[0] for each in made.server.mails) == ["ann@isp.example", "rita@isp.example"]
    for mail in made.server.mails:
        assert mail.sender == "<>" and mail.read["Auto-Submitted"] == "auto-generated"
        for word in ("suspect", "ivan", "words-of-the-spam", "spam-link", case):
            assert word not in mail.text and word.encode() not in mail.data
    told = {each.recipients[0]: each.read["Content-Language"] for each in made.server.mails}
    assert told == {"ann@isp.example": "zh-Hant", "rita@isp.example": "en"}
    assert "helped to protect" in next(each.text for each in made.server.mails if "rita" in each.recipients[0])
    assert {(each.result, each.code) for each in notes(made)} == {("sent", "helped")} and len(notes(made)) == 2
    assert all(b"@" not in each.body for each in notes(made))
    made.notes([case])
    decide.reopen(archive, case, "ivan", "it goes on", NOW + timedelta(hours=1))
    decide.close(archive, case, "ivan", "again", NOW + timedelta(hours=2))
    made.notes([case])
    assert len(made.server.mails) == 2


def test_a_second_note_to_an_address_waits_for_another_day(made: Reporters) -> None:
    """Of another case, which the machine holds apart by its words."""
    spam = (
        b"From: Rita <rita@isp.example>\r\nTo: report@lapwing.example\r\nSubject: look\r\nMIME-Version: 1.0\r\n"
        b'Message-ID: <other@client.example>\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n'
        b"Content-Type: message/rfc822\r\n\r\nFrom: Prince <prince@advance.test>\r\nSubject: inheritance\r\n\r\n"
        b"I am the lawyer of a late client and need your help to move eleven million dollars out of the bank.\r\n"
        b"--x--\r\n"
    )
    id_ = made.hand_in(spam, "rita@isp.example")
    made.acknowledge()
    made.file()
    case = next(each.case for each in made.house.store.find(Filing, {}, limit=100)[0] if each.submission == id_)
    made.server.mails.clear()
    decide.close(made.house.archive, case, "ivan", "done", NOW)
    with pytest.raises(Temporary):
        made.notes([case])
    assert made.server.mails == []
    made.later = timedelta(days=1)
    made.notes([case])
    assert [each.recipients for each in made.server.mails] == [["rita@isp.example"]]
    assert "finished" in made.server.mails[0].text


def test_a_feed_gets_no_note_whatever_became_of_its_receipt(made: Reporters) -> None:
    """As in a home in which feeds were sent receipts once."""
    made.feed("trap", "trap", ("trap-x7@lapwing.example",))
    id_ = made.hand_in(cover("spammer@isp.example", "9"), "spammer@isp.example", to="trap-x7@lapwing.example")
    fresh = made.unpack()
    sent = Acknowledgement(submission=id_, result="sent", proof="spf", reporter="p" + "0" * 16, at=NOW)
    made.house.archive.keep(sent)
    made.file()
    archive = made.house.archive
    case = next(each.case for each in made.house.store.find(Filing, {}, limit=100)[0] if each.submission == id_)
    made.server.mails.clear()
    made.later = timedelta(days=3)
    decide.reopen(archive, case, "ivan", "more came", made.clock())
    decide.close(archive, case, "ivan", "done", made.clock(), outcome="helped")
    made.notes([case])
    assert fresh == [id_] and made.server.mails == []


def test_no_note_says_what_would_warn_anybody() -> None:
    warned = ("investigat", "police", "suspect", "authorit", "abroad", "court", "evidence", "arrest", "偵查", "嫌",
              "檢察", "國外", "證據")  # fmt: skip
    for wording in catalogues().values():
        for code in OUTCOMES[:2]:
            told = getattr(wording.outcome, code).lower()
            assert not [word for word in warned if word in told], (wording.language, code)


def test_every_catalogue_has_every_piece_and_the_same_names() -> None:
    found = catalogues()
    assert {"en", "zh-Hant"} <= set(found) and (
        Path(__file__).parents[2] / "enrichment" / "wording" / "en.toml"
    ).exists()
    for wording in found.values():
        for group in ("receipt", "outcome"):
            mine, english = getattr(wording, group), getattr(found["en"], group)
            for piece in english.__struct_fields__:
                for name in ("{reference}", "{link}", "{call}", "{authority}"):
                    assert (name in getattr(mine, piece)) == (name in getattr(english, piece)), (
                        wording.language,
                        piece,
                    )
