"""Search results: a grid to select from, to find more like one, and to send to the queue (see finder.js)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import streamlit as st

from alflow.ids import ItemId
from alflow.ui.components import modules


class Tile(TypedDict):
    """One image, as text ready to show."""

    id: ItemId
    image: str
    score: str
    label: str  # its label, or ""
    believed: str  # its predicted class, or ""
    mark: str  # why it cannot be sent, or ""
    free: bool  # whether it can be sent to the queue
    history: str  # address of its history


def finder(
    tiles: Sequence[Tile],
    key: str,
    *,
    may_send: bool,
    like: Callable[[ItemId], None],
    send: Callable[[list[ItemId], str], None],
) -> None:
    """Show the tiles.

    Args:
        tiles: what was found.
        key: of this search: another one starts with nothing selected.
        may_send: whether tiles can be selected and sent.
        like: called with the image of which somebody wants more.
        send: called with the selected images and the reason; both before the page is drawn again.
    """
    modules.component("finder", "finder.js")(
        data={"tiles": list(tiles), "may_send": may_send},
        key=key,
        on_like_change=lambda: like(ItemId(int(st.session_state[key]["like"]))),
        on_send_change=lambda: send([ItemId(int(one)) for one in _sent(key)["ids"]], str(_sent(key)["why"])),
    )


def _sent(key: str) -> Mapping[str, Any]:
    return dict(st.session_state[key]["send"])
