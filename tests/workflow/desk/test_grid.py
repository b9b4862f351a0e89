"""The grid: reserved, accepted and taken back as a whole, beside the deck."""

from dataclasses import replace
from threading import Thread

import pytest

from alflow.domain.answers import GridPage, Verdict
from alflow.domain.rounds import Origin, RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.desk import grid as store
from alflow.store.desk import labels
from alflow.store.rounds import candidates, rounds
from alflow.workflow.desk import queue
from alflow.workflow.desk.grid import OpenPage, page_size
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workflow.desk.grid_exchange import GridState, grid_exchange
from alflow.workspace import Workspace
from tests.queues import World, new_candidate, open_queue, open_round


def ask(workspace: Workspace, world: World, event: Accept | TakeBack | None = None, who: int = 0) -> GridState:
    """One exchange, of which a refusal is raised."""
    state = grid_exchange(workspace, world.project.id, world.annotators[who].id, event)
    if state.refusal is not None:
        raise state.refusal
    return state


def page_of(workspace: Workspace, world: World, who: int = 0) -> OpenPage:
    page = ask(workspace, world, who=who).page
    assert page is not None
    return page


def stored_page(workspace: Workspace, token: str) -> GridPage | None:
    with workspace.database.read() as tx:
        return store.by_token(tx, token)


def ids(page: OpenPage) -> list[int]:
    return [entry.candidate.id for entry in page.entries]


def answer_of(page: OpenPage, wrong: int = 0) -> Accept:
    """The first so many are wrong."""
    shown = ids(page)
    return Accept(page.token, page.class_id, tuple(shown[wrong:]), tuple(shown[:wrong]), 12.0)


@pytest.mark.parametrize(
    ("probabilities", "factor", "size"),
    [
        ([0.99] * 100, 1.0, 48),
        ([0.95] * 100, 1.0, 20),
        ([0.95] * 100, 2.0, 10),
        ([0.5] * 100, 1.0, 6),
        ([0.95] * 100, 0.1, 48),
        ([0.9] * 3, 1.0, 3),
        ([], 1.0, 0),
    ],
)
def test_a_page_holds_one_expected_error_within_bounds(probabilities: list[float], factor: float, size: int) -> None:
    assert page_size(probabilities, factor) == size


def test_a_page_is_reserved_once_and_the_same_after_a_reload(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 14, n_annotators=3)  # every one 0.75 sure: pages of six
    first, second = page_of(each_workspace, world), page_of(each_workspace, world, 1)
    assert (len(first.entries), len(second.entries)) == (6, 6)
    assert first.expected_errors == pytest.approx(1.5)
    assert not set(ids(first)) & set(ids(second))
    again = page_of(each_workspace, world)
    assert (again.token, ids(again)) == (first.token, ids(first))
    assert again.leased_until > first.leased_until
    deck = queue.next_candidates(each_workspace, world.project.id, world.annotators[2].id, 14)
    assert not {entry.candidate.id for entry in deck} & {*ids(first), *ids(second)}
    assert len(deck) == 2


def test_the_deck_of_the_same_person_shows_nothing_of_the_page(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 8)
    page = page_of(each_workspace, world)
    for _ in range(2):
        deck = queue.next_candidates(each_workspace, world.project.id, world.annotators[0].id, 8)
        assert len(deck) == 2
        assert not {entry.candidate.id for entry in deck} & set(ids(page))
    assert ids(page_of(each_workspace, world)) == ids(page)
    assert ask(each_workspace, world).waiting == {world.classes[0].id: 6}


def test_a_page_is_one_transaction_whose_time_is_shared(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 6)
    page = page_of(each_workspace, world)
    ask(each_workspace, world, answer_of(page, wrong=2))
    ask(each_workspace, world, answer_of(page, wrong=2))  # the browser did not hear the first time
    with each_workspace.database.read() as tx:
        stored = labels.of_round(tx, world.round.id)
        assert rounds.by_id(tx, world.round.id).state is RoundState.OPEN
    assert {(one.candidate_id, one.class_id, one.seconds, one.verdict) for one in stored} == {
        (candidate, world.classes[0].id, 2.0, Verdict.CLASS) for candidate in ids(page)[2:]
    }
    assert stored[0].shown["suggestion"] == world.classes[0].id
    assert ask(each_workspace, world).page is None
    deck = queue.next_candidates(each_workspace, world.project.id, world.annotators[0].id, 6)
    assert {entry.candidate.id for entry in deck} == set(ids(page)[:2])  # what was wrong waits for a class


def test_taking_a_page_back_withdraws_it_whole_and_shows_it_again(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 6)
    page = page_of(each_workspace, world)
    ask(each_workspace, world, answer_of(page))
    with each_workspace.database.read() as tx:
        assert rounds.by_id(tx, world.round.id).state is RoundState.LABELLED
    last = ask(each_workspace, world).last
    assert last is not None
    assert (last.page.token, len(last.cells)) == (page.token, 6)
    ask(each_workspace, world, TakeBack(page.token))
    taken = stored_page(each_workspace, page.token)
    again = ask(each_workspace, world, TakeBack(page.token)).page
    assert again is not None
    assert stored_page(each_workspace, page.token) == taken
    assert sorted(ids(again)) == sorted(ids(page))
    assert again.token != page.token
    with pytest.raises(ConflictError, match="taken back"):
        ask(each_workspace, world, answer_of(page))
    ask(each_workspace, world, answer_of(again, wrong=1))
    with each_workspace.database.read() as tx:
        assert len(labels.of_round(tx, world.round.id)) == 5
        assert len(labels.of_round(tx, world.round.id, withdrawn=True)) == 11


def test_a_page_of_a_closed_round_stays(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 6)
    page = page_of(workspace, world)
    ask(workspace, world, answer_of(page))
    with workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.CLOSED)
    with pytest.raises(ConflictError, match="closed"):
        ask(workspace, world, TakeBack(page.token))
    assert ask(workspace, world).waiting == {}
    assert ask(workspace, world).page is None


def test_once_the_round_has_nothing_left_pages_take_its_reserve(each_workspace: Workspace) -> None:
    """As the deck does; what is marked stays behind the round."""
    world = open_queue(each_workspace.database, 14, n_annotators=2, reserve=8)
    first = page_of(each_workspace, world)
    assert (len(first.entries), first.extra) == (6, False)
    ask(each_workspace, world, answer_of(first))
    with each_workspace.database.read() as tx:
        labelled = rounds.by_id(tx, world.round.id)
    assert labelled.state is RoundState.LABELLED
    second = page_of(each_workspace, world)
    assert (len(second.entries), second.extra) == (8, True)
    ask(each_workspace, world, answer_of(second, wrong=2))
    with each_workspace.database.read() as tx:
        assert rounds.by_id(tx, world.round.id) == labelled  # no round is closed anew for these
    assert ask(each_workspace, world, who=1).page is None
    deck = queue.next_candidates(each_workspace, world.project.id, world.annotators[0].id, 14)
    assert {entry.candidate.id for entry in deck} == set(ids(second)[:2])


def test_marks_teach_how_many_errors_to_expect(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 30)
    first = page_of(workspace, world)
    ask(workspace, world, answer_of(first, wrong=6))
    second = page_of(workspace, world)  # 1.5 errors were expected, 6 came: (1 + 6) / (1 + 1.5) times as many
    assert second.expected_errors == pytest.approx(7 / 2.5 * 1.5)


def test_what_is_no_page_of_this_project_is_refused(workspace: Workspace) -> None:
    world, other = open_queue(workspace.database, 6, n_annotators=2), open_queue(workspace.database, 6, name="other")
    page = page_of(workspace, world)
    good = answer_of(page)
    with pytest.raises(InvalidInputError, match="each of them once"):
        ask(workspace, world, replace(good, wrong=good.accepted[:1]))
    with pytest.raises(InvalidInputError, match="one predicted class"):
        ask(workspace, world, replace(good, class_id=world.classes[1].id))
    with pytest.raises(InvalidInputError, match="another project"):
        ask(workspace, replace(other, annotators=world.annotators), good)
    with workspace.database.read() as tx:
        assert labels.of_round(tx, world.round.id) == []
    ask(workspace, world, good)
    with pytest.raises(ConflictError, match="somebody else"):
        ask(workspace, world, good, who=1)
    with pytest.raises(NotFoundError, match="no such page of yours"):
        ask(workspace, world, TakeBack(page.token), who=1)
    with pytest.raises(NotFoundError, match="no such page of yours"):
        ask(workspace, replace(other, annotators=world.annotators), TakeBack(page.token))


def test_control_candidates_are_never_on_a_page(workspace: Workspace) -> None:

    world = open_queue(workspace.database, 4)
    with workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.LABELLED)
        rounds.set_state(tx, world.round.id, RoundState.CLOSED)
        new = [new_candidate(item, rank, world.classes) for rank, item in enumerate(world.items)]
        opened = open_round(tx, world.project)
        candidates.add(tx, opened.id, [replace(new[0], origin=Origin.CONTROL), *new[1:]])
    assert len(page_of(workspace, world).entries) == 3


@pytest.mark.slow
def test_several_people_empty_a_grid_without_meeting(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 60, votes=2, n_annotators=4)

    def is_open() -> bool:
        with each_workspace.database.read() as tx:
            return rounds.by_id(tx, world.round.id).state is RoundState.OPEN

    def work(who: int) -> None:
        while is_open():  # also while others hold the last images
            if page := ask(each_workspace, world, who=who).page:
                ask(each_workspace, world, answer_of(page), who)

    people = [Thread(target=work, args=(who,)) for who in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    with each_workspace.database.read() as tx:
        stored = labels.of_round(tx, world.round.id, withdrawn=True)
        assert rounds.by_id(tx, world.round.id).state is RoundState.LABELLED
    assert len(stored) == len({(one.candidate_id, one.annotator_id) for one in stored}) == 120
