"""Parts of a page that are drawn anew by themselves."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

P = ParamSpec("P")


def live(every: str | float, which: str = "") -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Draw a part each `every`, such as "4s" or 2.0 seconds; once on a page, where its name, and `which`, is its key.

    It does not fade while it is drawn: `theme.FRAME` knows it by that key.
    """

    def of(draw: Callable[P, None]) -> Callable[P, None]:
        @st.fragment(run_every=every)
        @wraps(draw)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
            with st.container(key=f"live-{draw.__name__}{which}"):
                draw(*args, **kwargs)

        return drawn

    return of
