"""Indicator: the explicit list of judges, and `examine`, which asks each of them.

A judge whose need is not met is not called: its finding is unknown and says what was missing. A timeout neither clears
nor condemns. Facts and the declaration of a judge: `enrichment/judging.py`.
"""

from enrichment.finding import Finding
from enrichment.indicators import (
    direct_to_mx,
    dynamic_name,
    forged_received,
    from_mismatch,
    helo_name,
    links,
    listed,
    open_proxy,
    open_relay,
    zombie,
)
from enrichment.judging import NEEDS, Facts, Indicator, Says

INDICATORS: tuple[Indicator, ...] = (
    open_relay.INDICATOR,
    open_proxy.INDICATOR,
    zombie.INDICATOR,
    dynamic_name.INDICATOR,
    listed.INDICATOR,
    forged_received.INDICATOR,
    direct_to_mx.INDICATOR,
    helo_name.INDICATOR,
    links.INDICATOR,
    from_mismatch.INDICATOR,
)


def examine(facts: Facts) -> tuple[Finding, ...]:
    """One finding of every indicator, in the order of the list."""
    return tuple(_asked(indicator, facts) for indicator in INDICATORS)


def _asked(indicator: Indicator, facts: Facts) -> Finding:
    missing = [NEEDS[need][1] for need in indicator.needs if not NEEDS[need][0](facts)]
    if missing:
        says = Says(indicator.name, indicator.version, indicator.basis)
        return says.unknown(facts.boundary.ip, f"Not to be told: {'; '.join(missing)}.")
    return indicator.judge(facts)
