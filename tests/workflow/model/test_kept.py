from collections.abc import Sequence

import pytest
import torch

from alflow.bayes.uncertainty import Uncertainty
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.store.images import items
from alflow.workflow.model.kept import Outlook, outlook, outlook_at_hand
from alflow.workflow.model.model import load_model, load_rows
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


def ids_of(workspace: Workspace, project: Project) -> Sequence[int]:
    with workspace.database.read() as tx:
        return items.ids(tx, project.id)


def written_out(workspace: Workspace, project: Project, fit: str | None) -> dict[str, torch.Tensor]:
    with workspace.database.read() as tx:
        ids = items.ids(tx, project.id)
    model = load_model(workspace, project, fit)
    (rows,) = load_rows(workspace, project, model, ids)
    beliefs = model.believe(rows.activations)
    parts = beliefs.parts(model.model.class_covariance)
    return {"item_ids": rows.item_ids, "probabilities": beliefs.probabilities, "novelty": beliefs.novelty} | (
        parts._asdict()
    )


def test_it_is_what_the_models_of_all_rounds_say_of_every_image(workspace: Workspace, project: Project) -> None:
    opened = open_round(workspace, project.id)
    assert outlook(workspace, project.id).number == 0
    answer(workspace, project)
    fit = close_round(workspace, project.id, opened.id).hashes["fit"]
    for number, hash_ in ((0, None), (1, fit)):
        found = outlook(workspace, project.id, number)
        expected = written_out(workspace, project, hash_)
        assert (found.number, found.fit) == (number, hash_)
        for name, column in expected.items():
            assert torch.allclose(getattr(found, name), column.to(getattr(found, name).dtype), atol=1e-6), name
    assert outlook(workspace, project.id).fit == fit
    with pytest.raises(NotFoundError, match="no closed round 2"):
        outlook(workspace, project.id, 2)


def test_it_is_made_once_and_found_again(workspace: Workspace, project: Project) -> None:
    open_round(workspace, project.id)
    first = outlook(workspace, project.id)
    again = outlook(Workspace.open(workspace.settings), project.id)
    assert first.hash == again.hash
    assert torch.equal(first.probabilities, again.probabilities)
    assert len(workspace.artifacts.list(f"projects/{project.id}/outlooks")) == 1


def test_while_the_newest_is_made_the_one_before_is_at_hand(workspace: Workspace, project: Project) -> None:
    opened = open_round(workspace, project.id)
    outlook(workspace, project.id).entropies()
    answer(workspace, project)
    close_round(workspace, project.id, opened.id)
    assert outlook_at_hand(workspace, project.id).number == 0
    outlook(workspace, project.id)
    assert outlook_at_hand(workspace, project.id).number == 0  # its entropies are still missing
    outlook(workspace, project.id).entropies()
    assert outlook_at_hand(workspace, project.id).number == 1


def none_asked() -> Uncertainty:
    raise AssertionError("nobody asked for entropies")


def test_rows_are_those_of_the_items_asked_for() -> None:
    nothing = torch.zeros(3)
    one = Outlook("", 0, None, (), torch.tensor([2, 5, 9]), torch.zeros(3, 0), nothing, nothing, none_asked)
    rows, found = one.rows([9, 4, 2, 11, 1])  # type: ignore[list-item]
    assert rows.tolist() == [2, 0]
    assert found.tolist() == [True, False, True, False, False]
    none = Outlook(
        "", 0, None, (), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0), *[torch.zeros(0)] * 2, none_asked
    )
    assert none.rows([1])[1].tolist() == [False]  # type: ignore[list-item]


def test_nothing_is_said_before_there_is_a_model(workspace: Workspace, tmp_path: object) -> None:
    bare = colour_project(workspace, tmp_path, "bare")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="no embedded image yet"):
        outlook(workspace, bare.id)


def test_columns_are_those_of_the_items(workspace: Workspace, project: Project) -> None:
    with workspace.database.read() as tx:
        found, every = items.columns(tx, project.id), items.list_(tx, project.id)
        nothing = items.columns(tx, project.id + 1)  # type: ignore[arg-type]
    splits = [items.SPLITS[place] for place in found.splits]
    seen = list(zip(found.item_ids.tolist(), splits, found.truths.tolist(), strict=True))
    assert seen == [(one.id, one.split, one.truth or 0) for one in every]
    assert {one.split for one in every} >= {Split.POOL}
    assert len(nothing.item_ids) == len(nothing.splits) == 0
