"""Indicators: one file is one judge, a pure function from Facts to a Finding; `enrichment/indicator.py` lists them."""
