from collections.abc import Iterator

import pytest
import torch

from alflow.embeddings import Activations, Embeddings, gather, places


def rows(ids: list[int], scale: float = 1.0, dtype: torch.dtype = torch.float32) -> Embeddings:
    """A row of item i is (i, i, i) times the scale, its residual (-i, -i)."""
    values = torch.tensor(ids, dtype=dtype)[:, None] * scale
    return Embeddings(torch.tensor(ids), Activations(values.expand(-1, 3), -values.expand(-1, 2)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_of_several_groups_come_from_one_look_at_the_shards(dtype: torch.dtype) -> None:
    looked: list[int] = []

    def shards() -> Iterator[Embeddings]:
        for number, ids in enumerate(([5, 1, 3], [8, 2], [9])):
            looked.append(number)
            yield rows(ids, dtype=dtype)

    found = gather(shards(), [[2, 5, 1], [], [9, 7, 5, 4], [6]], 3)
    assert looked == [0, 1, 2]
    assert [group.item_ids.tolist() for group in found] == [[2, 5, 1], [], [9, 5], []]
    for group in found:
        ids, kept = group.item_ids.float()[:, None], group.activations
        assert kept.residuals is not None
        assert (kept.values.dtype, kept.residuals.dtype) == (torch.float32, torch.float32)
        assert torch.equal(kept.values, ids.expand(-1, 3))
        assert torch.equal(kept.residuals, -ids.expand(-1, 2))


def test_of_an_item_with_several_rows_the_last_counts() -> None:
    (found,) = gather([rows([1, 2]), rows([2, 3], scale=10)], [[3, 2, 1]], 3)
    assert found.activations.values[:, 0].tolist() == [30, 20, 1]


def test_without_a_shard_there_are_no_rows_but_their_width() -> None:
    (found,) = gather([], [[1, 2]], 5)
    assert (found.item_ids.tolist(), tuple(found.activations.values.shape)) == ([], (0, 5))


@pytest.mark.parametrize("there", [[], [4], [-3, 0, 4, 7, 90]])
def test_places_are_those_of_the_ids_that_are_there_in_the_order_asked_for(there: list[int]) -> None:
    asked = [7, 100, 4, -3, -4, 4]
    rows, found = places(torch.tensor(there, dtype=torch.int64), torch.tensor(asked))
    assert found.tolist() == [one in there for one in asked]
    assert rows.tolist() == [there.index(one) for one in asked if one in there]
