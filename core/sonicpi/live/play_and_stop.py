"""Play a program in the Sonic Pi that runs on this machine, and stop it.

Sonic Pi runs a program with all permissions of its user, outside of Earshot's sandbox. So a
program is sent only when a person asks for it.
"""

from __future__ import annotations

import os
import socket

from core.errors import EarshotError
from core.sonicpi.live.osc_encoding import encode_osc_message
from core.sonicpi.live.running_sonic_pi_server import RunningServer, find_running_server
from core.workspace import is_workspace_read_only, require_writable_workspace

HOST = "127.0.0.1"
# Sonic Pi reads this much of a message and drops the rest (osc/udp_server.rb, 3.2 to 4.6).
MAX_MESSAGE_BYTES = 16_384
SENDER_NAME = "earshot"  # where Sonic Pi 4 and later expect the token
REFUSAL_TIMEOUT_SECONDS = 0.1


def is_sonic_pi_allowed() -> bool:
    """Return whether programs may be sent to Sonic Pi, and files of this machine followed.

    Both are off when the workspace is read-only, and when the dashboard is open to other people
    (`./run --open` sets EARSHOT_OPEN).
    """
    return not is_workspace_read_only() and not os.environ.get("EARSHOT_OPEN")


def require_sonic_pi_access_allowed(action: str) -> None:
    """Raise an EarshotError unless `is_sonic_pi_allowed`; `action` as in "Playing a program"."""
    require_writable_workspace(action)
    if not is_sonic_pi_allowed():
        raise EarshotError(
            f"{action} is disabled while the dashboard is open to other people.",
            remedy="Start Earshot without --open.",
        )


def play_in_sonic_pi(code: str, server: RunningServer | None = None) -> RunningServer:
    """Run a program in the Sonic Pi on this machine.

    Parameters
    ----------
    code : str
        Sonic Pi code. It runs outside of the sandbox, with the permissions of Sonic Pi's user.
    server : RunningServer, optional
        By default the one that `find_running_server` finds.

    Returns
    -------
    RunningServer
        The server that received the program.

    Raises
    ------
    EarshotError
        When no Sonic Pi runs, the program is empty or too long for a message, or sending is
        disabled.

    Examples
    --------
    >>> play_in_sonic_pi("play 60")  # doctest: +SKIP
    RunningServer(generation='3.2', port=4557, token=None)
    """
    require_sonic_pi_access_allowed("Playing a program in Sonic Pi")
    if not code.strip():
        raise EarshotError("There is no code to play.")
    return _send_message(server or find_running_server(), "/run-code", code)


def stop_sonic_pi(server: RunningServer | None = None) -> RunningServer:
    """Stop all programs in the Sonic Pi on this machine, as its button Stop does.

    Parameters
    ----------
    server : RunningServer, optional
        By default the one that `find_running_server` finds.

    Returns
    -------
    RunningServer

    Raises
    ------
    EarshotError
        When no Sonic Pi runs, or sending is disabled.
    """
    require_sonic_pi_access_allowed("Stopping Sonic Pi")
    return _send_message(server or find_running_server(), "/stop-all-jobs")


def _send_message(server: RunningServer, address: str, *arguments: str) -> RunningServer:
    sender = SENDER_NAME if server.token is None else server.token
    try:
        message = encode_osc_message(address, sender, *arguments)
    except ValueError:
        raise EarshotError(
            "The program has a character that Sonic Pi cannot receive.",
            remedy="Remove null characters and broken Unicode.",
        ) from None
    if len(message) > MAX_MESSAGE_BYTES:
        raise EarshotError(
            f"The program is too long to send: {len(message):,} bytes, and Sonic Pi reads"
            f" {MAX_MESSAGE_BYTES:,} of a message.",
            remedy='Save it as a file, and in Sonic Pi run: run_file "/path/to/the/file.rb"',
        )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(REFUSAL_TIMEOUT_SECONDS)
        try:
            connection.connect((HOST, server.port))
            connection.send(message)
            connection.recv(1)  # Sonic Pi answers elsewhere; a closed port answers here.
        except TimeoutError:
            pass
        except OSError as error:
            raise EarshotError(
                f"Sonic Pi does not listen on port {server.port}.",
                remedy="Wait until it is ready, or restart it, and try again.",
            ) from error
    return server
