"""Embedding in Prefect: one task per shard of images, never one per image; what was embedded before is left alone.

Between turns of some shards it looks whether people wait for a round, which then goes first.
"""

from typing import TYPE_CHECKING

from alflow.domain.projects import Project
from alflow.flows.context import workspace
from alflow.flows.spreading import spread
from alflow.progress import Progress

if TYPE_CHECKING:
    from alflow.workflow.images.embed import EmbedReport


def embed_shards(project: Project, progress: Progress, *, in_turns: bool = True) -> "EmbedReport":
    """Embed the items of a project that are due, inside a flow; returns what became of them.

    Where a round is to be opened or closed, that is only as many as it waits for, and the next run embeds the others;
    all at once, unless `in_turns`.

    Raises:
        AlflowError: a shard of them could not be embedded, for a reason that is not one of its images.
    """
    from alflow.workflow.images.embed import EmbedReport, embed_items
    from alflow.workflow.images.embedded import due_ids
    from alflow.workflow.rounds.turns import next_to_embed
    from alflow.workflow.rounds.waiting import note_look

    due, report, done = due_ids(workspace(), project), EmbedReport(0, 0, ()), 0

    def tell(of_turn: int, _: int | None) -> None:
        note_look(workspace(), project.id)  # so that a long run does not look like a stopped schedule
        progress(done + of_turn, done + len(due))

    while due and (turn := next_to_embed(workspace(), project, due, began=done > 0) if in_turns else due):
        report = report.joined(embed_items(spread(), project, turn, tell))
        done += len(turn)
        taken = set(turn)
        due = [one for one in due if one not in taken]
    return report
