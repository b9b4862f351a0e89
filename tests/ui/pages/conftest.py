"""One page alone, without sign-in and navigation."""

import sys
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from alflow.ui.parts import services
from alflow.workspace import Workspace


@pytest.fixture
def drawn(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Makes the app of a function that shows a page, not run yet; the arguments by name are the function's."""

    def make(page: Callable[..., None], door: object = None, **given: object) -> AppTest:
        monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # AppTest leaves its script there
        monkeypatch.setattr(services, "_provided", [services.Services(workspace, door)])  # type: ignore[arg-type]
        return AppTest.from_function(page, default_timeout=120, kwargs=given)

    return make
