"""One module, one page: ask the workflow, show the answer."""


def load() -> None:
    """Import every page now: what they need takes seconds to import, which nobody should wait for at a first visit."""
    from ui.pages import (  # noqa: F401
        adjudicate,
        backtest,
        checks,
        find,
        grid,
        history,
        label,
        people,
        project,
        quality,
        rounds,
    )
