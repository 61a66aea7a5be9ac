"""Writes a picture of every public page in every language: `python tests/browser/screenshots.py FOLDER [--dark]`."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from intake.upload import Site
from tests.browser.feed_pages import filled, stroll
from tests.browser.pages import ACCEPT, chromium, others, phone, walk
from tests.doors import Kept
from tests.upload_doors import door


def main(folder: Path, dark: bool) -> None:
    """A PNG of each page, named LANGUAGE-PAGE.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        kept = Kept(Path(scratch))
        site = Site(country="TW")
        with (
            door(kept.acceptor, site=site) as port, filled(Path(scratch) / "feed") as ours, chromium() as browser,
        ):  # fmt: skip
            for language in ACCEPT:
                with phone(browser, language, dark=dark) as page:

                    def see(name: str, language: str = language) -> None:
                        page.screenshot(path=folder / f"{language}-{name}.png", full_page=True)

                    walk(page, port, Path(scratch), see)
                    others(page, port, see)
                    stroll(page, ours, see)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--dark" in sys.argv)
