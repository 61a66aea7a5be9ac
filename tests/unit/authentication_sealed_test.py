"""Authentication needs no file, no socket and no late import: it runs where a parsing child has none of them."""

import subprocess
import sys

CODE = """
import sys
from intake.domains import registrable
from enrichment.gather.reported import reported
from tests.mails import AT, PLAIN, RECEIVED, answers, boundary, ed25519, evaluate, message, record, signed

private, public = ed25519()
author = PLAIN.replace(b"news@sender.test", "news@bücher.test".encode())
data = signed(signed(author), selector="s2", privkey=private, signature_algorithm=b"ed25519-sha256")
data = (
    b"Return-Path: <a@sender.test>\\r\\nAuthentication-Results: mx.isp.test; spf=pass smtp.mailfrom=a.test\\r\\n"
    b"Received-SPF: pass (x) receiver=mx.isp.test\\r\\n" + RECEIVED + data
)
known = answers({
    "TXT s1._domainkey.sender.test": record(), "TXT s2._domainkey.sender.test": public,
    "TXT sender.test": "v=spf1 include:a.test exists:%{i}.b.test ptr mx -all",
    "TXT _dmarc.sender.test": "v=DMARC1; p=none",
})
read, hop = message(data), boundary(data)
registrable("sender.test")  # the list of public suffixes is read by whoever starts the child
seen = []
sys.addaudithook(lambda name, _: seen.append(name) if name.startswith(("open", "socket", "import", "os.")) else None)
found = evaluate(data, read, (), hop, known, AT, reported(read, hop, ("isp.test",)))
print([each.result for each in found.checks if each.method == "dkim"], seen)
"""


def test_nothing_is_opened_after_the_imports() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "['pass', 'pass'] []", done.stderr
