"""Make programs from templates, or composed ones that no template makes.

Without either it lists all templates and styles. The same seed gives the same programs on every
machine, each written to DIR/NAME.rb.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import parse_positive_int, parse_nonnegative_int
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.programs import Program

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("templates", nargs="*", metavar="TEMPLATE", help="a template's id")
    parser.add_argument("--count", type=parse_positive_int, default=1, metavar="N", help="of each (1)")
    parser.add_argument(
        "--composed", type=parse_nonnegative_int, default=0, metavar="N", help="programs of no template (0)"
    )
    parser.add_argument("--style", metavar="NAME", help="of the composed ones (any)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="whole number (0)")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder (.)")
    parser.add_argument("--json", action="store_true", help="print one JSON line a program")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Generate, then write; nothing is written unless everything can be."""
    from core import programs

    if not args.templates and not args.composed:
        _print_templates(args.json)
        return
    made: list[Program] = []
    templates = [programs.get_template(name) for name in dict.fromkeys(args.templates)]
    for done, template in enumerate(templates):
        progress("Generating programs", done, len(templates), template.id)
        made += programs.generate(template, args.count, args.seed)
    made += programs.compose_programs(args.composed, args.seed, args.style)
    if templates:
        progress("Generating programs", len(templates), len(templates))
    files = {args.out / f"{program.name}.rb": program for program in made}
    try:
        _write_programs(files, args.out)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=str(args.out)) from error
    _print_report(files, args)


def _write_programs(files: dict[Path, Program], folder: Path) -> None:
    for file, program in files.items():
        if file.exists() and file.read_bytes() != program.source.encode():
            raise EarshotError(
                "Another program lies there already.",
                where=str(file),
                remedy="Choose another folder with --out.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for file, program in files.items():
        file.write_bytes(program.source.encode())


def _print_report(files: dict[Path, Program], args: argparse.Namespace) -> None:
    if not args.json:
        print_result(f"Wrote {len(files)} program{'s' if len(files) > 1 else ''} to {args.out}.")
        return
    for file, program in files.items():
        print_json_line(
            {
                "file": str(file),
                "program": program.id,
                "name": program.name,
                "template": program.template,
                "role": program.role,
                "seed": program.seed,
                "parameters": dict(program.parameters),
            }
        )


def _print_templates(as_json: bool) -> None:
    from core import programs

    headers = ("template", "section", "role", "title")
    rows = [(t.id, t.section, t.role, t.title) for t in programs.list_templates()]
    rows += [(style.id, "", "", style.title) for style in programs.MUSIC_STYLES.values()]
    if as_json:
        for row in rows:
            print_json_line(dict(zip(headers, row)))
    else:
        print_result(format_table(headers, rows))
