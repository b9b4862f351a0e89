"""A page as a client without a browser gets it: Streamlit's own messages over its websocket."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE_S = 90


@dataclass
class Drawn:
    """What one run of the script drew.

    Attributes:
        elements: in order, as (kind, everything in it as text).
        widgets: label of a widget, or name of a component -> its id.
        menu: titles of the pages in the navigation.
        session: Streamlit's id of the script state.
    """

    elements: list[tuple[str, str]] = field(default_factory=list)
    widgets: dict[str, str] = field(default_factory=dict)
    menu: list[str] = field(default_factory=list)
    session: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(text for _, text in self.elements)

    def add(self, element: Element) -> None:
        """One more element."""
        kind = element.WhichOneof("type") or ""
        self.elements.append((kind, str(element)))
        drawn = getattr(element, kind, None)
        name = getattr(drawn, "label", "") or getattr(drawn, "component_name", "")
        if name and getattr(drawn, "id", ""):
            self.widgets[name] = drawn.id  # type: ignore[union-attr]


class Client:
    """One connection; `page` runs the script for an address, as the browser does at a visit or a click."""

    def __init__(self, url: str, cookie: str, *, resume: str = "", headers: dict[str, str] | None = None) -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        protocols = ["streamlit", "none", resume] if resume else ["streamlit"]
        self.socket = connect(
            address,
            additional_headers={"Cookie": cookie, **(headers or {})},
            subprotocols=protocols,  # type: ignore[arg-type]
            max_size=None,
        )

    def page(self, name: str, query: str, *widgets: WidgetState) -> Drawn:
        """Run the script with these states of widgets, and wait until it is through.

        ConnectionClosed where the server ends the connection.
        """
        message = BackMsg()
        message.rerun_script.page_name = name
        message.rerun_script.query_string = query
        message.rerun_script.widget_states.widgets.extend(widgets)
        self.socket.send(message.SerializeToString())
        drawn = Drawn()
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(self.socket.recv(timeout=PATIENCE_S))  # type: ignore[arg-type]
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.HasField("new_element"):
                drawn.add(answer.delta.new_element)
            elif kind == "navigation":
                drawn.menu = [page.page_name for page in answer.navigation.app_pages if not page.is_hidden]
            elif kind == "new_session":
                drawn.session = answer.new_session.initialize.session_id
            elif kind == "script_finished" and drawn.elements:
                return drawn

    def ends(self, name: str, query: str) -> int:
        """Ask for a page; the code with which the server closes the connection instead, 0 where it draws it."""
        try:
            self.page(name, query)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()
