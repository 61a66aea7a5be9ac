"""The SMTP process: the door for reports by mail; it holds no private key and no store.

Several of them may share the ports (the kernel deals connections out); each has its own series in the vault, its own
counts of what a client may have, and its own figures.
"""

import ssl
import sys
from pathlib import Path
from threading import Event

from deploy.process import beginning, had, run, served
from deploy.settings import Smtp
from deploy.wiring import open_house
from intake import smtp
from intake.errors import Refused
from intake.metrics import Metrics
from intake.smtp_port import Port
from intake.smtp_settings import Limits, Settings


def main(home: Path, number: int = 1) -> None:
    """Serve until the process is told to stop; writes the ports into `run/smtp.port`, `run/smtp-tls.port` and so on.

    `number` counts the processes that share the ports; those after the first listen where the first one does.
    """
    name = "smtp" if number == 1 else f"smtp-{number}"
    house = open_house(home, name)
    mine, folder, metrics = house.settings.smtp, home / "run", Metrics()
    with run() as stopping:
        settings = _settings(mine, house.settings.domain, number, _shared(folder, number, mine.processes, stopping))
        with had("smtp"):
            server = smtp.serve(
                settings, house.acceptor(house.door), house.keyring.check, metrics, house.turned_away.count
            )
        with served("smtp", metrics, _metrics_port(mine.metrics_port, number), folder / f"{name}.metrics"):
            assert isinstance(server.server, Port)
            for way, port in reversed(server.server.ports.items()):
                (folder / f"{way if number == 1 else f'{way}-{number}'}.port").write_text(f"{port}\n")
            stopping.wait()
            server.stop()
    house.door.close()


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    """The context of a certificate and its key; `Refused` says what is wrong with which file."""
    for path in filter(None, (certificate, key)):
        with had("smtp", path):
            Path(path).read_bytes()
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(certificate, key or None, password="")
    except ssl.SSLError as error:
        says = "that is no certificate in PEM with its private key, or the key is under a passphrase"
        raise Refused("settings", f"[smtp] {' and '.join(filter(None, (certificate, key)))}: {says}") from error
    return made


def _settings(mine: Smtp, domain: str, number: int, ports: dict[str, int]) -> Settings:
    tls = _tls(mine.certificate, mine.key) if mine.certificate else None
    try:
        return Settings(
            host=mine.host, port=ports.get("smtp", _port(mine.port)),
            tls_port=ports.get("smtp-tls", _port(mine.tls_port)),
            lmtp_host=mine.lmtp_host, lmtp_port=ports.get("lmtp", _port(mine.lmtp_port)),
            lmtp_socket=mine.lmtp_socket if number == 1 else "", name=domain, domains=mine.domains, tls=tls,
            proxies=mine.proxies, plain_auth=mine.plain_auth, shared=mine.processes > 1,
            first=number == 1 and not ports,
            limits=Limits(
                per_source=mine.per_source, per_network=3 * mine.per_source, per_minute=mine.per_minute,
                network_per_minute=3 * mine.per_minute, total=mine.total,
            ),
        )  # fmt: skip
    except ValueError as error:
        raise Refused("settings", f"[smtp] {error}") from error


def _shared(folder: Path, number: int, processes: int, stopping: Event) -> dict[str, int]:
    """The ports on which the others listen, by the name of the way; the first process alone finds none at its start."""
    while number > 1 and not _written(folder / "smtp.port") and not stopping.wait(0.02):
        pass
    if processes < 2 or not _written(folder / "smtp.port"):
        return {}
    return {way: int((folder / f"{way}.port").read_text()) for way in _WAYS if _written(folder / f"{way}.port")}


def _written(path: Path) -> bool:
    return path.exists() and path.read_text().endswith("\n")


_WAYS = ("smtp", "smtp-tls", "lmtp")


def _port(number: int) -> int | None:
    return None if number < 0 else number


def _metrics_port(first: int, number: int) -> int:
    return first + number - 1 if first > 0 else first


if __name__ == "__main__":
    with beginning():
        main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
