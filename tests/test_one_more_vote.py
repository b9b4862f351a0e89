from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow import one_more_vote
from alflow.errors import InvalidInputError


@given(st.floats(0.0, 1.0), st.integers(2, 30))
def test_the_accuracy_behind_an_agreement_gives_that_agreement(share: float, n_classes: int) -> None:
    accuracy = one_more_vote.accuracy_from_agreement(share, n_classes)
    assert 1 / n_classes <= accuracy <= 1 + 1e-12
    if share >= 1 / n_classes:
        assert accuracy**2 + (1 - accuracy) ** 2 / (n_classes - 1) == pytest.approx(share)


def test_one_class_has_no_accuracy() -> None:
    with pytest.raises(InvalidInputError, match="two classes"):
        one_more_vote.accuracy_from_agreement(1.0, 1)


def test_the_posterior_is_bayes_rule() -> None:
    prior = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    found = one_more_vote.class_posterior(prior, [[1, 1, 0], [], [2]], 0.8)
    written_out = np.array([[0.5 * 0.1 * 0.1 * 0.8, 0.3 * 0.8 * 0.8 * 0.1, 0.2 * 0.1**3], [0.2, 0.2, 0.6]])
    written_out = np.stack([*written_out, np.array([0.1 * 0.1, 0.8 * 0.1, 0.1 * 0.8])])
    assert found == pytest.approx(written_out / written_out.sum(axis=1, keepdims=True))
    certain = one_more_vote.class_posterior(np.array([[0.5, 0.5]]), [[0, 1]], 1.0)
    assert certain == pytest.approx(np.array([[0.5, 0.5]]))


PRIOR = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6).map(lambda each: np.array(each) / sum(each))


@given(PRIOR, st.floats(0.0, 1.0))
def test_the_information_of_a_vote_is_the_expected_fall_of_entropy(prior: np.ndarray, share: float) -> None:
    accuracy = min(1 / len(prior) + share * (1 - 1 / len(prior)), 1 - 1e-6)
    wrong = (1 - accuracy) / (len(prior) - 1)
    said = prior * accuracy + (1 - prior) * wrong
    each = [[vote] for vote in range(len(prior))]
    after = one_more_vote.class_posterior(np.tile(prior, (len(prior), 1)), each, accuracy)
    entropy = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in [prior, *after]]
    expected = entropy[0] - said @ np.array(entropy[1:])
    assert one_more_vote.vote_information(prior[None], accuracy)[0] == pytest.approx(expected, abs=1e-9)


def test_a_vote_that_is_never_wrong_tells_everything_and_one_by_chance_nothing() -> None:
    assert one_more_vote.vote_information(np.full((1, 4), 0.25), 1.0)[0] == pytest.approx(log(4))
    assert one_more_vote.vote_information(np.array([[0.7, 0.2, 0.1]]), 1 / 3)[0] == pytest.approx(0, abs=1e-12)
