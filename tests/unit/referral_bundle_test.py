"""The sealed bundle: what is in it, that it verifies with a script alone, and that no byte can change unseen."""

import ast
import base64
import html.parser
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import bagit
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intake.errors import Refused
from intake.record import sha256
from referral.custody import Entry
from referral.disclosure import Consent
from referral.draft import Wish
from referral.letter import defanged, languages, letter, visible
from referral.package import VERIFIER, zipped
from referral.refer import approve, draft, package
from referral.verify import Bundle, Ed25519, main
from tests.referral_house import (
    KEYS,
    NOW,
    FakeArchive,
    add_report,
    approved,
    checkpoint,
    fresh,
    hand,
    house,
    mail,
    signer,
    weighed,
)

ADDRESS = "Maria.Lopez+shop@mail.example"


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        return {name.partition("/")[2]: bundle.read(name) for name in bundle.namelist()}


def run(path: Path, capsys: pytest.CaptureFixture[str], *keys: str) -> tuple[int, str]:
    status = main([str(path), *keys])
    return status, capsys.readouterr().out


@pytest.fixture(scope="module")
def sealed() -> bytes:
    home, _, dossier = fresh()
    return approved(home, dossier)[1].data


def test_a_bundle_verifies_with_the_script_alone(sealed: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(sealed)
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "verify.py").write_bytes(members(sealed)["data/verify.py"])
    command = [sys.executable, "-I", "-S", "alone/verify.py", "b.zip"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={})
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 6 + ["cannot"] * 3 + ["VALID:"]


def test_it_verifies_inside_the_unpacked_bag_and_for_an_independent_reader(sealed: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(sealed)) as bundle:
        bundle.extractall(tmp_path)
    (bag,) = tmp_path.iterdir()
    done = subprocess.run([sys.executable, "-I", "-S", "data/verify.py"], cwd=bag, capture_output=True, text=True)
    assert done.returncode == 0 and "VALID" in done.stdout
    bagit.Bag(str(bag)).validate()
    (bag / "data" / "more.txt").write_text("slipped in")
    done = subprocess.run([sys.executable, "-I", "-S", "data/verify.py"], cwd=bag, capture_output=True, text=True)
    assert done.returncode == 1 and "data/more.txt" in done.stdout


def test_the_verifier_is_short_and_stands_alone() -> None:
    text = VERIFIER.read_text("utf-8")
    assert len(text.splitlines()) < 200
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - {"__future__"} <= set(sys.stdlib_module_names)


def flipped(files: dict[str, bytes], name: str, at: int, bit: int) -> bytes:
    data = bytearray(files[name])
    data[at] ^= 1 << bit
    return zipped("bag", {**files, name: bytes(data)})


def test_a_changed_byte_in_any_member_is_found_and_named(
    sealed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = members(sealed)
    for number, name in enumerate(sorted(files)):
        for place in (0, len(files[name]) // 3, len(files[name]) // 2, len(files[name]) - 1):
            path = tmp_path / "b.zip"
            path.write_bytes(flipped(files, name, place, (place + number) % 8))
            status, said = run(path, capsys)
            assert status == 1 and name in said, (name, place, said)


def test_every_byte_of_the_seal_counts(sealed: bytes) -> None:
    files = members(sealed)
    for at in range(len(files["signatures.json"])):
        bundle = Bundle(members(flipped(files, "signatures.json", at, 5)), [])
        with pytest.raises((ValueError, LookupError, AttributeError, TypeError)):
            bundle.signatures()


def rebuilt(files: dict[str, bytes], **changes: bytes) -> dict[str, bytes]:
    """The bag with changed members and manifests that fit them: what a forger without a key can do."""
    files = {**files, **{name.replace("__", "/"): data for name, data in changes.items()}}

    def manifest(names: list[str]) -> bytes:
        return "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(names)).encode()

    files["manifest-sha256.txt"] = manifest([name for name in files if name.startswith("data/")])
    files["tagmanifest-sha256.txt"] = manifest(["bag-info.txt", "bagit.txt", "manifest-sha256.txt"])
    return files


def forged(files: dict[str, bytes], name: str, change: Any) -> Bundle:
    said = json.loads(files[name])
    change(said)
    data = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Bundle(rebuilt(files, **{name.replace("/", "__"): data}), [])


def test_new_manifests_do_not_help_a_forger(sealed: bytes) -> None:
    files = members(sealed)
    same = Bundle(rebuilt(files), [])
    assert same.signatures() and same.manifests()
    other = forged(files, "data/request.json", lambda said: said.update(band="none"))
    assert other.manifests()
    with pytest.raises(ValueError, match="data/request"):
        other.signatures()
    with pytest.raises(ValueError, match=r"ben in signatures\.json does not fit"):
        Bundle(rebuilt(files, data__checkpoint_json=b"{}"), []).signatures()


def approval_of(said: dict[str, Any], **changes: Any) -> None:
    record = json.loads(said["approvals"][0]["record"])
    record.update(changes)
    said["approvals"][0]["record"] = json.dumps(record)


@pytest.mark.parametrize(
    ("name", "change", "check", "says"),
    [
        (
            "data/approval.json",
            lambda said: approval_of(said, person="ana"),
            "signatures",
            "ana approved something else",
        ),
        ("data/approval.json", lambda said: approval_of(said, digest="0" * 64), "signatures", "something else"),
        ("data/approval.json", lambda said: approval_of(said, at="2020"), "signatures", "does not prove it"),
        ("data/approval.json", lambda said: said.update(approvals=[]), "signatures", "approved nothing"),
        ("data/approval.json", lambda said: said["checks"][0].update(passed=False), "signatures", "not complete"),
        ("data/approval.json", lambda said: said["request"].update(salt="00" * 16), "signatures", "does not prove it"),
        ("data/evidence.json", lambda said: said["items"].pop(), "evidence", "other items"),
        ("data/evidence.json", lambda said: said["items"][0].update(mark="TLP:CLEAR"), "evidence", "other items"),
        (
            "data/evidence.json",
            lambda said: said["items"][0].update(header="00" * 151),
            "evidence",
            "does not prove it",
        ),
        ("data/checkpoint.json", lambda said: said["checkpoint"].update(made="2020"), "checkpoint", "does not fit"),
    ],
)
def test_each_statement_is_checked(sealed: bytes, name: str, change: Any, check: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        getattr(forged(members(sealed), name, change), check)()


def test_a_cut_or_reordered_custody_log_is_found(sealed: bytes) -> None:
    files = members(sealed)
    lines = files["data/custody.jsonl"].splitlines(keepends=True)
    for other in (lines[1:], [lines[1], lines[0], *lines[2:]], [*lines[:2], *lines[3:]]):
        with pytest.raises(ValueError, match="custody"):
            Bundle(rebuilt(files, **{"data__custody.jsonl": b"".join(other)}), []).custody()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "bag/../../x", "bag\\x", "C:x", "~x", "other/x"])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as bundle:
        bundle.writestr("bag/bagit.txt", "x")
        bundle.writestr(name, "x")
    status, said = run(tmp_path / "b.zip", capsys)
    assert status == 1 and "leads out" in said


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 99, zipped("bag", {}), zipped("bag", {"bagit.txt": b"x"})])
def test_what_is_no_bundle_fails_in_words(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    status, said = run(tmp_path / "b.zip", capsys)
    assert status == 1 and "NOT VALID" in said and "FAIL" in said


def test_a_key_that_is_not_trusted_fails(sealed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.zip").write_bytes(sealed)
    assert run(tmp_path / "b.zip", capsys, KEYS["ben"][1].hex())[0] == 0
    status, said = run(tmp_path / "b.zip", capsys, KEYS["chi"][1].hex())
    assert status == 1 and "a key that you trust" in said


def test_our_ed25519_agrees_with_the_library() -> None:
    curve = Ed25519()
    for number in range(8):
        key = Ed25519PrivateKey.generate()
        public, message = key.public_key().public_bytes_raw(), bytes([number]) * number * 40
        signature = key.sign(message)
        curve.check("x", public, message, signature)
        wrong = bytearray(signature)
        wrong[number * 8] ^= 1
        for other in (
            (public, message + b"x", signature),
            (public, message, bytes(wrong)),
            (public, message, b"x" * 64),
        ):
            with pytest.raises(ValueError):
                curve.check("x", *other)


def test_keys_of_small_order_and_long_scalars_are_refused() -> None:
    curve = Ed25519()
    identity = (1).to_bytes(32, "little")
    with pytest.raises(ValueError):
        curve.check("x", identity, b"anything", identity + bytes(32))
    key = Ed25519PrivateKey.generate()
    signature = key.sign(b"m")
    long = (int.from_bytes(signature[32:], "little") + curve.order).to_bytes(32, "little")
    with pytest.raises(ValueError):
        curve.check("x", key.public_key().public_bytes_raw(), b"m", signature[:32] + long)


def test_equal_input_gives_equal_bytes() -> None:
    home, _, dossier = fresh()
    request, first = approved(home, dossier)
    again = package(home, request.id, dossier.items, "ben", signer("ben"), NOW, checkpoint())
    assert again == first
    with zipfile.ZipFile(io.BytesIO(first.data)) as bundle:
        assert {each.date_time for each in bundle.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert all(name.startswith(f"{request.id}/") for name in bundle.namelist())


def test_no_identity_is_anywhere_in_the_bundle() -> None:
    archive = FakeArchive()
    home = house(archive)
    token = base64.b64encode(b"u=" + ADDRESS.encode()).decode()
    body = f"Dear Maria Lopez,\r\nhttps://bank-login.test/v?x={token} bounce-maria.lopez=mail.example@list.test {token}"
    one = add_report(archive, 1, ADDRESS, mail(ADDRESS, body), loss="I, maria.lopez, lost 1200", name="Maria Lopez")
    two = add_report(
        archive, 2, "chen.wei@isp.example", mail("chen.wei@isp.example", body.replace("Maria Lopez", "reader"))
    )
    dossier = weighed([one, two], reasons=(("greets", "It greets Maria Lopez at maria.lopez@mail.example.", ()),))
    _, bundle = approved(home, dossier)
    forms = (
        b"maria",
        b"lopez",
        b"mail.example",
        b"chen",
        b"isp.example",
        token.encode(),
        base64.b64encode(ADDRESS.encode()),
    )
    everything = b"\n".join(members(bundle.data).values()).lower()
    for form in forms:
        assert form.lower() not in everything, form
    for item in (one, two):
        assert item.sha256.encode() not in everything
        assert item.reporter.encode() not in everything


def test_an_identity_that_slipped_into_a_page_stops_the_seal() -> None:
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    approve(home, request.id, "ben", signer("ben"), NOW)
    event = Entry(at=NOW, who="ana", what="wrote to maria.lopez+shop@mail.example", about="case1")
    with pytest.raises(Refused, match=r"data/custody\.jsonl still holds"):
        package(home, request.id, dossier.items, "ben", signer("ben"), NOW, checkpoint(), [event])


def test_an_original_goes_with_its_record_and_its_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, archive, dossier = fresh()
    assert isinstance(archive, FakeArchive)
    archive.keep(Consent(reporter=dossier.items[0].reporter, at=NOW, how="form 7"))
    _, bundle = approved(home, dossier)
    files = members(bundle.data)
    items = json.loads(files["data/evidence.json"])["items"]
    assert [each["form"] for each in items] == ["original", "redacted", "redacted"]
    assert files["data/evidence/report1.eml"] == archive.messages["report1"]
    assert all("salt" not in each and "record" not in each for each in items[1:])
    (tmp_path / "b.zip").write_bytes(bundle.data)
    assert run(tmp_path / "b.zip", capsys)[0] == 0
    other = rebuilt(files, **{"data__evidence__report1.eml": b"another"})
    with pytest.raises(ValueError, match=r"report1\.eml is not what was approved"):
        Bundle(other, []).evidence()


def test_the_custody_log_tells_each_step() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    log = [json.loads(line) for line in members(bundle.data)["data/custody.jsonl"].splitlines()]
    told = {(each["who"], each["what"]) for each in log}
    assert {("lapwing", "took it in over smtp"), ("lapwing", "examined it, round 1")} <= told
    assert {("ana", "drafted version 1"), ("ben", "approved")} <= told
    assert [each["at"] for each in log] == sorted(each["at"] for each in log)
    assert all(len(each["commitment"]) == 64 for each in log) and request.id in {each["about"] for each in log}


def test_the_lookups_that_are_cited_go_along(sealed: bytes) -> None:
    lookups = json.loads(members(sealed)["data/evidence.json"])["lookups"]
    assert {(each["name"], each["status"]) for each in lookups} == {("77.2.0.192.origin.asn.cymru.com", "answer")}
    assert len({each["at"] for each in lookups}) == 3


class Page(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "div", "h1", "h2", "h3", "p", "span",
    "strong", "dl", "dt", "dd", "ul", "li", "b", "table", "thead", "tbody", "tr", "th", "td", "br", "code",
}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>", "</style><img src=https://x.test/p onerror=alert(1)>", "\" onmouseover=\"alert(1)",
    "{{ 7*7 }}", "{% for x in y %}", "javascript:alert(1)", "https://evil.test/a?b", "https://a@198.51.100.7/x",
    "=cmd|' /C calc'!A0", "a\u202egpj.exe", "zero\u200bwidth", "</title>", "&lt;b&gt;", "<!-- ", "\u0000",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_hostile_text_stays_text_on_the_page(text: str, language: str) -> None:
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    fields = tuple(
        msgspec.structs.replace(each, value=text if each.number in (15, 24) else each.value, reason=text)
        for each in request.fields
    )
    page = Page(letter(msgspec.structs.replace(request, fields=fields), (), language))
    tags = {tag for tag, _ in page.seen}
    assert tags <= TAGS
    for _, attributes in page.seen:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "style", "action")}
    shown = "".join(page.texts)
    assert text not in ("{{ 7*7 }}", "{% for x in y %}") or text in shown
    assert "evil.test" not in shown and "198.51.100.7" not in shown
    assert not set(shown) & set("\u202e\u200b\u0000")


def test_every_language_has_every_heading() -> None:
    assert languages() == ("en", "zh-Hant")
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    english, chinese = (letter(request, (), language).decode() for language in languages())
    assert "Request for assistance" in english and "協助請求書" in chinese and 'lang="zh-Hant"' in chinese
    assert letter(request, (), "xx").decode().count("Request for assistance") == 2
    assert "voluntary" in english and "自願" in chinese


def test_links_and_addresses_are_defanged_in_display_only(sealed: bytes) -> None:
    files = members(sealed)
    assert b"hxxps://bank-login[.]test/verify/start" in files["data/request.en.html"]
    assert b"https://bank-login.test" not in files["data/request.en.html"]
    assert b"https://bank-login.test/verify/start" in files["data/request.json"]
    assert (
        defanged("HTTP://x.test a@b.test 192.0.2.7 3.5 e.g. end.")
        == "hxxp://x[.]test a[@]b[.]test 192[.]0[.]2[.]7 3.5 e[.]g. end."
    )
    assert visible("a\u202eb") == "a[U+202E]b"
