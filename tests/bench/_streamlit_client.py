"""A client of Streamlit's websocket, which measures the server without a browser.

A browser under automation reports every message, including figures of a megabyte, and draws between
two messages, so its timings measure the browser as well.
"""

from __future__ import annotations

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

TIMEOUT_S = 600


class StreamlitClient:
    """A browser tab without a browser.

    Parameters
    ----------
    url : str
        Address of the dashboard: "http://127.0.0.1:8501/".
    """

    def __init__(self, url: str):
        self._connection = connect(
            url.replace("http", "ws", 1) + "_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            compression=None,
        )
        self._cached_hashes: dict[str, None] = {}
        self._state = ClientState()
        self._messages: list[ForwardMsg] = []

    def __enter__(self) -> StreamlitClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def open_page(self, page: str) -> float:
        """Open a page; return the milliseconds until its script has ended.

        Parameters
        ----------
        page : str
            The page's path; "" is Home.
        """
        self._state = ClientState(page_name=page, query_string="")
        return self.rerun()

    def fill_text_input(self, label: str, text: str) -> float:
        """Fill a text input of the open page and rerun it; return what `rerun` returns."""
        text_inputs = [message.delta.new_element.text_input for message in self._deltas]
        (text_input,) = [widget for widget in text_inputs if widget.label == label]
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.add(id=text_input.id, string_value=text)
        return self.rerun()

    def rerun(self) -> float:
        """Run the open page's script again; return the milliseconds until it has ended."""
        self._state.cached_message_hashes[:] = list(self._cached_hashes)
        started = time.perf_counter()
        self._connection.send(BackMsg(rerun_script=self._state).SerializeToString())
        self._messages.clear()
        while True:
            message = ForwardMsg.FromString(self._connection.recv(TIMEOUT_S))
            self._messages.append(message)
            if message.metadata.cacheable:
                self._cached_hashes[message.hash] = None
            if message.WhichOneof("type") == "script_finished":
                return 1000 * (time.perf_counter() - started)

    @property
    def has_failed(self) -> bool:
        """Whether the last run of the script raised an exception."""
        return any(
            message.delta.new_element.WhichOneof("type") == "exception" for message in self._deltas
        )

    @property
    def _deltas(self) -> list[ForwardMsg]:
        """The elements that the last run of the script drew."""
        return [message for message in self._messages if message.WhichOneof("type") == "delta"]
