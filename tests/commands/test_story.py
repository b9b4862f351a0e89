"""What a person types from `init` to `export`, on a tiny real model."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace
from tests import colours
from tests.tiny import write_model


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def ok(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def home(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return workspace


@pytest.mark.slow
def test_from_init_to_export(home: Workspace, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    assert "no project yet" in ok("status")
    options = ["--model", model, "--budget", "4", "--strategy", "margin", "--control-fraction", "0.25"]
    assert ok("init", "colours", "-c", "red", "-c", "blue", *options) == "created project colours with 2 classes\n"
    for seed, split in enumerate(("pool", "target", "test")):
        folder = colours.paint(tmp_path / split, 6, seed)
        assert ok("import", str(folder), "--split", split) == "12 added, 0 known already, 0 rejected\n"
    assert "and project 'colours' has 0: import some (`alflow import`)" in run("posterior", "estimate").stderr
    assert ok("embed") == "36 embedded, 0 known already\n"
    own = ok("posterior", "estimate")
    assert re.fullmatch(r"posterior \w{64}, estimated from 12 images of the pool and 1,0\d\d texts \(.*\)\n", own)
    assert own[len("posterior ") :][:12] + ", estimated from 12 images of the pool" in ok("status")
    assert ok("posterior", "estimate", str(colours.captions(tmp_path / "target"))).startswith("posterior ")
    assert ok("posterior", "export", str(tmp_path / "factors")).startswith("factors of 12 pairs written to ")
    assert ok("posterior", "import", str(tmp_path / "factors"), "--pairs", "12").startswith("posterior ")
    assert "imported, estimated from 12 image-caption pairs" in ok("status")
    assert ok("embed") == "0 embedded, 36 known already\n"
    assert "opened round 1" in ok("advance")
    assert ok("round", "open") == "round 1 is open: 4 images by margin\n"
    nearest = json.loads(ok("find", "a red picture", "-n", "20", "--unlabelled", "--split", "pool", "--json"))
    assert (nearest["searched"], len(nearest["found"])) == (12, 12)
    asked = sum(one["asked"] for one in nearest["found"])
    sent = run("find", "--like", str(nearest["found"][0]["item"]["id"]), "--split", "pool", "--queue", "alike")
    assert (sent.exit_code, asked) == (0, 4)
    assert sent.stderr.startswith(("7 images sent to round 1\n", "8 images sent to round 1\n"))  # all but itself
    assert ok("find", "blue", "--unlabelled", "--split", "pool", "--queue", "the rest")
    assert "is in round 1 already" in sent.stderr
    assert "say what to look for" in run("find").stderr
    assert "there is no class 'green'" in run("find", "red", "--label", "green").stderr
    refused = run("round", "close")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "still being labelled" in refused.stderr

    colours.answer(home, find_project(home, "colours"))
    (seen,) = json.loads(ok("status", "--json"))
    assert (seen["n_settled"], seen["current"]["state"], seen["counts"]) == (
        12,
        "labelled",
        {"pool": 12, "target": 12, "test": 12},
    )
    assert ok("round", "close") == "round 1 is closed\n"
    listed = json.loads(ok("round", "list", "--json"))
    assert [entry["round"]["state"] for entry in listed["rounds"]] == ["closed"]
    assert [entry["round_number"] for entry in listed["curve"] if entry["split"] == "test"] == [0, 1]
    assert "12/12" in ok("round", "list")
    assert ok("export", "labels", str(tmp_path / "labels.jsonl")).startswith("12 labels written to ")
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 12
    (newest, *_) = json.loads(ok("labels", "history", "--json"))
    assert (newest["happening"], newest["by"]) == ("given", "tester")
    wrong = next(name for name in ("red", "blue") if name != newest["answer"])
    assert "say why" in run("labels", "withdraw", str(newest["label_id"]), "--why", " ").stderr
    assert ok("labels", "change", str(newest["label_id"]), wrong, "--why", "a slip", "--by", "eve").endswith(
        f"{wrong}\n"
    )
    assert [line for line in ok("labels", "history", str(newest["item_id"])).splitlines() if "a slip" in line]
    assert ok("labels", "check") == "every label agrees with its history\n"
    ok("export", "head", str(tmp_path / "head.safetensors"))
    assert (tmp_path / "head.safetensors").stat().st_size > 0


@pytest.mark.usefixtures("home")
def test_which_project_is_asked_only_when_there_are_several(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    assert run("classes", "list").stderr.startswith("error: there is no project yet")
    ok("init", "one", "-c", "red", "-c", "blue", "--model", model)
    assert [entry["name"] for entry in json.loads(ok("classes", "list", "--json"))] == ["red", "blue"]
    ok("init", "two", "--model", model)
    assert "choose one with --project (one, two)" in run("classes", "list").stderr
    (tmp_path / "classes.csv").write_text("name,prompt,hot_key\nlight,a traffic light,l\nsign,,\n")
    assert ok("classes", "set", "--classes", str(tmp_path / "classes.csv"), "-p", "two") == "2 classes: light, sign\n"
    light, sign = json.loads(ok("classes", "list", "-p", "two", "--json"))
    assert (light["prompts"], light["hot_key"]) == (["a traffic light"], "l")
    assert sign["prompts"] == ["a photo of a sign"]


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_settings_are_shown_and_changed(tmp_path: Path) -> None:
    ok("init", "pets", "--model", write_model(tmp_path / "model"))
    assert ok("settings", "gold_rate=0.05", "gold_feedback=yes", "suggestion=never", "max_labels=300").split("; ") == [
        "suggestion is never, was after",
        "gold_rate is 0.05, was 0.0",
        "gold_feedback is true, was false",
        "max_labels is 300, was none\n",
    ]
    assert ok("settings", "max_labels=none", "gold_rate=0.05") == "max_labels is none, was 300\n"
    seen = json.loads(ok("settings", "--json"))
    assert (seen["gold_rate"], seen["gold_feedback"], seen["suggestion"], seen["budget"]) == (0.05, True, "never", 20)
    for change, problem in [
        ("gold_rate=0.9", "these settings cannot be used: gold_rate = 0.9"),
        ("budget=many", "budget cannot be 'many'"),
        ("goldrate=0.1", "'goldrate=0.1' is not NAME=VALUE of a setting: the settings are strategy, budget"),
        ("budget", "'budget' is not NAME=VALUE"),
    ]:
        assert problem in run("settings", change).stderr
    assert "gold_rate" in ok("settings")


@pytest.mark.usefixtures("home")
def test_what_cannot_be_used_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    assert "there is no strategy 'best'" in run("init", "x", "--model", model, "--strategy", "best").stderr
    assert run("init", "x", "-c", "a", "--classes", "b.csv").exit_code == 2
    assert run("import", "folder", "--split", "train").exit_code == 2
    assert run("demo", "--json", "numbers.json").stderr == "error: --json goes with --evaluate\n"
    assert "there is no project 'x'" in run("status", "-p", "x").stderr


def test_strategies_are_listed_with_what_they_do() -> None:
    captions = json.loads(ok("strategies", "--json"))
    assert {"default", "random"} <= set(captions)
    assert all(captions.values())
    assert "in blocks" in next(line for line in ok("strategies").splitlines() if line.strip().startswith("default"))


def test_the_database_is_brought_up_to_date_and_stays_so(home: Workspace) -> None:
    assert ok("db", "upgrade") == ok("db", "upgrade")
    assert home.settings.home.is_dir()
