"""The error vocabulary: three words that every door and every step understands.

Anything else that is raised is our own bug: a door answers 451 or 500 without its text, a worker
tries three times and puts the item on hold. (Table: the house plan, section 5.)
"""


class Refused(Exception):
    """Can never be taken: SMTP 5xx, HTTP 4xx, a worker stops and keeps the note.

    `code` is a short stable word for programs, `says` a sentence for people that holds nothing secret.
    """

    def __init__(self, code: str, says: str) -> None:
        super().__init__(f"{code}: {says}")
        self.code = code
        self.says = says


class Temporary(Exception):
    """Not now: SMTP 4xx, HTTP 503 (or 429) with Retry-After, a worker tries again after `after` seconds.

    `code` is a short stable word for programs: which limit it is, or `busy` where it is none.
    """

    def __init__(self, says: str, after: float = 60.0, code: str = "busy") -> None:
        super().__init__(says)
        self.says = says
        self.after = after
        self.code = code


class Damaged(Exception):
    """Evidence does not match its digest: 451 or 500, an alarm, the item on hold. `digest` names what is wrong."""

    def __init__(self, digest: str, says: str = "does not match its digest") -> None:
        super().__init__(f"{digest}: {says}")
        self.digest = digest
        self.says = says
