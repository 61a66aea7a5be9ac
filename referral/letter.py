"""Letter: the request as a page that people read and print, in the languages that have a file in `letters/`.

One self-contained HTML file: no script, no reference to anything outside, a policy that forbids both; every value is
escaped. Addresses and links are defanged and characters that turn the direction of text are made visible: the exact
values stand in request.json only. Headings are translated, what the fields say is not.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2

from referral.facts import utc
from referral.request import Approval, AssistanceRequest, Field

LETTERS = Path(__file__).parent / "letters"
MOST_PROOFS = 8
"""Proofs that the page names per field; the others stand in request.json."""
_OF_THE_CASE = frozenset((13, 15, 16, 17, 18, 19, 20, 24, 26, 27, 29, 30, 32, 33, 34, 36))
"""Fields that can quote hostile text; all others come from settings and directory."""
_ABOVE = frozenset((24, 34, 36))
"""Fields that the page shows above the form, in sections of their own."""
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])")
_DOT = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_])")
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def languages() -> tuple[str, ...]:
    """The languages for which there is a file of headings (BCP 47)."""
    return tuple(sorted(path.stem for path in LETTERS.glob("*.toml")))


def letter(request: AssistanceRequest, approvals: Iterable[Approval], language: str) -> bytes:
    """The page in that language (English where there is no file for it), UTF-8."""
    label = _labels(language if language in languages() else "en")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((LETTERS / "request.html").read_text("utf-8"))
    signed = [{"person": each.person, "at": utc(each.at), "public_key": each.public_key} for each in approvals]
    page = template.render(
        **_head(request), label=label, language=language, fields=[_row(each, label) for each in request.fields],
        approvals=visible(signed), digest=request.digest, demo=request.demo,
    )  # fmt: skip
    return page.encode()


def _labels(language: str) -> dict[str, Any]:
    return tomllib.loads((LETTERS / f"{language}.toml").read_text("utf-8"))


def _head(request: AssistanceRequest) -> dict[str, Any]:
    """What stands above the form; a field without a value leaves its place empty."""
    recipient = request.field(12).value or {}
    said = shown(request.field(12).value or {"chosen_because": [request.field(12).reason]})
    return {
        "reference": request.field(1).value["number"] + f" / {request.version}",
        "date": request.field(3).value["local"],
        "answer_by": request.field(5).value,
        "urgency": request.field(4).value,
        "mark": (request.field(37).value or {}).get("class", "TLP:AMBER"),
        "sender": request.field(6).value,
        "liaison": request.field(7).value,
        "recipient": {name: recipient.get(name, "") for name in ("agency", "country", "address")},
        "why": said["chosen_because"],
        "summary": shown(request.field(24).value or ""),
        "help": shown(request.field(34).value or []),
        "evidence": shown(request.field(36).value or []),
    }


def _row(field: Field, label: dict[str, Any]) -> dict[str, Any]:
    proofs = list(dict.fromkeys(shown(each.evidence) for each in field.cites))
    more = [f"+{len(proofs) - MOST_PROOFS}"] if len(proofs) > MOST_PROOFS else []
    return {
        "number": field.number,
        "title": label["fields"][str(field.number)],
        "group": label["groups"].get(str(field.number), ""),
        "value": _reading(field),
        "reason": shown(field.reason),
        "mark": field.mark,
        "proof": proofs[:MOST_PROOFS] + more,
        "above": field.number in _ABOVE,
        "long": isinstance(field.value, list) and len(field.value) > 3,
    }


def _reading(field: Field) -> Any:
    """The value as the page shows it; the routing reasons stand above the form already."""
    value = field.value
    if field.number == 12 and isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != "chosen_because"}
    return shown(value) if field.number in _OF_THE_CASE else visible(value)


def shown(value: Any) -> Any:
    """Text, or the texts in lists and objects, defanged and with hidden characters made visible."""
    if isinstance(value, str):
        return defanged(visible(value))
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return [shown(each) for each in value] if isinstance(value, list | tuple) else value


def visible(value: Any) -> Any:
    """Text with characters that are not seen, or turn the direction of reading, written as their code point."""
    if isinstance(value, str):
        return _UNSEEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", value)
    if isinstance(value, dict):
        return {name: visible(each) for name, each in value.items()}
    return [visible(each) for each in value] if isinstance(value, list | tuple) else value


def defanged(text: str) -> str:
    """The text so that no program makes a link of it: hxxp, [.] and [@]."""
    text = re.sub(r"(?i)\bhttp(s?)://", r"hxxp\1://", text)
    text = _ADDRESS.sub(lambda found: found.group().replace(".", "[.]"), text)
    return _DOT.sub("[.]", text).replace("@", "[@]")
