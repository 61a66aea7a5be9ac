"""People and audit: who may do what, and that every look is kept before it happens."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from nacl.public import PrivateKey

from intake.archive import Archive
from intake.audit import Audit, about, note
from intake.errors import Refused
from intake.people import MAY, Departure, Person, allow, everybody, new_key
from intake.store.sqlite import open_store
from intake.vault.reader import Reader
from intake.vault.writer import Writer

PRIVATE = PrivateKey.generate()
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path):
    reader = Reader(tmp_path / "vault", PRIVATE)
    writer = Writer(tmp_path / "vault", "test", PRIVATE.public_key, reader.key_of)
    yield Archive(open_store(None), reader, writer)
    writer.close()


def add(archive, name, *roles):
    return archive.keep(Person(id=name, name=name, roles=roles, public_key="", added_by="init", at=NOW))


@pytest.mark.parametrize("action", sorted(MAY))
@pytest.mark.parametrize("role", ["administrator", "investigator", "approver"])
def test_a_role_may_do_what_the_table_says_and_nothing_else(archive, action, role):
    add(archive, "anna", role)
    if role in MAY[action]:
        assert allow(archive, "anna", action).id == "anna"
    else:
        with pytest.raises(Refused, match="may not"):
            allow(archive, "anna", action)


def test_nobody_approves_by_being_administrator():
    assert MAY["approve"] == {"approver"}


def test_strangers_and_those_who_left_may_nothing(archive):
    with pytest.raises(Refused, match="no person"):
        allow(archive, "nobody", "look")
    add(archive, "anna", "administrator")
    archive.keep(Departure(person="anna", by="ben", at=NOW))
    with pytest.raises(Refused, match="has left"):
        allow(archive, "anna", "look")
    assert [(person.id, there) for person, there in everybody(archive)] == [("anna", False)]


def test_a_key_opens_with_its_passphrase_only():
    pem, public = new_key(b"right horse")
    key = load_pem_private_key(pem, b"right horse")
    assert key.public_key().public_bytes_raw() == public
    with pytest.raises(ValueError, match=r"password|decrypt"):
        load_pem_private_key(pem, b"wrong horse")


def test_audit_entries_stand_in_the_chain_and_are_found_by_subject(archive):
    for number in range(3):
        note(archive, Audit(id=f"a{number}", at=NOW, person="anna", action="look", subject="report r1"))
    note(archive, Audit(id="b", at=NOW, person="ben", action="look", subject="report r2"))
    assert [entry.id for entry in about(archive, "report r1")] == ["a0", "a1", "a2"]
    place = archive.store.rows([("audit", "b")])["audit", "b"].place
    assert Audit.read(archive.reader.read(place).plain).person == "ben"
