"""Triage: which case a report belongs to, and how much harm the case does.

`campaign` says why reports belong together, `case` what people work on, `harm` and `rules` what it does to whom, `rank`
which case comes first, `lane` what stands outside that order; `assess` is the step that files a report.
"""
