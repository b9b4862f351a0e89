import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.domain.answers import Verdict
from alflow.settling import majority, settled_classes


@pytest.mark.parametrize(
    ("votes", "winner"),
    [([], None), ([4], 4), ([4, 4, 2], 4), ([4, 2], None), ([3, 3, 5, 7], 3), ([1, 1, 2, 2, 3], None), ([0, 0], 0)],
)
def test_majority(votes: list[int], winner: int | None) -> None:
    assert majority(votes) == winner


@pytest.mark.slow
@given(st.lists(st.integers(0, 3)), st.randoms(use_true_random=False))
def test_order_of_votes_does_not_matter_and_the_winner_has_more_than_any_other(votes: list[int], random) -> None:
    winner = majority(votes)
    shuffled = random.sample(votes, len(votes))
    assert majority(shuffled) == winner
    if winner is not None:
        assert all(votes.count(winner) > votes.count(other) for other in set(votes) - {winner})


VOTES = [
    ([(7, 1), (7, 1), (7, 2)], {}, {7: 1}),
    ([(7, 1), (7, 2)], {}, {}),
    ([(7, 1), (7, Verdict.NONE), (7, Verdict.NONE)], {}, {}),
    ([(7, 1), (7, 1), (7, Verdict.BAD)], {}, {7: 1}),
    ([(7, 1), (7, 2), (8, 2)], {7: 2}, {7: 2, 8: 2}),
    ([(7, 1), (7, 1)], {7: 2}, {7: 2}),
    ([(7, 1), (7, 1)], {7: None}, {}),
    ([], {9: 3}, {9: 3}),
]


@pytest.mark.parametrize(("votes", "decisions", "classes"), VOTES)
def test_a_decision_goes_before_the_votes_and_votes_for_no_class_count_against_all(votes, decisions, classes) -> None:
    assert settled_classes(votes, decisions) == classes


def test_the_verdicts_that_abstain_are_those_without_a_vote() -> None:
    assert {verdict for verdict in Verdict if verdict.abstains} == {Verdict.SKIP, Verdict.UNSURE}
