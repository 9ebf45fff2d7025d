"""The Jinja environment of templates: sandboxed, small, and bounded.

Jinja's own sandbox keeps a template from reaching Python. It doesn't keep one from
running for ever or filling the memory. So a template may only use the constructs
that templates of programs need (no macros, imports or inheritance, which could
recurse), the turns of its loops are counted, and texts and numbers are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2 import Template as Compiled
from jinja2.sandbox import SandboxedEnvironment

from core.errors import EarshotError
from core.programs import vocabulary
from core.programs.sampling import ParameterSampler
from core.programs.parameters import format_ruby_value
from core.programs.decoding import decode_source

MAX_TEMPLATE_BYTES = 65_536  # bytes of a template's file
MAX_PROGRAM_CHARS = 65_536  # characters of a program
MAX_LOOP_ITERATIONS = 10_000  # turns of all loops of one rendering
MAX_RANGE_MEMBERS = 1_000  # members of one range()
MAX_VALUE_LENGTH = 10_000  # members of a list, characters of a text
MAX_ABSOLUTE_NUMBER = 1e12

_ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.CondExpr,
    nodes.Call,
    nodes.Keyword,
    nodes.Filter,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Getitem,
    nodes.Getattr,
    nodes.Slice,
)
_LOOP_ATTRIBUTES = ("index", "index0", "first", "last", "length")
_ITERATION_BUDGET_KEY = "_turns"


def compile_template(path: Path) -> tuple[str, Compiled]:
    """Read and compile a template's file.

    Returns
    -------
    str
        The text of the file.
    jinja2.Template
        To be given to `rendered`.

    Raises
    ------
    EarshotError
        With file and line, when it isn't a template or uses what none may.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEMPLATE_BYTES + 1)
    except OSError as error:
        message = f"The template cannot be read: {error.strerror}."
        raise EarshotError(message, where=str(path)) from error
    if len(content) > MAX_TEMPLATE_BYTES:
        raise EarshotError(f"A template has at most {MAX_TEMPLATE_BYTES} bytes.", where=str(path))
    text = decode_source(content, str(path))
    try:
        tree = _TEMPLATE_ENVIRONMENT.parse(text, path.stem, str(path))
        _restrict_template(tree, path)
        code = _TEMPLATE_ENVIRONMENT.compile(tree, path.stem, str(path))
    except TemplateSyntaxError as error:
        message = f"The template is not valid Jinja: {error.message}."
        raise EarshotError(message, where=f"{path}:{error.lineno}") from error
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise EarshotError("The template is nested too deeply.", where=str(path)) from error
    return text, Compiled.from_code(_TEMPLATE_ENVIRONMENT, code, dict(_TEMPLATE_ENVIRONMENT.globals))


def render_template(jinja_template: Compiled, sampler: ParameterSampler) -> str:
    """Return the source that a compiled template makes of its draws.

    Raises
    ------
    EarshotError
        With file and line, when it fails or goes beyond a bound.
    """
    pieces, size = [], 0
    variables = sampler.get_template_functions() | {_ITERATION_BUDGET_KEY: [MAX_LOOP_ITERATIONS]}
    try:
        for piece in jinja_template.generate(variables):
            size += len(piece)
            if size > MAX_PROGRAM_CHARS:
                raise EarshotError(f"A program has at most {MAX_PROGRAM_CHARS} characters.")
            pieces.append(piece)
    except EarshotError as error:
        where = error.where or _locate_template_error(jinja_template, error)
        raise EarshotError(error.message, where=where, remedy=error.remedy) from error
    except Exception as error:  # a template is someone's code: whatever it raises is theirs
        message = f"The template failed: {type(error).__name__}: {str(error)[:300]}."
        raise EarshotError(message, where=_locate_template_error(jinja_template, error)) from error
    return _tidy_blank_lines("".join(pieces))


def _tidy_blank_lines(source: str) -> str:
    """Drop what conditions leave behind: blanks at line ends, runs of empty lines."""
    source = re.sub(r"[ \t]+$", "", source, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", source).strip("\n") + "\n"


def _locate_template_error(jinja_template: Compiled, error: BaseException) -> str:
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == jinja_template.filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{jinja_template.filename}:{line}" if line else str(jinja_template.filename)


def _restrict_template(tree: nodes.Template, path: Path) -> None:
    """Refuse what no template may use, and let every loop count its turns."""
    taken = {*ParameterSampler.FUNCTION_NAMES, *_TEMPLATE_ENVIRONMENT.globals}
    for node in list(tree.find_all(nodes.Node)):
        problem = _find_forbidden_use(node, taken)
        if problem:
            raise EarshotError(problem, where=f"{path}:{node.lineno}")
        if isinstance(node, nodes.For):
            counted = nodes.Filter(node.iter, _ITERATION_BUDGET_KEY, [], [], None, None, lineno=node.lineno)
            node.iter = counted


def _find_forbidden_use(node: nodes.Node, reserved_names: set[str]) -> str | None:
    if not isinstance(node, _ALLOWED_NODES):
        return f"A template may not use {type(node).__name__.lower()!r}."
    if isinstance(node, nodes.For) and node.recursive:
        return "A template may not use recursive loops."
    if isinstance(node, nodes.Getattr):
        of_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop"
        if not (of_loop and node.attr in _LOOP_ATTRIBUTES):
            return f"A template may not use the attribute {node.attr!r}."
    if isinstance(node, nodes.Filter) and node.name not in _TEMPLATE_FILTERS:
        return f"A template has no filter {node.name!r}; it has {', '.join(_TEMPLATE_FILTERS)}."
    if isinstance(node, nodes.Call):
        if not (isinstance(node.node, nodes.Name) and node.node.name in reserved_names):
            return f"A template may call nothing but its draws and {', '.join(_list_callable_globals())}."
    if isinstance(node, nodes.Name) and node.ctx == "store":
        if node.name in reserved_names or node.name.startswith("_"):
            return f"A template may not give the name {node.name!r} another meaning."
    return None


def _list_callable_globals() -> list[str]:
    return [name for name, value in _TEMPLATE_ENVIRONMENT.globals.items() if callable(value)]


@pass_context
def _charge_iterations(context: Any, members: Iterable) -> list:
    """Return the members of a loop, after taking their number from what is left."""
    members, left = list(members), context.parent[_ITERATION_BUDGET_KEY]
    left[0] -= len(members)
    if left[0] < 0:
        raise EarshotError(f"The loops of a template may take at most {MAX_LOOP_ITERATIONS} turns.")
    return members


def _make_bounded_range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE_MEMBERS:
        raise EarshotError(f"A range has at most {MAX_RANGE_MEMBERS} members.")
    return list(numbers)


def _join_members(members: Iterable, between: str = "") -> str:
    texts = [format_ruby_value(member) for member in members]
    if sum(len(text) + len(between) for text in texts) > MAX_VALUE_LENGTH:
        raise EarshotError("A text in a template became too long.")
    return between.join(texts)


def _require_bounded(value: Any) -> Any:
    if isinstance(value, (int, float)) and abs(value) > MAX_ABSOLUTE_NUMBER:
        raise EarshotError("A number in a template became too large.")
    if isinstance(value, (str, list, tuple)) and len(value) > MAX_VALUE_LENGTH:
        raise EarshotError("A text or list in a template became too long.")
    return value


class _BoundedEnvironment(SandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, (int, float)) for side in (left, right))
        if operator != "+" and not numbers:
            raise EarshotError(f"A template may use {operator!r} between numbers only.")
        return _require_bounded(super().call_binop(context, operator, left, right))


def _format_output_value(value: Any) -> str:
    members = value if isinstance(value, (list, tuple)) else [value]
    for member in members:
        if isinstance(member, StrictUndefined):
            str(member)  # raises, naming what is undefined
        if not isinstance(member, (str, int, float)):
            name = type(member).__name__
            raise EarshotError(f"A template cannot write {name!r} into a program.")
    return format_ruby_value(value)


def _create_environment() -> _BoundedEnvironment:
    environment = _BoundedEnvironment(
        undefined=StrictUndefined,
        finalize=_format_output_value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = dict(_TEMPLATE_FILTERS) | {_ITERATION_BUDGET_KEY: _charge_iterations}
    environment.tests = {}
    environment.globals = {"range": _make_bounded_range} | vocabulary.build_template_vocabulary()
    return environment


_TEMPLATE_FILTERS = {"join": _join_members, "length": len, "round": round, "int": int, "abs": abs}
_TEMPLATE_ENVIRONMENT = _create_environment()
