"""Deploy: the running system; nobody imports it.

`settings` and `wiring` put the parts together, `cli` is the command `lapwing`, and each process has a file of its own.
"""
