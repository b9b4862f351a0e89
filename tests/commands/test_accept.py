"""`alflow accept`, in a terminal."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alflow.cli import app
from alflow.workspace import Workspace
from tests import certified

pytestmark = pytest.mark.slow


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["accept", *arguments])
    return result.exit_code, result.output


def test_propose_confirm_list_withdraw(workspace: Workspace, tmp_path: Path, monkeypatch: object) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(workspace.settings.home))  # type: ignore[attr-defined]
    project = certified.grown_project(workspace, tmp_path, 300)
    certified.with_settings(workspace, project, budget=80, control_fraction=0.6)
    code, said = run("propose")
    assert code == 1
    assert said.startswith(
        "error: there is no random label yet, too little to accept any image with at most 2.0% wrong"
    )
    assert run("list") == (0, "no certificate yet: see `alflow accept propose`\n")
    certified.one_round(workspace, project)
    given = ("--bound", "0.1", "--delta", "0.1")
    code, said = run("propose", *given)
    assert code == 0, said
    assert "at most 10.0% of them wrong, with 90% confidence" in said
    found = json.loads(run("propose", *given, "--json")[1])
    assert found["refusal"] is None
    assert len(found["images"]) == found["parts"][0]["accepted"]
    code, said = run("confirm", *given, "--by", "eve")
    assert (code, said) == (0, f"{len(found['images'])} images accepted with certificate 1\n")
    listed = json.loads(run("list", "--json")[1])
    assert listed[0]["certificate"]["n_accepted"] == len(found["images"])
    assert listed[0]["audit"]["seen"] == 0
    assert "stands" in run("list")[1]
    code, said = run("withdraw", "--why", "enough", "--by", "eve")
    assert (code, said) == (0, f"certificate 1 is withdrawn: its {len(found['images'])} images wait for people again\n")
    code, said = run("withdraw", "--why", "enough")
    assert (code, said) == (1, "error: no certificate stands: there is nothing to withdraw\n")
    assert run("propose", "--bound", "2")[1] == ("error: the bound is a share between 0 and 1, not 2: 0.02 means 2%\n")


def test_numbers(workspace: Workspace, tmp_path: Path, monkeypatch: object) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(workspace.settings.home))  # type: ignore[attr-defined]
    project = certified.grown_project(workspace, tmp_path, 100)
    certified.with_settings(workspace, project, budget=20, control_fraction=0.5)
    code, said = run("numbers")
    assert code == 0
    assert "no random image of the pool is answered yet" in said
    certified.one_round(workspace, project)
    code, said = run("numbers")
    assert code == 0
    assert "share of red" in said
    assert "10 random labels, 0 weighted" in said
    found = json.loads(run("numbers", "--json")[1])
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]
    assert sum(share["value"] for share in found["shares"].values()) > 0.99
