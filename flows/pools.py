"""Deployments on a work pool of Prefect, whose workers run them: as processes, in containers, on Kubernetes."""

from collections.abc import Sequence
from typing import Any

from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound

from alflow.errors import InvalidInputError, NotFoundError
from alflow.settings import Settings


async def register(deployments: Sequence[RunnerDeployment], settings: Settings, pool: str, image: str = "") -> None:
    """Register the deployments on a work pool, those of another place too.

    Args:
        deployments: what is to run there.
        settings: of the machine that registers. The workers have their own, in their environment or in the pool's
            template, since some are secret; they must name the same database and artifacts.
        pool: its name.
        image: of containers with alflow, where the pool starts containers.

    Raises:
        NotFoundError: there is no such pool.
        InvalidInputError: the pool starts containers, and there is no image, or nothing that they could share.
    """
    async with get_client() as client:
        try:
            found = await client.read_work_pool(pool)
        except ObjectNotFound as error:
            make = f"`prefect work-pool create {pool} --type process` makes one (or docker, kubernetes)"
            raise NotFoundError(f"there is no work pool '{pool}': {make}") from error
    is_shared = bool(settings.database_url and settings.artifacts_url)
    if found.type != "process":
        if not (image or _image_of(found.base_job_template)):
            raise InvalidInputError(
                f"the pool '{pool}' starts containers: name their image, which has alflow (--image)"
            )
        if not is_shared:
            raise InvalidInputError(
                f"the pool '{pool}' runs on other machines: they need a PostgreSQL (ALFLOW_DATABASE_URL) and an "
                "artifact root such as s3:// (ALFLOW_ARTIFACTS_URL) that all share"
            )
    home = {} if is_shared else {"ALFLOW_HOME": str(settings.home.resolve())}  # jobs run in folders of their own
    for one in deployments:
        one.job_variables = {"env": home} if home else {}
        await one.aapply(work_pool_name=pool, image=image or None)


def _image_of(template: dict[str, Any]) -> str:
    """The image that the pool's template names, unless it is Prefect's own, which has no alflow."""
    default = str(template.get("variables", {}).get("properties", {}).get("image", {}).get("default") or "")
    return "" if default.startswith("prefecthq/") else default
