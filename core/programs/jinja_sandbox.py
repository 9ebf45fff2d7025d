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
from core.programs.sampling import Draws
from core.programs.parameters import ruby
from core.programs.decoding import decoded

MOST_SOURCE = 65_536  # bytes of a template's file
MOST_OUTPUT = 65_536  # characters of a program
MOST_TURNS = 10_000  # turns of all loops of one rendering
MOST_RANGE = 1_000  # members of one range()
MOST_LENGTH = 10_000  # members of a list, characters of a text
MOST_NUMBER = 1e12

_NODES = (
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
_LOOP = ("index", "index0", "first", "last", "length")
_TURNS = "_turns"


def compiled(path: Path) -> tuple[str, Compiled]:
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
            content = file.read(MOST_SOURCE + 1)
    except OSError as error:
        message = f"The template cannot be read: {error.strerror}."
        raise EarshotError(message, where=str(path)) from error
    if len(content) > MOST_SOURCE:
        raise EarshotError(f"A template has at most {MOST_SOURCE} bytes.", where=str(path))
    text = decoded(content, str(path))
    try:
        tree = _ENVIRONMENT.parse(text, path.stem, str(path))
        _restrict(tree, path)
        code = _ENVIRONMENT.compile(tree, path.stem, str(path))
    except TemplateSyntaxError as error:
        message = f"The template is not valid Jinja: {error.message}."
        raise EarshotError(message, where=f"{path}:{error.lineno}") from error
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise EarshotError("The template is nested too deeply.", where=str(path)) from error
    return text, Compiled.from_code(_ENVIRONMENT, code, dict(_ENVIRONMENT.globals))


def rendered(template: Compiled, draws: Draws) -> str:
    """Return the source that a compiled template makes of its draws.

    Raises
    ------
    EarshotError
        With file and line, when it fails or goes beyond a bound.
    """
    pieces, size = [], 0
    variables = draws.functions() | {_TURNS: [MOST_TURNS]}
    try:
        for piece in template.generate(variables):
            size += len(piece)
            if size > MOST_OUTPUT:
                raise EarshotError(f"A program has at most {MOST_OUTPUT} characters.")
            pieces.append(piece)
    except EarshotError as error:
        where = error.where or _place(template, error)
        raise EarshotError(error.message, where=where, remedy=error.remedy) from error
    except Exception as error:  # a template is someone's code: whatever it raises is theirs
        message = f"The template failed: {type(error).__name__}: {str(error)[:300]}."
        raise EarshotError(message, where=_place(template, error)) from error
    return _tidy("".join(pieces))


def _tidy(source: str) -> str:
    """Drop what conditions leave behind: blanks at line ends, runs of empty lines."""
    source = re.sub(r"[ \t]+$", "", source, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", source).strip("\n") + "\n"


def _place(template: Compiled, error: BaseException) -> str:
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == template.filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{template.filename}:{line}" if line else str(template.filename)


def _restrict(tree: nodes.Template, path: Path) -> None:
    """Refuse what no template may use, and let every loop count its turns."""
    taken = {*Draws.FUNCTIONS, *_ENVIRONMENT.globals}
    for node in list(tree.find_all(nodes.Node)):
        problem = _problem(node, taken)
        if problem:
            raise EarshotError(problem, where=f"{path}:{node.lineno}")
        if isinstance(node, nodes.For):
            counted = nodes.Filter(node.iter, _TURNS, [], [], None, None, lineno=node.lineno)
            node.iter = counted


def _problem(node: nodes.Node, taken: set[str]) -> str | None:
    if not isinstance(node, _NODES):
        return f"A template may not use {type(node).__name__.lower()!r}."
    if isinstance(node, nodes.For) and node.recursive:
        return "A template may not use recursive loops."
    if isinstance(node, nodes.Getattr):
        of_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop"
        if not (of_loop and node.attr in _LOOP):
            return f"A template may not use the attribute {node.attr!r}."
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        return f"A template has no filter {node.name!r}; it has {', '.join(_FILTERS)}."
    if isinstance(node, nodes.Call):
        if not (isinstance(node.node, nodes.Name) and node.node.name in taken):
            return f"A template may call nothing but its draws and {', '.join(_functions())}."
    if isinstance(node, nodes.Name) and node.ctx == "store":
        if node.name in taken or node.name.startswith("_"):
            return f"A template may not give the name {node.name!r} another meaning."
    return None


def _functions() -> list[str]:
    return [name for name, value in _ENVIRONMENT.globals.items() if callable(value)]


@pass_context
def _counted(context: Any, members: Iterable) -> list:
    """Return the members of a loop, after taking their number from what is left."""
    members, left = list(members), context.parent[_TURNS]
    left[0] -= len(members)
    if left[0] < 0:
        raise EarshotError(f"The loops of a template may take at most {MOST_TURNS} turns.")
    return members


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MOST_RANGE:
        raise EarshotError(f"A range has at most {MOST_RANGE} members.")
    return list(numbers)


def _join(members: Iterable, between: str = "") -> str:
    texts = [ruby(member) for member in members]
    if sum(len(text) + len(between) for text in texts) > MOST_LENGTH:
        raise EarshotError("A text in a template became too long.")
    return between.join(texts)


def _bounded(value: Any) -> Any:
    if isinstance(value, (int, float)) and abs(value) > MOST_NUMBER:
        raise EarshotError("A number in a template became too large.")
    if isinstance(value, (str, list, tuple)) and len(value) > MOST_LENGTH:
        raise EarshotError("A text or list in a template became too long.")
    return value


class _Environment(SandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, (int, float)) for side in (left, right))
        if operator != "+" and not numbers:
            raise EarshotError(f"A template may use {operator!r} between numbers only.")
        return _bounded(super().call_binop(context, operator, left, right))


def _written(value: Any) -> str:
    members = value if isinstance(value, (list, tuple)) else [value]
    for member in members:
        if isinstance(member, StrictUndefined):
            str(member)  # raises, naming what is undefined
        if not isinstance(member, (str, int, float)):
            name = type(member).__name__
            raise EarshotError(f"A template cannot write {name!r} into a program.")
    return ruby(value)


def _environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = dict(_FILTERS) | {_TURNS: _counted}
    environment.tests = {}
    environment.globals = {"range": _range} | vocabulary.words()
    return environment


_FILTERS = {"join": _join, "length": len, "round": round, "int": int, "abs": abs}
_ENVIRONMENT = _environment()
