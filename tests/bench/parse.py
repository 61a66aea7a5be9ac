"""Benchmark: our splitter against mail-parser and the standard library's compat32, on real phishing messages.

    LAPWING_CORPORA=DIR python tests/bench/parse.py [--rounds 7] [--kinds phishing,phishing-unconfirmed] [--all]

All in one process, one message after the other, each parser in turn on the same message, CPU time. The splitter and
compat32 give every header field of every part in order, the tree, every leaf decoded, the text of text leaves, and the
defects; mail-parser does what `parse_from_bytes` does. Below stand the two readings of the line: unpacking (which
format, which messages in it) and the Message with its text, links and findings of form.

Then the leaves are compared with those of compat32 (`tests/leaves.py`): these messages must have the same. `--all`
compares every .eml of the corpora, and names the files of each class. Exit status 1 where leaves differ, or where the
splitter is not `--least` times as fast as mail-parser.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from email import message_from_bytes, policy
from email.message import Message as Mail
from io import StringIO

import mailparser

from intake import charset, message, mime
from intake.formats import open_submission
from tests import corpora
from tests.leaves import classes, contents

KINDS = "phishing,phishing-unconfirmed"
Parser = Callable[[bytes], object]


def ours(data: bytes) -> object:
    """Fields, tree, contents, texts, defects by the splitter."""
    tree = mime.split(data)
    fields = [(field.name, mime.value(data, field)) for node in tree.nodes for field in node.fields]
    leaves = []
    for node in tree.nodes:
        if not node.children:
            content = mime.decoded(data, node)
            leaves.append((content, charset.read(content, node.charset).text if node.type[:5] == "text/" else ""))
    return tree, fields, leaves, tree.flags


def compat32(data: bytes) -> object:
    """The same by the standard library."""
    parts = list(message_from_bytes(data, policy=policy.compat32).walk())
    fields = [pair for part in parts for pair in part.items()]
    leaves = []
    for part in parts:
        if not part.is_multipart():
            content = contents(part)
            leaves.append((content, text(part, content) if part.get_content_maintype() == "text" else ""))
    return parts, fields, leaves, [part.defects for part in parts]


def text(part: "Mail[str, str]", content: bytes) -> str:
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("latin-1")


def unpack(data: bytes) -> object:
    """Which format a submission is in, and the messages in it."""
    return open_submission(data, "reported.eml")


PARSERS: dict[str, Parser] = {
    "splitter": ours, "mail-parser": mailparser.parse_from_bytes, "compat32": compat32, "unpack": unpack,
    "Message": message.derive,
}  # fmt: skip


def measured(mails: list[bytes], rounds: int) -> tuple[dict[str, list[float]], Counter[str]]:
    """Seconds of CPU of each parser in each round, and how many messages it raised on; the first round is not kept."""
    spent: dict[str, list[float]] = {name: [] for name in PARSERS}
    raised: Counter[str] = Counter()
    for turn in range(rounds + 1):
        sums = dict.fromkeys(PARSERS, 0.0)
        for data in mails:
            for name, parser in PARSERS.items():
                began = time.process_time()
                try:
                    parser(data)
                except Exception:
                    raised[name] += not turn
                sums[name] += time.process_time() - began
        if turn:
            for name, seconds in sums.items():
                spent[name].append(seconds)
    return spent, raised


def table(mails: list[bytes], rounds: int) -> float:
    """Print messages per second of CPU, the median and range of the ratio to mail-parser, and exceptions; the ratio of
    the splitter.
    """
    with redirect_stderr(StringIO()):
        spent, raised = measured(mails, rounds)
    size = sum(map(len, mails)) / len(mails) / 1000
    print(f"{len(mails)} phishing messages, mean {size:.1f} kB, {rounds} rounds in one process, CPU time of one core")
    print(f"{'':14}{'per s':>8}{'ms each':>9}{'of mail-parser':>16}{'range':>13}{'raised':>8}")
    splitter = 0.0
    for name, seconds in spent.items():
        ratios = [theirs / mine for mine, theirs in zip(seconds, spent["mail-parser"], strict=True)]
        middle = statistics.median(seconds) / len(mails)
        splitter = statistics.median(ratios) if name == "splitter" else splitter
        span = f"{min(ratios):.2f}-{max(ratios):.2f}"
        print(
            f"{name:14}{1 / middle:8.0f}{middle * 1000:9.2f}{statistics.median(ratios):16.2f}{span:>13}{raised[name]:8}"
        )
    return splitter


def compare(mails: dict[str, bytes], names: bool) -> bool:
    """Print the classes of what differs; whether nothing does."""
    found = classes(mails)
    same = len(mails) - len({name for where in found.values() for name in where})
    print(f"\nleaves against compat32: {same} of {len(mails)} messages have the same")
    for each, where in sorted(found.items()):
        print(f"  {len(where):4} leaves in {len(set(where))} messages: {each}")
        for name in sorted(set(where)) if names or each == "LOST" else ():
            print(f"         {name}")
    return not found


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--kinds", default=KINDS, help="folders of the corpora, with commas between")
    options.add_argument("--all", action="store_true", help="compare the leaves of every .eml of the corpora")
    options.add_argument("--least", type=float, default=4.0, help="of the splitter to mail-parser")
    given = options.parse_args()
    folder = corpora.found()
    if folder is None:
        sys.exit(f"{corpora.ABSENT}: there is nothing to measure with.")
    message.warm()
    chosen = {each.relative_to(folder).as_posix(): each for each in corpora.files(folder) if each.suffix == ".eml"}
    kinds = given.kinds.split(",")
    mails = {name: path.read_bytes() for name, path in chosen.items() if name.split("/")[0] in kinds}
    ratio = table(list(mails.values()), given.rounds)
    same = compare(mails, given.all)
    if given.all:
        compare({name: path.read_bytes() for name, path in chosen.items()}, names=True)
    sys.exit(not same or ratio < given.least)


if __name__ == "__main__":
    main()
