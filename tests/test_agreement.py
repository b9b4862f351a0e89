import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.agreement import majority


@pytest.mark.parametrize(
    ("votes", "winner"),
    [([], None), ([4], 4), ([4, 4, 2], 4), ([4, 2], None), ([3, 3, 5, 7], 3), ([1, 1, 2, 2, 3], None), ([0, 0], 0)],
)
def test_majority(votes: list[int], winner: int | None) -> None:
    assert majority(votes) == winner


@given(st.lists(st.integers(0, 3)), st.randoms(use_true_random=False))
def test_order_of_votes_does_not_matter_and_the_winner_has_more_than_any_other(votes: list[int], random) -> None:
    winner = majority(votes)
    shuffled = random.sample(votes, len(votes))
    assert majority(shuffled) == winner
    if winner is not None:
        assert all(votes.count(winner) > votes.count(other) for other in set(votes) - {winner})
