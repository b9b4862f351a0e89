"""Names, comments and guidelines are text on every page: no link, picture or icon, and nothing from elsewhere."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, expect

from alflow.domain.answers import Verdict
from alflow.domain.images import Rejection, Split
from alflow.domain.projects import Project
from alflow.store.images import items
from alflow.store.rounds import candidates as queued
from alflow.ui.door import access
from alflow.workflow.answers import adjudicate
from alflow.workflow.desk import label
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.pool import import_items
from alflow.workflow.people import annotators
from alflow.workflow.projects import projects
from alflow.workflow.projects.projects import create_project, name_classes
from tests.browser import world
from tests.browser.conftest import Desk
from tests.browser.seen import wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = (
    "![p](http://evil.example/p.png) [y](http://evil.example) :material/bug_report: :cat: $x^2$ **b** www.evil.example"
)
GUIDELINES = f"# How to label\n\n{EVIL}\n\n<img src=http://evil.example/q.png>\n\n[a page](https://evil.example/)"
PAGES = ["", *(path for path in access.PAGES if path != access.FIRST)]

FOUND = """() => {
  const found = [];
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot);
      if (node.matches(".guidelines a, .guidelines strong")) continue; // what their author may write
      const where = (node.getAttribute("href") ?? "") + (node.getAttribute("src") ?? "");
      if (/evil/.test(where) && !/[?&]project=/.test(where)) found.push(node.outerHTML.slice(0, 200));
      if (node.matches(".katex") || node.matches("strong, b") && node.textContent === "b") found.push(node.outerHTML);
      if (node.dataset?.testid === "stIconMaterial" && node.textContent === "bug_report") found.push(node.outerHTML);
    }
  };
  look(document);
  return found;
}"""


@pytest.fixture(scope="module")
def project(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Everything that people can name is named so; two of them disagree, one has settled an image, one commented."""
    workspace, folder = desk.workspace, tmp_path_factory.mktemp("images")
    project = create_project(workspace, EVIL, world.MODEL, "fp32", name_classes([EVIL, "square", "triangle", "star"]))
    for number in range(1, 7):
        world.numbered_image(number).save(folder / f"![p](x) $x$ {number:04d} www.evil.example.png")
    import_items(workspace, project, str(folder), Split.POOL)
    opened = world.open_by_hand(workspace, project)
    world.add_curve(workspace, project, 2)
    projects.set_guidelines(workspace, project.id, GUIDELINES)
    classes = projects.project_classes(workspace, project.id)
    with workspace.database.begin() as tx:
        candidates = queued.of_round(tx, opened.id)
        items.reject(tx, project.id, [Rejection(EVIL, EVIL, opened.opened_at)])
    for person, place in ((EVIL, 0), ("Bo", 1)):
        who = annotators.sign_in(workspace, person).id
        for candidate in candidates[:2]:
            given = Submission(
                f"{place}-{candidate.id}", candidate.id, Verdict.CLASS, classes[place].id, 1.0, comment=EVIL
            )
            label.submit(workspace, project.id, who, given)
        none = Submission(f"none-{place}", candidates[2].id, Verdict.NONE, None, 1.0, proposed_class=EVIL)
        label.submit(workspace, project.id, who, none)
    seen = adjudicate.dispute(workspace, project.id, candidates[0].item_id)
    adjudicate.settle(workspace, project.id, who, seen, classes[0].id, EVIL)
    return project


def test_what_people_write_is_text_on_every_page(desk: Desk, signed_in: Callable[..., Page], project: Project) -> None:
    page = signed_in(EVIL[:60], quote(project.name))
    asked: list[str] = []
    told: list[str] = []
    seen: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((desk.url, "blob:", "data:")):
            asked.append(request.url)

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            told.append(message.text)

    page.on("request", note)
    page.on("console", hear)
    for path in PAGES:
        page.goto(f"{desk.url}/{path}")
        page.get_by_test_id("stSidebarNavLink").first.wait_for()
        look(page, path)
        sections = page.get_by_role("radiogroup", name="Section")
        for name in sections.get_by_role("radio").all_inner_texts():
            sections.get_by_role("radio", name=name, exact=True).click()
            look(page, f"{path}: {name}")
            seen.append(name)
    assert {"Export", "Classes", "Confusions"} <= set(seen)
    page.goto(f"{desk.url}/history?item=1")
    expect(page.locator(".change").last).to_contain_text(":material/bug_report: :cat: $x^2$ **b** www.evil.ex")
    assert page.evaluate(FOUND) == []
    page.goto(desk.url)
    page.get_by_role("button", name="Guidelines").wait_for()
    wait_until_drawn(page)
    page.get_by_role("button", name="Guidelines").click()
    prose = page.locator(".prose")
    expect(prose).to_contain_text("How to label")
    expect(prose.locator("img")).to_have_count(0)
    expect(prose.get_by_role("link", name="a page")).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert asked == []
    assert told == []


def look(page: Page, where: str) -> None:
    """Nothing on the page is more than text, also below what can be opened."""
    wait_until_drawn(page)
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach((each) => each.click())")
    page.wait_for_timeout(200)
    assert page.evaluate(FOUND) == [], where
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


@pytest.mark.parametrize("item", ["9" * 25, "0", "-1", "1.5", "\u00b2", "\u0663", "x", "\0"])
def test_an_address_that_names_no_image_opens_the_page(
    desk: Desk, signed_in: Callable[..., Page], project: Project, item: str
) -> None:
    page = signed_in("Ada", quote(project.name), "history")
    page.goto(f"{desk.url}/history?item={quote(item)}&project=%00%F0")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
