"""The command line: the same functions that the pages call, with bars and tables.

Each module in `core.cli.commands` is one command. Its docstring's first line is its
summary; `add(parser)` declares its options and `run(args, progress)` does it; `HEAVY`
says whether it takes the workspace's turn (`core.jobs.worker.turn`) and so can be
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

from core.cli.output import complain, nobody_reads, note, terminal_progress
from core.cli.parsing import Parser, near
from core.errors import of_the_machine
from core.progress import Progress

PROGRAM = "./run"
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
        print(overview())
        return 0
    name, *rest = argv
    if name not in COMMANDS:
        complain(f"{PROGRAM}: there is no command {name!r}.", near(name, COMMANDS, "command"))
        return 2
    try:
        return _run(name, rest)
    except KeyboardInterrupt:
        complain(f"{PROGRAM} {name}: stopped.")
        return 130
    except BrokenPipeError:
        if not nobody_reads():  # another pipe's other end: a defect
            raise
        # Whoever read this, `head` say, has seen enough. Nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        known = of_the_machine(error)
        if known is None:  # a defect of ours
            raise
        where = f"{known.where}: " if known.where else ""
        complain(f"{PROGRAM} {name}: {where}{known.message}", known.remedy)
        return 1


def overview() -> str:
    """Every command with its summary."""
    lines = [f"usage: {PROGRAM} COMMAND … ({PROGRAM} COMMAND --help explains each)", ""]
    for name in COMMANDS:
        lines.append(f"    {name:<12}{_summary(_module(name))}")
    return "\n".join(lines)


def parser_for(name: str) -> Parser:
    """The parser of one command's arguments."""
    module = _module(name)
    parser = Parser(
        prog=f"{PROGRAM} {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add(parser)
    if module.HEAVY:
        parser.add_argument(
            "--background",
            action="store_true",
            help="start it as a job and return; `./run jobs` watches it",
        )
    return parser


def _module(name: str) -> ModuleType:
    # A module cannot have the name of a keyword.
    return importlib.import_module(f"core.cli.commands.{name}{'_' * iskeyword(name)}")


def _summary(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0].rstrip(".")


def _run(name: str, arguments: list[str]) -> int:
    module = _module(name)
    args = parser_for(name).parse_args(arguments)
    if module.HEAVY and args.background:
        _start_job(name, arguments)
    else:
        with _progress(module.HEAVY) as progress:
            module.run(args, progress)
    return 0


def _start_job(name: str, arguments: list[str]) -> None:
    from core import jobs

    argv = [name, *(a for a in arguments if a != "--background")]
    job = jobs.start(argv, " ".join(argv))
    print(f"Job {job.id} is {job.state}. Watch it: {PROGRAM} jobs follow {job.id}")


@contextmanager
def _progress(heavy: bool) -> Iterator[Progress]:
    """Report to the job that this process is, or else to the terminal."""
    from core.jobs import worker

    folder = worker.own_folder()
    if folder is not None:
        with worker.working(folder, heavy=heavy) as progress:
            yield progress
        return
    with worker.ended_by_signal(), terminal_progress() as progress:
        if heavy:
            with worker.turn(None, note):
                yield progress
        else:
            yield progress
