"""Harm: golden cases in several languages, what may and may not move the band, claims of loss, the words of a text."""

import json
import random
from pathlib import Path

import msgspec
import pytest

from enrichment.examination import Check
from enrichment.finding import Finding
from intake.record import Cite
from intake.report import Claims
from tests.soon import quickest
from tests.triage_house import House, examined, mail, reported
from triage.claims import SHADES, losses
from triage.harm import Assessment, Loss, band_of, grade_of
from triage.judge import judge
from triage.money import Sum, sums
from triage.rank import Standing, rank_key, reasons
from triage.rules import RULES
from triage.terms import FOLDER, Lexicon, Text, lexicon

GOLDEN = Path(__file__).parent.parent / "golden" / "harm"
KINDS = {
    "phishing", "malware", "advance-fee", "extortion", "investment", "job-mule", "pharma-health", "counterfeit",
    "gambling-adult", "scam-other", "marketing", "legitimate", "unclear", "",
}  # fmt: skip


def judged(data: bytes, claims: Claims = Claims(), checks: tuple[Check, ...] = ()) -> Assessment:
    return judge(examined(data, checks=checks), claims, lexicon())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    wanted = told["expect"]
    checks = tuple(msgspec.convert({**each, "cites": ()}, Check) for each in told.get("checks", ()))
    found = judged(path.with_suffix(".eml").read_bytes(), Claims(**told.get("claims", {})), checks)
    codes = {reason.code for reason in found.reasons}
    assert (found.band, found.kind) == (wanted["band"], wanted["kind"]), f"{told['why']} {sorted(codes)}"
    assert codes >= set(wanted["codes"])
    assert not codes & set(wanted.get("not", ()))
    assert dict(found.grades).items() >= wanted.get("grades", {}).items()
    assert list(found.lanes) == wanted.get("lanes", [])
    assert [[loss.currency, loss.amount] for loss in found.losses] == wanted.get("losses", [])
    assert all(reason.sentence.endswith((".", "…")) for reason in found.reasons)


def test_every_golden_reason_but_a_claim_cites_the_message() -> None:
    for path in GOLDEN.glob("*.eml"):
        data = path.read_bytes()
        for reason in judged(data).reasons:
            assert reason.cites, f"{path.stem}: {reason.code}"
            assert all(0 <= cite.start < cite.end <= len(data) for cite in reason.cites)


def test_the_table_of_rules_is_whole() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert {rule.kind for rule in RULES} <= KINDS
    assert all(0 < rule.sure < 1 and 0 <= rule.grade <= 3 and rule.sentence.endswith(".") for rule in RULES)


def test_every_concept_of_the_rules_stands_in_a_lexicon_and_the_other_way_round() -> None:
    import triage.asks
    import triage.concrete
    import triage.lesser

    code = "".join(Path(each.__file__).read_text("utf-8") for each in (triage.asks, triage.concrete, triage.lesser))
    files = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.txt")}
    headings = {line.strip("[]") for text in files.values() for line in text.splitlines() if line.startswith("[")}
    english = {line.strip("[]") for line in files["en"].splitlines() if line.startswith("[")}
    assert headings <= english
    named = {each for each in english if f'"{each}"' in code}
    assert english - named <= SHADES | {
        "lost",
        "call_minor",
        "wrote",
        "child_abuse",
        "click",
        "unsubscribe",
        "callus",
        "harm_life",
        "told_crime",
        "told_sms",
        "spared",
    }


def test_volume_can_not_lift_nuisance_over_a_loss() -> None:
    house = House()
    shop = [
        reported(house, mail("Big sale, order now at http://bulbs.test/ and save", f"Sale {n}"), f"p{n}")
        for n in range(60)
    ]
    victim = reported(
        house, mail("Confirm your account here: http://bank-check.test/ it is suspended"), "v", Claims(loss="$50")
    )
    house.assess(*shop, victim)
    many, one = house.case_of(shop[0]), house.case_of(victim)
    assert (many.reporters, one.reporters) == (60, 1)
    assert many.band == "nuisance" and one.band == "concrete"
    assert one.rank_key < many.rank_key


def test_a_reported_loss_is_first_within_concrete_and_reporters_only_break_ties() -> None:
    base = Standing(case="c1", band="concrete", grades=(("money", 3),), reporters=1)
    loss = msgspec.structs.replace(base, case="c2", loss_reports=1)
    many = msgspec.structs.replace(base, case="c3", reporters=5_000)
    heavier = msgspec.structs.replace(base, case="c4", grades=(("extortion", 3), ("money", 3)))
    order = sorted([base, loss, many, heavier], key=rank_key)
    assert [each.case for each in order] == ["c2", "c4", "c3", "c1"]


def test_confidence_is_shown_and_moves_nothing() -> None:
    sure = Standing(case="c1", band="concrete", confidence=0.95)
    doubtful = Standing(case="c1", band="concrete", confidence=0.05)
    assert rank_key(sure) == rank_key(doubtful)
    assert "5%" in dict(reasons(doubtful))["rank.confidence"]


def test_why_is_this_third_names_every_step_of_the_key() -> None:
    standing = Standing(
        case="c", band="concrete", grades=(("money", 3), ("spread", 3)), loss_reports=2, losses=(("TWD", 83_000),),
        days=3, reporters=7, first="2026-11-20", last="2026-11-23",
    )  # fmt: skip
    told = dict(reasons(standing))
    assert told["rank.loss"] == "2 reporters reported a loss of TWD 83,000."
    assert told["rank.dimensions"] == "It harms through: money."
    assert "3 days" in told["rank.going"] and "7 distinct reporters" in told["rank.reporters"]


def test_unknown_is_not_zero() -> None:
    found = judged(mail("The river was low and the boats lay on the mud until evening."))
    assert found.grade("money") is None and found.grade("malware") is None
    assert found.band == "nuisance" and found.confidence < 0.2


def test_a_message_that_could_not_be_read_is_not_cleared() -> None:
    examination = msgspec.structs.replace(examined(b""), limits=("not fully examined (time)",))
    found = judge(examination, Claims(), lexicon())
    assert found.band == "nuisance" and found.kind == "unclear" and found.limits == ("not fully examined (time)",)


def test_a_proven_sender_does_not_clear_a_lure() -> None:
    proof = (Check(method="dmarc", result="pass", domain="shop.test", basis="verified-now", aligned=True),)
    lure = mail(
        "Confirm your account now, it is suspended: http://other-house.test/ verify your password within 24 hours"
    )
    assert judged(lure, checks=proof).band == "concrete"


def test_an_unverified_pass_proves_nothing() -> None:
    claimed = (Check(method="dmarc", result="pass", domain="shop.test", basis="asserted-untrusted"),)
    data = mail("Our sale: 20% off. Unsubscribe below.", more="List-Unsubscribe: <https://shop.test/u>\n")
    assert judged(data, checks=claimed).band == "nuisance"


def test_headers_of_a_conversation_alone_do_not_clear_a_lure() -> None:
    more = "In-Reply-To: <1@x.test>\nReferences: <1@x.test>\n"
    text = (
        "Your account is suspended. Verify your identity and confirm your card number with the one-time code within 24"
        " hours here: http://bank-check.test/ Dear customer of the online bank, unusual activity was detected.\n> hello"
    )
    assert judged(mail(text, "Re: your account", more=more)).band == "concrete"


def test_techniques_of_the_findings_are_kept_with_their_cites() -> None:
    cite = Cite(of="lookup:PTR 1.test")
    shown = Finding(
        name="zombie",
        version=1,
        verdict="present",
        sentence="It behaves so.",
        strength="moderate",
        cites=(cite,),
        subject="192.0.2.1",
    )
    unsure = Finding(name="open-relay", version=1, verdict="unknown", sentence="Not to be told.")
    found = judge(examined(mail("hi"), findings=(shown, unsure)), Claims(), lexicon())
    assert [(each.name, each.address, each.cites) for each in found.techniques] == [("zombie", "192.0.2.1", (cite,))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("US$1,250.00", [("USD", 1250)]),
        ("NT$ 35,000元", [("TWD", 35_000)]),
        ("20k pounds", [("GBP", 20_000)]),
        ("三萬元", [("", 30_000)]),
        ("新台幣三十五萬", [("TWD", 350_000)]),
        ("損失兩百五十萬元台幣", [("TWD", 2_500_000)]),
        ("1.250,00 €", [("EUR", 1250)]),
        ("10万円", [("JPY", 100_000)]),
        ("1.5 million euro", [("EUR", 1_500_000)]),
        ("£2m", [("GBP", 2_000_000)]),
        ("3億円", [("JPY", 300_000_000)]),
        ("room 4471, 23 November", []),
        ("$99 and then €5", [("", 99), ("EUR", 5)]),
    ],
)
def test_sums(text: str, wanted: list[tuple[str, int]]) -> None:
    assert list(sums(text)) == [Sum(currency=currency, amount=amount) for currency, amount in wanted]


@pytest.mark.parametrize(
    ("claims", "wanted"),
    [
        (Claims(loss="none"), ()),
        (Claims(loss="沒有"), ()),
        (Claims(loss="yes, I do not know how much"), (Loss(currency="", amount=0),)),
        (Claims(note="They ask for 500 EUR, I did not answer."), ()),
        (Claims(note="Ich habe 500 Euro überwiesen und bin betrogen worden."), (Loss(currency="EUR", amount=500),)),
        (Claims(note="J'ai perdu 1.200 € dans cette arnaque"), (Loss(currency="EUR", amount=1200),)),
        (Claims(note="I paid them $300. It costs £9 elsewhere."), (Loss(currency="", amount=300),)),
    ],
)
def test_losses_are_told_not_guessed(claims: Claims, wanted: tuple[Loss, ...]) -> None:
    assert losses(claims, lexicon()) == wanted


def test_words_are_unfolded_from_disguises() -> None:
    text = Text("Ca.mp.aign for V1agra: ple\u200base visit exa\u00admple.com, раypal, ｆｕｌｌ wídth")
    assert text.words == ["campaign", "for", "viagra", "please", "visit", "example", "com", "paypal", "full", "width"]
    assert text.disguised == 3


def test_chinese_is_found_without_spaces_and_phrases_near_each_other() -> None:
    words = Lexicon({"t": "[a]\n帳戶 ~ 停用\n[b]\ngift card|cards ~ free*\n[c]\nlate husband"})
    assert words.concepts(Text("您的帳戶已經停用")) == {"a": 1}
    assert words.concepts(Text("a gift card, freely given")) == {"b": 1}
    assert words.concepts(Text("gift card " + "word " * 30 + "free")) == {}
    assert words.concepts(Text("the late bus, my husband")) == {}


def test_a_lexicon_without_a_heading_says_where() -> None:
    with pytest.raises(ValueError, match="bad:1"):
        Lexicon({"bad": "phrase first"})


def test_hostile_texts_take_linear_time() -> None:
    rounds = []
    for size in (20_000, 160_000):
        texts = ("a.b." * size, "account " * size, "1" * size, "帳" * size, "+1 " * size, "三" * size, "x@" * size)
        mails = [(mail(text[:size]), Claims(note=text[:size])) for text in texts]
        rounds.append(quickest(lambda mails=mails: [judged(*each) for each in mails]))
    assert rounds[1] < rounds[0] * 24 + 0.5


def test_random_bytes_are_judged_without_a_word() -> None:
    source = random.Random(7)
    for _ in range(60):
        found = judged(bytes(source.randrange(256) for _ in range(source.randrange(400))))
        assert found.band in ("none", "nuisance", "potential", "concrete")


def test_bands_and_grades_are_the_rubric() -> None:
    assert [band_of(grade) for grade in range(4)] == ["none", "nuisance", "potential", "concrete"]
    assert [grade_of(band_of(grade)) for grade in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="terrible"):
        grade_of("terrible")
