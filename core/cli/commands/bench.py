"""Measure speed and fidelity, as medians and ratios within one run.

Without NAME it lists the benchmarks. Other work on the machine disturbs the figures;
the ratios less so.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import sys
from types import ModuleType

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import parse_positive_int, suggest_matches
from core.errors import EarshotError
from core.progress import Progress
from core.workspace import PROJECT_FOLDER

IS_LONG_RUNNING = False
BENCHMARK_FOLDER = PROJECT_FOLDER / "tests" / "bench"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="which; all are listed without it")
    parser.add_argument("--variants", type=parse_positive_int, metavar="N", help="programs of each template")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="how long: soak (30), build (to its end)"
    )
    parser.add_argument("--program", metavar="PROGRAM", help="fidelity: only this of its programs")
    parser.add_argument(
        "--takes", type=parse_positive_int, metavar="N", help="fidelity: live takes of each program (3)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line a row")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Run one benchmark and print its rows."""
    names = sorted(path.stem for path in BENCHMARK_FOLDER.glob("[a-z]*.py"))
    if args.name is None:
        for name in names:
            print_result(f"{name:12} {inspect.getdoc(_load_benchmark(name)).splitlines()[0]}")
        return
    if args.name not in names:
        raise EarshotError(
            f"There is no benchmark {args.name!r}.", remedy=suggest_matches(args.name, names, "benchmark")
        )
    benchmark = _load_benchmark(args.name)
    given = {name: getattr(args, name) for name in ("variants", "minutes", "program", "takes")}
    given = {name: value for name, value in given.items() if value}
    for name in given:
        if name not in inspect.signature(benchmark.run).parameters:
            raise EarshotError(
                f"The benchmark {args.name} has no --{name}.", remedy="Leave it out."
            )
    rows = benchmark.run(**given)
    if args.json:
        for what, *values in rows:
            value = values[0] if len(values) == 1 else values
            print_json_line({"benchmark": args.name, "what": what, "value": value})
    else:
        # Some compare several things, each in a column.
        headers = getattr(benchmark, "HEADERS", ("what", "value", *[""] * (len(rows[0]) - 2)))
        print_result(format_table(headers, rows))


def _load_benchmark(name: str) -> ModuleType:
    """Load a benchmark; they belong to the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCHMARK_FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(BENCHMARK_FOLDER))  # benchmarks share helpers
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module
