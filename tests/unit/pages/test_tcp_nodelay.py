"""Servers of the event loop send small packets at once."""

from __future__ import annotations

import asyncio
import socket

from pages.components.tcp_nodelay import disable_packet_delay_of_servers


def test_connections_of_a_socket_as_streamlit_creates_it_have_no_delay() -> None:

    async def serve() -> bool:
        loop = asyncio.get_running_loop()
        disable_packet_delay_of_servers(loop)
        option: asyncio.Future[int] = loop.create_future()

        class Connection(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                option.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        listener = socket.socket(family=socket.AF_INET)
        listener.bind(("127.0.0.1", 0))
        server = await loop.create_server(Connection, sock=listener)
        with socket.create_connection(listener.getsockname()):
            is_nodelay = bool(await asyncio.wait_for(option, 10))
        server.close()
        return is_nodelay

    assert asyncio.run(serve())


def test_a_server_by_host_and_port_still_starts() -> None:
    async def serve() -> int:
        loop = asyncio.get_running_loop()
        disable_packet_delay_of_servers(loop)
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        return port

    assert asyncio.run(serve()) > 0
