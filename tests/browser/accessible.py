"""Faults of accessibility, as axe-core finds them in what is on screen."""

from collections.abc import Sequence
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS: Final = {"serious", "critical"}
NOT_OURS: Final[Sequence[str]] = ()
"""Streamlit's own markup that cannot be mended from outside."""


def assert_accessible(page: Page, *, besides: Sequence[str] = ()) -> None:
    """No serious fault, in the light and in the dark, but for `besides` (CSS selectors)."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(400)  # colours fade over
        found = faults(page, besides)
        assert not found, f"{scheme}: {found}"


def faults(page: Page, besides: Sequence[str] = ()) -> set[tuple[str, str]]:
    """Rule and markup of each serious fault in the page as it is."""
    without = {"exclude": [[selector] for selector in (*NOT_OURS, *besides)]}
    found = Axe().run(page, without).response["violations"]
    return {(each["id"], node["html"]) for each in found for node in each["nodes"] if each["impact"] in SERIOUS}
