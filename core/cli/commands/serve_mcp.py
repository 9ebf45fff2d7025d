"""Serve predictions to assistants by the Model Context Protocol.

Assistants start this command themselves and talk to it over standard input and output; with --http
it waits for clients at http://127.0.0.1:PORT/mcp. docs/assistants.md shows how to set them up.
"""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from core.cli.argument_parsing import parse_positive_int
from core.cli.terminal_output import print_result_to_stdout, print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False
DEFAULT_PORT = 8503
MAX_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--http", action="store_true", help="serve over streamable HTTP instead")
    parser.add_argument(
        "--port", type=parse_positive_int, metavar="N", help=f"with --http: port ({DEFAULT_PORT})"
    )
    parser.add_argument(
        "--open",
        metavar="HOST",
        help="with --http: let other machines connect under this host name, with the token in"
        " EARSHOT_MCP_TOKEN",
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="let find_by_sound read sound files in this folder too; repeat for several",
    )
    parser.add_argument(
        "--transcript",
        action="store_true",
        help="instead, hold a short session with the server and print it as Markdown",
    )


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Serve, or print a transcript."""
    if not args.http and (args.port or args.open):
        raise EarshotError("--port and --open are options of --http.", remedy="Add --http.")
    for folder in args.folder:
        if not folder.is_dir():
            raise EarshotError("There is no such folder.", where=str(folder))
    if args.transcript:
        from core.mcp_server.example_session_for_documentation import record_example_session

        print_result_to_stdout(record_example_session())
        return
    from core.mcp_server.mcp_server_construction import build_mcp_server

    if not args.http:
        build_mcp_server(args.folder).run("stdio")
        return
    from core.mcp_server.http_transport import read_http_access, serve_over_http

    access = read_http_access(args.open)
    port = args.port or DEFAULT_PORT
    _require_free_port(port)
    server = build_mcp_server(args.folder)
    print_status_to_stderr(
        f"Earshot serves the Model Context Protocol at {_format_mcp_server_url(port)}."
    )
    serve_over_http(server, access, port)


def _format_mcp_server_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/mcp"


def _require_free_port(port: int) -> None:
    if port > MAX_PORT:
        raise EarshotError(f"{port} is no port.", remedy=f"Give 1 to {MAX_PORT}.")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise EarshotError(
                f"Port {port} cannot be used: {error.strerror}.",
                remedy="Close the other program, or choose another: ./run mcp --http --port N",
            ) from error
