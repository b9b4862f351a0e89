"""Prompts through the text tower, a part at a time."""

from collections.abc import Iterator, Sequence

from alflow.domain.projects import Project
from alflow.embeddings import Activations
from alflow.progress import Progress, silent
from alflow.workflow.images.embed import towers_in_use
from alflow.workflow.images.shards import EncoderInUse
from alflow.workspace import Workspace


def encode_prompts(
    workspace: Workspace,
    project: Project,
    encoder: EncoderInUse,
    prompts: Sequence[Sequence[str]],
    progress: Progress = silent,
) -> Activations:
    """One row of text activations for each class, from its prompts; the text tower is loaded if it is not yet.

    Raises:
        ConflictError: the weights of the project's model changed since its images were embedded.
        UnavailableError: its weights cannot be had on this machine.
    """
    from alflow.vlm.encoder import class_activations  # noqa: PLC0415 - open_clip takes seconds to import

    towers, total = towers_in_use(workspace, project, encoder), sum(len(one) for one in prompts)
    parts, done = [], 0
    progress(0, total)
    for some in _about(prompts, 4 * workspace.settings.batch_size):
        parts.append(class_activations(towers, some))
        done += sum(len(one) for one in some)
        progress(done, total)
    return Activations.concatenate(parts)


def _about(prompts: Sequence[Sequence[str]], texts: int) -> Iterator[list[Sequence[str]]]:
    """Classes in groups of about so many texts."""
    group: list[Sequence[str]] = []
    for one in prompts:
        group.append(one)
        if sum(map(len, group)) >= texts:
            yield group
            group = []
    if group:
        yield group
