"""The resolver without a network: a recording, its file, and off."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from enrichment.facts import Lookup, Question
from enrichment.gather.resolver import Off, Recorded, save

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEPT = Lookup(type="TXT", name="lapwing.test", status="answer", answers=("v=spf1 -all",), at=NOW, by="127.0.0.1:53")
GONE = Lookup(type="A", name="gone.lapwing.test", status="nxdomain", at=NOW, by="127.0.0.1:53")


def ask(resolver: Recorded | Off, *names: tuple[str, str]) -> tuple[Lookup, ...]:
    return resolver.ask([Question(type=type_, name=name) for type_, name in names])


def test_what_was_saved_is_answered_again(tmp_path: Path) -> None:
    save([KEPT, GONE], tmp_path / "answers.json")
    kept, gone = ask(Recorded(tmp_path / "answers.json"), ("TXT", "lapwing.test"), ("A", "gone.lapwing.test"))
    assert (kept.status, kept.answers, kept.at) == ("answer", ("v=spf1 -all",), NOW)
    assert (gone.status, gone.answers, gone.by) == ("nxdomain", (), "recording")


def test_a_recording_is_sorted_and_readable(tmp_path: Path) -> None:
    save([KEPT, GONE], tmp_path / "answers.json")
    text = (tmp_path / "answers.json").read_text()
    assert list(json.loads(text)) == ["A gone.lapwing.test", "TXT lapwing.test"]
    assert text.count("\n") > 5


def test_what_was_not_recorded_neither_clears_nor_condemns() -> None:
    (lookup,) = ask(Recorded({}), ("A", "new.lapwing.test"))
    assert (lookup.status, lookup.by, lookup.known) == ("servfail", "recording", False)


def test_a_mapping_is_a_recording_too() -> None:
    resolver = Recorded({"A www.lapwing.test": {"status": "answer", "answers": ["192.0.2.1"]}})
    (lookup,) = ask(resolver, ("A", "www.lapwing.test"))
    assert (lookup.answers, lookup.at) == (("192.0.2.1",), None)


def test_a_file_of_another_shape_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text('{"A www.lapwing.test": ["192.0.2.1"]}')
    with pytest.raises(msgspec.ValidationError):
        Recorded(tmp_path / "answers.json")


def test_off_times_out_on_everything() -> None:
    lookups = ask(Off(), ("A", "a.lapwing.test"), ("TXT", "b..test"))
    assert [(each.status, each.by, each.name) for each in lookups] == [
        ("timeout", "off", "a.lapwing.test"),
        ("timeout", "off", "b..test"),
    ]
