"""Referral: asking the right authority elsewhere for help.

`contact` and `route` say whom, `request` what (38 fields and their checks), `disclosure` what may leave, `package` the
sealed bundle that `verify` checks offline, `refer` the steps that people take. Nothing is sent without two people.
"""
