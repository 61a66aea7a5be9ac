"""A real IMAP server for tests: Dovecot on 127.0.0.1, started and ended by the test that needs it.

    with dovecot(tmp_path) as server:
        server.deliver(b"From: ...")        as a delivering mail server does: tmp/, then a link in new/
        server.mailbox(done="delete")       the settings of that mailbox

It runs as a user of its own, who is never root; its mail lies in a Maildir. A missing program fails the test.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from intake.pickup import Mailbox
from tests.servers import find, free_port
from tests.tls import certificate

USER, PASSWORD = "reports", "a password of the tests"
WITHIN = 15.0


@dataclass
class Dovecot:
    """A server in `folder`; `own` is put into its configuration."""

    folder: Path
    own: str = ""
    plain: int = field(default_factory=free_port)
    tls: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    delivered: int = 0

    @property
    def mail(self) -> Path:
        """The Maildir of the user."""
        return self.folder / "mail"

    @property
    def ca(self) -> str:
        return str(self.folder / "tls.pem")

    def mailbox(self, **changes: Any) -> Mailbox:
        """Settings that reach it, over plain TCP unless told otherwise."""
        secret = self.folder.parent / f"{self.folder.name}.password"
        secret.write_text(PASSWORD + "\n")
        known: dict[str, Any] = {"host": "127.0.0.1", "port": self.plain, "tls": "none", "user": USER,
                                 "password_file": str(secret), "poll": 1.0}  # fmt: skip
        return Mailbox(**(known | changes))

    def deliver(self, data: bytes) -> Path:
        """A mail as a delivering server leaves it."""
        self.delivered += 1
        name = f"{1_790_000_000 + self.delivered}.M{self.delivered}P{os.getpid()}.example"
        first, last = self.mail / "tmp" / name, self.mail / "new" / name
        first.write_bytes(data)
        self._own(first)
        first.rename(last)
        return last

    def names(self, folder: str = ".") -> list[str]:
        """Of all messages in a folder (Maildir++: `.Done`), with their flags."""
        return sorted(path.name for sub in ("new", "cur") for path in (self.mail / folder / sub).glob("*"))

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            entry = _user()
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def begin(self) -> None:
        """Start it, and wait until it greets."""
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": _user().pw_uid, "group": _user().pw_gid, "extra_groups": []}
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [find("dovecot"), "-F", "-c", str(self.folder / "dovecot.conf")], stdout=output, stderr=output, **user
            )
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.plain), timeout=1) as line:
                    if line.recv(4) == b"* OK":
                        return
            except OSError:
                time.sleep(0.02)
        words = "\n".join(each.read_text(errors="replace") for each in self.folder.glob("[lo]*[gt]"))
        pytest.fail(f"dovecot does not answer: {words[-2000:]}")

    def end(self) -> None:
        """Stop it with all its connections."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=WITHIN)
            self.process = None

    def forget_uids(self) -> None:
        """Another UIDVALIDITY: its list of UIDs and its index are gone, as after a restore from a backup."""
        self.end()
        for path in (*self.mail.glob("dovecot-uidlist*"), *self.mail.glob("dovecot.index*")):
            path.unlink()
        self.begin()

    def write(self) -> None:
        """Its configuration, certificate and folders."""
        certificate(self.folder)
        name = _user().pw_name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        (self.folder / "dovecot.conf").write_text(
            _CONF.format(folder=self.folder, user=name, plain=self.plain, tls=self.tls, own=self.own)
        )
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        for folder in ("run", "state", "mail", "mail/tmp", "mail/new", "mail/cur"):
            (self.folder / folder).mkdir(exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            self._own(path)


_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group =
default_login_user = {user}
mail_location = maildir:{folder}/mail
mailbox_list_index = no
ssl = yes
ssl_cert = <{folder}/tls.pem
ssl_key = <{folder}/tls.pem
disable_plaintext_auth = no
auth_failure_delay = 0
first_valid_uid = 1
maildir_stat_dirs = yes
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={folder}
  default_fields = uid={user}
}}
{own}
"""


def _user() -> pwd.struct_passwd:
    """Whom the server runs as where the tests run as root."""
    try:
        return pwd.getpwnam("dovecot")
    except KeyError:
        return pwd.getpwnam("nobody")


@contextmanager
def dovecot(own: str = "") -> Iterator[Dovecot]:
    """A running server with an empty mailbox, in a folder of its own that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lapwing-imap-"))
    folder.chmod(0o755)
    server = Dovecot(folder / "server", own)
    server.folder.mkdir()
    try:
        server.write()
        server.begin()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder)
