"""Make programs from templates, or composed ones that no template makes.

Without either it lists all templates and styles. The same seed gives the same programs on every
machine, each written to DIR/NAME.rb.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import json_line, show, table
from core.cli.parsing import count, natural
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.programs import Program

HEAVY = False


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("templates", nargs="*", metavar="TEMPLATE", help="a template's id")
    parser.add_argument("--count", type=count, default=1, metavar="N", help="of each (1)")
    parser.add_argument(
        "--composed", type=natural, default=0, metavar="N", help="programs of no template (0)"
    )
    parser.add_argument("--style", metavar="NAME", help="of the composed ones (any)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="whole number (0)")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder (.)")
    parser.add_argument("--json", action="store_true", help="print one JSON line a program")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Generate, then write; nothing is written unless everything can be."""
    from core import programs

    if not args.templates and not args.composed:
        _list(args.json)
        return
    made: list[Program] = []
    templates = [programs.template(name) for name in dict.fromkeys(args.templates)]
    for done, template in enumerate(templates):
        progress("Generating programs", done, len(templates), template.id)
        made += programs.generate(template, args.count, args.seed)
    made += programs.compose(args.composed, args.seed, args.style)
    if templates:
        progress("Generating programs", len(templates), len(templates))
    files = {args.out / f"{program.name}.rb": program for program in made}
    try:
        _write(files, args.out)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=str(args.out)) from error
    _report(files, args)


def _write(files: dict[Path, Program], out: Path) -> None:
    for file, program in files.items():
        if file.exists() and file.read_bytes() != program.source.encode():
            raise EarshotError(
                "Another program lies there already.",
                where=str(file),
                remedy="Choose another folder with --out.",
            )
    out.mkdir(parents=True, exist_ok=True)
    for file, program in files.items():
        file.write_bytes(program.source.encode())


def _report(files: dict[Path, Program], args: argparse.Namespace) -> None:
    if not args.json:
        show(f"Wrote {len(files)} program{'s' if len(files) > 1 else ''} to {args.out}.")
        return
    for file, program in files.items():
        json_line(
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


def _list(as_json: bool) -> None:
    from core import programs

    headers = ("template", "section", "role", "title")
    rows = [(t.id, t.section, t.role, t.title) for t in programs.templates()]
    rows += [(style.id, "", "", style.title) for style in programs.STYLES.values()]
    if as_json:
        for row in rows:
            json_line(dict(zip(headers, row)))
    else:
        show(table(headers, rows))
