"""The command line: argument parsing and output of the commands that pages call as functions.

Each module in `core.cli.commands` is one command; `COMMAND_MODULES` lists them. The first line of
its docstring is its summary, `add_arguments(parser)` declares its options, and
`run_command(args, progress)` runs it. `IS_LONG_RUNNING` states whether it waits for other long
commands in the workspace, see `core.jobs.heavy_command_queue.wait_for_queue_turn`, and therefore
has the option ``--background``. Commands import what they need when they run, so that ``--help``
responds at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from core import __version__
from core.cli.argument_parsing import JSON_OPTION, CommandParser
from core.cli.legacy_argument_translation import translate_renamed_arguments
from core.cli.terminal_output import (
    is_output_pipe_closed,
    open_terminal_progress,
    print_error,
    print_json_line,
    print_to_stderr,
)
from core.errors import (
    ReportedFailureError,
    convert_system_error,
    format_spelling_suggestions,
)
from core.progress_callback import Progress

# `pip install -e .` installs the same program as `earshot`.
EXECUTABLE = "earshot" if os.path.basename(sys.argv[0]) == "earshot" else "./run"
COMMAND_MODULES = {
    "generate": "generate_programs",
    "gallery": "render_template_gallery",
    "render": "render_program_files",
    "survey": "survey_which_programs_sound",
    "build": "build_corpus",
    "embed": "embed_corpus",
    "check": "check_and_repair_corpus",
    "import": "import_programs",
    "export": "export_corpus",
    "dataset": "reproduce_published_dataset",
    "delete": "delete_corpus",
    "train": "train_alignment",
    "sweep": "sweep_configurations",
    "evaluate": "evaluate_alignment",
    "map": "compute_map",
    "fill": "fill_map_gap",
    "compare": "find_disagreeing_program_pairs",
    "study": "run_study",
    "figures": "export_figures",
    "tables": "export_tables",
    "summary": "summarize_newest_studies",
    "neighbours": "find_snippet_neighbours",
    "predict": "predict_sound",
    "suggest": "suggest_variants",
    "follow": "predict_sound_after_every_change",
    "play": "play_or_stop_in_running_sonic_pi",
    "api": "serve_api",
    "mcp": "serve_mcp",
    "jobs": "list_and_control_jobs",
    "doctor": "check_installation",
    "licences": "list_licences",
    "bench": "run_benchmarks",
}
"""The module in `core.cli.commands` of each command."""
COMMANDS = tuple(COMMAND_MODULES)
EXIT_DONE, EXIT_FAILED, EXIT_BAD_ARGUMENTS, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its arguments; by default those of this process.

    Returns
    -------
    int
        Exit status: 0 done, 1 failed with a message, 2 arguments not understood, 3 code in which
        nothing would sound, 130 interrupted.

    Examples
    --------
    >>> main(["--version"])  # doctest: +ELLIPSIS
    Earshot ...
    0
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(format_command_overview())
        return EXIT_DONE
    if argv == ["--version"]:
        print(f"Earshot {__version__}")
        return EXIT_DONE
    name = argv[0]
    if name not in COMMANDS:
        suggestion = format_spelling_suggestions(name, COMMANDS, "command")
        print_error(f"{EXECUTABLE}: there is no command {name!r}.", suggestion)
        return EXIT_BAD_ARGUMENTS
    try:
        return _run_command(name, translate_renamed_arguments(argv)[1:])
    except KeyboardInterrupt as interrupt:
        print_error(f"{EXECUTABLE} {name}: {str(interrupt) or 'stopped'}.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        if not is_output_pipe_closed():  # Another pipe broke, which is a defect.
            raise
        # The reader of the output, such as `head`, has ended. Python would write again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        user_error = convert_system_error(error)
        if user_error is None:  # A defect shows its traceback.
            raise
        if JSON_OPTION in argv and not isinstance(user_error, ReportedFailureError):
            print_json_line(user_error.to_dict())
        where = f"{user_error.where}: " if user_error.where else ""
        print_error(f"{EXECUTABLE} {name}: {where}{user_error.message}", user_error.remedy)
        return user_error.exit_status


def format_command_overview() -> str:
    """Return all commands with their summaries."""
    lines = [f"usage: {EXECUTABLE} COMMAND … ({EXECUTABLE} COMMAND --help explains each)", ""]
    for name in COMMANDS:
        lines.append(f"    {name:<12}{_extract_module_summary(_import_command_module(name))}")
    return "\n".join(lines)


def build_command_parser(command: str) -> CommandParser:
    """Build the parser of a command's arguments."""
    module = _import_command_module(command)
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
            help="start as a job and return; `./run jobs` lists jobs",
        )
    return parser


def _import_command_module(command: str) -> ModuleType:
    return importlib.import_module(f"core.cli.commands.{COMMAND_MODULES[command]}")


def _extract_module_summary(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0].rstrip(".")


def _run_command(command: str, arguments: list[str]) -> int:
    module = _import_command_module(command)
    args = build_command_parser(command).parse_args(arguments)
    if module.IS_LONG_RUNNING and args.background:
        _start_background_job(command, arguments)
    else:
        with _open_job_or_terminal_progress(module.IS_LONG_RUNNING) as progress:
            module.run_command(args, progress)
    return EXIT_DONE


def _start_background_job(command: str, arguments: list[str]) -> None:
    # Imported late so that --help responds at once.
    from core import jobs

    argv = [command, *(argument for argument in arguments if argument != "--background")]
    job = jobs.start_job(argv, " ".join(argv))
    print(f"Job {job.id} is {job.state}. To follow it: {EXECUTABLE} jobs follow {job.id}")


@contextmanager
def _open_job_or_terminal_progress(is_long_running: bool) -> Iterator[Progress]:
    """Yield a progress callback of the job that this process is, or else of the terminal."""
    # Imported late so that --help responds at once.
    from core.jobs import heavy_command_queue, job_process_recording

    folder = job_process_recording.get_current_job_folder()
    if folder is not None:
        with job_process_recording.record_block_as_job(
            folder, is_heavy=is_long_running
        ) as progress:
            yield progress
        return
    with job_process_recording.convert_sigterm_to_interrupt(), open_terminal_progress() as progress:
        if is_long_running:
            with heavy_command_queue.wait_for_queue_turn(None, print_to_stderr):
                yield progress
        else:
            yield progress
