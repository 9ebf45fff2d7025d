"""Generate programs from templates or with the grammar.

Without either, list all templates and styles. The same seed gives the same programs on every
machine. Each program is written to DIR/NAME.rb.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    add_json_option,
    add_sounds_option,
    parse_int,
    parse_nonnegative_int,
    parse_positive_int,
)
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.errors import EarshotError
from core.progress_callback import Progress
from core.text_formatting import format_table, pluralize

if TYPE_CHECKING:
    from core.programs import Program

IS_LONG_RUNNING = False
PROGRESS_STEP = "Generating programs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("templates", nargs="*", metavar="TEMPLATE", help="id of a template")
    parser.add_argument(
        "--count",
        type=parse_positive_int,
        default=1,
        metavar="N",
        help="programs per template (1)",
    )
    parser.add_argument(
        "--grammar-programs",
        type=parse_nonnegative_int,
        default=0,
        metavar="N",
        help="programs composed by the grammar (0)",
    )
    add_sounds_option(parser, "3.2")
    parser.add_argument("--style", metavar="NAME", help="style of the grammar programs (any)")
    parser.add_argument("--seed", type=parse_int, default=0, metavar="S", help="random seed (0)")
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="DIR", help="output folder (.)"
    )
    add_json_option(parser, "print one JSON line per program")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Generate the programs and write them; if one cannot be written, none is."""
    # Imported late so that --help responds at once.
    from core import programs

    if not args.templates and not args.grammar_programs:
        _print_template_list(args.json)
        return
    sound_set = args.sounds or programs.DEFAULT_SOUND_SET
    generated: list[Program] = []
    templates = [programs.get_template(name) for name in dict.fromkeys(args.templates)]
    for done, template in enumerate(templates):
        progress(PROGRESS_STEP, done, len(templates), template.id)
        generated += programs.generate(template, args.count, args.seed, sound_set=sound_set)
    generated += programs.compose_programs(
        args.grammar_programs, args.seed, args.style, sound_set=sound_set
    )
    if templates:
        progress(PROGRESS_STEP, len(templates), len(templates))
    program_by_path = {args.out / f"{program.name}.rb": program for program in generated}
    try:
        _write_program_files(program_by_path, args.out)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=str(args.out)) from error
    _print_written_programs(program_by_path, args)


def _write_program_files(program_by_path: dict[Path, Program], folder: Path) -> None:
    for path, program in program_by_path.items():
        if path.exists() and path.read_bytes() != program.source.encode():
            raise EarshotError(
                "The file exists with another program.",
                where=str(path),
                remedy="Choose another folder with --out.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, program in program_by_path.items():
        path.write_bytes(program.source.encode())


def _print_written_programs(program_by_path: dict[Path, Program], args: argparse.Namespace) -> None:
    if not args.json:
        print_result_to_stdout(f"Wrote {pluralize(len(program_by_path), 'program')} to {args.out}.")
        return
    for path, program in program_by_path.items():
        print_json_line(
            {
                "file": str(path),
                "program": program.id,
                "name": program.name,
                "template": program.template,
                "role": program.role,
                "seed": program.seed,
                "parameters": dict(program.parameters),
            }
        )


def _print_template_list(as_json: bool) -> None:
    # Imported late so that --help responds at once.
    from core import programs

    headers = ("template", "section", "role", "title")
    rows = [
        (template.id, template.section, template.role, template.title)
        for template in programs.list_templates()
    ]
    rows += [(style.display_id, "", "", style.title) for style in programs.MUSIC_STYLES.values()]
    if as_json:
        for row in rows:
            print_json_line(dict(zip(headers, row)))
    else:
        print_result_to_stdout(format_table(headers, rows))
