"""`alflow up` while something about it is measured."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alflow.commands.ports import free_port
from alflow.settings import Settings


def settings_in(home: Path) -> Settings:
    """Settings for a home, with ports that are free."""
    return Settings(home=home, port=free_port("127.0.0.1", 18900), prefect_port=free_port("127.0.0.1", 14900))


@contextmanager
def running(settings: Settings) -> Iterator[int]:
    """Start `alflow up`, yield the number of its process once all parts are ready, and stop it."""
    up = subprocess.Popen(
        [sys.executable, "-m", "alflow", "up"],
        env=dict(os.environ) | settings.as_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert up.stdout is not None
        assert any("Ctrl-C" in line for line in up.stdout), "it did not start"
        yield up.pid
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(120)
