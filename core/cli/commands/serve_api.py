"""Serve the HTTP API: predictions, forecasts, suggestions, rankings and clips for other programs.

It listens at 127.0.0.1 unless --host names another address, which needs a token in
EARSHOT_API_TOKEN. The page /docs lists every route with its fields.
"""

from __future__ import annotations

import argparse
import os

from core.cli.argument_parsing import parse_positive_int
from core.cli.terminal_output import print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False
DEFAULT_PORT = 8600
MAX_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--port",
        type=parse_positive_int,
        default=DEFAULT_PORT,
        metavar="N",
        help=f"port ({DEFAULT_PORT})",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at (127.0.0.1); any other needs EARSHOT_API_TOKEN",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name under which others reach the server; may be given several times",
    )
    parser.add_argument("--read-only", action="store_true", help="render and change nothing")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Serve until the process is interrupted."""
    import uvicorn

    from core.http_api.api_application import build_api_application
    from core.http_api.request_authorization import read_api_access_and_require_sandbox
    from core.suggest.program_analysis_process_pool import get_program_analysis_process_pool

    if args.port > MAX_PORT:
        raise EarshotError(f"There is no port {args.port}.", remedy=f"Use 1 to {MAX_PORT}.")
    if args.read_only:
        os.environ["EARSHOT_READ_ONLY"] = "1"
    access = read_api_access_and_require_sandbox(args.host, args.allow_host)
    application = build_api_application(access)
    config = uvicorn.Config(
        application, host=args.host, port=args.port, log_level="warning", server_header=False
    )
    try:
        listening_socket = config.bind_socket()
    except SystemExit:  # uvicorn has logged the reason.
        raise EarshotError(
            f"The API cannot listen at {args.host}, port {args.port}.",
            remedy=f"Close the other program, or use another port: --port {args.port + 1}",
        ) from None
    listening_socket.listen()  # Requests wait from now on until the server has started.
    print_status_to_stderr(
        f"The API is at http://{args.host}:{listening_socket.getsockname()[1]}/v1,"
        " its reference at /docs (Ctrl+C closes it)."
    )
    get_program_analysis_process_pool().start_workers()
    uvicorn.Server(config).run(sockets=[listening_socket])
