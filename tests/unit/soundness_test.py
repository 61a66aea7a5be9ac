"""The checks of a home, each with the setting or the machine as it should be, and changed: every change is noticed."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import soundness
from deploy.checkpoints import write_checkpoint
from deploy.soundness import admit, checks, file_system
from deploy.wiring import House, open_house
from intake.errors import Refused

pytestmark = pytest.mark.promise("P40")
GOOD = {
    "LAPWING_DNS_NAMESERVERS": "['127.0.0.1']",
    "LAPWING_SMTP_DOMAINS": "['report.example']",
}


def house(home: Path, **settings: str) -> House:
    made = open_house(home, "command", GOOD | {f"LAPWING_{name.upper()}": value for name, value in settings.items()})
    if not list(home.glob("checkpoints/*")):
        write_checkpoint(made)
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is as it should be, whatever this one is like."""
    monkeypatch.setattr(soundness, "file_system", lambda path: "ext4")
    monkeypatch.setattr(soundness, "_adjtimex", lambda: 0)
    monkeypatch.setattr(soundness, "SLOW", 60.0)


def seen(made: House) -> dict[str, str]:
    found = {name: each.state for name, each in checks(made)}
    made.parser.close()
    made.database.close()
    return found


def test_a_sound_home_has_nothing_but_right(home: Path) -> None:
    warned: list[str] = []
    made = house(home)
    assert seen(made) == dict.fromkeys([check.name for check in soundness.CHECKS], "right")
    admit(made, warned.append)
    assert warned == []
    made.parser.close()


@pytest.mark.parametrize(
    ("name", "state", "settings"),
    [
        ("room", "doubtful", {"reserve": "1000"}),
        ("doors", "doubtful", {"smtp_per_source": "0"}),
        ("doors", "doubtful", {"smtp_per_minute": "0"}),
        ("doors", "doubtful", {"smtp_total": "0"}),
        ("doors", "doubtful", {"smtp_host": "0.0.0.0"}),
        ("doors", "doubtful", {"smtp_host": "::", "smtp_certificate": "/c.pem", "smtp_domains": "[]"}),
        ("doors", "doubtful", {"upload_host": "mail.example"}),
        ("resolver", "doubtful", {"dns_nameservers": "['127.0.0.1', '192.0.2.53']"}),
        ("resolver", "doubtful", {"dns_nameservers": "['[2001:db8::53]:53']"}),
    ],
)
def test_a_setting_that_makes_a_promise_doubtful_is_noticed(
    home: Path, name: str, state: str, settings: dict[str, str]
) -> None:
    warned: list[str] = []
    made = house(home, **settings)
    found = seen(made)
    assert found.pop(name) == state and set(found.values()) == {"right"}
    admit(made, warned.append)
    assert [each.partition(":")[0] for each in warned] == [name]
    made.parser.close()


def test_resolvers_on_this_machine_are_right(home: Path) -> None:
    assert seen(house(home, dns_nameservers="['127.0.0.1:5353', '[::1]:53', '::1']"))["resolver"] == "right"


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs", "nfs", "nfs4", "fuse.sshfs"])
def test_a_disk_that_forgets_is_refused_unless_it_is_wanted(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(soundness, "file_system", lambda path: kind)
    with pytest.raises(Refused, match=f"is on {kind}"):
        admit(house(home), print)
    assert seen(house(home, volatile="true"))["disk"] == "doubtful"


def test_a_file_system_that_nothing_names_is_unknown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "file_system", lambda path: "")
    assert seen(house(home))["disk"] == "unknown"


def test_the_file_system_is_that_of_the_deepest_mount() -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/")) not in ("", "proc")


def test_a_slow_disk_and_a_full_one_are_noticed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "SLOW", 0.0)
    found = seen(house(home, reserve=str(1 << 60)))
    assert (found["sync"], found["room"]) == ("doubtful", "doubtful")


def test_keys_that_others_may_read_are_refused(home: Path) -> None:
    made = house(home)
    (made.keys / "operator.private").chmod(0o640)
    assert seen(made)["keys"] == "right", "nobody else can enter the folder"
    made.keys.chmod(0o750)
    with pytest.raises(Refused, match=r"keys: others .* operator\.private"):
        admit(made, print)


@pytest.mark.parametrize("pragma", ["journal_mode=delete", "synchronous=off", "secure_delete=off", "foreign_keys=off"])
def test_a_pragma_that_is_not_ours_is_refused(home: Path, pragma: str) -> None:
    made = house(home)
    made.database.run(f"pragma {pragma}")
    with pytest.raises(Refused, match=f"store: SQLite has {pragma.partition('=')[0]}"):
        admit(made, print)


def test_a_damaged_store_is_refused_with_what_to_do(home: Path) -> None:
    made = house(home)
    made.database.run("create table t (x)")
    made.database.run_many("insert into t values (?)", [("y" * 500,) for _ in range(200)])
    made.database.scrub()
    made.database.close()
    path = home / "store.sqlite"
    data = bytearray(path.read_bytes())
    data[-40_000:-8_000] = bytes(range(256)) * 125
    path.write_bytes(data)
    with pytest.raises(Refused, match=r"store: the store is damaged .*lapwing rebuild"):
        admit(open_house(home, "command", GOOD), print)


def test_a_parsing_child_that_does_not_start_is_refused(home: Path) -> None:
    made = house(home)
    made.parser._children[0]._command = (sys.executable, "-c", "raise SystemExit(1)")
    with pytest.raises(Refused, match="no parsing child starts"):
        admit(made, print)


CLOSED = {"NOFILE": 64, "FSIZE": 0, "CPU": 60, "DATA": 1 << 29}


@pytest.mark.parametrize("missing", [*CLOSED, ""])
def test_a_child_that_is_not_closed_in_is_noticed(missing: str) -> None:
    def few() -> None:
        for name in CLOSED.keys() - {missing}:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (CLOSED[name], CLOSED[name]))
        if os.geteuid() == 0:
            os.setuid(65534)

    with subprocess.Popen(["/bin/sleep", "60"], preexec_fn=few) as child:  # noqa: PLW1509
        found = soundness._closed_in(child.pid)
        child.kill()
    assert found.state == ("wrong" if missing else "doubtful"), "no filter of system calls"


def test_an_old_checkpoint_is_noticed(home: Path) -> None:
    made = house(home)
    for path in (home / "checkpoints").iterdir():
        os.utime(path, (0, 0))
    assert seen(made)["checkpoint"] == "doubtful"


@pytest.mark.parametrize(("state", "expected"), [(5, "doubtful"), (-1, "unknown")])
def test_a_clock_that_nobody_keeps_is_noticed(
    home: Path, monkeypatch: pytest.MonkeyPatch, state: int, expected: str
) -> None:
    monkeypatch.setattr(soundness, "_adjtimex", lambda: state)
    assert seen(house(home))["clock"] == expected


def test_what_can_not_be_looked_at_is_unknown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(soundness, "file_system", broken)
    assert seen(house(home))["disk"] == "unknown"
