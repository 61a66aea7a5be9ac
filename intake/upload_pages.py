"""The public pages of the upload door: plain HTML that works on a phone, without JavaScript, in the reader's language.

The words of a language are one catalogue (`catalogues.py`). Nothing of a report is ever shown; what is put into a page
is escaped, and a page loads nothing: its style stands in it and the policy names its hash.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import jinja2
import msgspec
from markupsafe import Markup

from intake import questionnaire as form
from intake.bodies import Body
from intake.catalogues import FOLDER, Words, catalogues, direction
from intake.questionnaire import Answers, Wrong
from intake.receipts import Known
from intake.record import Value

STYLE = (FOLDER / "style.css").read_text("utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
ACCEPT = {"file": ".eml,.emlx,.msg,.mbox,.zip,.txt,message/rfc822", "picture": "image/*"}
CATALOGUES = catalogues(FOLDER)


class Site(Value, frozen=True):
    """Whose pages these are: the agency's name, its country (ISO 3166-1 alpha-2), most bytes of a file, the address to
    write to, and the words of each language.
    """

    name: str = ""
    country: str = ""
    size: int = 100_000_000
    contact: str = ""
    words: dict[str, Words] = msgspec.field(default_factory=lambda: CATALOGUES)


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, auto_reload=False,
)  # fmt: skip


def start(language: str, site: Site) -> str:
    """The first page: what this is, what to do first when money was lost, and where to ask for a report's state."""
    return _page("start", language, "start-title", site, here="/")


def step(name: str, answers: Answers, language: str, site: Site, bodies: Iterable[Body], wrong: Iterable[Wrong]) -> str:
    """The page of one question, with the answers given so far and what is wrong with the latest."""
    title = {"body": f"body-{answers.what}-title", "send": "send-title"}.get(name, f"{name}-title")
    back = form.before(name, answers)
    return _page(
        f"step-{name}", language, title, site, here=f"/report/{name}", name=name, answers=answers, wrong=list(wrong),
        back=f"/report/{back}" if back else "/", first=not back, bodies=list(bodies), form=form, accept=ACCEPT,
        asked=form.steps(answers),
    )  # fmt: skip


def kept(language: str, reference: str, site: Site, lost: bool, bodies: Iterable[Body]) -> str:
    """The receipt: the reference, what happens next and what won't; whom to call when money was `lost`."""
    here = f"/reports/{reference}"
    return _page("kept", language, "kept-title", site, here=here, reference=reference, lost=lost, bodies=list(bodies))


def status(language: str, reference: str, known: Known, site: Site) -> str:
    """What became of a report, in words, and what can be added to it."""
    words = site.words[language]
    state = known.state if f"state-{known.state}" in words else "unpacked"
    outcome = f"closed-{known.outcome}"
    means = (outcome if outcome in words else "closed-finished") if state == "closed" else f"state-{state}-means"
    return _page(
        "status", language, "status-title", site, here=f"/reports/{reference}", reference=reference, state=state,
        means=means, adds=known.adds,
    )  # fmt: skip


def find(language: str, site: Site, typed: str = "") -> str:
    """The page that says that a reference, as it was typed in, is none of ours."""
    wrong = [Wrong("reference", "unknown-reference")]
    return _page("find", language, "status-title", site, here="/status", typed=typed[:100], wrong=wrong)


def addition(
    what: str, reference: str, answers: Answers, language: str, site: Site, wrong: Iterable[Wrong] = ()
) -> str:
    """The page to add a loss, the original or a withdrawal to a report."""
    return _page(
        f"add-{what}", language, f"add-{what}-title", site, here=f"/reports/{reference}/{what}", reference=reference,
        answers=answers, wrong=list(wrong), form=form, back=f"/reports/{reference}", first=True, accept=ACCEPT,
    )  # fmt: skip


def added(what: str, reference: str, language: str, site: Site, bodies: Iterable[Body]) -> str:
    """That something was added."""
    here = f"/reports/{reference}"
    return _page(
        "added", language, f"added-{what}", site, here=here, reference=reference, what=what, bodies=list(bodies)
    )


def feed(name: str, title: str, language: str, site: Site, here: str, **more: Any) -> str:
    """A page for a feed, which has shown its key, or the one that asks for it."""
    return _page(f"feed-{name}", language, title, site, here, **{"when": _when, "span": _span, **more})


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _span(seconds: float) -> str:
    """A time that something took, in the largest unit of which it has at least two."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def problem(language: str, code: str, says: str, site: Site) -> str:
    """What went wrong, in the reader's language where that code has words, else as it was said."""
    known = site.words[language].get(f"problem-{code}")
    says = known.format(size=_size(site)) if known else says
    return _page("problem", language, "problem-title", site, here="/", says=says)


def _page(template: str, language: str, title: str, site: Site, here: str, **more: Any) -> str:
    say = _sayer(site.words[language], {"size": _size(site), "contact": site.contact})
    values: dict[str, Any] = {"wrong": [], "back": "", "first": True, "asked": ()}
    return _ENVIRONMENT.get_template(f"{template}.html").render(
        values | more, say=say, lang=language, dir=direction(language), title=say(title), site=site, here=here,
        style=Markup(STYLE),  # noqa: S704
        to=lambda path, **query: _to(path, language, query), others=_others(language, here, site),
    )  # fmt: skip


def _size(site: Site) -> str:
    return f"{site.size // 1_000_000} MB"


def _sayer(words: Mapping[str, str], known: Mapping[str, str]) -> Callable[..., str]:
    def say(key: str, **values: str) -> str:
        return words[key].format_map({**known, **values})

    return say


def _to(path: str, language: str, query: Mapping[str, str]) -> str:
    """A path of ours with the language that the reader chose."""
    return f"{path}?{urlencode({'lang': language, **query})}"


def _others(language: str, here: str, site: Site) -> list[dict[str, str]]:
    """The other languages: tag, own name, and this page in it."""
    return [
        {"tag": tag, "name": words["language"], "here": _to(here, tag, {})}
        for tag, words in site.words.items()
        if tag != language
    ]
