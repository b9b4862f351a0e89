"""What takes seconds to import, once in the process that others are forked from (`tests.forks`)."""

from importlib import import_module

import open_clip  # noqa: F401
import sklearn.cluster  # noqa: F401
import sklearn.manifold  # noqa: F401

import alflow.ui.server  # noqa: F401
import tests.crash.kills  # noqa: F401
import tests.web  # noqa: F401
from alflow.store import schema
from alflow.ui.door import access

schema.age("")  # imports the migrations
for page in access.PAGES.values():
    import_module(page.module)
