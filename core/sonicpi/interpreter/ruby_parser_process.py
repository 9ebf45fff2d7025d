"""Parser of Sonic Pi programs: a Ruby process that uses Ruby's own parser and runs no program."""

from __future__ import annotations

import atexit
import json
import resource
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import EarshotError
from core.sonicpi.interpreter.syntax_tree_types import Node
from core.sonicpi.message_framed_process import FramedProcess, FramedProcessError
from core.sonicpi.sandbox import check_sandbox, wrap_in_sandbox

PARSER_SCRIPT = Path(__file__).with_name("parser.rb")
# A program takes milliseconds, but the machine may be busy.
PARSE_TIMEOUT_SECONDS = 20.0
MAX_PARSE_ATTEMPTS = 2
START_TIMEOUT_SECONDS = 60.0
EXIT_TIMEOUT_SECONDS = 0.5
MAX_PARSER_MEMORY_BYTES = 1 << 30
POSITIONS_REQUEST = b"\x01"
"""First byte of a request for the tree with positions."""
LIST_REQUEST = b"\x02"
"""First byte of a request for the trees of several programs."""
LINES_REQUEST = b"\x03"
"""First byte of a request for the tree with the lines of statements."""
INSTALL_HINT = "Install it with: sudo apt-get install ruby"

_parser_lock = threading.Lock()
_running_parsers: list[_ParserProcess] = []


@dataclass(frozen=True)
class ParsedProgram:
    """Syntax tree of a program, and its first syntax error.

    Attributes
    ----------
    tree : Node
        The tree that `parser.rb` describes: of the whole program, or of the part before the
        syntax error. None when nothing can be parsed.
    error_line : int or None
        Line of the syntax error, from 1; None without one.
    error_message : str
        Ruby's words for it; "" without one.
    """

    tree: Node
    error_line: int | None = None
    error_message: str = ""


def parse_program(source: str) -> Node:
    """Parse a program, or the part of it before its first syntax error.

    `parse_program_and_error` also returns the syntax error.

    Examples
    --------
    >>> from core.sonicpi.interpreter import parse_program
    >>> parse_program("play 60")
    ['seq', ['call', None, 'play', [['num', 60]]]]
    """
    return parse_program_and_error(source).tree


def parse_program_and_error(source: str) -> ParsedProgram:
    """Parse a program.

    Parameters
    ----------
    source : str
        The program.

    Returns
    -------
    ParsedProgram

    Raises
    ------
    EarshotError
        When Ruby is not installed, or the parser was killed or too slow. That may happen with any
        program, and another attempt may succeed.

    """
    request = source.encode("utf-8", "replace")
    if request.startswith((POSITIONS_REQUEST, LIST_REQUEST, LINES_REQUEST)):
        request = b" " + request
    return _decode_parser_reply(_request_parser_reply(request))


def parse_program_with_lines(source: str) -> Node:
    """Parse a program to a tree in which each statement is ["line", its line, statement].

    Raises
    ------
    EarshotError
        As `parse_program_and_error`.
    """
    request = LINES_REQUEST + source.encode("utf-8", "replace")
    return _decode_parser_reply(_request_parser_reply(request)).tree


def parse_programs_and_errors(sources: Sequence[str]) -> list[ParsedProgram]:
    """Parse several short programs at once, which takes less time than one after another.

    Raises
    ------
    EarshotError
        As `parse_program_and_error`.
    """
    request = LIST_REQUEST + json.dumps(list(sources)).encode("utf-8", "replace")
    replies = _request_parser_reply(request)
    if replies is None:  # One of them made the parser exit.
        return [parse_program_and_error(source) for source in sources]
    return [_decode_parser_reply(reply) for reply in replies]


def _decode_parser_reply(reply: Any) -> ParsedProgram:
    if reply is None:
        return ParsedProgram(None)
    return ParsedProgram(reply["tree"], reply["line"], reply["message"] or "")


def parse_source_positions(source: str) -> Node:
    """Parse a program to the tree of `source_positions.rb`, whose nodes have byte positions.

    Returns
    -------
    Node
        [kind, first byte, byte after the last, children…] in the UTF-8 source; None for a program
        that does not parse.

    Raises
    ------
    EarshotError
        As `parse_program_and_error`.
    """
    tree: Node = _request_parser_reply(POSITIONS_REQUEST + source.encode("utf-8", "replace"))
    return tree


def _request_parser_reply(request: bytes) -> Any:
    """Return the decoded reply to a request; None when it makes the parser exit."""
    with _parser_lock:
        for _ in range(MAX_PARSE_ATTEMPTS):
            if not _running_parsers:
                _running_parsers.append(_ParserProcess())
            try:
                return json.loads(_running_parsers[0].request_syntax_tree(request))
            except (ValueError, RecursionError):
                _running_parsers.pop().close_and_check_killed()
                return None
            except (OSError, FramedProcessError):
                # A program that makes the parser exit cannot be parsed.
                if not _running_parsers.pop().close_and_check_killed():
                    return None
        raise EarshotError(
            f"The parser was killed, or too slow, {MAX_PARSE_ATTEMPTS} times.",
            remedy="Try again.",
        )


class _ParserProcess:
    """The Ruby process. It runs in the sandbox if there is one; it never runs a program."""

    def __init__(self) -> None:
        command = ["/usr/bin/ruby", "--disable-gems", str(PARSER_SCRIPT)]
        if check_sandbox()[0]:
            command = wrap_in_sandbox(command, sample_folders=(PARSER_SCRIPT.parent,))
        try:
            self._process = FramedProcess(command)
        except OSError as error:
            raise EarshotError("Ruby is not installed.", remedy=INSTALL_HINT) from error
        memory_limit = (MAX_PARSER_MEMORY_BYTES, MAX_PARSER_MEMORY_BYTES)
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, memory_limit)
        self._exchange_message(b"", START_TIMEOUT_SECONDS)

    def request_syntax_tree(self, source_bytes: bytes) -> bytearray:
        return self._exchange_message(source_bytes, PARSE_TIMEOUT_SECONDS)

    def _exchange_message(self, body: bytes, timeout_seconds: float) -> bytearray:
        self._process.send_message(body)
        return self._process.receive_message(time.monotonic() + timeout_seconds)

    def kill_parser_process(self) -> None:
        self._process.close()

    def close_and_check_killed(self) -> bool:
        """End the process; return whether it was killed or still busy, not ended by itself."""
        status = self._process.wait_for_exit(EXIT_TIMEOUT_SECONDS)
        self._process.close()
        return status in (None, -signal.SIGKILL, 128 + signal.SIGKILL)


@atexit.register
def _kill_all_parser_processes() -> None:
    while _running_parsers:
        _running_parsers.pop().kill_parser_process()
