"""What a project's model is made of, told without PyTorch: where its posterior is from, and which fit is the newest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self

from alflow.domain.projects import Project
from alflow.domain.rounds import Round, RoundState
from alflow.errors import InvalidInputError
from alflow.ids import ProjectId
from alflow.workspace import Workspace


@dataclass(frozen=True)
class PosteriorSource:
    """What a posterior was made of.

    Attributes:
        kind: "imported", "pairs" (estimated from images with captions), or "pool" (from those of the pool without).
        images, texts: how many are behind the factors of either side.
        made_of: hash of the encoder, the images and the texts, where alflow chose these itself.
        vocabulary: hash of those texts.
    """

    kind: Literal["imported", "pairs", "pool"]
    images: int
    texts: int
    made_of: str | None = None
    vocabulary: str | None = None

    @property
    def words(self) -> str:
        """In words."""
        if self.kind == "pool":
            texts = f"{self.texts:,} texts (vocabulary {self.vocabulary[:12] if self.vocabulary else 'unknown'})"
            return f"estimated from {self.images:,} images of the pool and {texts}"
        return f"{'imported, ' if self.kind == 'imported' else ''}estimated from {self.images:,} image-caption pairs"

    def as_metadata(self) -> dict[str, str]:
        """To be kept with tensors."""
        return {"source": json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """What `as_metadata` made; None where there is nothing of it.

        Raises:
            InvalidInputError: it is something else.
        """
        if "source" not in metadata:
            return None
        try:
            return cls(**json.loads(metadata["source"]))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"this is no source of a posterior: {error}") from error


def posterior_source(workspace: Workspace, project: Project) -> PosteriorSource | None:
    """Where the project's posterior is from; None if it has none, or that was never written down or is damaged."""
    if project.posterior is None or not workspace.artifacts.exists(posterior_path(project.posterior)):
        return None
    try:
        return PosteriorSource.from_metadata(workspace.artifacts.read_metadata(posterior_path(project.posterior)))
    except InvalidInputError:
        return None  # whoever needs the posterior itself is told


def missing_posterior(workspace: Workspace, project: Project, n_pool: int = 0) -> str | None:
    """What is missing where the project has no posterior, with the remedy.

    None if it has one, gets the shipped one, or will estimate one from a pool of so many images.
    """
    remedy = (
        f"run `alflow posterior import DIR` with factors published for {project.model}, or `alflow posterior estimate "
        "MANIFEST` on images with captions"
    )
    if project.posterior is None:
        if project.model == "demo" or n_pool > 1:
            return None
        return (
            f"the project {project.name!r} has no posterior; {remedy}; without either, its first round estimates one "
            "from the pool, which needs two embedded images for that"
        )
    path = posterior_path(project.posterior)
    if workspace.artifacts.exists(path):
        return None
    lost = f"the project {project.name!r} has lost its posterior, {workspace.artifacts.path(path)}"
    return f"{lost}; {remedy}, or `alflow posterior estimate` on the pool"


def posterior_path(name: str) -> str:
    """Where the factors of that hash lie among the artifacts."""
    return f"posteriors/{name}.safetensors"


def last_fit(past: Sequence[Round]) -> str | None:
    """Hash of the newest fit among these rounds; None while there is none."""
    fits = [done.hashes["fit"] for done in past if done.state is RoundState.CLOSED and "fit" in done.hashes]
    return fits[-1] if fits else None


def fit_path(project_id: ProjectId, fit: str) -> str:
    """Where a round's fit lies among the artifacts."""
    return f"projects/{project_id}/fields/{fit}.safetensors"
