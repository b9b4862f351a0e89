"""Where `make install` takes torch from."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.printed import ROOT

CPUS = "https://download.pytorch.org/whl/cpu"


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("make") is None, reason="needs make on Linux")
@pytest.mark.parametrize(
    ("given", "index"),
    [
        (["HAS_GPU="], CPUS),
        (["HAS_GPU=/dev/nvidia0"], ""),
        (["HAS_GPU=", "TORCH_INDEX="], ""),
        (["HAS_GPU=/dev/nvidia0", f"TORCH_INDEX={CPUS}"], CPUS),
    ],
)
def test_torch_is_the_one_for_cpus_where_there_is_no_gpu(given: list[str], index: str, tmp_path: Path) -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "install", f"VENV={tmp_path}", *given],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert re.findall(r'\[ -z "(.*?)" \]', planned.stdout) == [index]
