"""Every role in a real Chromium: its menu, the pages behind an address, another project; and one's own password."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from alflow.accounts import OPERATOR, Role
from alflow.client import Client
from alflow.domain.answers import Verdict
from alflow.errors import DeniedError
from alflow.ui.door import access
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people import accounts as people
from alflow.workflow.projects import projects
from tests.at_desk import answer_check, next_check
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import PATIENCE_MS
from tests.house import CLOSED, PAGES, ROLES, House, open_house, session_of
from tests.web import http

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Enter = Callable[[str], Page]
TITLES = [page.title for page in access.PAGES.values()]
OLD, NEW = "correct horse battery", "staple, and nothing else"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def enter(house: House, chromium: Browser) -> Iterator[Enter]:
    """A page with the session of this cookie."""
    contexts: list[BrowserContext] = []

    def page(cookie: str) -> Page:
        context = chromium.new_context(viewport={"width": 1360, "height": 860})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if cookie:
            name, _, value = cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": house.url}])
        return context.new_page()

    yield page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("who", ROLES)
def test_each_role_sees_its_pages_and_no_other(house: House, enter: Enter, who: str) -> None:
    place = ROLES.index(who)
    page = enter(house.cookies[who])
    closed = [path for path, row in PAGES.items() if not row[place]]
    for path in {*closed[:1], *closed[-1:]}:  # all of them: tests/ui/door/test_access.py, without a browser
        page.goto(f"{house.url}/{path}?project=birds")
        expect(page.get_by_role("heading", name=CLOSED)).to_be_visible()
        page.get_by_role("link", name="Label images").click()
        expect(page.locator("[data-is=title]")).to_have_text("birds")
        expect(page.get_by_text("Page not found")).to_have_count(0)
    page.goto(f"{house.url}/label?project=fish")  # of another project: the address chooses nothing
    expect(page.locator("[data-is=title]")).to_have_text("birds")
    menu = [re.compile(f"{title}$") for title, row in zip(TITLES, PAGES.values(), strict=True) if row[place]]
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_text(menu)
    for path in ("/images/{fish}/{carp}/rendition", "/images/{fish}/{bird}/rendition", "/desk/{fish}/guide"):
        refused = page.goto(house.address(f"GET {path}"))
        assert refused is not None
        assert refused.status == 403


@pytest.mark.parametrize(("who", "sends"), [("reviewer", False), ("engineer", True)])
def test_only_engineers_see_a_way_to_send_what_they_found(house: House, enter: Enter, who: str, sends: bool) -> None:
    page = enter(house.cookies[who])
    page.goto(f"{house.url}/find?project=birds")
    page.get_by_label("What to look for").fill("red")
    page.keyboard.press("Enter")
    expect(page.locator(".finder .tile")).to_have_count(24)
    expect(page.get_by_role("button", name="Send to the queue")).to_have_count(int(sends))
    if sends:
        expect(page.locator(".finder [aria-pressed]").first).to_be_visible()
    else:
        expect(page.locator(".finder [aria-pressed]")).to_have_count(0)
    assert_accessible(page)


def test_an_annotator_sees_how_checks_were_answered(house: House, enter: Enter) -> None:
    settings = projects.project(house.workspace, house.birds.id).settings
    projects.change_settings(house.workspace, house.birds.id, replace(settings, gold_feedback=True, gold_rate=0.5))
    who = house.annotator("annotator")
    for token in "ab":
        due = next_check(house.workspace, house.birds.id, who)
        given = Submission(token, -due.check_id, Verdict.CLASS, due.item.truth, 2.0)
        answer_check(house.workspace, house.birds.id, who, due.check_id, given)
    page = enter(house.cookies["annotator"])
    page.goto(f"{house.url}/checks?project=birds")
    expect(page.get_by_text("2 of 2 correct.")).to_be_visible()
    expect(page.locator(".cards article.agrees")).to_have_count(2)
    assert_accessible(page)


def test_an_owner_invites_and_somebody_comes(house: House, enter: Enter) -> None:
    page = enter(house.cookies["owner"])
    page.goto(f"{house.url}/people?project=birds")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_test_id("stCode")
    expect(link).to_contain_text("/invitation?token=")
    assert_accessible(page)
    page = enter("")
    page.goto(str(link.locator("code").text_content()))
    assert_accessible(page)
    page.get_by_label("Your name").fill("Kit")
    page.get_by_label("New password").fill(OLD)
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_test_id("stSidebarNavLink").first).to_contain_text("Label")


def test_one_makes_a_token_for_a_program_and_ends_it(house: House, enter: Enter) -> None:
    page = enter(house.cookies["annotator"])
    page.goto(f"{house.url}/label?project=birds")
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("For what").fill("night shift")
    page.get_by_label("It may").select_option("label")
    page.get_by_role("button", name="Make a token").click()
    secret = page.get_by_label("Shown once")
    expect(secret).to_contain_text("alflow_")
    assert_accessible(page)
    program = Client(house.url, str(secret.text_content()))
    assert program.project()["name"] == "birds"
    expect(page.get_by_text("label in birds; never used, 90 days left")).to_be_visible()
    page.goto(f"{house.url}/tokens")
    expect(secret).to_have_count(0)
    while (end := page.get_by_role("button", name="End night shift")).count():
        end.first.click()
    with pytest.raises(DeniedError, match="no token"):
        program.project()


def test_one_changes_ones_own_password(house: House, enter: Enter) -> None:
    pat = people.add_account(house.workspace, "Pat", OLD).annotator_id
    people.set_role(house.workspace, house.birds.id, pat, Role.ANNOTATOR, by=OPERATOR)
    elsewhere = session_of(house.workspace, pat)
    page = enter("")
    page.goto(f"{house.url}/sign-in")
    assert_accessible(page)
    page.get_by_label("Name").fill("Pat")
    page.get_by_label("Password").fill(OLD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Change password").click()
    assert_accessible(page)
    for old, problem in (("a guess, no more", "This is not your password."), (OLD, None)):
        page.get_by_label("Current password").fill(old)
        page.get_by_label("New password", exact=False).first.fill(NEW)
        page.get_by_label("New password again").fill(NEW)
        page.get_by_role("button", name="Change password").click()
        if problem:
            expect(page.get_by_role("alert")).to_have_text(problem)
            assert http(f"{house.url}/label", cookie=elsewhere)[0] == 200
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    assert http(f"{house.url}/label", cookie=elsewhere)[0] == 401
    page.get_by_role("link", name="Back to the images").click()
    expect(page.locator("[data-is=title]")).to_have_text("birds")
    page = enter(house.cookies["annotator"])  # comes with an identity: there is no password to change
    page.goto(f"{house.url}/label?project=birds")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("link", name="Change password")).to_have_count(0)
