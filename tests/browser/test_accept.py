"""Accepting in a real Chromium: proposed, accepted, withdrawn, with axe looking at each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alflow.store.answers import certificates
from tests import certified
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


def test_images_are_accepted_and_taken_back(desk: Desk, signed_in: Open, tmp_path: Path) -> None:
    project = certified.grown_project(desk.workspace, tmp_path, 300)
    certified.with_settings(desk.workspace, project, budget=80, control_fraction=0.6)
    certified.one_round(desk.workspace, project)
    page = signed_in("Rita", project.name, "accept")
    expect(page.get_by_text("too little to accept any image")).to_be_visible()
    expect(page.get_by_text("An interval of ±3% takes about")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("At most wrong (%)").fill("10")
    page.get_by_label("At most wrong (%)").press("Enter")
    accept = page.get_by_role("button", name="Accept")
    expect(accept).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert_accessible(page)
    accept.click()
    expect(page.get_by_text("Certificate 1 stands")).to_be_visible()
    with desk.workspace.database.read() as tx:
        standing = certificates.standing(tx, project.id)
    assert standing is not None
    expect(page.get_by_text(f"{standing.n_accepted} images accepted with certificate 1")).to_be_visible()
    expect(page.get_by_role("button", name="in place of these")).to_be_enabled()
    expect(page.locator("[data-stale=true]")).to_have_count(0)  # faded while the page is drawn anew
    assert_accessible(page)
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_label("Why").fill("only a trial")
    page.get_by_role("button", name="Withdraw the certificate").click()
    expect(page.get_by_text("Certificate 1 is withdrawn.")).to_be_visible()
    with desk.workspace.database.read() as tx:
        assert certificates.accepted(tx, project.id) == {}
