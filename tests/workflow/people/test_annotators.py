import pytest

from alflow.errors import InvalidInputError
from alflow.workflow.people import annotators
from alflow.workspace import Workspace


def test_signing_in_twice_is_the_same_annotator(each_workspace: Workspace) -> None:
    ada = annotators.sign_in(each_workspace, "  Ada   Lovelace ")
    assert ada.name == "Ada Lovelace"
    assert annotators.sign_in(each_workspace, "Ada Lovelace") == ada


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "nul\0l", "\u202eevil", "a\udcff", "\ufdfa" * 20, "\u200b"])
def test_names_that_are_none(workspace: Workspace, name: str) -> None:
    with pytest.raises(InvalidInputError, match="visible"):
        annotators.sign_in(workspace, name)
