"""Ids have a type for each kind (`alflow.ids`): mypy refuses one in the place of another."""

import ast
from pathlib import Path

import pytest
from mypy import api

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

SWAPPED = """
from alflow.accounts import Role, Visitor
from alflow.domain.answers import Label
from alflow.domain.images import Item
from alflow.domain.rounds import Candidate, Round


def right(visitor: Visitor, item: Item, asked: Candidate, label: Label, round_: Round) -> bool:
    return visitor.may(Role.OWNER, item.project_id) and asked.item_id == item.id


def of_an_item(visitor: Visitor, item: Item) -> bool:
    return visitor.may(Role.OWNER, item.id)  # E


def in_a_table(asked: Candidate, names: dict[int, str]) -> float:
    return asked.probabilities[asked.item_id]  # E


def made_of_a_number(visitor: Visitor) -> bool:
    return visitor.may(Role.OWNER, 3)  # E
"""


def test_a_swapped_id_is_refused(tmp_path: Path) -> None:
    """In a second, where `make lint` has filled the cache."""
    breach = tmp_path / "breach.py"
    breach.write_text(SWAPPED)
    told, trouble, _ = api.run([
        "--strict", "--no-error-summary", "--hide-error-context", f"--cache-dir={ROOT / '.mypy_cache'}", str(breach)
    ])  # fmt: skip
    refused = {int(line.split(":")[1]) for line in told.splitlines() if ": error:" in line}
    assert not trouble
    assert refused == {n for n, line in enumerate(SWAPPED.splitlines(), 1) if line.endswith("# E")}


@pytest.mark.parametrize("wing", ["alflow", "flows", "ui"])
def test_no_id_is_a_plain_number(wing: str) -> None:
    plain = [
        f"{path.relative_to(ROOT)}:{node.lineno} {name}"
        for path in sorted((ROOT / wing).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        for name, annotation in _annotated(node)
        if name.endswith(("_id", "_ids")) and "int" in _names(annotation)
    ]
    assert plain == []


def _annotated(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """The parameter or the field that stands here, with its type."""
    match node:
        case ast.arg(arg=name, annotation=ast.expr() as annotation):
            return [(name, annotation)]
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            return [(name, annotation)]
    return []


def _names(annotation: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
