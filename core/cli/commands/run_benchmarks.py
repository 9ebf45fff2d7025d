"""Measure speed and fidelity, as medians and ratios within one run.

Without NAME, list the benchmarks. Other work on the machine disturbs absolute numbers; ratios are
less affected.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import shutil
import sys
from types import ModuleType

from core.cli.argument_parsing import add_json_option, parse_float, parse_positive_int
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.corpus.legacy_command_names import add_older_json_keys
from core.errors import EarshotError, format_spelling_suggestions
from core.progress_callback import Progress
from core.text_formatting import format_table
from core.workspace import PROJECT_FOLDER

IS_LONG_RUNNING = False
BENCHMARK_FOLDER = PROJECT_FOLDER / "tests" / "bench"
TEST_SETUP_COMMAND = "./run lint"
BROWSER_DRIVER = "sync_playwright"  # imported by the benchmarks that open pages
BENCHMARK_OPTIONS = ("variants", "minutes", "program", "takes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="benchmark; without it, list all")
    parser.add_argument(
        "--variants",
        type=parse_positive_int,
        metavar="N",
        help="programs per template, or repetitions of what has no templates",
    )
    parser.add_argument(
        "--minutes", type=parse_float, metavar="M", help="duration: soak (30), build (to its end)"
    )
    parser.add_argument("--program", metavar="PROGRAM", help="fidelity: only this program")
    parser.add_argument(
        "--takes",
        type=parse_positive_int,
        metavar="N",
        help="fidelity: live recordings per program (3)",
    )
    add_json_option(parser, "print one JSON line per row")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Run one benchmark and print its rows."""
    names = sorted(path.stem for path in BENCHMARK_FOLDER.glob("[a-z]*.py"))
    if args.name is None:
        _print_benchmark_list(names)
        return
    if args.name not in names:
        raise EarshotError(
            f"There is no benchmark {args.name!r}.",
            remedy=format_spelling_suggestions(args.name, names, "benchmark"),
        )
    benchmark = _load_benchmark_module(args.name)
    options = {name: getattr(args, name) for name in BENCHMARK_OPTIONS if getattr(args, name)}
    for name in options:
        if name not in inspect.signature(benchmark.run).parameters:
            raise EarshotError(
                f"The benchmark {args.name} has no option --{name}.", remedy="Omit it."
            )
    rows = benchmark.run(**options)
    if args.json:
        for measure, *values in rows:
            value = values[0] if len(values) == 1 else values
            row = {"benchmark": args.name, "measure": measure, "value": value}
            print_json_line(add_older_json_keys("bench", row))
    else:
        # A benchmark that compares several things names their columns.
        default_headers = ("measure", "value", *[""] * (len(rows[0]) - 2))
        print_result_to_stdout(format_table(getattr(benchmark, "HEADERS", default_headers), rows))


def _print_benchmark_list(names: list[str]) -> None:
    for name in names:
        # Parsed, not imported: benchmarks may need packages that only the tests install.
        source = (BENCHMARK_FOLDER / f"{name}.py").read_text(encoding="utf-8")
        summary = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        print_result_to_stdout(f"{name:12} {summary.removeprefix('Benchmark: ')}")


def _load_benchmark_module(name: str) -> ModuleType:
    """Load a benchmark by its path, because the tests are not a package."""
    path = BENCHMARK_FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    if spec is None or spec.loader is None:
        raise EarshotError("The benchmark cannot be loaded.", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(BENCHMARK_FOLDER))  # benchmarks import shared helpers
    sys.modules[spec.name] = module  # dataclasses look up their module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise EarshotError(
            f"The benchmark {name} needs the package {error.name}, which is not installed.",
            remedy=f"Install what the tests need: {TEST_SETUP_COMMAND}",
        ) from error
    if hasattr(module, BROWSER_DRIVER) and shutil.which("chromium") is None:
        raise EarshotError(
            f"The benchmark {name} needs the browser Chromium, which is not installed.",
            remedy=f"Install what the tests need: {TEST_SETUP_COMMAND}",
        )
    return module
