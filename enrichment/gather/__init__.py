"""Gather: all that enrichment learns from outside the message: DNS answers, registry data, authentication."""
