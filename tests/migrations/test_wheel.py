import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import alflow
from alflow.store import schema

OPEN = """
import alflow, migrations
from pathlib import Path
from alflow.store.database import Database

assert Path(alflow.__file__).is_relative_to({root!r}), alflow.__file__
Database.open("sqlite:///" + {database!r}).close()
print(Database.upgrade("sqlite:///" + {database!r}))
"""


@pytest.mark.slow
def test_an_installed_wheel_brings_its_migrations(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="builds a wheel: pip install hatchling")
    checkout = Path(alflow.__file__).parent.parent
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    assert (installed / "migrations" / "script.py.mako").exists()
    components = installed / "ui" / "components"
    assert (components / "deck" / "mount.js").exists()
    assert (components / "loader.js").exists()
    tools = ("node_modules", "package.json", "package-lock.json", ".npmrc", "tsconfig.json", "biome.json")
    assert not [name for name in tools if (components / name).exists()]
    script = OPEN.format(root=str(installed), database=str(tmp_path / "alflow.db"))
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{script}"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ScriptDirectory.from_config(schema.config()).get_current_head()
