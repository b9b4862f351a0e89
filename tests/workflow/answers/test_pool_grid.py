"""The grid through the pool: answers like any other, of images that nobody else asks about; nothing is asked twice."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

import pytest
import torch

from alflow.bayes.uncertainty import Uncertainty
from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, RoundState
from alflow.errors import ConflictError, InvalidInputError
from alflow.ids import ItemId
from alflow.store.answers import outcomes
from alflow.store.desk import labels, pool_pages
from alflow.store.desk.pool_pages import Corrected
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, reserve, rounds
from alflow.workflow.answers import pool_grid
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.pool_grid import Order, PagesOfPool, rank, through_the_pool, words_about
from alflow.workflow.answers.together import answer_together
from alflow.workflow.answers.unbiased import unbiased
from alflow.workflow.desk.grid import OpenPage
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workflow.desk.grid_exchange import GridState, grid_exchange
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workflow.model.model import support_of
from alflow.workflow.model.source import last_fit
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.chosen import send_to_queue
from alflow.workflow.rounds.review import round_summaries
from alflow.workflow.rounds.rollback import drop_round
from alflow.workspace import Workspace
from tests import colours
from tests.queues import World, new_candidate, new_item, open_queue
from tests.queues import open_round as open_empty
from tests.workflow.desk.answering import close


def world_of(workspace: Workspace, pool: int, **options: int) -> World:
    """An open round of six, the last two of its reserve; so many more images of the pool, one of each other split."""
    world = open_queue(workspace.database, 6, reserve=2, **options)
    with workspace.database.begin() as tx:
        more = items.add(tx, world.project.id, [new_item(100 + number) for number in range(pool)])
        items.add(tx, world.project.id, [new_item(900, Split.TARGET), new_item(901, Split.TEST, world.classes[0].id)])
    return replace(world, items=[*world.items, *more])


def pages_of(workspace: Workspace, world: World, size: int = 4, order: Order = Order.SUREST) -> PagesOfPool:
    """Of every image of the project: the first ones are the surest cats, the last ones are dogs at the border."""
    with workspace.database.read() as tx:
        every = items.ids(tx, world.project.id)
    cat = torch.linspace(0.99, 0.44, len(every))
    nothing = torch.zeros(len(every))
    said = Outlook(
        hash="made up",
        number=0,
        fit=None,
        class_ids=tuple(one.id for one in world.classes),
        item_ids=torch.tensor(every),
        probabilities=torch.stack([cat, 1 - cat], dim=1),
        variance=nothing,
        novelty=nothing,
        entropies=lambda: Uncertainty(nothing, nothing, nothing),
    )
    ranking = rank(workspace, world.project.id, said)
    return PagesOfPool(ranking, order, size)


def ask(
    workspace: Workspace,
    world: World,
    pages: PagesOfPool,
    event: Accept | TakeBack | None = None,
    who: int = 0,
    wanted: int = 0,
) -> GridState:
    """One exchange about a class, the first by default, of which a refusal is raised."""
    class_id = world.classes[wanted].id
    state = grid_exchange(workspace, world.project.id, world.annotators[who].id, event, class_id, pages)
    if state.refusal is not None:
        raise state.refusal
    return state


def page_of(workspace: Workspace, world: World, pages: PagesOfPool, who: int = 0, wanted: int = 0) -> OpenPage:
    page = ask(workspace, world, pages, who=who, wanted=wanted).page
    assert page is not None
    return page


def shown(page: OpenPage) -> list[ItemId]:
    return [entry.item.id for entry in page.entries]


def ids(items_: Sequence[object]) -> list[ItemId]:
    return [one.id for one in items_]  # type: ignore[attr-defined]


def answer_of(page: OpenPage, wrong: int = 0) -> Accept:
    """The first so many are wrong."""
    on_it = [entry.candidate.id for entry in page.entries]
    return Accept(page.token, page.class_id, tuple(on_it[wrong:]), tuple(on_it[:wrong]), 8.0)


def test_pages_take_the_most_probable_of_what_nobody_else_asks_about(each_workspace: Workspace) -> None:
    world = world_of(each_workspace, 14, n_annotators=2)
    pages, pool = pages_of(each_workspace, world), world.items[6:]
    answer_together(each_workspace, world.project.id, world.annotators[1].id, [pool[1].id], world.classes[1].id)
    first = ask(each_workspace, world, pages)
    assert first.page is not None
    assert shown(first.page) == ids([pool[4], pool[3], pool[2], pool[0]])  # the least sure first
    assert [entry.candidate.origin for entry in first.page.entries] == [Origin.GRID] * 4
    assert first.waiting == {world.classes[0].id: 12, world.classes[1].id: 1}
    assert first.page.extra
    second = page_of(each_workspace, world, pages, 1)
    assert shown(second) == ids([pool[8], pool[7], pool[6], pool[5]])
    again = page_of(each_workspace, world, pages)
    assert (again.token, shown(again)) == (first.page.token, shown(first.page))
    deck = next_candidates(each_workspace, world.project.id, world.annotators[1].id, 20)
    assert not {one.item.id for one in deck} & set(ids(pool))
    dogs = page_of(each_workspace, world, pages, wanted=1)  # the page of cats is given back
    assert shown(dogs) == ids([pool[13]])
    assert shown(page_of(each_workspace, world, pages, 1)) == shown(second)
    assert shown(page_of(each_workspace, world, pages)) == shown(first.page)


def test_near_the_border_come_those_that_were_nearly_of_another_class(workspace: Workspace) -> None:
    world = world_of(workspace, 14)
    page_of(workspace, world, pages_of(workspace, world))  # is given back
    page = page_of(workspace, world, pages_of(workspace, world, order=Order.BORDER))
    assert shown(page) == ids([world.items[place] for place in (18, 17, 16, 15)])


def test_answers_count_and_no_round_waits_for_them(each_workspace: Workspace) -> None:
    world = world_of(each_workspace, 10, n_annotators=2)
    pages = pages_of(each_workspace, world)
    page = page_of(each_workspace, world, pages)
    for _ in range(2):  # the browser did not hear the first time
        state = ask(each_workspace, world, pages, answer_of(page, wrong=1))
    with each_workspace.database.read() as tx:
        given, settled = labels.of_project(tx, world.project.id), outcomes.settled(tx, world.project.id)
        assert rounds.answered(tx, world.round.id) == (0, 4)
        assert rounds.by_id(tx, world.round.id).state is RoundState.OPEN
        unasked = items.unasked(tx, world.project.id)
    assert settled == dict.fromkeys(shown(page)[1:], world.classes[0].id)
    assert [(one.round_id, one.seconds, one.shown["grid"]) for one in given] == [(world.round.id, 2.0, page.token)] * 3
    assert shown(page)[0] in unasked  # what was marked as wrong may be asked by rounds
    assert not set(shown(page)[1:]) & set(unasked)
    (summary,) = round_summaries(each_workspace, world.project.id)
    assert (summary.answered, summary.total, summary.extra) == (0, 4, 3)
    assert state.words == "Of the last page of this class, 4 images, 25.0% were corrected."
    seen = list(shown(page))
    for who in (0, 1, 0, 1):
        after = ask(each_workspace, world, pages, who=who).page
        if after is not None:
            assert not set(shown(after)) & set(seen)
            seen += shown(after)
            ask(each_workspace, world, pages, answer_of(after), who)
    assert len(seen) == len(set(seen))
    assert check_history(each_workspace, world.project.id) == []


def test_a_page_is_taken_back_whole_and_comes_again(each_workspace: Workspace) -> None:
    world = world_of(each_workspace, 10)
    pages = pages_of(each_workspace, world)
    page = page_of(each_workspace, world, pages)
    state = ask(each_workspace, world, pages, answer_of(page, wrong=1))
    assert state.last is not None
    assert (state.last.page.token, state.last.of_pool) == (page.token, True)
    again = ask(each_workspace, world, pages, TakeBack(page.token)).page
    assert again is not None
    assert shown(again) == shown(page)
    with each_workspace.database.read() as tx:
        assert labels.of_project(tx, world.project.id) == []
    with pytest.raises(ConflictError, match="taken back"):
        ask(each_workspace, world, pages, answer_of(page))


def test_a_page_can_be_taken_back_until_a_model_has_learned_from_it(workspace: Workspace) -> None:
    world = world_of(workspace, 14)
    pages = pages_of(workspace, world)
    before = page_of(workspace, world, pages)
    ask(workspace, world, pages, answer_of(before))
    close(workspace, world)
    with pytest.raises(ConflictError, match="closed"):
        ask(workspace, world, pages, TakeBack(before.token))
    after = page_of(workspace, world, pages)  # between two rounds nobody waits
    ask(workspace, world, pages, answer_of(after))
    assert shown(page_of(workspace, world, pages)) != shown(after)
    taken = ask(workspace, world, pages, TakeBack(after.token)).page
    assert taken is not None
    assert shown(taken) == shown(after)


def test_what_a_new_round_asks_about_is_not_asked_twice(each_workspace: Workspace) -> None:
    """A pick of its strategy stays on the page and counts for it; a control leaves the page, whoever looked at it."""
    world = world_of(each_workspace, 10)
    pages, pool = pages_of(each_workspace, world), world.items[6:]
    with each_workspace.database.read() as tx:
        planned_from = items.unasked(tx, world.project.id)
    done = page_of(each_workspace, world, pages)  # 3 2 1 0
    ask(each_workspace, world, pages, answer_of(done))
    page = page_of(each_workspace, world, pages)  # 7 6 5 4
    close(each_workspace, world)
    origins = {0: Origin.CONTROL, 1: Origin.STRATEGY, 4: Origin.CONTROL, 5: Origin.STRATEGY, 9: Origin.STRATEGY}
    with each_workspace.database.begin() as tx:
        opened = open_empty(tx, world.project)
        planned = [
            replace(new_candidate(pool[number], rank, world.classes), origin=origin)
            for rank, (number, origin) in enumerate(origins.items())
        ]
        candidates.add(tx, opened.id, reserve.hand_on(tx, world.project.id, opened.id, planned, planned_from))
        queue = {one.item_id: one.origin for one in candidates.of_round(tx, opened.id) if one.origin.queued}
    # one was accepted by somebody who knew the prediction: it is no control
    assert queue == {pool[number].id: origin for number, origin in origins.items() if number}
    state = ask(each_workspace, world, pages, answer_of(page))  # the browser still shows all four
    assert state.last is not None
    assert len(state.last.cells) == 3
    with each_workspace.database.read() as tx:
        assert rounds.answered(tx, opened.id) == (2, 4)
        given = {one.item_id: one.round_id for one in labels.of_project(tx, world.project.id)}
    assert pool[4].id not in given
    assert given[pool[6].id] == opened.id
    deck = next_candidates(each_workspace, world.project.id, world.annotators[0].id, extra=False)
    assert {one.item.id for one in deck} == {pool[4].id, pool[9].id}
    assert check_history(each_workspace, world.project.id) == []


def test_one_answer_of_several_is_left_to_the_deck(each_workspace: Workspace) -> None:
    world = world_of(each_workspace, 4, votes=2, n_annotators=2)
    pages = pages_of(each_workspace, world)
    page = page_of(each_workspace, world, pages)
    ask(each_workspace, world, pages, answer_of(page))
    assert ask(each_workspace, world, pages, who=1).page is None
    deck = next_candidates(each_workspace, world.project.id, world.annotators[1].id, 20)
    assert set(shown(page)) <= {one.item.id for one in deck}


def test_the_limit_of_labels_holds(workspace: Workspace) -> None:
    world = world_of(workspace, 10)
    pages = pages_of(workspace, world)
    with workspace.database.begin() as tx:
        projects.update_settings(tx, world.project.id, replace(world.project.settings, max_labels=6))
    assert len(page_of(workspace, world, pages).entries) == 2  # four are waited for by the round
    with workspace.database.begin() as tx:
        projects.update_settings(tx, world.project.id, replace(world.project.settings, max_labels=4))
    state = ask(workspace, world, pages)
    assert (state.page, state.waiting) == (None, {})
    assert state.words.startswith("The project has its 4 labels")


@pytest.mark.slow
def test_what_is_on_a_page_can_be_sent_to_the_queue(workspace: Workspace, project: Project) -> None:
    """Of a real model: a page, then one of its images is asked about by the round, and both answers are one."""
    who = colours.sign_in(workspace, "Ada").id
    advance(workspace, project.id)
    pages = through_the_pool(workspace, project.id, Order.SUREST, 3)
    state = grid_exchange(workspace, project.id, who, None, None, pages)
    assert state.page is not None
    first = state.page.entries[0]
    believed = outlook(workspace, project.id)
    (row,) = believed.rows([first.item.id])[0].tolist()
    assert first.probability == pytest.approx(float(believed.probabilities[row].max()))
    send_to_queue(workspace, project.id, who, [first.item.id], "looks odd")
    grid_exchange(workspace, project.id, who, answer_of(state.page), None, pages)
    with workspace.database.read() as tx:
        (sent,) = candidates.of_origin(tx, project.id, Origin.PERSON)
    assert (sent.item_id, sent.answers) == (first.item.id, 1)


@pytest.mark.slow
def test_fits_learn_from_pages_and_estimates_keep_them_apart(workspace: Workspace, project: Project) -> None:
    who = colours.sign_in(workspace, "Ada").id
    advance(workspace, project.id)
    pages = through_the_pool(workspace, project.id, Order.SUREST, 3)
    state = grid_exchange(workspace, project.id, who, None, None, pages)
    assert state.page is not None
    grid_exchange(workspace, project.id, who, answer_of(state.page), None, pages)
    colours.answer(workspace, project)
    advance(workspace, project.id)
    with workspace.database.read() as tx:
        done = [one for one in rounds.all_(tx, project.id) if one.state is RoundState.CLOSED]
        slice_ = candidates.of_origin(tx, project.id, Origin.CONTROL)
    learned = support_of(workspace, project, last_fit(done))
    assert learned is not None
    assert set(shown(state.page)) <= learned.keys()
    drawn = [one for one in slice_ if one.round_id == done[0].id]
    assert unbiased(workspace, project.id).n_slice == len(drawn)


def test_a_round_that_is_dropped_takes_along_what_nobody_answered(workspace: Workspace) -> None:
    world = world_of(workspace, 10)
    pages = pages_of(workspace, world)
    page = page_of(workspace, world, pages)
    ask(workspace, world, pages, answer_of(page, wrong=1))
    page_of(workspace, world, pages)
    dropped = drop_round(workspace, world.project.id, world.annotators[0].id)
    assert dropped == (4, 3)
    with workspace.database.read() as tx:
        assert set(outcomes.settled(tx, world.project.id)) == set(shown(page)[1:])
    assert check_history(workspace, world.project.id) == []


@pytest.mark.slow
def test_a_page_has_a_size_and_an_order(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    with pytest.raises(InvalidInputError, match="1 to 300 images"):
        through_the_pool(workspace, project.id, Order.SUREST, 301)


@pytest.mark.parametrize(
    ("last", "order", "says"),
    [
        (Corrected(0, 0, 0), Order.SUREST, ""),
        (Corrected(1, 50, 2), Order.SUREST, "Of the last page of this class, 50 images, 4.0% were corrected."),
        (Corrected(5, 500, 1), Order.SUREST, "go on near the border"),
        (Corrected(5, 500, 1), Order.BORDER, "this class is done"),
        (Corrected(2, 60, 30), Order.SUREST, "one by one on the Label page is quicker"),
    ],
)
def test_people_are_told_when_it_is_not_worth_going_on(last: Corrected, order: Order, says: str) -> None:
    assert says in words_about(last, order)
    assert pool_grid.ENOUGH > 50


@pytest.mark.slow
def test_several_people_go_through_the_pool_without_meeting(each_workspace: Workspace) -> None:
    world = world_of(each_workspace, 60, n_annotators=4)
    pages = pages_of(each_workspace, world, 5)
    seen: list[list[ItemId]] = [[] for _ in range(4)]

    def work(who: int) -> None:
        while page := ask(each_workspace, world, pages, who=who).page:
            seen[who] += shown(page)
            ask(each_workspace, world, pages, answer_of(page), who)

    people = [Thread(target=work, args=(who,)) for who in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    with each_workspace.database.read() as tx:
        given = labels.of_project(tx, world.project.id)
        left = pool_pages.taken(tx, world.project.id, world.annotators[0].id, given[0].at)
    every = [item for each in seen for item in each]
    assert sorted(every) == ids(world.items[6:])
    assert {one.item_id for one in given} == set(every)
    assert all(one.verdict is Verdict.CLASS for one in given)
    assert set(every) <= set(left.tolist())
