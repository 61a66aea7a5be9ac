"""The shape of the house, held: imports one way, one door per library, pure rooms, names that are ours alone."""

import ast
import importlib.metadata
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = ("intake", "enrichment", "triage", "referral", "deploy")
"""Each package may import itself and those before it."""
FILES = [path for package in ROW for path in sorted((ROOT / package).rglob("*.py"))]

DOORS = {
    "aiosmtpd": {"intake/smtp_wire.py", "intake/smtp_proxy.py"},
    "dkim": {"enrichment/gather/authentication.py"},
    "dns": {"enrichment/gather/resolver.py"},
    "spf": {"enrichment/gather/spf.py"},
    "authres": {"enrichment/gather/reported.py"},
    "sklearn": {"triage/model.py"},
    "elasticsearch": {"intake/store/elastic.py"},
    "celery": {"deploy/broker.py"},
    "apsw": {"intake/sqlite.py"},
    "sqlite3": set(),
    "turbohtml": {"intake/html.py"},
    "starlette": {
        "intake/web.py",
        "intake/upload_port.py",
        "intake/upload.py",
        "intake/wizard.py",
        "intake/api.py",
        "intake/feed_page.py",
        "console/",
    },
    "uvicorn": {"intake/upload_port.py"},
    "h11": {"intake/upload_port.py"},
    "python_multipart": {"intake/multipart.py"},
    "rensa": {"triage/likeness.py"},
    "publicsuffixlist": {"intake/domains.py"},
    "maxminddb": {"enrichment/gather/registry.py"},
    "olefile": {"intake/formats/outlook_msg.py"},
    "oxmsg": {"intake/formats/outlook_msg.py"},
    "imapclient": {"intake/mailbox.py"},
    "libarchive": {"intake/formats/archived.py"},
    "openpyxl": {"intake/formats/rows_xlsx.py"},
    "tnefparse": {"intake/formats/winmail.py"},
    "PIL": {"intake/formats/screenshot.py"},
    "zxingcpp": {"intake/formats/screenshot.py"},
    "prometheus_client": {"intake/metrics.py"},
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
}
"""Library -> the only files that may import it."""

LOWER = {
    "record", "errors", "vault", "follower", "store", "archive", "work", "people", "audit", "sqlite", "submission",
    "report", "message", "parsing", "sandbox", "domains", "feed",
}  # fmt: skip
"""The part of intake that the packages to its left stand on."""
DOOR_ROOMS = {
    "smtp", "upload", "wizard", "web", "api", "mailbox", "maildir", "pickup", "accept", "unpack", "formats", "places",
    "multipart", "lines", "dryrun", "download",
    "feed_page", "callers",
}  # fmt: skip
"""The part that only the processes use."""

IMPURE = ("socket", "random", "secrets", "urllib.request", "http.client", "subprocess")
OUTSIDE = ("intake/", "deploy/", "enrichment/gather/resolver.py", "referral/outbox.py", "referral/verify.py")
"""Where input and output happen; everything else is pure: facts in, records out."""


def name(path):
    return path.relative_to(ROOT).as_posix()


def imports(path):
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_one_way(path):
    package = name(path).split("/")[0]
    allowed = set(ROW[: ROW.index(package) + 1])
    wrong = {module for module in imports(path) if module.split(".")[0] in set(ROW) - allowed}
    assert not wrong, f"{package} must not import {sorted(wrong)}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_one_door_per_library(path):
    for module in imports(path):
        top = module.split(".")[0]
        if top in DOORS:
            assert any(door in name(path) for door in DOORS[top]), f"{top} is only for {DOORS[top] or 'nobody'}"


@pytest.mark.parametrize(
    "path", [path for path in FILES if not name(path).startswith(("intake/", "deploy/"))], ids=name
)
def test_no_stage_imports_a_door_of_intake(path):
    rooms = {module.split(".")[1] for module in imports(path) if module.startswith("intake.")}
    assert not rooms & DOOR_ROOMS


@pytest.mark.parametrize("path", [path for path in FILES if not name(path).startswith(OUTSIDE)], ids=name)
def test_everything_between_the_doors_is_pure(path):
    used = {module for module in imports(path) if f"{module}.".startswith(tuple(f"{each}." for each in IMPURE))}
    assert not used
    text = path.read_text()
    for call in ("datetime.now(", "time.time(", "date.today(", "os.environ", "os.urandom(", "utcnow("):
        assert call not in text, f"{call} in a pure file"


def test_the_lower_half_of_intake_does_not_import_its_upper_half():
    for path in FILES:
        parts = name(path).removesuffix(".py").split("/")
        if parts[0] == "intake" and len(parts) > 1 and parts[1] in LOWER:
            rooms = {module.split(".")[1] for module in imports(path) if module.startswith("intake.")}
            assert not rooms & DOOR_ROOMS, name(path)


def test_the_bundles_verifier_imports_nothing_of_ours_and_is_short():
    path = ROOT / "referral" / "verify.py"
    assert {module.split(".")[0] for module in imports(path)} <= set(sys.stdlib_module_names)
    assert len(path.read_text().splitlines()) < 200


@pytest.mark.parametrize("package", ROW)
def test_each_name_belongs_to_one_distribution(package):
    """Import names are generic, so nobody else's distribution may bring the same one into our environment."""
    others = set(importlib.metadata.packages_distributions().get(package, [])) - {"lapwing"}
    assert not others
    assert importlib.metadata.distribution("lapwing")
    assert Path(importlib.util.find_spec(package).origin).parent == ROOT / package


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    assert len(text.splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def test_nothing_names_a_machine_or_a_registry():
    bad = re.compile(r"[/]work/|[/]root/|pypi\.org|pythonhosted|[/]tmp/corpora")
    tracked = [
        path for path in ROOT.rglob("*") if path.is_file() and path.suffix in {".py", ".md", ".toml", ".sh", ".txt"}
    ]
    ours = [path for path in tracked if not {".venv", ".git", ".lapwing"} & set(path.relative_to(ROOT).parts)]
    wrong = [name(path) for path in ours if path != Path(__file__) and bad.search(path.read_text())]
    assert not wrong


def test_every_kind_that_is_kept_is_known_to_the_wiring():
    from deploy.wiring import KINDS
    from intake.archive import CarriedOut
    from intake.record import Record
    from intake.store import View
    from triage.case import Claim, DistinctReporter

    def below(type_):
        for each in type_.__subclasses__():
            yield each
            yield from below(each)

    ours = {each for each in below(Record) if each.__module__.split(".")[0] in ROW and each.kind}
    kept = {each for each in ours if not issubclass(each, View) and each not in {Claim, DistinctReporter, CarriedOut}}
    assert kept == set(KINDS)
    assert len({each.kind for each in KINDS}) == len(KINDS)
