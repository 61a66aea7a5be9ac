"""Intake in any order of events, for long: the state machine of `states_machine.py` on many homes, one after the other.

    .venv/bin/python tests/contract/states_campaign.py --steps 20000 [--seed 1] [--shrink]

Ends with status 1 and the rules that led there when an invariant broke (`--shrink`: the shortest such run); it is
noted for promise P22. The short form is `states_contract_test.py`.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from intake import parsing
from tests.contract.states_judge import Judged
from tests.contract.states_machine import States
from tests.promise import Rule

PROMISED = 20_000
"""Steps of the long form."""
EACH = 60
"""Steps in one home at most."""
RULE = Rule("P22", zero=("broken",), least={"steps": 1, "deaths": 1})


@contextmanager
def machine() -> Iterator[type[States]]:
    """The machine with a parsing child that all its homes share."""
    States.parser = parsing.Parser(parsing.command("deploy.parserd"), children=1)
    Judged.steps = States.deaths = 0
    try:
        yield States
    finally:
        States.parser.close()


def campaign(steps: int, number: int, each: int = EACH, shrink: bool = False) -> dict[str, int]:
    """Run at least so many steps, unless an invariant breaks, which is raised; the figures."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    with machine() as found:
        homes = 0
        while found.steps < steps:
            homes += 1
            run_state_machine_as_test(
                seed(number * 100_000 + homes)(found),
                settings=settings(
                    max_examples=5, stateful_step_count=each, deadline=None, database=None, phases=phases,
                    report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        return {"steps": found.steps, "deaths": found.deaths, "broken": 0}


def main() -> None:
    """The long form."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=PROMISED)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--shrink", action="store_true")
    given = arguments.parse_args()
    try:
        figures = campaign(given.steps, given.seed, shrink=given.shrink)
    except Exception:
        RULE.ended({"steps": States.steps, "deaths": States.deaths, "broken": 1}, "long", part="states")
        raise
    form = "long" if given.steps >= PROMISED else "short"
    sys.exit(not RULE.ended(figures, form, part="states"))


if __name__ == "__main__":
    main()
