"""The command line: the same functions that the pages call, with bars and tables.

Each module in `core.cli.commands` is one command. Its docstring's first line is its
summary; `add_arguments(parser)` declares its options and `run(args, progress)` does it; `IS_LONG_RUNNING`
says whether it takes the workspace's turn (`core.jobs.worker.wait_for_turn`) and so can be
started with ``--background``. What a command needs is imported when it runs, so that
help comes at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from contextlib import contextmanager
from keyword import iskeyword
from types import ModuleType
from typing import Iterator, Sequence

from core import __version__
from core.cli.output import print_error, is_pipe_closed, print_to_stderr, open_terminal_progress
from core.cli.parsing import CommandParser, suggest_matches
from core.errors import convert_system_error
from core.progress import Progress

# `pip install -e .` installs the same program as `earshot`.
EXECUTABLE = "earshot" if os.path.basename(sys.argv[0]) == "earshot" else "./run"
COMMANDS = (
    "generate",
    "gallery",
    "render",
    "build",
    "embed",
    "check",
    "import",
    "export",
    "train",
    "sweep",
    "evaluate",
    "map",
    "compare",
    "study",
    "neighbours",
    "jobs",
    "doctor",
    "licences",
    "bench",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its arguments; those of this process if left out.

    Returns
    -------
    int
        Exit status: 0 done, 1 failed with a message, 2 not understood, 130 stopped.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(format_overview())
        return 0
    if argv == ["--version"]:
        print(f"Earshot {__version__}")
        return 0
    name, *rest = argv
    if name not in COMMANDS:
        print_error(f"{EXECUTABLE}: there is no command {name!r}.", suggest_matches(name, COMMANDS, "command"))
        return 2
    try:
        return _run_command(name, rest)
    except KeyboardInterrupt:
        print_error(f"{EXECUTABLE} {name}: stopped.")
        return 130
    except BrokenPipeError:
        if not is_pipe_closed():  # another pipe's other end: a defect
            raise
        # Whoever read this, `head` say, has seen enough. Nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        known = convert_system_error(error)
        if known is None:  # a defect of ours
            raise
        where = f"{known.where}: " if known.where else ""
        print_error(f"{EXECUTABLE} {name}: {where}{known.message}", known.remedy)
        return 1


def format_overview() -> str:
    """Every command with its summary."""
    lines = [f"usage: {EXECUTABLE} COMMAND … ({EXECUTABLE} COMMAND --help explains each)", ""]
    for name in COMMANDS:
        lines.append(f"    {name:<12}{_extract_summary(_load_command(name))}")
    return "\n".join(lines)


def build_parser(command: str) -> CommandParser:
    """The parser of one command's arguments."""
    module = _load_command(command)
    parser = CommandParser(
        prog=f"{EXECUTABLE} {command}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    if module.IS_LONG_RUNNING:
        parser.add_argument(
            "--background",
            action="store_true",
            help="start it as a job and return; `./run jobs` watches it",
        )
    return parser


def _load_command(command: str) -> ModuleType:
    # A module cannot have the name of a keyword.
    return importlib.import_module(f"core.cli.commands.{command}{'_' * iskeyword(command)}")


def _extract_summary(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0].rstrip(".")


def _run_command(command: str, arguments: list[str]) -> int:
    module = _load_command(command)
    args = build_parser(command).parse_args(arguments)
    if module.IS_LONG_RUNNING and args.background:
        _start_job(command, arguments)
    else:
        with _open_progress(module.IS_LONG_RUNNING) as progress:
            module.run(args, progress)
    return 0


def _start_job(command: str, arguments: list[str]) -> None:
    from core import jobs

    argv = [command, *(a for a in arguments if a != "--background")]
    job = jobs.start_job(argv, " ".join(argv))
    print(f"Job {job.id} is {job.state}. Watch it: {EXECUTABLE} jobs follow {job.id}")


@contextmanager
def _open_progress(is_long_running: bool) -> Iterator[Progress]:
    """Report to the job that this process is, or else to the terminal."""
    from core.jobs import worker

    folder = worker.get_current_job_folder()
    if folder is not None:
        with worker.run_as_job(folder, is_heavy=is_long_running) as progress:
            yield progress
        return
    with worker.convert_sigterm_to_interrupt(), open_terminal_progress() as progress:
        if is_long_running:
            with worker.wait_for_turn(None, print_to_stderr):
                yield progress
        else:
            yield progress
