"""The metrics: each outcome and limit has its figure, nothing in them names anybody, and they are served on request."""

import urllib.request

from intake.metrics import Metrics
from intake.smtp_settings import Settings
from tests.doors import FakeWriter, Line, acceptor, full_disk, smtp_ways

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


def text(metrics: Metrics) -> str:
    served = metrics.serve(0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())
    finally:
        served.close()


def test_what_a_message_leaves() -> None:
    metrics = Metrics()
    with (
        smtp_ways(Settings(), acceptor(FakeWriter()), metrics=metrics, size=100) as ports,
        Line(ports["smtp"]) as line,
    ):
        line.envelope()
        line.data(MAIL)
        assert metrics.value("sessions", door="smtp") == 1
        line.envelope()
        line.data(b"y" * 101 + b"\r\n.\r\n")
        line.envelope()
        line.say("DATA")
    assert metrics.value("sessions", door="smtp") == 0
    assert metrics.value("connections_total", door="smtp") == 1
    assert metrics.value("messages_total", door="smtp", outcome="kept") == 1
    assert metrics.value("messages_total", door="smtp", outcome="too-big") == 1
    assert metrics.value("messages_total", door="smtp", outcome="abandoned") == 1
    assert metrics.value("limits_total", door="smtp", limit="size") == 1
    assert metrics.value("bytes_total", door="smtp") == len(MAIL) - 3
    assert metrics.value("acknowledgement_seconds_count", door="smtp") == 1


def test_faults_have_figures() -> None:
    for error, outcome in ((full_disk(), "full"), (RuntimeError("secret words"), "fault")):
        metrics = Metrics()
        with (
            smtp_ways(Settings(), acceptor(FakeWriter(fails=error)), metrics=metrics) as ports,
            Line(ports["smtp"]) as line,
        ):
            line.envelope()
            line.data(MAIL)
        assert metrics.value("messages_total", door="smtp", outcome=outcome) == 1
        assert metrics.value("limits_total", door="smtp", limit="disk") == (outcome == "full")


def test_nobody_is_named() -> None:
    metrics = Metrics()
    with (
        smtp_ways(Settings(), acceptor(FakeWriter()), metrics=metrics, per_source=1) as ports,
        Line(ports["smtp"]) as line,
        Line(ports["smtp"], greet=False) as other,
    ):
        other.reply()
        line.envelope()
        line.data(MAIL)
    said = text(metrics)
    assert 'lapwing_intake_limits_total{door="smtp",limit="source"} 1.0' in said
    assert "127.0.0" not in said and "example" not in said


def test_two_sets_of_figures_are_apart() -> None:
    one, other = Metrics(), Metrics()
    one.door("smtp").limited("idle")
    assert (
        one.value("limits_total", door="smtp", limit="idle"),
        other.value("limits_total", door="smtp", limit="idle"),
    ) == (1, 0)


def test_a_port_that_is_taken_is_an_error() -> None:
    served = Metrics().serve(0)
    try:
        try:
            Metrics().serve(served.port)
        except OSError:
            return
        raise AssertionError("it was served twice")
    finally:
        served.close()
