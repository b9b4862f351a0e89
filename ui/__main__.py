"""`python -m alflow.ui`: serve the pages on loopback; settings come from the environment (`ALFLOW_*`)."""

import sys

from alflow.errors import AlflowError
from alflow.settings import Settings
from alflow.ui.server import main

if __name__ == "__main__":
    try:
        main(Settings())
    except AlflowError as error:
        sys.exit(f"alflow: {error}")
