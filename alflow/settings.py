"""The one place that reads the environment: every setting of the machine, as against those of a project."""

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from alflow.errors import InvalidInputError


class Settings(BaseSettings):
    """Where things are kept and how they run; each field is also the variable ALFLOW_<FIELD>, or a line of `.env`.

    Attributes:
        home: folder of everything alflow writes by default.
        database_url: SQLAlchemy URL; SQLite in `home` by default, postgresql+psycopg://... for teams.
        artifacts_url: fsspec URL or folder of tensors and renditions; inside `home` by default.
        device: torch device of the encoder and the fit.
        batch_size: images a forward pass.
        host, port: where the UI listens; anything but loopback is refused until there are accounts.
        prefect_port: where `alflow up` keeps its Prefect server.
        schedule_seconds: how often the schedule looks what is due.
        sign_in_token: secret of the sign-in link; `alflow up` makes one and hands it to the UI.
    """

    model_config = SettingsConfigDict(env_prefix="ALFLOW_", env_file=".env", extra="ignore")

    home: Path = Path(".alflow")
    database_url: str = ""
    artifacts_url: str = ""
    device: str = "cpu"
    batch_size: int = Field(default=64, ge=1)
    host: str = "127.0.0.1"
    port: int = 8501
    prefect_port: int = 4200
    schedule_seconds: float = Field(default=30.0, gt=0)
    sign_in_token: str = ""

    @property
    def database(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'alflow.db'}"

    @property
    def artifacts(self) -> str:
        """The artifact root, with the default filled in."""
        return self.artifacts_url or str(self.home.resolve() / "artifacts")

    def as_environment(self) -> dict[str, str]:
        """The variables that make these very settings in another process, wherever it runs."""
        values = self.model_copy(update={"home": self.home.resolve()}).model_dump(mode="json")
        return {f"ALFLOW_{name.upper()}": str(value) for name, value in values.items()}


def require_loopback(host: str) -> None:
    """Refuse to be reachable from elsewhere: there are no accounts yet, whoever reaches the port could label.

    Raises:
        InvalidInputError: the host is not a loopback address.
    """
    if host == "localhost":
        return
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise InvalidInputError(
            f"alflow does not listen on {host!r}: there are no accounts yet, so only this machine may reach it; "
            "set ALFLOW_HOST=127.0.0.1, and use an SSH tunnel from elsewhere"
        )
