"""`lapwing init`, `serve`, `verify`, `rebuild`, `backup`, `restore`, `hold`, `version`: what the operator does."""

import importlib.metadata
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import typer
from rich.markup import escape
from rich.table import Table

from deploy.checkpoints import all_checkpoints, erased, write_checkpoint
from deploy.commands import people
from deploy.commands.desk import JSON, Desk, bar, emit, err, out, refill
from deploy.process import REFUSED
from deploy.soundness import admit
from deploy.wiring import open_house
from intake.errors import Refused
from intake.follower import only_one
from intake.vault import segment, series
from intake.vault.book import blank
from intake.vault.keys import PRIVATE
from intake.vault.verify import Verified, unexplained
from intake.vault.verify import verify as verify_vault

DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
PROCESSES = ("sweeper", "worker", "smtpd", "uploadd", "hookd")
"""What `serve` runs, the sweeper first; each is a module of this package."""
DOORS = ("smtpd", "uploadd")
"""Those that say on which port they listen."""
PICKUP = "mailboxd"
"""And this, where the settings name a mailbox; it has no port."""


def init(
    context: typer.Context,
    domain: str = typer.Option(..., prompt="Domain that will take reports", help="Such as report.agency.example."),
    administrator: str = typer.Option(..., prompt="Short name of the first administrator"),
) -> None:
    """Make a home: keys, settings, the first administrator; says which DNS records to publish."""
    desk: Desk = context.obj
    desk.makes = True
    path = desk.home / "lapwing.toml"
    if path.exists():
        raise Refused("exists", f"{desk.home} was made before; edit {path}")
    desk.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    domain = domain.strip().lower().rstrip(".")
    if not DOMAIN.fullmatch(domain):
        raise Refused("domain", f"'{domain}' is no domain name; give one such as report.agency.example (A-labels)")
    secret = people.passphrase(f"Passphrase of {administrator}", twice=True)
    path.write_text(f'domain = "{domain}"\n\n[smtp]\ndomains = ["{domain}"]\n')
    people.enrol(desk, administrator, administrator, ["administrator", "investigator"], "init", secret)
    out.print(f"[bold]Home made:[/bold] {desk.home}\n")
    out.print("Publish these DNS records (the address is that of your mail host):")
    out.print(f"  {domain}.        MX   10 mx.{domain}.\n  mx.{domain}.     A    <address of this machine>")
    out.print(f'  {domain}.        TXT  "v=spf1 mx -all"\n  _dmarc.{domain}. TXT  "v=DMARC1; p=reject"\n')
    out.print(f"[bold red]Copy {desk.home / 'keys'} to two safe places off this machine now.[/bold red]")
    out.print("operator.private opens all evidence: without it nothing that was reported can ever be read again,")
    out.print("and whoever has it together with the vault can read everything.")


def serve(context: typer.Context) -> None:
    """Run everything in one place: the doors, a worker and the sweeper; ends on Ctrl-C or SIGTERM."""
    desk: Desk = context.obj
    house = open_house(desk.home, "command")
    admit(house, lambda says: err.print(f"[bold red]doubtful[/bold red] {escape(says)} (lapwing selfcheck)"))
    names = (*PROCESSES, PICKUP) if house.settings.mailbox else PROCESSES
    with running(house.home, names, several={"smtpd": house.settings.smtp.processes}) as processes:
        ports = {name: port(house.home, name) for name in ("smtp", "upload")}
        err.print(f"SMTP on port {ports['smtp']}, upload on http://{house.settings.upload.host}:{ports['upload']}/")
        stop: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.append(1))
        while not stop:
            time.sleep(0.2)
            processes.revive()


class running:
    """The processes of a home, started on entry and stopped on leaving; `revive` starts again what died.

    `several` says which of them run how many times; the second smtpd is `smtpd-2`.
    """

    def __init__(
        self, home: Path, names: tuple[str, ...] = PROCESSES, several: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._home = home
        self._names = tuple(
            f"{name}-{number}" if number > 1 else name
            for name in names
            for number in range(1, several.get(name, 1) + 1)
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._died: dict[str, float] = {}

    def __enter__(self) -> "running":
        run = self._home / "run"
        with only_one(self._home):
            for path in run.glob("*"):
                path.unlink(missing_ok=True)
        try:
            self._start_all(run)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_all(self, run: Path) -> None:
        self._start("sweeper")
        self._await(run / "ready")
        for name in self._names[1:]:
            self._start(name)
        for name in self._names:
            door, _, number = name.partition("-")
            if door in DOORS:
                self._await(run / f"{door.removesuffix('d')}{'-' if number else ''}{number}.port")

    @property
    def pids(self) -> dict[str, int]:
        """Process numbers by name."""
        return {name: process.pid for name, process in self._running.items()}

    def _start(self, name: str) -> None:
        module, _, number = name.partition("-")
        command = [sys.executable, "-m", f"deploy.{module}", str(self._home), *([number] if number else [])]
        self._running[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def _await(self, path: Path) -> None:
        for _ in range(600):
            if path.exists() and path.read_text().endswith("\n"):
                return
            ended = [status for each in self._running.values() if (status := each.poll()) is not None]
            if REFUSED in ended:
                raise typer.Exit(1)  # it has said why
            if ended:
                break
            time.sleep(0.05)
        raise Refused("start", f"the house did not start ({path.name} is missing); the messages above say why")

    def revive(self) -> None:
        """Start again whatever died, at most once a second each."""
        for name, process in list(self._running.items()):
            if process.poll() is not None and time.monotonic() - self._died.get(name, 0.0) > 1.0:
                self._died[name] = time.monotonic()
                err.print(f"{name} ended with status {process.returncode}; starting it again")
                self._start(name)

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._names):
            if name in self._running:
                self._running[name].terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def port(home: Path, name: str) -> int:
    """The port on which that door listens."""
    return int((home / "run" / f"{name}.port").read_text())


def verify(context: typer.Context, json: bool = JSON) -> None:
    """Read every byte of the vault again and name each that changed; exit status 1 when one did."""
    desk: Desk = context.obj
    house = desk.house
    total = sum(
        segment.path_of(house.vault, name, number).stat().st_size
        for name in series.all_series(house.vault)
        for number in segment.numbers(house.vault, name)
    )
    with bar(json) as progress:
        task = progress.add_task("verifying", total=total)
        result = verify_vault(house.reader, all_checkpoints(house), step=lambda size: progress.advance(task, size))
    problems = result.problems + unexplained(result, erased(house))
    _say_verified(result, problems, json)
    raise typer.Exit(1 if problems else 0)


def _say_verified(result: Verified, problems: list[str], json: bool) -> None:
    if json:
        emit({"frames": result.frames, "bytes": result.bytes, "erased": result.erased, "problems": problems})
        return
    for line in problems:
        out.print(f"[red]damaged[/red] {line}")
    out.print(f"{result.frames:,} frames, {result.bytes:,} bytes, {result.erased:,} erased, {len(problems)} problems")


def rebuild(context: typer.Context, json: bool = JSON) -> None:
    """Throw the store away and fill it again from the vault; nothing of the evidence is touched."""
    desk: Desk = context.obj
    desk.noted("rebuild the store", "store", right="operate")
    with only_one(desk.home), bar(json) as progress:
        desk.close()
        del desk.__dict__["house"]
        for path in desk.home.glob("store.sqlite*"):
            path.unlink()
        task = progress.add_task("reading the vault", total=None)
        house = open_house(desk.home, "command")
        desk.__dict__["house"] = house
        count = refill(house, lambda frames: progress.advance(task, frames))
    damaged = list(house.follower.damaged.values())
    if json:
        emit({"frames": count, "damaged": damaged})
    else:
        out.print(f"{count:,} frames read; the store is filled again")
    if damaged:
        raise Refused("damaged", f"but not from what is damaged: {'; '.join(damaged)}")


def backup(context: typer.Context, folder: Path = typer.Argument(..., help="A folder on another disk.")) -> None:
    """Copy vault, settings and a new checkpoint; the store isn't copied (it is refilled), the private key neither."""
    desk: Desk = context.obj
    desk.noted("back up", "vault", right="operate")
    desk.house.writer.seal()
    write_checkpoint(desk.house)
    target = folder / "lapwing-backup"
    for name in ("vault", "checkpoints", "people"):
        if (desk.home / name).exists():
            _copy_tree(desk.home / name, target / name)
    for path in (desk.home / "lapwing.toml", desk.home / "keys" / "operator.public"):
        if path.exists():
            (target / path.parent.relative_to(desk.home)).mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / path.relative_to(desk.home))
    out.print(f"copied to {target}; keep the folder keys/ in two other safe places: it is not in the backup")


def _copy_tree(source: Path, target: Path) -> None:
    """Copy what is new or grew; a sealed segment that is there in full already is left."""
    for path in sorted(source.rglob("*"), key=_copy_order):
        if path.is_file() and path.name != "lock" and path.suffix != ".new":
            to = target / path.relative_to(source)
            if to.exists() and to.stat().st_size == path.stat().st_size and path.suffix == ".segment":
                continue
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)


def _copy_order(path: Path) -> tuple[int, str]:
    """Marks before segments before books: what a mark promises and what a frame is sealed with is in the copy, also
    while others write.
    """
    return ({"synced": 0, ".segment": 1, ".book": 2}.get(path.suffix or path.name, 0), str(path))


def restore(
    context: typer.Context,
    folder: Path = typer.Argument(..., help="The folder that `backup` wrote."),
    keys: Path = typer.Option(..., help="The folder with your safe copy of keys/."),
) -> None:
    """Make a new home from a backup: checks it against its newest checkpoint, replays erasures, refills the store."""
    desk: Desk = context.obj
    source = folder / "lapwing-backup" if (folder / "lapwing-backup").exists() else folder
    if desk.home.exists() and any(desk.home.iterdir()):
        raise Refused("exists", f"{desk.home} is not empty; restore into a new home")
    if not (keys / PRIVATE).is_file():
        raise Refused("no-key", f"there is no {PRIVATE} in {keys}; name the folder with your safe copy of keys/")
    if not list((source / "checkpoints").glob("*.json")):
        raise Refused("no-checkpoint", "there is no checkpoint in this backup; a restore needs the newest one")
    shutil.copytree(source, desk.home, dirs_exist_ok=True)
    shutil.copytree(keys, desk.home / "keys", dirs_exist_ok=True)
    for path in (desk.home / "keys", *(desk.home / "keys").iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
    try:
        _restored(desk)
    except BaseException:
        shutil.rmtree(desk.home, ignore_errors=True)
        raise


def _restored(desk: Desk) -> None:
    """Check and bring into order what was copied into the home."""
    house = open_house(desk.home, "command")
    list(series.recover_all(house.vault))
    for name in series.all_series(house.vault):
        series.retire(house.vault, name, "a restore")
    checkpoints = all_checkpoints(house)
    for slot in checkpoints[-1].erased:
        blank(house.vault, slot)
    result = verify_vault(house.reader, checkpoints[-1:])
    if result.problems:
        raise Refused("damaged", f"the backup is damaged: {result.problems[0]} ({len(result.problems)} problems)")
    count = refill(house)
    house.writer.close()
    made = f"{checkpoints[-1].made:%Y-%m-%d %H:%M} UTC"
    out.print(f"{count:,} frames restored and verified; the newest checkpoint was made {made}")


hold = typer.Typer(help="What failed three times and waits for a person.", no_args_is_help=True)


@hold.command("list")
def hold_list(context: typer.Context, json: bool = JSON) -> None:
    """What is on hold, with the reason; its bytes are safe."""
    desk: Desk = context.obj
    table = Table("step", "key", "reason", box=None, header_style="bold")
    for each in desk.house.work.held():
        if json:
            emit({"step": each.step, "key": each.key, "reason": each.reason})
        table.add_row(each.step, each.key, each.reason)
    if not json:
        out.print(table if table.row_count else "Nothing is on hold.")


@hold.command("retry")
def hold_retry(context: typer.Context, step: str, key: str) -> None:
    """Take one off hold, to be done afresh."""
    desk: Desk = context.obj
    desk.noted("retry", f"{step} {key}", right="operate")
    if not desk.house.work.retry(step, key):
        raise Refused("unknown", f"{step} {key} is not on hold")


def version(context: typer.Context, json: bool = JSON) -> None:
    """Which Lapwing this is."""
    number = importlib.metadata.version("lapwing")
    if json:
        emit({"version": number})
    else:
        out.print(f"lapwing {number}")
