"""Faults of accessibility, as axe-core finds them in what is on screen."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.seen import wait_until

SERIOUS: Final = {"serious", "critical"}

AT_REST: Final = """scheme => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (app && getComputedStyle(app).colorScheme !== scheme) return false;
  const fades = [...document.querySelectorAll('[data-stale="true"]')].some(each => getComputedStyle(each).opacity < 1);
  const below = (root) => [...root.querySelectorAll('*')].flatMap(one => one.shadowRoot ? roots(one.shadowRoot) : []);
  const roots = (root) => [root, ...below(root)];
  const ends = (each) => each.playState === 'running' && each.effect.getComputedTiming().endTime < Infinity;
  return !fades && !roots(document).some(root => root.getAnimations().some(ends));
}"""
"""Streamlit has put on these colours, nothing fades while it is drawn anew, and no transition runs: axe would read the
colours at its start, for they stand still while it looks.
"""


def assert_accessible(page: Page) -> None:
    """No serious fault, in the light and in the dark; nothing is left out, not what is Streamlit's own."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        wait_until(page, AT_REST, scheme)
        found = Axe().run(page).response["violations"]
        faults = {
            (each["id"], node["html"], node["failureSummary"])
            for each in found
            for node in each["nodes"]
            if each["impact"] in SERIOUS
        }
        assert not faults, f"{scheme}: {faults}"
