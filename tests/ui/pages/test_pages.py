"""The table of pages, the modules that draw them, and the table of who may see them name the same pages."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.ui import pages
from alflow.ui.door import access
from alflow.ui.parts.images import image_address
from tests import house


def test_every_module_is_a_page_and_every_page_a_module() -> None:
    """So that neither a file without a line nor a line without a file is forgotten."""
    files = {path.stem for path in Path(pages.__path__[0]).glob("*.py")} - {"__init__", "app"}
    assert sorted(page.module for page in access.PAGES.values()) == sorted(f"alflow.ui.pages.{name}" for name in files)


def test_the_tests_of_every_role_try_every_page_in_the_order_of_the_menu() -> None:
    opened = {path: [Role(role).includes(page.role) for role in house.ROLES] for path, page in access.PAGES.items()}
    assert list(opened.items()) == list(house.PAGES.items())


@pytest.mark.parametrize("path", access.PAGES)
def test_a_page_is_drawn_for_a_project(path: str) -> None:
    show = import_module(access.PAGES[path].module).show
    assert pages.load().keys() == access.PAGES.keys()
    (project,) = inspect.signature(show).parameters.values()
    assert project.annotation in {Project, Project | None}
    assert access.PAGES[path].icon in ALL_MATERIAL_ICONS


def test_titles_differ() -> None:
    assert len({page.title for page in access.PAGES.values()}) == len(access.PAGES)


def test_the_address_of_an_image_is_one_that_the_gate_knows() -> None:
    assert access.needed(image_address(3, 14, "thumbnail").removeprefix(".")) == (Role.ANNOTATOR, 3)
