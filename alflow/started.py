"""Commands that pages start: what takes long or much memory is done beside the process that serves everybody."""

import os
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryFile

from alflow.settings import Settings


class Started:
    """A command on its way, on the same installation, and what it said; it goes on when nobody looks.

    Args:
        settings: of the installation.
        arguments: of `alflow`.
        more: variables of its environment.
    """

    def __init__(self, settings: Settings, arguments: Sequence[str], **more: str) -> None:
        # Files, for a pipe that nobody reads fills up; they go with this object.
        self._out, self._err = TemporaryFile(), TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "alflow", *arguments],
            env=os.environ | settings.as_environment() | {"ALFLOW_LOG_FORMAT": "text", **more},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
        )

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Its exit code, once it is done."""
        return self._process.wait()

    @property
    def said(self) -> str:
        """Its results."""
        self._out.seek(0)
        return self._out.read().decode(errors="replace").strip()

    @property
    def fault(self) -> str:
        """Why it failed, in a line; empty where all is well."""
        self._err.seek(0)
        lines = self._err.read().decode(errors="replace").strip().splitlines()
        if not self.code:
            return ""
        return lines[-1].removeprefix("error: ") if lines else f"it ended with code {self.code}"
