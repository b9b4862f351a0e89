"""Faults of accessibility, as axe-core finds them in what is on screen."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS: Final = {"serious", "critical"}


def assert_accessible(page: Page) -> None:
    """No serious fault, in the light and in the dark; nothing is left out, not what is Streamlit's own."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(400)  # colours fade over
        found = Axe().run(page).response["violations"]
        faults = {(each["id"], node["html"]) for each in found for node in each["nodes"] if each["impact"] in SERIOUS}
        assert not faults, f"{scheme}: {faults}"
