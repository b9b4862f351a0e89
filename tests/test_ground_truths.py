"""Every ground truth that CONTRIBUTING.md lists has a test that carries its number in its name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (G\d+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"^ *def test_((?:g\d+_)+)", re.MULTILINE)


def test_each_ground_truth_is_named_by_a_test() -> None:
    listed = dict(ROW.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = {number.upper() for numbers in TEST.findall(tests) for number in numbers.rstrip("_").split("_")}
    assert named == {number for number, statement in listed.items() if "No test yet" not in statement}
    assert len(listed) == 16
