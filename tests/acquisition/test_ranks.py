import pytest
import torch

from alflow.acquisition import ranks as module
from alflow.acquisition.acquire import acquire
from alflow.acquisition.ranks import nearly_bald, ranks
from alflow.acquisition.strategies import STRATEGIES
from alflow.bayes.field import class_covariance
from alflow.bayes.uncertainty import uncertainty
from tests.acquisition.conftest import MakeWorld


@pytest.mark.parametrize("strategy", ["entropy", "margin", "epig"])
def test_the_picks_of_a_strategy_have_its_first_places(make_world: MakeWorld, strategy: str) -> None:
    """Also where another strategy chose: places are those of the whole pool."""
    query, generator = make_world().query, torch.Generator().manual_seed(0)
    best = STRATEGIES[strategy](query, 5, generator)
    for chosen_by in (strategy, "default"):
        own = STRATEGIES[chosen_by](query, 5, generator).all_scores
        first, *others = ranks(query, best.rows, chosen_by, own, generator)
        found = {one.strategy: one for one in (first, *others)}
        assert first.strategy == chosen_by
        assert set(found) == {"entropy", "margin", "epig", "bald", chosen_by}
        assert found[strategy].places.tolist() == [1, 2, 3, 4, 5]
        assert (found[strategy].of, found[strategy].exact) == (40, True)


@pytest.mark.parametrize("n_classes", [2, 10, 65])
@pytest.mark.parametrize("most", [0.5, 4.0, 10.0])
def test_the_cheap_score_ranks_as_bald_does(n_classes: int, most: float) -> None:
    generator = torch.Generator().manual_seed(0)
    Q = class_covariance(torch.randn(n_classes, 32, generator=generator))
    p = (3 * torch.randn(400, n_classes, generator=generator) * torch.rand(400, 1, generator=generator)).softmax(1)
    v = most * torch.rand(400, generator=generator)
    both = torch.stack([nearly_bald(p, v, Q.float()), uncertainty(p, v, Q.float()).epistemic])
    places = both.argsort(dim=1).argsort(dim=1).double()
    assert float(torch.corrcoef(places)[0, 1]) > 0.97


def test_a_control_image_has_no_place_under_the_strategy_that_did_not_rate_it(make_world: MakeWorld) -> None:
    query, generator = make_world().query, torch.Generator().manual_seed(0)
    chosen, control = acquire(query, "default", 10, 0.3, generator)
    own, *others = ranks(query, control, "default", chosen.all_scores, generator)
    assert (own.places.tolist(), own.of) == ([0, 0, 0], 37)
    assert all((one.places >= 1).all() and (one.places <= 40).all() and one.of == 40 for one in others)


def test_by_a_sample_a_place_is_about_right(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    query, generator = make_world(pool=400).query, torch.Generator().manual_seed(0)
    asked, own = torch.arange(400), torch.zeros(400, dtype=torch.float64)
    exact = ranks(query, asked, "margin", own, generator)[-1]
    monkeypatch.setattr(module, "SAMPLE", 100)
    about = ranks(query, asked, "margin", own, generator)[-1]
    assert (exact.exact, about.exact, about.strategy, about.of) == (True, False, "epig", 400)
    assert int(about.places.min()) >= 1
    assert int(about.places.max()) <= 400
    assert float((about.places - exact.places).abs().double().mean()) < 25


def test_equal_scores_share_the_best_place(make_world: MakeWorld) -> None:
    query, generator = make_world(pool=4).query, torch.Generator().manual_seed(0)
    own = torch.tensor([2.0, 3.0, 2.0, float("nan")], dtype=torch.float64)
    assert ranks(query, torch.arange(4), "own", own, generator)[0].places.tolist() == [2, 1, 2, 0]
