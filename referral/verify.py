"""Verifier: checks a sealed bundle offline, with nothing but Python 3.9 or later and this file.

    python3 verify.py BUNDLE.zip [PUBLIC-KEY ...]       a bundle, or the folder it was unpacked to
    python3 data/verify.py [PUBLIC-KEY ...]             the bag that this file stands in

Prints ok, FAIL or cannot (what no file can prove by itself) per check; exit status 0 when nothing failed, else 1.
PUBLIC-KEY: keys that you trust, 64 hexadecimal digits, had by another way. Bag: RFC 8493. Signatures: RFC 8032, 5.1.7.
Frame headers are 151 bytes: SHA-256 of salt and record stands at 47, the start of SHA-256 of all before it at 143.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

MOST_BYTES = 2_000_000_000
PINNED = ("evidence", "form", "sha256", "size", "commitment", "mark")
TAGS, SEALS = "tagmanifest-sha256.txt", "signatures.json"
CANNOT = (
    "that each public key belongs to the person named: compare it with one had by another way",
    "that the frames stand in the vault's chain: the authority shows it, and any later checkpoint must agree",
    "that the exhibits leave out only what they say: the original and its salt, shown to a court, prove that",
)


class Ed25519:  # verification only; points in extended coordinates (RFC 8032, section 5.1 and appendix A)
    p, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, p - 2, p) % p

    def add(self, a: Any, b: Any) -> Any:
        e, f = (a[1] - a[0]) * (b[1] - b[0]) % self.p, (a[1] + a[0]) * (b[1] + b[0]) % self.p
        c, d = 2 * a[3] * b[3] * self.d % self.p, 2 * a[2] * b[2] % self.p
        w, x, y, z = f - e, d - c, d + c, f + e
        return w * x % self.p, y * z % self.p, x * y % self.p, w * z % self.p

    def times(self, n: int, point: Any) -> Any:
        result = (0, 1, 1, 0)
        while n:
            result = self.add(result, point) if n & 1 else result
            point, n = self.add(point, point), n >> 1
        return result

    def same(self, a: Any, b: Any) -> bool:
        return not any((a[axis] * b[2] - b[axis] * a[2]) % self.p for axis in (0, 1))

    def point(self, data: bytes) -> Any:
        number, p = int.from_bytes(data, "little"), self.p
        sign, y = number >> 255, number & (2**255 - 1)
        square = (y * y - 1) * pow(self.d * y * y + 1, p - 2, p) % p
        x = pow(square, (p + 3) // 8, p)
        x = x if (x * x - square) % p == 0 else x * pow(2, (p - 1) // 4, p) % p
        sound = len(data) == 32 and y < p and (x * x - square) % p == 0 and not (x == 0 and sign)
        demand(sound, "a key or signature is no point of the curve")
        x = p - x if x & 1 != sign else x
        return x, y, 1, x * y % p

    def check(self, who: str, key: bytes, message: bytes, signature: bytes) -> None:
        a, r, s = self.point(key), self.point(signature[:32]), int.from_bytes(signature[32:], "little")
        h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % self.order
        base = self.point((4 * pow(5, self.p - 2, self.p) % self.p).to_bytes(32, "little"))
        weak = len(signature) != 64 or s >= self.order or self.same(self.times(8, a), (0, 1, 1, 0))
        fits = not weak and self.same(self.times(s, base), self.add(r, self.times(h, a)))
        demand(fits, f"the signature of {who} does not fit")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def demand(condition: Any, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Bundle:
    def __init__(self, bag: dict[str, bytes], trusted: list[str]) -> None:
        self.bag, self.trusted, self.curve, self.now = bag, trusted, Ed25519(), ""

    def read(self, name: str) -> Any:
        self.now = name
        return json.loads(self.bag[name])

    def open(self, path: Path) -> str:
        if path.is_dir():
            demand(not any(each.is_symlink() for each in path.rglob("*")), "there is a symbolic link in the bag")
            self.bag = {e.relative_to(path).as_posix(): e.read_bytes() for e in path.rglob("*") if e.is_file()}
            return f"{len(self.bag)} files"
        with zipfile.ZipFile(path) as bundle:
            names = bundle.namelist()
            demand(sum(each.file_size for each in bundle.infolist()) <= MOST_BYTES, "it is too large")
            wild = [n for n in names if n.startswith(("/", "~")) or "\\" in n or ":" in n or ".." in n.split("/")]
            one = len({name.split("/")[0] for name in names}) == 1 and len(set(names)) == len(names)
            demand(one and not wild, "a name leads out of the bag, or stands in it twice")
            self.bag = {name.partition("/")[2]: bundle.read(name) for name in names}
        return f"{len(self.bag)} files"

    def listed(self, manifest: str, names: set[str]) -> str:
        self.now, text = manifest, self.bag[manifest].decode("utf-8", "replace")
        stated = {line[66:]: line[:64] for line in text.split("\n")[:-1]}
        for name in sorted(names | set(stated)):
            demand(name in self.bag, f"{name} is missing")
            demand(stated.get(name) == sha(self.bag[name]), f"{name} is not what {manifest} states")
        written = "".join(f"{stated[name]}  {name}\n" for name in sorted(stated))
        demand(text == written, f"{manifest} is not written as it must be")
        return f"{len(names)} files match {manifest}"

    def frame(self, what: str, item: Any, record: bytes | None, commitment: str = "") -> None:
        header = bytes.fromhex(item["header"])
        stated = header[47:79].hex() if len(header) == 151 and sha(header[:143])[:16] == header[143:].hex() else "?"
        made = commitment if record is None else sha(bytes.fromhex(item["salt"]) + record)
        demand(stated == made and commitment in ("", stated), f"{what}: the frame's header does not prove it")

    def manifests(self) -> str:
        demand(self.bag["bagit.txt"].startswith(b"BagIt-Version: 1.0\n"), "bagit.txt does not state version 1.0")
        data = {name for name in self.bag if name.startswith("data/")}
        return self.listed("manifest-sha256.txt", data) + ", " + self.listed(TAGS, set(self.bag) - data - {TAGS, SEALS})

    def signatures(self) -> str:
        body, said, keys = self.bag["data/request.json"], self.read("data/approval.json"), {}
        request, seals = json.loads(body), self.read(SEALS)
        self.frame("data/request.json", said["request"], body)
        for each in said["approvals"]:
            approval = json.loads(each["record"])
            who, key = approval["person"], approval["public_key"]
            wrote = any(hand["person"] == who or hand.get("public_key") == key for hand in request["hands"])
            exact = (approval["digest"], approval["request"]) == (sha(body), request["id"])
            demand(exact and not wrote, f"{who} approved something else than data/request.json, or wrote it")
            text = f"lapwing request approval 1\n{request['id']}\n{sha(body)}\n{who}\n".encode()
            self.curve.check(who, bytes.fromhex(key), text, bytes.fromhex(approval["signature"]))
            self.frame(f"approval of {who}", each, each["record"].encode())
            keys[who] = key
        failed = [each["code"] for each in said["checks"] if each["blocking"] and not each["passed"]]
        demand(not failed and len(request["fields"]) == 38, f"the request is not complete: {failed}")
        demand(seals and plain(seals) == self.bag[SEALS], f"{SEALS} is not written as it must be")
        for each in seals:
            who, key = each["person"], each["public_key"]
            trust = not self.trusted or key in self.trusted
            demand(keys.get(who) == key and trust, f"{SEALS}: {who} approved nothing with a key that you trust")
            text = f"lapwing bundle 1\n{sha(self.bag[TAGS])}\n{who}\n".encode()
            demand(each["signature"].islower(), f"{SEALS} is not written as it must be")
            self.curve.check(f"{who} in {SEALS}", bytes.fromhex(key), text, bytes.fromhex(each["signature"]))
        return "request and bundle signed by " + ", ".join(f"{who} with key {key}" for who, key in keys.items())

    def evidence(self) -> str:
        items = self.read("data/evidence.json")["items"]
        approved = self.read("data/request.json")["fields"][35]["value"]
        pinned, stated = ([[each[name] for name in PINNED] for each in some] for some in (items, approved))
        demand(pinned == stated, "data/evidence.json lists other items than were approved")
        files = {each["file"] for each in items if each["file"]}
        demand(files == {n for n in self.bag if n.startswith("data/evidence/")}, "data/evidence holds other files")
        for each in items:
            digest = sha(self.bag[each["file"]]) if each["file"] else ""
            record = each["record"].encode() if each["form"] == "original" else None
            self.frame(each["evidence"], each, record, each["commitment"])
            same = digest == each["sha256"] and (record is None or json.loads(record)["sha256"] == digest)
            demand(same, f"{each['file']} is not what was approved")
        return f"{len(items)} exhibits, {len(files)} with bytes, each bound to a frame of the vault"

    def custody(self) -> str:
        before, lines = "", self.bag["data/custody.jsonl"].split(b"\n")[:-1]
        for number, line in enumerate(lines, 1):
            entry = json.loads(line)
            demand((entry["n"], entry["before"]) == (number, before), f"data/custody.jsonl: line {number} is loose")
            before = sha(line)
        return f"{len(lines)} entries, each bound to the one before"

    def checkpoint(self) -> str:
        said = self.read("data/checkpoint.json")
        key, signature = (base64.b64decode(said[name]) for name in ("key", "signature"))
        self.curve.check("data/checkpoint.json", key, plain(said["checkpoint"]), signature)
        return f"the heads of the vault at {said['checkpoint']['made']} are signed"


def main(arguments: list[str]) -> int:
    trusted = [each for each in arguments if len(each) == 64 and not Path(each).exists()]
    path = next((Path(each) for each in arguments if each not in trusted), Path(__file__).resolve().parent.parent)
    failed, bundle = 0, Bundle({}, trusted)
    for name in ("open", "manifests", "signatures", "evidence", "custody", "checkpoint"):
        try:
            print(f"ok      {name}: {bundle.open(path) if name == 'open' else getattr(bundle, name)()}")
        except Exception as error:
            failed += 1
            print(f"FAIL    {name} ({bundle.now}): {error}")
    print("\n".join(f"cannot  {each}" for each in CANNOT))
    print(f"{'NOT VALID' if failed else 'VALID'}: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
