"""Responses without the delay of small packets (Nagle's algorithm).

Streamlit creates the server's socket without naming its protocol. asyncio, which otherwise switches
the delay off, does not recognize it as a TCP socket. Each file and message of several packets then
waits 40 ms for the browser's delayed acknowledgement: a second for the files of a first visit.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any


def disable_packet_delay_of_servers(loop: asyncio.AbstractEventLoop) -> None:
    """Set TCP_NODELAY on sockets that servers of an event loop will listen on.

    Connections inherit it. Call it before the server starts to listen.

    Parameters
    ----------
    loop : AbstractEventLoop
    """
    create_server = loop.create_server

    async def create_server_without_delay(
        *arguments: Any, sock: socket.socket | None = None, **options: Any
    ) -> asyncio.base_events.Server:
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await create_server(*arguments, sock=sock, **options)

    # The loop of uvloop has no such attribute, but sets the option itself.
    with contextlib.suppress(AttributeError):
        loop.create_server = create_server_without_delay  # type: ignore[method-assign] # of this loop only
