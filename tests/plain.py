"""Mail for tests of enrichment out of a few lines."""

from intake.message import Message, derive


def lines(*received: str, more: str = "From: a@sender.test\n") -> Message:
    """A message with these Received lines, the topmost first."""
    return derive(("".join(f"Received: {line}\n" for line in received) + more + "\ntext\n").encode())
