"""One order of arguments: the workspace or the transaction, then where, then who, then what."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = (
    {"Workspace", "Transaction"},
    {"Project", "ProjectId", "Moment"},
    {"Round", "RoundId"},
    {"Annotator", "AnnotatorId", "Visitor", "Operator"},
)


@pytest.mark.parametrize("room", ["store", "workflow"])
def test_arguments_come_in_one_order(room: str) -> None:
    """Of public functions that take a workspace or a transaction; what can be given by name only may stand anywhere."""
    mixed = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}({', '.join(ast.unparse(each) for each in given)})"
        for path in sorted((ROOT / "alflow" / room).rglob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for given in [[*node.args.posonlyargs, *node.args.args]]
        if (places := [_place(each.annotation) for each in given])[:1] == [0] and places != sorted(places)
    ]
    assert mixed == []


def _place(annotation: ast.expr | None) -> int:
    """Where it stands in the order: `AnnotatorId | None` is a person, `Sequence[AnnotatorId]` is a what."""
    match annotation:
        case ast.Name(id=name):
            return next((place for place, names in enumerate(ORDER) if name in names), len(ORDER))
        case ast.BinOp(left=left):
            return _place(left)
    return len(ORDER)
