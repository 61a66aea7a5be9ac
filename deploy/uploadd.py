"""The upload process: the public's HTTP door and the API for feeds; it holds no private key and no store, and reads
receipts, keyring and outcomes alone; of these it changes only from where on a webhook's events are posted again.
"""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from deploy.process import beginning, had, lean, run, served
from deploy.wiring import House, now, open_house
from intake import api
from intake.accept import Acceptor
from intake.callers import Callers
from intake.catalogues import FOLDER, Words, catalogues
from intake.errors import Refused
from intake.feed_page import FeedPage, Rooms, Routes
from intake.handin import HandIn
from intake.inquiry import Inquiry
from intake.metrics import Metrics
from intake.notice import Sender
from intake.passes import Passes
from intake.postbox import Postbox
from intake.upload import Limits, Site, application
from intake.upload_port import server
from intake.vault import keys


def main(home: Path) -> None:
    """Serve until the process is told to stop; writes the port into `run/upload.port`."""
    lean()
    house = open_house(home, "upload")
    mine, folder, metrics = house.settings.upload, home / "run", Metrics()
    acceptor = house.acceptor(house.door)
    authority, limits = house.settings.authority, Limits()
    site = Site(
        name=authority.name, country=mine.country or authority.country, size=limits.size, words=words_of(home),
        contact=house.settings.contact,
    )  # fmt: skip
    routes = routes_of(house, acceptor, metrics)
    app = application(acceptor, house.receipts.known, limits, site=site, more=routes, metrics=metrics)
    with had("upload", f"port {mine.port} of {mine.host or 'this machine'}"):
        listening = socket.create_server((mine.host, mine.port), backlog=1024)
    door = server(app, proxies=mine.proxies, metrics=metrics)
    with run() as stopping, served("upload", metrics, mine.metrics_port, folder / "upload.metrics"):
        thread = threading.Thread(target=door.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        (folder / "upload.port").write_text(f"{listening.getsockname()[1]}\n")
        stopping.wait()
        door.should_exit = True
        thread.join(timeout=10)
    house.parser.close()
    house.door.close()


def words_of(home: Path) -> dict[str, Words]:
    """The words of the pages in every language; `Refused('settings')` says what is wrong with one of the home's."""
    try:
        return catalogues(FOLDER, home / "pages")
    except ValueError as error:
        raise Refused("settings", f"pages/{error}") from error


def routes_of(
    house: House, acceptor: Acceptor, metrics: Metrics | None = None, limits: api.Limits | None = None
) -> Routes:
    """The API for feeds and their page, beside the door for the public."""
    metrics, callers = metrics or Metrics(), Callers(house.keyring)
    door = api_of(house, acceptor, metrics, limits, callers)
    passes = Passes(keys.door(house.keys), time.time, os.urandom)
    rooms = Rooms(callers, passes, _inquiry(house, acceptor), acceptor, door.became, now)
    return [*door.routes(), *FeedPage(rooms, metrics).routes()]


def _inquiry(house: House, acceptor: Acceptor) -> Inquiry:
    settings = house.settings
    sender = Sender(settings.authority.name or settings.domain, f"postmaster@{settings.domain}", settings.domain)
    return Inquiry(house.outcomes, acceptor.reference, sender, house.turned_away)


def api_of(
    house: House, acceptor: Acceptor, metrics: Metrics | None = None, limits: api.Limits | None = None,
    callers: Callers | None = None,
) -> api.Api:  # fmt: skip
    """The API for feeds."""
    limits, inquiry = limits or api.Limits(), _inquiry(house, acceptor)
    hand_in = HandIn(acceptor, house.idempotency, inquiry.digest, limits.size)
    gone = house.receipts.gone
    return api.Api(
        hand_in,
        callers or Callers(house.keyring),
        inquiry,
        house.parser,
        now,
        limits,
        gone=gone,
        metrics=metrics,
        refused=house.turned_away.count,
        replay=Postbox(house.outcomes).replay,
    )


if __name__ == "__main__":
    with beginning():
        main(Path(sys.argv[1]))
