"""`alflow` in a terminal. Only light imports here: a command imports what it needs when it runs."""

import os

from alflow.commands import (
    accept,
    backtest,
    backup,
    classes,
    doctor,
    doubts,
    embed,
    export,
    figures,
    find,
    guide,
    importing,
    labels,
    maps,
    messages,
    models,
    people,
    projects,
    replay,
    report,
    rounds,
    running,
    settings,
    states,
    tokens,
    watching,
)
from alflow.commands.console import Commands, new_app

# Threads that spin while they wait make a busy machine many times slower; OpenMP reads this when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = new_app(
    "Active learning for images: which ones are worth a label, getting them labelled, and when to stop.",
    cls=Commands,
)
projects.register(app)
states.register(app)
classes.register(app)
importing.register(app)
watching.register(app)
settings.register(app)
embed.register(app)
models.register(app)
figures.register(app)
rounds.register(app)
replay.register(app)
backtest.register(app)
find.register(app)
maps.register(app)
labels.register(app)
doubts.register(app)
accept.register(app)
export.register(app)
report.register(app)
people.register(app)
tokens.register(app)
messages.register(app)
running.register(app)
doctor.register(app)
backup.register(app)
guide.register(app)
