"""The grid through the pool: one class's most probable images, or those nearest to its border, page after page.

Pages take images that no round asks or asked about, that are in no reserve and have no answer (see
`alflow.store.desk.pool_pages`). They become candidates of origin GRID behind the newest round: their answers count as
any other's in fits, and are neither the strategy's nor the control slice's in estimates.

The predictions are those that are kept for all pages (`alflow.workflow.model.kept`): what a page reads grows with the
labels, not with the pool.

Axes: P embedded images of the pool, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, Round
from alflow.embeddings import places
from alflow.errors import InvalidInputError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import pool_pages
from alflow.store.desk.pool_pages import Corrected
from alflow.store.images import items
from alflow.store.rounds import rounds
from alflow.store.rounds.candidates import NewCandidate, new_candidates
from alflow.workflow.desk.grid import Kind, Offer, reserved_page
from alflow.workflow.desk.grid_answers import LARGEST_PAGE
from alflow.workflow.desk.queue import allowed_beyond
from alflow.workflow.model.kept import Outlook, outlook_at_hand
from alflow.workspace import Workspace

LAST_PAGES: Final = 5
"""How many pages of a class tell how it goes."""

DONE: Final = 0.01
"""Up to this share of corrected images, among `ENOUGH` of them, more of the same teach little."""
ENOUGH: Final = 200

LOST: Final = 0.3
"""From this share on, marking what is wrong costs more than to answer one by one."""


class Order(StrEnum):
    """Which images of a class come first: the most probable, or those that were nearly of another one."""

    SUREST = "surest"
    BORDER = "border"


@dataclass(frozen=True)
class Ranking:
    """What a model says of the pool, as pages read it.

    Attributes:
        outlook: of the model.
        rows: of the images in it.
        item_ids: ascending.
        predicted: the most probable class, as a column.
        probability: of that class.
        margin: by how much it is more probable than the next.
    """

    outlook: Outlook
    rows: Int64[Tensor, " P"]
    item_ids: Int64[Tensor, " P"]
    predicted: Int64[Tensor, " P"]
    probability: Float[Tensor, " P"]
    margin: Float[Tensor, " P"]

    def without(self, taken: Int64[Tensor, " M"]) -> Bool[Tensor, " P"]:
        """Which images are left when these items are taken out."""
        left = torch.ones(len(self.item_ids), dtype=torch.bool)
        left[places(self.item_ids, taken)[0]] = False
        return left

    def counts(self, left: Bool[Tensor, " P"]) -> dict[ClassId, int]:
        """Class id -> how many of these images are predicted to be of it, where there are any."""
        found = torch.bincount(self.predicted[left], minlength=len(self.outlook.class_ids)).tolist()
        return {class_id: n for class_id, n in zip(self.outlook.class_ids, found, strict=True) if n}

    def first(self, left: Bool[Tensor, " P"], class_id: ClassId, order: Order, count: int) -> Int64[Tensor, " K"]:
        """Rows of the first of these images that are predicted to be of a class, the first one first."""
        mine = (left & (self.predicted == self.outlook.class_ids.index(class_id))).nonzero()[:, 0]
        value = self.probability[mine] if order is Order.SUREST else -self.margin[mine]
        return self.rows[mine[value.topk(min(count, len(mine))).indices]]

    def candidates(self, rows: Int64[Tensor, " K"], votes: int) -> list[NewCandidate]:
        """These rows as candidates."""
        said = self.outlook
        parts = zip(said.epistemic[rows].tolist(), said.aleatoric[rows].tolist(), strict=True)
        found = new_candidates(
            said.item_ids[rows].tolist(), said.class_ids, said.probabilities[rows].tolist(), parts, votes
        )
        return [replace(one, origin=Origin.GRID) for one in found]


@dataclass(frozen=True)
class PagesOfPool:
    """Where pages come from, for `alflow.workflow.desk.grid_exchange`: each of `size` images at most."""

    ranking: Ranking
    order: Order
    size: int

    def __call__(
        self, tx: Transaction, project: Project, round_: Round | None, annotator_id: AnnotatorId, wanted: ClassId | None
    ) -> Offer:
        """A page for this annotator, who is locked; all others get other images."""
        if round_ is None:
            return Offer({}, None)
        now = datetime.now(UTC)
        most = allowed_beyond(tx, project, round_, annotator_id, now, self.size)
        if most <= 0:
            limit = project.settings.max_labels
            return Offer({}, None, f"The project has its {limit} labels, or will have them with this round.")
        left = self.ranking.without(torch.from_numpy(pool_pages.taken(tx, project.id, annotator_id, now)))
        waiting = self.ranking.counts(left)
        class_id = wanted if wanted in waiting else max(waiting, key=waiting.__getitem__, default=None)
        if class_id is None:
            return Offer(waiting, None)

        def choose(_: float) -> Sequence[CandidateId]:
            items.lock(tx, project.id)
            newest = rounds.last(tx, project.id)
            if newest is None or newest.id != round_.id:
                return []  # opened since: the next request sees what it asks about
            rows = self.ranking.first(left, class_id, self.order, most)
            new = self.ranking.candidates(rows, project.settings.votes)
            return list(pool_pages.offer(tx, project.id, round_.id, new).values())

        kind = Kind(Origin.GRID, f"{self.order}-{self.size}-")
        page = reserved_page(tx, project, round_, annotator_id, class_id, kind, choose)
        last = pool_pages.corrected(tx, project.id, class_id, LAST_PAGES)
        return Offer(waiting, page, words_about(last, self.order))


def through_the_pool(workspace: Workspace, project_id: ProjectId, order: Order, size: int) -> PagesOfPool:
    """Where pages of this order and size come from; read before the transaction that reserves one.

    Raises:
        InvalidInputError: a page cannot have that size; or a shard is damaged.
        NotFoundError: there is no such project, nothing is embedded, or there is no posterior yet.
        ConflictError: the project has fewer than two classes.
    """
    if not 0 < size <= LARGEST_PAGE:
        raise InvalidInputError(f"a page has 1 to {LARGEST_PAGE} images, not {size}")
    newest = outlook_at_hand(workspace, project_id)
    ranking = workspace.keep(f"ranking {newest.hash}", lambda: rank(workspace, project_id, newest))
    return PagesOfPool(ranking, order, size)


def words_about(last: Corrected, order: Order) -> str:
    """What the last pages of a class say: what share was corrected, and whether to go on."""
    if not last.images:
        return ""
    share = last.wrong / last.images
    pages = "the last page" if last.pages == 1 else f"the last {last.pages} pages"
    said = f"Of {pages} of this class, {last.images} images, {share:.1%} were corrected."
    if share >= LOST:
        return f"{said} So many are wrong that to answer one by one on the Label page is quicker."
    if share > DONE or last.images < ENOUGH:
        return said
    if order is Order.BORDER:
        return f"{said} The model hardly errs even near the border: this class is done."
    return (
        f"{said} The model hardly errs here: go on near the border, from which it learns more, or with another class."
    )


def rank(workspace: Workspace, project_id: ProjectId, newest: Outlook) -> Ranking:
    """The images of the pool by what a model says of them.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        pool = torch.tensor(items.ids(tx, project_id, Split.POOL), dtype=torch.int64)
    rows, _ = newest.rows(pool)
    newest.entropies()  # read, or made, while no transaction holds up anybody
    (first, second), (predicted, _) = (each.unbind(1) for each in newest.probabilities[rows].topk(2, dim=1))
    return Ranking(newest, rows, newest.item_ids[rows], predicted, first, first - second)
