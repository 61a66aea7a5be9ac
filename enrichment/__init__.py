"""Enrichment: what can be known about a report, with sources.

`path` walks the Received lines to the boundary hop, `gather/` holds all network input, `indicators/` are pure
judgements of facts, `enrich` is the step that keeps one Examination per report and round.
"""
