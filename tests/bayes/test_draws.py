"""Quasi-random normal numbers against the moments that they are to have."""

import torch

from alflow.bayes.draws import sobol_normal


def test_mean_and_covariance_are_those_of_normal_numbers() -> None:
    normal = sobol_normal(5, 64)
    torch.testing.assert_close(normal.mean(dim=0), torch.zeros(5).double())
    torch.testing.assert_close(normal.T @ normal / 64, torch.eye(5).double())
    few = sobol_normal(100, 64)
    assert few.shape == (64, 100)
    assert few.isfinite().all()
