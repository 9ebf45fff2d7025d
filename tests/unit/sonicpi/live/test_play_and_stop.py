"""Messages to Sonic Pi: what is sent, and what is refused before anything is sent."""

import socket
from collections.abc import Iterator

import pytest

from core.errors import EarshotError
from core.sonicpi.live import RunningServer, play_in_sonic_pi, stop_sonic_pi
from core.sonicpi.live.play_and_stop import MAX_MESSAGE_BYTES


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(5)
        yield opened


def test_sonic_pi_3_gets_a_name_and_later_ones_their_token(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    play_in_sonic_pi("play 60", RunningServer("3.2", port))
    assert receiver.recv(100) == b"/run-code\0\0\0,ss\0earshot\0play 60\0"
    play_in_sonic_pi("# ä", RunningServer("4", port, -2))
    assert receiver.recv(100) == b"/run-code\0\0\0,is\0\xff\xff\xff\xfe# \xc3\xa4\0\0\0\0"
    stop_sonic_pi(RunningServer("4", port, 1))
    assert receiver.recv(100) == b"/stop-all-jobs\0\0,i\0\0\0\0\0\x01"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (" \n", "no code"),
        ("play 60\0", "character"),
        ("# \ud800", "character"),
        ("# " + "x" * MAX_MESSAGE_BYTES, "too long"),
    ],
)
def test_code_that_cannot_arrive_is_refused(
    code: str, message: str, receiver: socket.socket
) -> None:
    with pytest.raises(EarshotError, match=message):
        play_in_sonic_pi(code, RunningServer("3.2", receiver.getsockname()[1]))
    receiver.settimeout(0.05)
    with pytest.raises(TimeoutError):
        receiver.recv(100)


def test_a_closed_port_is_an_error(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    receiver.close()
    with pytest.raises(EarshotError, match=f"does not listen on port {port}"):
        play_in_sonic_pi("play 60", RunningServer("3.2", port))


@pytest.mark.parametrize("variable", ["EARSHOT_READ_ONLY", "EARSHOT_OPEN"])
def test_nothing_is_sent_where_others_could_ask_for_it(
    variable: str, receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    server = RunningServer("3.2", receiver.getsockname()[1])
    with pytest.raises(EarshotError, match="disabled"):
        play_in_sonic_pi("play 60", server)
    with pytest.raises(EarshotError, match="disabled"):
        stop_sonic_pi(server)
