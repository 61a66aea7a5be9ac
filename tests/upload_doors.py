"""The upload door of tests: a real uvicorn on a free port, and a client that asks it.

with door(acceptor) as port: ask(port, "GET", "/").json
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from starlette.routing import Route

from intake import upload, upload_port
from intake.accept import Acceptor
from intake.metrics import Metrics
from intake.upload import Limits, Site

BOUNDARY = "x-boundary-x"
FREE = Limits(per_source=0, per_network=0, total=0, per_minute=0, network_per_minute=0)
PORT = upload_port.Limits(per_source=0, per_network=0, connections=0)


@contextmanager
def door(
    acceptor_: Acceptor, status: upload.Status = lambda _: None, more: Sequence[Route] = (), site: Site | None = None,
    port: upload_port.Limits = PORT, proxies: Sequence[str] = (), metrics: Metrics | None = None, **limits: Any,
) -> Iterator[int]:  # fmt: skip
    """The door on a free port; limits of counts are off unless given, those of connections stand in `port`."""
    app = upload.application(acceptor_, status, replace(FREE, **limits), site=site, more=more, metrics=metrics)
    server = upload_port.server(app, port, proxies, metrics, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]


def ask(port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request(method, path, body, dict(headers or {}))
        return Answer(client.getresponse())
    finally:
        client.close()


def form(*parts: tuple[str, str | None, bytes], end: bytes = b"--\r\n") -> tuple[bytes, dict[str, str]]:
    """(body, headers) of a form with these (name, filename, content)."""
    pieces = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        pieces.append(head.encode() + content + b"\r\n")
    body = b"".join(pieces) + b"--" + BOUNDARY.encode() + end
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
