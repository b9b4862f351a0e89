"""`python -m alflow` is `alflow`."""

from alflow.cli import app

app(prog_name="alflow")
