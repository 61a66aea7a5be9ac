"""Archives that libarchive reads: an outcome for every entry, nothing beyond the limits, a word for what stays shut."""

import base64
import bz2
import lzma
import random
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import libarchive
import pytest
import zstandard

from intake.formats import Opened, archived, bundle, open_submission, opened
from tests.rar import encrypted, rar

SPAM = (
    b"Received: from [203.0.113.7] by mx.example.net; Tue, 3 Nov 2026 08:11:02 +0000\n"
    b"From: a@deals.example\nSubject: %d\n\npay\n"
)
BOMB = 20_000_000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def seven(folder: Path, files: dict[str, bytes], *options: str, kind: str = "7z") -> bytes:
    """The archive that the 7z program makes of these files."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    command = ["7z", "a", "-bd", f"-t{kind}", *options, "made", *files]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (made,) = folder.glob("made*")
    return made.read_bytes()


def image(entries: dict[str, bytes]) -> bytes:
    """An ISO 9660 image."""
    out: list[bytes] = []
    with libarchive.custom_writer(lambda data: out.append(bytes(data)) or len(data), "iso9660") as archive:
        for name, data in entries.items():
            archive.add_file_from_memory(name, len(data), data)
    return b"".join(out)


def tarred(entries: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return out.getvalue()


def verdicts(result: Opened) -> list[tuple[str, str]]:
    return [(found.name, found.verdict) for found in result.found]


def bytes_of(result: Opened, index: int) -> bytes:
    found = result.found[index]
    return result.made[found.source].data[found.start : found.end]


FILES = {"a/1.eml": SPAM % 1, "note.txt": b"hello", "2.eml": SPAM % 2}
MADE: dict[str, Callable[[Path], bytes]] = {
    "7z": lambda folder: seven(folder, FILES, "-ms=on"),
    "rar": lambda folder: rar(FILES.items()),
    "iso": lambda folder: image(FILES),
}


@pytest.mark.parametrize("kind", MADE)
def test_each_entry_has_its_outcome(kind: str, tmp_path: Path) -> None:
    result = open_submission(MADE[kind](tmp_path), f"reports.{kind}")
    assert sorted(verdicts(result)) == [("2.eml", "report"), ("a/1.eml", "report"), ("note.txt", "not-a-report")]
    assert {bytes_of(result, index) for index, one in enumerate(result.found) if one.verdict == "report"} == {
        SPAM % 1, SPAM % 2,
    }  # fmt: skip
    assert {(made.name, made.source, made.start) for made in result.made} == {(kind, -1, 0)}


@pytest.mark.parametrize("end", PACKERS)
def test_compressed_files_and_compressed_tars_are_opened(end: str) -> None:
    alone = open_submission(PACKERS[end](SPAM % 1), f"1.eml.{end}")
    assert verdicts(alone) == [("", "report")] and bytes_of(alone, 0) == SPAM % 1
    several = open_submission(PACKERS[end](tarred({"1.eml": SPAM % 1, "2.eml": SPAM % 2})), f"r.tar.{end}")
    assert verdicts(several) == [("1.eml", "report"), ("2.eml", "report")]
    assert len(several.made) == 1 and bytes_of(several, 1) == SPAM % 2


def test_names_that_are_not_latin_come_out(tmp_path: Path) -> None:
    for data in (seven(tmp_path, {"報告.eml": SPAM % 1}), rar([("報告.eml", SPAM % 1)])):
        assert verdicts(open_submission(data)) == [("報告.eml", "report")]


def test_a_maildir_in_an_archive_is_read(tmp_path: Path) -> None:
    files = {
        "Spam/cur/1730621462.M1P2.host:2,S": SPAM % 1,
        "Spam/new/1730621463.M2P2.host": SPAM % 2,
        "Spam/maildirfolder": b"",
    }
    expected = [(name, "empty" if name.endswith("folder") else "report") for name in files]
    assert sorted(verdicts(open_submission(tarred(files)))) == sorted(expected)
    assert sorted(verdicts(open_submission(seven(tmp_path, files)))) == sorted(expected)


@pytest.mark.parametrize("options", [("-psecret",), ("-psecret", "-mhe=on")])
def test_a_password_of_7z_is_said(options: tuple[str, ...], tmp_path: Path) -> None:
    found = open_submission(seven(tmp_path, {"1.eml": SPAM % 1}, *options)).found
    assert [one.verdict for one in found] == ["password-protected"] and "password" in found[0].says


def test_a_password_of_rar_is_said() -> None:
    assert verdicts(open_submission(encrypted())) == [("", "password-protected")]


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        (("-pinfected",), "report"),
        (("-pinfected", "-mx=0"), "report"),
        (("-psecret",), "password-protected"),
        (("-pinfected", "-mem=AES256"), "password-protected"),
    ],
)
def test_only_the_customary_password_opens_a_zip(options: tuple[str, ...], verdict: str, tmp_path: Path) -> None:
    result = open_submission(seven(tmp_path, {"1.eml": SPAM % 1}, *options, kind="zip"))
    assert verdicts(result) == [("1.eml", verdict)]
    assert [made.name for made in result.made] == (["zip-infected"] if verdict == "report" else [])


@pytest.mark.parametrize(("tried", "opens"), [(1, True), (0, True), (-1, False)])
def test_encrypted_bytes_one_below_at_and_above(tried: int, opens: bool, tmp_path: Path) -> None:
    data = seven(tmp_path, {"1.eml": SPAM % 1}, "-pinfected", "-mx=0", kind="zip")
    desk = opened.Desk(tried=len(SPAM % 1) + 12 + tried)
    assert open_bundle(data, desk)
    assert len(desk.todo) == opens


def open_bundle(data: bytes, desk: opened.Desk) -> bool:
    return bundle.read(opened.Item(data, -1, 0, len(data)), desk)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.eml").symlink_to("/etc/passwd")
    (tmp_path / "1.eml").write_bytes(SPAM % 1)
    command = ["7z", "a", "-bd", "-snl", "made.7z", "link.eml", "1.eml"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    result = open_submission((tmp_path / "made.7z").read_bytes())
    assert sorted(verdicts(result)) == [("1.eml", "report"), ("link.eml", "limit")]
    assert result.limits == ("archive-link",)


@pytest.mark.parametrize("name", ["../../etc/x.eml", "/abs/x.eml"])
def test_names_that_lead_elsewhere_come_out_clean(name: str) -> None:
    found = open_submission(rar([(name, SPAM % 1)])).found[0]
    assert found.verdict == "report" and not found.name.startswith("/") and ".." not in found.name


@pytest.mark.parametrize("count", [opened.ENTRIES - 1, opened.ENTRIES, opened.ENTRIES + 1])
def test_entries_one_below_at_and_above(count: int) -> None:
    result = open_submission(rar([(f"{n}.txt", b"x") for n in range(count)]))
    over = count > opened.ENTRIES
    assert len(result.found) == min(count, opened.ENTRIES) + over
    assert ("archive-entries" in result.limits) is over


@pytest.mark.parametrize("levels", [opened.NESTING - 1, opened.NESTING, opened.NESTING + 1])
def test_archives_inside_each_other_one_below_at_and_above(levels: int) -> None:
    data = SPAM % 1
    for level in range(levels):
        data = lzma.compress(data) if level % 2 else rar([("x", data)])
    result = open_submission(data)
    over = levels > opened.NESTING
    assert [found.verdict for found in result.found] == ["limit" if over else "report"]
    assert ("archive-depth" in result.limits) is over


def test_bombs_are_stopped(tmp_path: Path) -> None:
    bombs = [pack(bytes(BOMB)) for pack in PACKERS.values()]
    bombs += [seven(tmp_path, {"a.eml": bytes(BOMB), "b.eml": SPAM % 1}, "-ms=on", "-mx=1")]
    for data in bombs:
        result = open_submission(data)
        assert {found.verdict for found in result.found} == {"limit"} and "archive-ratio" in result.limits
        assert sum(len(made.data) for made in result.made) < len(data) * opened.RATIO
    assert any("not opened" in found.says for found in result.found), "what follows the bomb is not passed over"


@pytest.mark.parametrize(("left", "over"), [(101, False), (100, False), (99, True)])
def test_bytes_out_one_below_at_and_above(left: int, over: bool) -> None:
    for data in (rar([("x", bytes(range(100)))]), lzma.compress(bytes(range(100)))):
        desk = opened.Desk(left=left)
        assert open_bundle(data, desk)
        assert ("archive-bytes" in desk.limits) is over and len(desk.todo) == (not over)


def test_hostile_bytes_give_a_verdict_and_never_an_exception(tmp_path: Path) -> None:
    chance, seen = random.Random(20261124), set()
    whole = [make(tmp_path) for make in MADE.values()] + [pack(tarred(FILES)) for pack in PACKERS.values()]
    for number in range(700):
        data = bytearray(whole[number % len(whole)])
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        result = open_submission(bytes(data[: chance.choice((len(data), chance.randrange(8, len(data))))]))
        assert result.found
        seen |= {found.verdict for found in result.found}
    assert {"damaged", "report"} <= seen


def test_a_cabinet_is_named_and_left_shut() -> None:
    found = open_submission(b"MSCF\0\0\0\0" + bytes(100), "x.cab").found
    assert [one.verdict for one in found] == ["not-fully-examined"] and "cabinet" in found[0].says


def test_a_file_that_breaks_off_is_damaged() -> None:
    for data in (rar([("1.eml", SPAM % 1)])[:-40], lzma.compress(SPAM % 1)[:-20], bz2.compress(SPAM % 1)[:-8]):
        assert {found.verdict for found in open_submission(data).found} == {"damaged"}


def test_without_the_library_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived, "libarchive", None)
    for data in (rar([("1.eml", SPAM % 1)]), lzma.compress(SPAM % 1)):
        found = open_submission(data).found
        assert [one.verdict for one in found] == ["not-fully-examined"] and "libarchive13" in found[0].says


@pytest.mark.parametrize("kind", ["7z", "rar"])
def test_an_archive_attached_to_a_cover_is_opened(kind: str, tmp_path: Path) -> None:
    data = (
        b"From: ana@isp.example.net\nSubject: reports\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nAll of these came today.\n--b\nContent-Type: application/octet-stream; name=r.%s\n"
        b"Content-Transfer-Encoding: base64\n\n%s--b--\n"
    ) % (kind.encode(), base64.encodebytes(MADE[kind](tmp_path)))
    result = open_submission(data, cover=True)
    assert {(found.name, found.verdict) for found in result.found if found.verdict == "report"} == {
        (f"r.{kind}/a/1.eml", "report"), (f"r.{kind}/2.eml", "report"),
    }  # fmt: skip
