"""What a browser says to Streamlit and hears from it, without the browser.

A browser that is watched tells of each message, a megabyte of figure too, and draws between two of
them: a clock there says as much of the browser as of the server.
"""

from __future__ import annotations

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE_S = 60


class Client:
    """One tab.

    Parameters
    ----------
    address : str
        Of the dashboard, "http://127.0.0.1:8501/".
    """

    def __init__(self, address: str):
        self._channel = connect(
            address.replace("http", "ws", 1) + "_stcore/stream",
            subprotocols=["streamlit"],
            max_size=None,
            compression=None,
        )
        self._known: dict[str, None] = {}
        self._state = ClientState()
        self._heard: list[ForwardMsg] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_) -> None:
        self._channel.close()

    def open(self, page: str) -> float:
        """Go to a page; return the milliseconds until its script has ended.

        Parameters
        ----------
        page : str
            As in its address; "" is Home.
        """
        self._state = ClientState(page_name=page, query_string="")
        return self.rerun()

    def write(self, label: str, text: str) -> float:
        """Write into the open page's text field of that label, and rerun, as `rerun` says."""
        fields = [message.delta.new_element.text_input for message in self._drawn]
        (field,) = [each for each in fields if each.label == label]
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.add(id=field.id, string_value=text)
        return self.rerun()

    def rerun(self) -> float:
        """Run the open page's script again; return the milliseconds until it has ended."""
        self._state.cached_message_hashes[:] = list(self._known)
        started = time.perf_counter()
        self._channel.send(BackMsg(rerun_script=self._state).SerializeToString())
        self._heard.clear()
        while True:
            message = ForwardMsg.FromString(self._channel.recv(PATIENCE_S))
            self._heard.append(message)
            kind = message.WhichOneof("type")
            if message.metadata.cacheable:
                self._known[message.hash] = None
            if kind == "script_finished":
                return 1000 * (time.perf_counter() - started)

    @property
    def failed(self) -> bool:
        """Whether the page's last run ended in an exception."""
        return any(
            message.delta.new_element.WhichOneof("type") == "exception" for message in self._drawn
        )

    @property
    def _drawn(self) -> list[ForwardMsg]:
        """What the page's last run drew."""
        return [each for each in self._heard if each.WhichOneof("type") == "delta"]
