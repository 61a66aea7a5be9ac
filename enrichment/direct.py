"""Direct: what shows that a program delivered straight to the recipient's server, with no mail server of its own.

One external line and no other; then also the traces of a program for people, which no mail server would leave.
Rules: SpamAssassin's direct-to-MX tests and rspamd's once_received (`reference/indicators.md` 5.3).
"""

import re
from typing import NamedTuple

from enrichment.judging import Facts
from intake.record import Cite

_PROGRAM = re.compile(
    r"(?:microsoft outlook|outlook express|the bat!|windows (?:live )?mail|thunderbird|foxmail|apple mail)",
    re.IGNORECASE,
)


class Trace(NamedTuple):
    """`telling` where it speaks against the host by itself."""

    says: str
    cite: Cite
    telling: bool = True


def straight(facts: Facts) -> tuple[Trace, ...]:
    """The traces of direct delivery; () where another line stands below the boundary, or the walk did not end."""
    hop = facts.handover
    if hop is None or facts.below or hop.authenticated:
        return ()
    traces = [Trace("no other server had the mail before", hop.cite, telling=False)]
    for name in ("X-Mailer", "User-Agent"):
        for header in facts.message.all(name)[:1]:
            if found := _PROGRAM.match(header.value.strip()[:200]):
                says = f"it delivered straight to the receiver and claims to be {found.group()}, a program for people"
                traces.append(Trace(says, header.cite))
    return tuple(traces)
