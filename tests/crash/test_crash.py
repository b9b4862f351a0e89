"""Every step and the pages, killed where they change something: the rerun ends as if nobody had killed them."""

from pathlib import Path

import pytest

from tests.crash.kills import World, spread
from tests.crash.steps import STEPS

PAGES = [15, 40, 65]
"""Changes since the start of the server, of some seven for each answer."""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 3), pytest.param("postgres", 2, marks=pytest.mark.postgres)])
def test_a_kill_does_no_harm(kind: str, kills: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgres" else None
    with World(tmp_path, server) as world:
        found = [world.trial(step, at) for step in STEPS for at in spread(world.moments(step), kills)]
        found += world.pages(PAGES)
    assert [one for one in found if not one.is_good] == []
    assert any(one.leftovers for one in found)  # so that what is swept was there
