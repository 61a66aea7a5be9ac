"""The scales: assessment and join keys of one examined report together; pure, runs in a parsing child."""

from triage import phone
from triage.campaign import drawn_of
from triage.judge import judge
from triage.terms import lexicon
from triage.weigh import Weighed, Weighing


def warm() -> None:
    """Load what is loaded when it is first used; afterwards no file is opened."""
    lexicon()
    phone.warm()


def weigh(told: Weighing) -> Weighed:
    """What the report does to people, and why it belongs with others."""
    return Weighed(assessment=judge(told.examination, told.claims, lexicon()), drawn=drawn_of(told.examination))
