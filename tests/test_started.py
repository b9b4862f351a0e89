"""A command beside this process: what it said, how it ended, and why it failed."""

from pathlib import Path

import pytest

from alflow.settings import Settings
from alflow.started import Started


@pytest.mark.slow
def test_what_it_said_and_why_it_failed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", log_format="json")
    well, badly = Started(settings, ["guide", "data"]), Started(settings, ["replay", "3"])
    assert (well.wait(), well.fault) == (0, "")
    assert well.said.startswith("# ")
    assert (badly.wait(), badly.said) == (1, "")
    assert badly.fault.startswith("there is no project")
    assert "\n" not in badly.fault
