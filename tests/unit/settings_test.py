"""Settings: defaults that work, unknown keys are errors that say which, the environment stands above the file."""

import pytest

from deploy.settings import Settings, read
from intake.errors import Refused


def test_everything_has_a_default(tmp_path):
    assert read(tmp_path, {}) == Settings()


def test_the_file_is_read(tmp_path):
    reporter = '[[reporters]]\naddress = "isp.example"\nclass = "isp"\nedges = ["mx.isp.example"]\n'
    (tmp_path / "lapwing.toml").write_text(f'domain = "report.example"\n[smtp]\nport = 25\n{reporter}')
    settings = read(tmp_path, {})
    assert (settings.domain, settings.smtp.port, settings.smtp.host) == ("report.example", 25, "127.0.0.1")
    assert settings.reporters[0].edges == ("mx.isp.example",)


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("", ""),
        ("[receipts]\nmail_from = 'reports@agency.example'", "reports@agency.example"),
        ("[receipts]\nmail_from = 'reports@agency.example'\n[upload]\ncontact = 'help@agency.example'",
         "help@agency.example"),
    ],
)  # fmt: skip
def test_who_reports_can_write_to_an_address_where_one_is_set(tmp_path, text, contact):
    (tmp_path / "lapwing.toml").write_text(text)
    assert read(tmp_path, {}).contact == contact


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("domian = 'x'", "domian"),
        ("[smtp]\nprot = 25", "prot"),
        ("[smtp]\nport = 'x'", "port"),
        ("[authority]\nnmae = 'x'", "nmae"),
        ("[dns]\nmode = 'loud'", "mode"),
        ("[upload]\ncontact = 'nobody'", "contact"),
        ("domain = ", "can't be read"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, text, says):
    (tmp_path / "lapwing.toml").write_text(text)
    with pytest.raises(Refused) as caught:
        read(tmp_path, {})
    assert says in caught.value.says and "lapwing.toml" in caught.value.says


def test_the_environment_stands_above_the_file(tmp_path):
    (tmp_path / "lapwing.toml").write_text("[smtp]\nport = 25\n")
    settings = read(tmp_path, {"LAPWING_SMTP_PORT": "2526", "LAPWING_DNS_MODE": "off", "HOME": "/"})
    assert (settings.smtp.port, settings.dns.mode) == (2526, "off")


def test_an_unknown_variable_of_ours_is_refused(tmp_path):
    with pytest.raises(Refused, match="LAPWING_SMPT_PORT"):
        read(tmp_path, {"LAPWING_SMPT_PORT": "25"})


def test_another_file_can_be_named(tmp_path):
    (tmp_path / "other.toml").write_text('domain = "other.example"\n')
    assert read(tmp_path, {"LAPWING_SETTINGS": str(tmp_path / "other.toml")}).domain == "other.example"


def test_unreadable_lists_are_refused_at_once(tmp_path):
    (tmp_path / "lapwing.toml").write_text('[dns]\nzones = ["list.example"]\n')
    with pytest.raises(Refused, match=r"list\.example"):
        read(tmp_path, {})
