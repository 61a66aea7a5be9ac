"""Campaign: which keys a report has, and which it must not have; likeness of texts; techniques of a case."""

import random

import pytest

from enrichment.examination import Boundary, Check
from enrichment.finding import Finding
from intake.message import derive
from intake.record import Cite
from intake.wallet import wallets
from tests.triage_house import SECRET, House, examined, mail, reported
from triage.campaign import drawn, drawn_of
from triage.case import Filing
from triage.key import JoinKey, hashed
from triage.likeness import bands, shingles, words
from triage.phone import phones
from triage.technique import techniques

FIRST_BAND = "00cb6359a5c15736e2c12a5f24c366ccf6ca1d8f08"
TEMPLATE = (
    "Dear {name}, our records of {day} show that your parcel {number} could not be delivered because the address was "
    "not complete. The courier tried twice and has brought it to the depot of {town}, where it is kept for {days} days."
    " Please pay the small fee for a second delivery on the page of the depot, or the parcel goes back to the sender "
    "and the amount that you paid for the order is not refunded. Your delivery team of the northern depot."
)


def families(data: bytes, **more: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in hashed(drawn_of(examined(data, **more)), SECRET):  # type: ignore[arg-type]
        found.setdefault(key.family, []).append(key.says)
    return found


def mutated(source: random.Random) -> str:
    return TEMPLATE.format(
        name=source.choice(["Kim", "Mei Lin", "Ana", "Mr. Weiss"]),
        day=source.choice(["Monday", "Friday", "3 May"]),
        number=source.randrange(10**9),
        town=source.choice(["Aberdeen", "Linz", "Porto", "Tainan"]),
        days=source.randrange(2, 9),
    )


def test_mutations_of_one_template_share_a_band_and_others_do_not() -> None:
    source = random.Random(20041011)
    campaign = [set(bands(words(mutated(source)))) for _ in range(60)]
    missed = sum(not campaign[0] & each for each in campaign[1:])
    assert missed <= 2
    vocabulary = [
        f"{a}{b}" for a in ("ba", "do", "ki", "lu", "me", "ro", "su") for b in ("ran", "til", "mos", "kep", "vin")
    ]
    others = [set(bands([source.choice(vocabulary) for _ in range(120)])) for _ in range(60)]
    together: set[bytes] = set()
    assert all(not (each & together) and not together.update(each) for each in others)
    assert not together & set().union(*campaign)


def test_chinese_texts_are_alike_by_characters() -> None:
    one = "親愛的客戶您好，本行偵測到您的帳戶有異常登入，請於二十四小時內點擊以下連結重新驗證您的身分及資料。"
    two = "親愛的會員您好，本行偵測到您的帳戶有異常登入，請於四十八小時內點擊下方連結重新驗證您的身分及資料。"
    assert set(bands(words(one))) & set(bands(words(two)))
    assert len(next(iter(shingles(words(one)))).split()) == 3


def test_the_values_of_bands_are_for_ever() -> None:
    """Claims are made on them: another version of the library must give the same."""
    listed = words("the quick brown fox jumps over the lazy dog while the slow green turtle sleeps under an old tree")
    assert bands(listed)[0].hex() == FIRST_BAND


def test_short_texts_join_only_by_equality_and_very_short_ones_never() -> None:
    one = families(mail("Please call me back about the thing today", "A thing"))
    assert len(one["text"]) == 1
    assert "text" not in families(mail("hi there"))
    same, other = (
        drawn_of(examined(mail("Please call me back about the thing today", subject)))
        for subject in ("One thing", "Another one")
    )
    assert not set(same) & set(other)


def test_a_listed_domain_is_no_key_and_another_is() -> None:
    text = (
        "See https://shop.bulb-house.test/a and https://www.youtube.com/x and https://click.list-manage.com/track?u=1"
        " and https://docs.google.com/ and mail a@b.test"
    )
    assert families(mail(text))["domain"] == ["bulb-house.test"]


def test_a_newsletter_platform_joins_no_unrelated_mails() -> None:
    house = House()
    texts = [
        "The choir sings on Sunday at ten, and all of you are welcome to come and hear us in the old town hall.",
        "New boots are in: brown ones, black ones, and a few pairs of the red that everybody asked for last year.",
    ]
    found = [
        reported(
            house,
            mail(
                f"{text} https://us1.campaign-archive.list-manage.com/track?u={n}",
                f"Letter {n}",
                more="List-Id: <x.mcsv.net>\n",
            ),
            f"p{n}",
            checks=(Check(method="dkim", result="pass", domain="mcsv.net", basis="verified-now"),),
            ip="198.51.100.7",
        )
        for n, text in enumerate(texts)
    ]
    house.assess(*found)
    assert len(house.partition(found)) == 2


def test_the_footer_of_a_mailing_list_joins_nothing() -> None:
    footer = (
        "\n_______________________________________________\nThe list of the club of people who talk about spam mail\n"
    )
    footer += "To leave the list, or to read what was said before, go to https://lists.spamclub.example/info/talk\n"
    more = "List-Id: Talk <talk.lists.spamclub.example>\nPrecedence: list\n"
    one, two = (drawn_of(examined(mail(text + footer, "x", more=more))) for text in ("Yes.", "No, never."))
    assert not set(one) & set(two)


def test_a_padded_message_has_no_domains() -> None:
    links = " ".join(f"https://house-{n}.test/" for n in range(9))
    assert "domain" not in families(mail(links))


def test_the_house_of_the_reader_is_no_key() -> None:
    assert "domain" not in families(mail("Log in at https://webmail.isp.test/ now", to="kim@isp.test"))


def test_tenants_of_shared_hosting_and_shorteners_are_told_apart() -> None:
    text = "https://storage.googleapis.com/bucket-a/p.html?x=1 https://bit.ly/3xYzAb https://fonts.googleapis.com/css2/abcd"
    assert families(mail(text))["link-path"] == ["storage.googleapis.com/bucket-a/p.html", "bit.ly/3xYzAb"]


def test_a_drop_mailbox_is_a_key_but_not_in_a_conversation() -> None:
    data = mail("Write to dr.weiss@gmail.com", more="Reply-To: Weiss <weiss.office@gmail.com>\n")
    assert families(data)["mailbox"] == ["weiss.office@gmail.com", "dr.weiss@gmail.com"]
    answer = mail("Write to dr.weiss@gmail.com", "Re: x", more="In-Reply-To: <1@x.test>\n")
    assert "mailbox" not in families(answer)


def test_a_network_never_joins_alone() -> None:
    one = families(mail("a", "Your parcel waits 17"), ip="198.51.100.7")
    assert one["network"] == ["198.51.100.0/24 your parcel waits"]
    assert "network" not in families(mail("a", "Hello"), ip="198.51.100.7")
    low = Boundary(index=0, ip="198.51.100.7", confidence="low")
    assert not drawn(derive(mail("a", "Your parcel waits")), low, ())


def test_only_a_signature_that_we_verified_is_a_key() -> None:
    proven = Check(method="dkim", result="pass", domain="sender-house.test", basis="verified-now")
    claimed = Check(method="dkim", result="pass", domain="claimed-house.test", basis="asserted-untrusted")
    mailer = Check(method="dkim", result="pass", domain="em.sendgrid.net", basis="verified-now")
    assert families(mail("a"), checks=(proven, claimed, mailer))["dkim"] == ["sender-house.test"]


def test_keys_are_keyed() -> None:
    message = derive(mail("https://bulb-house.test/"))
    mine, theirs = (hashed(drawn(message, Boundary(), ()), secret) for secret in (SECRET, b"t" * 32))
    assert mine[0].says == theirs[0].says == "bulb-house.test" and mine[0].hash != theirs[0].hash
    assert JoinKey(family="domain", hash="00").id == "domain:00"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("to 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 now", ["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]),
        ("to 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3 now", []),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", ["3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"]),
        ("BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ", ["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"]),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdz", []),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            ["bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"],
        ),
        ("0x52908400098527886E0F7030069857D2E4169EE7", ["0x52908400098527886e0f7030069857d2e4169ee7"]),
        ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", ["TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"]),
    ],
)
def test_wallets_by_checksum(text: str, wanted: list[str]) -> None:
    assert list(wallets(text)) == wanted


def test_phones_only_international_and_existing() -> None:
    text = "Call +44 20 7946 0958 or +886 2 2345 6789, not 020 7946 0958, nor +999 1234567, nor order 00123456789"
    assert phones(text) == ("+442079460958", "+886223456789")


def _showing(name: str, address: str, strength: str) -> Finding:
    cite = Cite(of=f"lookup:PTR {address}")
    return Finding(
        name=name,
        version=1,
        verdict="present",
        sentence="So.",
        strength=strength,
        cites=(cite,),
        subject=address,  # type: ignore[arg-type]
    )


def _filings(*shown: tuple[str, str, str, str]) -> list[Filing]:
    house = House()
    found = [
        reported(house, mail(f"text {n}"), reporter, findings=(_showing(name, address, strength),))
        for n, (reporter, name, address, strength) in enumerate(shown)
    ]
    house.assess(*found)
    return [house.get(Filing, each) for each in found]


def test_one_reporter_gives_at_most_weak_for_an_open_relay_however_many_reports() -> None:
    [found] = techniques(_filings(*[("kim", "open-relay", "192.0.2.1", "strong")] * 5))
    assert (found.strength, found.reporters, found.reports) == ("weak", 1, 5)


def test_independent_reporters_lift_an_open_relay() -> None:
    [two] = techniques(_filings(*[(each, "open-relay", "192.0.2.1", "weak") for each in ("kim", "mei")]))
    [three] = techniques(_filings(*[(each, "open-relay", "192.0.2.1", "weak") for each in ("kim", "mei", "ana")]))
    assert (two.strength, three.strength) == ("moderate", "strong")
    assert "3 reporters independently" in three.sentence and three.cites


def test_zombies_must_be_several_machines_to_be_a_network() -> None:
    same = _filings(*[(each, "zombie", "192.0.2.1", "moderate") for each in ("kim", "mei", "ana")])
    many = _filings(*[(each, "zombie", f"192.0.2.{n}", "moderate") for n, each in enumerate(("kim", "mei", "ana"))])
    assert techniques(same)[0].strength == "moderate"
    assert techniques(many)[0].strength == "strong" and "zombie network" in techniques(many)[0].sentence


def test_no_finding_no_technique() -> None:
    assert techniques(_filings()) == ()
