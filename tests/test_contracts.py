"""The import contracts refuse what they are there for: each breach is planted in a copy of the code, by itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGES = ("alflow", "flows", "ui", "migrations")
LINT = (sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()")

BREACHES = [
    ("alflow/commands/export.py", "import alflow.flows.rounds"),
    ("alflow/commands/export.py", "import alflow.ui.door.gate"),
    ("alflow/workflow/answers/export.py", "import alflow.ui.door.gate"),
    ("alflow/workflow/answers/export.py", "import alflow.notebook.project"),
    ("alflow/notebook/project.py", "import alflow.commands.console"),
    ("alflow/store/desk/labels.py", "import alflow.metrics"),
    ("alflow/store/desk/labels.py", "import alflow.agreement"),
    ("alflow/store/desk/labels.py", "import alflow.workflow.desk.label"),
    ("ui/parts/charts.py", "import alflow.metrics"),
    ("ui/parts/charts.py", "import alflow.demo.pool"),
    ("ui/parts/charts.py", "import alflow.commands.console"),
    ("ui/parts/charts.py", "import alflow.store.desk.labels"),
    ("flows/rounds.py", "import alflow.ui.door.gate"),
    ("flows/rounds.py", "import alflow.embeddings"),
    ("alflow/bayes/evidence.py", "import prefect"),
    ("alflow/bayes/evidence.py", "import alflow.domain"),
    ("alflow/acquisition/scores.py", "import alflow.vlm.images"),
    ("alflow/workflow/images/pool.py", "import streamlit"),
    ("alflow/workflow/images/pool.py", "import alflow.store.tables"),
    ("alflow/domain/images.py", "import numpy"),
    ("alflow/workflow/images/sources.py", "import alflow.workflow.images.pool"),  # a circle: pool imports sources
    ("alflow/store/rows.py", "import alflow.store.desk.labels"),  # a circle: labels imports rows
    ("ui/door/access.py", "import alflow.ui.door.gate"),  # a circle: gate imports access
    ("alflow/workflow/desk/gold.py", "import alflow.workflow.rounds.review"),
    ("alflow/workflow/answers/audit.py", "import alflow.workflow.rounds.review"),
    ("alflow/workflow/people/tries.py", "import alflow.workflow.desk.label"),
    ("alflow/store/images/items.py", "import alflow.store.desk.labels"),
    ("ui/door/access.py", "import alflow.ui.parts.theme"),
    ("ui/pages/label.py", "import alflow.ui.routes.desk"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            root / package,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", "node_modules", "*.safetensors"),
        )
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def verdict(root: Path) -> tuple[int, str]:
    ran = subprocess.run((*LINT, "--no-cache"), cwd=root, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


def test_the_code_as_it_is_keeps_every_contract(copy: Path) -> None:
    code, said = verdict(copy)
    assert code == 0, said
    assert re.search(r"Contracts: \d+ kept, 0 broken", said)


@pytest.mark.parametrize(("file", "line"), BREACHES, ids=[f"{file} - {line}" for file, line in BREACHES])
def test_a_breach_is_refused(copy: Path, file: str, line: str) -> None:
    path = copy / file
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        code, said = verdict(copy)
    finally:
        path.write_text(before, encoding="utf-8")
    assert code == 1, said
    assert re.search(r"Contracts: \d+ kept, [1-9]\d* broken", said)
