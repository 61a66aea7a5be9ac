"""The documentation, run: every command that README.md and docs/ show, and all that they must speak of.

A ```console block is a session. Its lines after `$ ` go to one shell per page, in order, each page in a home and a
folder of its own; a line that ends in a backslash, or a heredoc, goes on. What stands below a command is compared with
what it prints: `...` matches anything, white space counts as one blank, and an id of the page is bound to the one that
this run printed and from then on stands for it. A status other than 0 is stated by `$ echo $?` on the next line.

`./demo` and `./check` alone stand in ```sh blocks and aren't run; what the README shows of the former is compared.
"""

import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec
import pytest
import typer

from deploy import settings
from deploy.cli import app
from deploy.commands.report import ORDER
from enrichment.facts import ANSWERED
from enrichment.finding import Strength, Term
from enrichment.indicator import INDICATORS
from triage.harm import Kind

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {"./demo", "./check"}
PORTS = {"2525": "smtp", "8025": "upload"}
"""Ports that the pages name; the run has free ones in their place."""
RECORDED = {"README.md", "investigator.md", "json.md"}
"""Pages that look around in the demonstration's home, whose settings name a recording; the others ask nobody."""
WITHIN = {"isp.md": 600.0}
"""Seconds that the commands of a page may take together: it promises a first report within ten minutes."""
PATIENCE = 120.0
_DIGIT = r"(?=[a-z]*\d)"
_LETTER = "[0-9a-hjkmnp-tv-z]"
SHAPES = (
    rf"{_LETTER}{{26}}-{_LETTER}{{8}}", rf"{_DIGIT}{_LETTER}{{26}}", rf"{_DIGIT}c{_LETTER}{{12}}",
    rf"{_DIGIT}r{_LETTER}{{20}}", rf"{_DIGIT}p{_LETTER}{{16}}", r"[0-9a-f]{64}", rf"{_DIGIT}[0-9a-f]{{16}}",
)  # fmt: skip
"""Of references, ids of requests and submissions, cases, reports, reporters, digests, series."""
TIME = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)?"
TOKEN = re.compile(rf"(?P<any>\.\.\.)|(?P<blank>\s+)|(?<![\w-])(?P<id>{'|'.join(SHAPES)})(?![\w-])|(?P<time>{TIME})")


class Shown(NamedTuple):
    """A command of a page and what stands below it."""

    command: str
    output: str


class Ran(NamedTuple):
    """What became of it: what it printed; `wrong` says what isn't as the page says; the seconds that it took."""

    shown: Shown
    printed: str
    wrong: str
    seconds: float = 0.0


def blocks(page):
    """(language, lines) of every fenced block."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [(language, text.splitlines()) for language, text in found]


def session(page):
    """Every command of the page's console blocks, in order."""
    shown = []
    for lines in (lines for language, lines in blocks(page) if language == "console"):
        left = list(lines)
        while left:
            line = left.pop(0)
            assert line.startswith("$ "), f"{page.name}: a console block begins with a command, not with {line!r}"
            command = _whole(line[2:], left)
            output = []
            while left and not left[0].startswith("$ "):
                output.append(left.pop(0))
            shown.append(Shown(command, "\n".join(output).strip()))
    return shown


def _whole(command, left):
    """The command with the lines that belong to it."""
    while command.endswith("\\"):
        command += "\n" + left.pop(0)
    heredoc = re.search(r"<<'(\w+)'", command)
    while heredoc and not command.endswith("\n" + heredoc[1]):
        command += "\n" + left.pop(0)
    return command


WALKED = [page for page in PAGES if session(page)]


class Names:
    """Ids and ports of a page, each bound to what stands for it in this run."""

    def __init__(self, bound):
        self.bound = dict(bound)

    def put(self, command):
        """The command with the names of this run."""
        return functools.reduce(lambda text, name: re.sub(rf"\b{name}\b", self.bound[name], text), self.bound, command)

    def match(self, expected, printed, whole=True):
        """Whether the output is the expected one; binds the ids that are new."""
        expected, pattern, fresh, at = expected.strip(), "", [], 0
        for token in TOKEN.finditer(expected):
            pattern += re.escape(self.put(expected[at : token.start()])) + self._of(token, fresh)
            at = token.end()
        pattern += re.escape(self.put(expected[at:]))
        found = (re.fullmatch if whole else re.search)(pattern, printed.strip(), re.DOTALL)
        if found:
            self.bound |= zip(fresh, found.groups(), strict=True)
        return bool(found)

    def _of(self, token, fresh):
        text = token[0]
        if token["any"]:
            return ".*?"
        if token["blank"]:
            return r"\s+"
        if token["time"]:
            return TIME
        if text in self.bound:
            return re.escape(self.bound[text])
        if text in fresh:
            return rf"\{fresh.index(text) + 1}"
        fresh.append(text)
        return f"({next(shape for shape in SHAPES if re.fullmatch(shape, text))})"


class Shell:
    """One shell in a folder; what it started is gone when it is closed."""

    def __init__(self, folder, environment):
        self._folder, self._count = folder, 0
        (folder / ".told").mkdir()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder / "here", env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        self._say("trap : TERM; last=0")

    def _say(self, text):
        self._shell.stdin.write(text + "\n")
        self._shell.stdin.flush()

    def run(self, command):
        """(status, the file with what it prints)."""
        self._count += 1
        out = self._folder / ".told" / f"{self._count}.out"
        status = out.with_suffix(".status")
        self._say(f'{{ (exit "$last")\n{command}\n}} >{out} 2>&1 </dev/null\nlast=$?; echo "$last" >{status}')
        _until(lambda: status.exists() and status.read_text().endswith("\n"), command)
        return int(status.read_text()), out

    def close(self):
        os.killpg(self._shell.pid, signal.SIGTERM)
        _until(lambda: not self._others(), "the end of what the page started")
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.stdin.close()
        self._shell.wait()

    def _others(self):
        """Whether anything but the shell still runs in its group (proc(5): after the name state, parent, group)."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(group) == self._shell.pid != int(path.parent.name) and state != "Z":
                return True
        return False


def _until(done, what):
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not in {PATIENCE:.0f} s: {what}")
        time.sleep(0.02)


def environment(folder, ports):
    """What the pages run in: a home, the command on the path, no network, a passphrase in place of a terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAPWING_", "PYTHON", "COV_"))}
    return kept | {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONUNBUFFERED": "1",
        "LAPWING_HOME": str(folder / "home"), "LAPWING_DNS_MODE": "off", "LAPWING_PASSPHRASE": "a long passphrase",
        "LAPWING_VOLATILE": "true",
        **{f"LAPWING_{door.upper()}_PORT": ports[port] for port, door in PORTS.items()},
    }  # fmt: skip


def free_ports():
    """A free port for each that the pages name."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return dict(zip(PORTS, ports, strict=True))


def walk(page, folder, demo_home):
    """Run the page; the list of what became of each command, up to the first that failed."""
    ports = free_ports()
    (folder / "here" / ".lapwing").mkdir(parents=True)
    for name in ("deploy", ".venv"):
        (folder / "here" / name).symlink_to(ROOT / name)
    known = environment(folder, ports)
    if page.name in RECORDED:
        shutil.copytree(demo_home, folder / "here" / ".lapwing" / "demo", symlinks=True)
        del known["LAPWING_DNS_MODE"]
    names, shell = Names(ports), Shell(folder, known)
    shown, ran = session(page), []
    try:
        for each, following in zip(shown, [*shown[1:], Shown("", "")], strict=True):
            ran.append(_one(each, following, names, shell))
            if ran[-1].wrong:
                break
    except TimeoutError as late:
        ran.append(Ran(shown[len(ran)], "", str(late)))
    finally:
        shell.close()
    return ran


def _one(shown, following, names, shell):
    began = time.monotonic()
    status, out = shell.run(names.put(shown.command))
    if shown.command.endswith("&"):
        _until(lambda: names.match(shown.output, out.read_text()), f"{shown.command}: {shown.output}")
    printed = out.read_text()
    wrong = ""
    if status and following.command != "echo $?":
        wrong = f"ended with status {status}"
    elif shown.output and not names.match(shown.output, printed):
        wrong = "printed something else than the page shows"
    return Ran(shown, printed, wrong, time.monotonic() - began)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(home of a demonstration, what it printed)."""
    home = tmp_path_factory.mktemp("demo") / "home"
    known = environment(home.parent, free_ports())
    del known["LAPWING_DNS_MODE"]
    command = ["lapwing", "--home", str(home), "demo"]
    ran = subprocess.run(command, env=known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == 0, ran.stdout
    return home, ran.stdout


@pytest.fixture(scope="module")
def walked(demo, tmp_path_factory):
    """Page -> what became of its commands; two pages at a time."""
    folder = tmp_path_factory.mktemp("docs")
    pages = sorted(WALKED, key=lambda page: -len(session(page)))
    with ThreadPoolExecutor(2) as pool:
        running = {page: pool.submit(walk, page, folder / page.stem, demo[0]) for page in pages}
    return {page: each.result() for page, each in running.items()}


@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.name)
def test_every_command_does_what_the_page_shows(page, request):
    for tool in ("curl", "swaks"):
        if any(re.search(rf"\b{tool}\b", each.command) for each in session(page)) and not shutil.which(tool):
            pytest.fail(f"{tool} is not installed, and {page.name} shows commands with it: apt-get install {tool}")
    walked = request.getfixturevalue("walked")[page]
    assert sum(each.seconds for each in walked) < WITHIN.get(page.name, 3600.0)
    for each in walked:
        told = f"{page.name}: $ {each.shown.command}\n{each.wrong}\n\n{each.printed}\n\n{each.shown.output}"
        assert not each.wrong, told


def test_only_the_two_setup_commands_are_not_run():
    lines = [(language, line) for page in PAGES for language, lines in blocks(page) for line in lines]
    assert {line.split()[0] for language, line in lines if language == "sh"} == NOT_RUN
    assert {language for language, _ in lines} <= {"console", "sh", "text", "toml", "nginx"}
    assert not [line for language, line in lines if language != "console" and line.startswith("$ ")]


def test_the_readme_shows_what_the_demonstration_prints(demo):
    shown = ["\n".join(lines) for language, lines in blocks(ROOT / "README.md") if language == "text"]
    assert shown
    for text in shown:
        assert Names({}).match(text, demo[1], whole=False), f"{demo[1]}\n\nis not\n\n{text}"


def commands():
    """(words, options) of every verb."""

    def below(command, words):
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, (*words, name))
        options = [option for each in command.params for option in (*each.opts, *each.secondary_opts)]
        yield words, [option for option in options if option.startswith("-")]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return list(below(typer.main.get_command(app), ()))


@pytest.mark.parametrize(("words", "options"), commands(), ids=" ".join)
def test_every_verb_and_option_is_spoken_of(words, options):
    verb = re.compile(rf"lapwing\b[^\n|]*\b{' '.join(words)}\b")
    pages = [text for text in (page.read_text() for page in PAGES) if verb.search(text)]
    assert pages, f"no page speaks of lapwing {' '.join(words)}"
    missing = [option for option in options if not any(re.search(rf"{option}\b", page) for page in pages)]
    assert not missing, f"lapwing {' '.join(words)} {missing} is nowhere"


def keys(type_, above=""):
    """(dotted name, default as the page writes it) of every setting."""
    for field in msgspec.structs.fields(type_):
        name = above + field.encode_name
        inner = [each for each in (field.type, *get_args(field.type)) if isinstance(each, type)]
        struct = next((each for each in inner if issubclass(each, msgspec.Struct)), None)
        made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if struct:
            yield from keys(struct, f"{name}.")
        else:
            yield name, "" if made is msgspec.NODEFAULT else json.dumps(made)


@pytest.mark.parametrize(("name", "default"), list(keys(settings.Settings)))
def test_every_setting_stands_in_the_table_with_its_default(name, default):
    assert (name, f"`{default}`" if default else "required") in settings_table()


def settings_table():
    """(key, default) of every row of the operator's table."""
    page = (ROOT / "docs" / "operator.md").read_text()
    return re.findall(r"^\| `([\w.]+)` \| (.*?) \|", page[page.index("## Settings") :], re.MULTILINE)


def test_the_table_has_no_other_settings():
    assert sorted(name for name, _ in settings_table()) == sorted(name for name, _ in keys(settings.Settings))


def test_every_variable_is_spoken_of():
    ours = {"LAPWING_HOME", "LAPWING_PERSON", "LAPWING_SETTINGS", *settings.OTHERS}
    everything = "\n".join(page.read_text() for page in PAGES)
    assert not {name for name in ours if name not in everything}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("investigator.md", (*get_args(Kind), *(each.name for each in INDICATORS))),
        ("isp.md", ORDER),
        ("json.md", (*get_args(Strength), *get_args(Term), *ANSWERED, "timeout", "servfail", "withheld")),
    ],
)
def test_every_word_of_the_results_is_explained(page, words):
    text = (ROOT / "docs" / page).read_text()
    assert not [word for word in words if f"`{word}`" not in text]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_inside_the_project_resolves(page):
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", page.read_text())
    for target in (one or other for one, other in targets):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{page.name}: there is no {target}"
            assert not anchor or anchor in anchors(file), f"{page.name}: there is no {target}"


def anchors(page):
    """The anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def members(value):
    """The names of all members in a JSON value; of maps whose names are data, none."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield name
        if name not in {"techniques", "countries", "value", "figures"}:
            yield from members(inner)
    for inner in value if isinstance(value, list) else ():
        yield from members(inner)


def test_every_member_of_the_json_interface_is_spoken_of(walked):
    page = ROOT / "docs" / "json.md"
    lines = [line for each in walked[page] for line in each.printed.splitlines() if line.startswith("{")]
    assert len(lines) > 10
    names = {name for line in lines for name in members(json.loads(line))}
    assert not {name for name in names if f"`{name}`" not in page.read_text()}
