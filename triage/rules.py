"""The table of rules: what must be seen, what harm that means, and the sentence that says so.

A rule is present or not; it has a kind and a grade as in the rubric, the dimension it speaks of, and how sure it
is when it fires (0 to 1). Codes are for ever: a rule whose meaning changes gets a new code, any other change raises
`VERSION`. Criteria: what a person who does what the message asks would lose.
"""

from triage.concrete import CONCRETE
from triage.lesser import LESSER
from triage.rule import Rule

VERSION = 2
RULES: tuple[Rule, ...] = CONCRETE + LESSER
LANES: dict[str, tuple[str, ...]] = {
    "life": ("harm_life",),
    "child-abuse": ("child_abuse",),
    "police": ("told_crime",),
    "sms": ("told_sms",),
}
"""Lane and the concepts that open it."""
