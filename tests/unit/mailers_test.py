"""The list of large mailers: its form, and who is below it."""

import pytest

from enrichment.gather.mailers import LARGE_MAILERS, large
from enrichment.gather.names import alabels
from intake.domains import registrable


def test_every_entry_is_a_domain_in_its_final_form() -> None:
    assert [each for each in sorted(LARGE_MAILERS) if alabels(each) != each or not registrable(each)] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gmail.com", True),
        ("20230601._domainkey.gmail.com", True),
        ("_spf.google.com", True),
        ("selector1._domainkey.outlook.com", True),
        ("notgmail.com", False),
        ("gmail.com.spammer.test", False),
        ("com", False),
        ("", False),
    ],
)
def test_large(name: str, expected: bool) -> None:
    assert large(name) is expected
