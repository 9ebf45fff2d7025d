"""The sandboxed Jinja environment of templates, with limits on time and memory.

Jinja's own sandbox prevents access to Python, but not endless loops or large values. Therefore
only the constructs that templates need are allowed (no macros, imports or inheritance, which could
recurse), the iterations of loops are counted, and texts and numbers have a maximum size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2 import Template as JinjaTemplate
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from core.errors import EarshotError
from core.programs import template_vocabulary
from core.programs.source_decoding import decode_source
from core.programs.template_parameter_sampler import ParameterSampler
from core.programs.template_parameters import format_ruby_value

MAX_TEMPLATE_BYTES = 65_536
MAX_PROGRAM_CHARS = 65_536
MAX_LOOP_ITERATIONS = 10_000  # of all loops of one rendering together
MAX_RANGE_MEMBERS = 1_000
MAX_VALUE_LENGTH = 10_000  # members of a list, or characters of a text
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
_ITERATION_BUDGET_KEY = "_iterations_left"


def read_template_text(path: Path) -> str:
    """Read the file of a template.

    Raises
    ------
    EarshotError
        If the file cannot be read, is too large or is not text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEMPLATE_BYTES + 1)
    except OSError as error:
        message = f"The template cannot be read: {error.strerror}."
        raise EarshotError(message, where=str(path)) from error
    if len(content) > MAX_TEMPLATE_BYTES:
        raise EarshotError(f"A template has at most {MAX_TEMPLATE_BYTES} bytes.", where=str(path))
    return decode_source(content, str(path))


def compile_template(path: Path) -> tuple[str, JinjaTemplate]:
    """Read and compile the file of a template.

    Parameters
    ----------
    path : Path
        Path of the file.

    Returns
    -------
    text : str
        Text of the file.
    jinja_template : jinja2.Template
        The compiled template, for `render_template`.

    Raises
    ------
    EarshotError
        If the file cannot be read or compiled, or uses a forbidden construct; the message names
        file and line.
    """
    text = read_template_text(path)
    try:
        tree = _TEMPLATE_ENVIRONMENT.parse(text, path.stem, str(path))
        _restrict_template_syntax(tree, path)
        code = _TEMPLATE_ENVIRONMENT.compile(tree, path.stem, str(path))
    except TemplateSyntaxError as error:
        message = f"The template is not valid Jinja: {error.message}."
        raise EarshotError(message, where=f"{path}:{error.lineno}") from error
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise EarshotError("The template is nested too deeply.", where=str(path)) from error
    template_globals = dict(_TEMPLATE_ENVIRONMENT.globals)
    return text, JinjaTemplate.from_code(_TEMPLATE_ENVIRONMENT, code, template_globals)


def render_template(
    jinja_template: JinjaTemplate,
    sampler: ParameterSampler,
    sound_set: str = template_vocabulary.DEFAULT_SOUND_SET,
) -> str:
    """Render a compiled template to the source of a program.

    Parameters
    ----------
    jinja_template : jinja2.Template
        Result of `compile_template`.
    sampler : ParameterSampler
        Sampler of this rendering's parameters.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose sounds the groups hold.

    Returns
    -------
    str
        Source with tidy blank lines.

    Raises
    ------
    EarshotError
        If the template fails or exceeds a limit; the message names file and line.
    """
    pieces: list[str] = []
    size = 0
    variables = sampler.get_template_functions() | {_ITERATION_BUDGET_KEY: [MAX_LOOP_ITERATIONS]}
    if (
        sound_set != template_vocabulary.DEFAULT_SOUND_SET
    ):  # Variables hide the globals of their name.
        variables |= template_vocabulary.build_sound_names_by_group(sound_set)
    try:
        for piece in jinja_template.generate(variables):
            size += len(piece)
            if size > MAX_PROGRAM_CHARS:
                raise EarshotError(f"A program has at most {MAX_PROGRAM_CHARS} characters.")
            pieces.append(piece)
    except EarshotError as error:
        where = error.where or _locate_template_error(jinja_template, error)
        raise EarshotError(error.message, where=where, remedy=error.remedy) from error
    except Exception as error:  # users write templates, which can raise anything
        message = f"The template failed: {type(error).__name__}: {str(error)[:300]}."
        raise EarshotError(message, where=_locate_template_error(jinja_template, error)) from error
    return _tidy_blank_lines("".join(pieces))


def _tidy_blank_lines(source: str) -> str:
    """Remove trailing blanks and repeated empty lines, which unused branches leave behind."""
    source = re.sub(r"[ \t]+$", "", source, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", source).strip("\n") + "\n"


def _locate_template_error(jinja_template: JinjaTemplate, error: BaseException) -> str:
    line, frame = None, error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == jinja_template.filename:
            line = frame.tb_lineno
        frame = frame.tb_next
    return f"{jinja_template.filename}:{line}" if line else str(jinja_template.filename)


def _restrict_template_syntax(tree: nodes.Template, path: Path) -> None:
    """Refuse forbidden constructs, and make every loop count its iterations."""
    reserved_names = {*ParameterSampler.METHOD_NAMES, *_TEMPLATE_ENVIRONMENT.globals}
    for node in list(tree.find_all(nodes.Node)):
        problem = _find_forbidden_construct(node, reserved_names)
        if problem:
            raise EarshotError(problem, where=f"{path}:{node.lineno}")
        if isinstance(node, nodes.For):
            node.iter = nodes.Filter(
                node.iter, _ITERATION_BUDGET_KEY, [], [], None, None, lineno=node.lineno
            )


def _find_forbidden_construct(node: nodes.Node, reserved_names: set[str]) -> str | None:
    """Return a message about a forbidden construct, or None."""
    if not isinstance(node, _ALLOWED_NODES):
        return f"A template may not use {type(node).__name__.lower()!r}."
    if isinstance(node, nodes.For) and node.recursive:
        return "A template may not use recursive loops."
    if isinstance(node, nodes.Getattr) and not _is_loop_attribute(node):
        return f"A template may not use the attribute {node.attr!r}."
    if isinstance(node, nodes.Filter) and node.name not in _TEMPLATE_FILTERS:
        return f"A template has no filter {node.name!r}; it has {', '.join(_TEMPLATE_FILTERS)}."
    if isinstance(node, nodes.Call) and not _is_jinja_name_among(node.node, reserved_names):
        functions = ", ".join(_list_callable_globals())
        return f"A template may call only its draw functions and {functions}."
    if isinstance(node, nodes.Name) and node.ctx == "store":
        if node.name in reserved_names or node.name.startswith("_"):
            return f"A template may not assign to the reserved name {node.name!r}."
    return None


def _is_loop_attribute(node: nodes.Getattr) -> bool:
    return _is_jinja_name_among(node.node, {"loop"}) and node.attr in _LOOP_ATTRIBUTES


def _is_jinja_name_among(node: nodes.Node, names: set[str]) -> bool:
    return isinstance(node, nodes.Name) and node.name in names


def _list_callable_globals() -> list[str]:
    return [name for name, value in _TEMPLATE_ENVIRONMENT.globals.items() if callable(value)]


@pass_context
def _consume_loop_iterations(context: Context, members: Iterable[Any]) -> list[Any]:
    """Return the members of a loop, and subtract their number from the iterations left."""
    members, iterations_left = list(members), context.parent[_ITERATION_BUDGET_KEY]
    iterations_left[0] -= len(members)
    if iterations_left[0] < 0:
        raise EarshotError(
            f"The loops of a template may take at most {MAX_LOOP_ITERATIONS} iterations."
        )
    return members


def _make_bounded_range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE_MEMBERS:
        raise EarshotError(f"A range has at most {MAX_RANGE_MEMBERS} members.")
    return list(numbers)


def _join_as_ruby_values(members: Iterable[Any], between: str = "") -> str:
    texts = [format_ruby_value(member) for member in members]
    if sum(len(text) + len(between) for text in texts) > MAX_VALUE_LENGTH:
        raise EarshotError("A text in a template became too long.")
    return between.join(texts)


def _raise_unless_value_is_bounded(value: Any) -> Any:
    if isinstance(value, (int, float)) and abs(value) > MAX_ABSOLUTE_NUMBER:
        raise EarshotError("A number in a template became too large.")
    if isinstance(value, (str, list, tuple)) and len(value) > MAX_VALUE_LENGTH:
        raise EarshotError("A text or list in a template became too long.")
    return value


class _BoundedEnvironment(SandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, (int, float)) for side in (left, right))
        if operator != "+" and not numbers:
            raise EarshotError(f"A template may use {operator!r} between numbers only.")
        return _raise_unless_value_is_bounded(super().call_binop(context, operator, left, right))


def _format_output_value(value: Any) -> str:
    members = value if isinstance(value, (list, tuple)) else [value]
    for member in members:
        if isinstance(member, StrictUndefined):
            str(member)  # This raises an error that names the undefined variable.
        if not isinstance(member, (str, int, float)):
            name = type(member).__name__
            raise EarshotError(f"A template cannot write {name!r} into a program.")
    return format_ruby_value(value)


def _create_jinja_environment() -> _BoundedEnvironment:
    environment = _BoundedEnvironment(
        undefined=StrictUndefined,
        finalize=_format_output_value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = dict(_TEMPLATE_FILTERS) | {
        _ITERATION_BUDGET_KEY: _consume_loop_iterations
    }
    environment.tests = {}
    environment.globals = {
        "range": _make_bounded_range
    } | template_vocabulary.build_names_usable_in_templates()
    return environment


_TEMPLATE_FILTERS = {
    "join": _join_as_ruby_values,
    "length": len,
    "round": round,
    "int": int,
    "abs": abs,
}
_TEMPLATE_ENVIRONMENT = _create_jinja_environment()
