"""Evaluator of syntax trees: the meaning of each kind of node.

No code of the user runs: the tree is data, and the evaluator only knows the functions in the
`builtins_*.py` modules. What it cannot evaluate, such as a method of an unknown object, a file, or
a function of a library, has the value `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core.sonicpi.interpreter import iterator_methods
from core.sonicpi.interpreter.builtins_registry import Builtin, BuiltinCall
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.program_thread import ProgramThread
from core.sonicpi.interpreter.syntax_tree_types import Block, BlockScope, Node, Scope
from core.sonicpi.interpreter.value_methods import call_value_method
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_STRING_CHARS,
    UNKNOWN,
    Symbol,
    UnknownValue,
    to_number,
)

MAX_CALL_DEPTH = 60  # nested calls
MAX_COUNTED_FUNCTIONS = 512


class ThreadEnded(Exception):  # noqa: N818 - it signals the normal end of a thread, not an error
    """The thread has ended: by `stop`, at the end of its time, or at the step limit."""


class BlockedOnCue(Exception):  # noqa: N818 - it signals that a thread waits, not an error
    """The thread waits for a cue that no thread has sent yet."""


class ControlFlowSignal(Exception):  # noqa: N818 - it signals a jump in the program, not an error
    """A `break`, `next` or `return` of the program."""

    def __init__(self, keyword: str, value: Any = None):
        self.keyword, self.value = keyword, value


class SyntaxTreeEvaluator:
    """Evaluates nodes of a syntax tree; `ProgramInterpreter` adds time, threads and events.

    Attributes
    ----------
    builtins : dict of str to callable
        Functions that a program can call: `builtins_registry.BUILTINS`.
    functions : dict of str to tuple
        Functions that the program defines: a block, and the scope around it.
    current_thread : ProgramThread
        The running thread.
    call_counts : dict of str to int
        Number of calls of each function.
    unknown_count : int
        Number of nodes and calls that could not be evaluated.
    steps_left : int
        Number of nodes that may still be evaluated.
    """

    builtins: dict[str, Builtin]
    functions: dict[str, tuple[Any, Scope]]
    call_counts: dict[str, int]
    current_thread: ProgramThread
    unknown_count: int
    steps_left: int

    # -- blocks -------------------------------------------------------------------------------

    def run_block(self, block: Block, args: list[Any], scope: Scope) -> Any:
        """Run a block with arguments and return its value; `next` ends only the block."""
        if not isinstance(block, list) or not block or block[0] != "block":
            return self._call_symbol_or_lambda_block(block, args, scope)
        block_scope = BlockScope(scope)
        self.bind_parameters(block[1], args, block_scope)
        try:
            return self.evaluate_node(block[2], block_scope)
        except ControlFlowSignal as signal:
            if signal.keyword != "next":
                raise
            return signal.value

    def _call_symbol_or_lambda_block(self, block: Block, args: list[Any], scope: Scope) -> Any:
        """Call a method name (`&:choose`) or a lambda that is passed as a block."""
        if isinstance(block, Symbol) and args:
            return self.call_method(args[0], str(block), BuiltinCall(args[1:], {}, None, scope))
        if isinstance(block, tuple):
            return self.run_block(block[0], args, block[1])
        return None

    def bind_parameters(self, parameters: list[Any], args: list[Any], scope: Scope) -> None:
        """Assign arguments to the parameters of a block or function.

        Parameters
        ----------
        parameters : list of [name, default]
            A list of names destructures one argument, "*name" takes all remaining arguments, and
            ":name" is an option.
        args : list
            Arguments; the last one may be a dict of options.
        scope : Scope
            Receives the variables.
        """
        args = list(args)
        if len(parameters) > 1 and len(args) == 1 and isinstance(args[0], list):
            args = list(args[0])
        for name, default in parameters:
            if isinstance(name, list):
                elements = args.pop(0) if args else []
                elements = elements if isinstance(elements, list) else [elements]
                self.bind_parameters([[inner, None] for inner in name], elements, scope)
            elif name.startswith("*"):
                scope[name[1:]], args = args, []
            elif name.startswith(":"):
                options = args[-1] if args and isinstance(args[-1], dict) else {}
                option = name[1:]
                is_set = option in options
                scope[option] = options[option] if is_set else self.evaluate_node(default, scope)
            elif args:
                scope[name] = args.pop(0)
            else:
                scope[name] = self.evaluate_node(default, scope)

    # -- nodes --------------------------------------------------------------------------------

    def evaluate_node(self, node: Node, scope: Scope) -> Any:
        """Return the value of a node of the tree that `parser.rb` builds."""
        if not node:
            return None
        thread = self.current_thread
        thread.steps_left -= 1
        self.steps_left -= 1
        if thread.steps_left <= 0 or self.steps_left <= 0:
            thread.steps_left = 0
            raise ThreadEnded
        kind = node[0]
        if kind == "num" or kind == "str":
            return node[1]
        if kind == "sym":
            return Symbol(node[1])
        if kind == "call":
            return self._evaluate_call(node, scope)
        evaluate = _EVALUATOR_BY_NODE_KIND.get(kind, SyntaxTreeEvaluator._evaluate_unknown_node)
        return evaluate(self, node, scope)

    def _evaluate_sequence(self, node: list[Any], scope: Scope) -> Any:
        value = None
        for statement in node[1:]:
            value = self.evaluate_node(statement, scope)
        return value

    def _evaluate_unknown_node(self, node: list[Any], scope: Scope) -> Any:
        self.unknown_count += 1
        for child in node[1:]:
            if isinstance(child, list):
                self.evaluate_node(child, scope)
        return UNKNOWN

    def _evaluate_literal(self, node: list[Any], _scope: Scope) -> bool | None:
        return {"true": True, "false": False}.get(node[0])

    def _evaluate_string(self, node: list[Any], scope: Scope) -> str:
        parts = (str(self.evaluate_node(part, scope)) for part in node[1:])
        return "".join(parts)[:MAX_STRING_CHARS]

    def _evaluate_variable(self, node: list[Any], scope: Scope) -> Any:
        name = node[1]
        if name in scope:
            return scope[name]
        return {"self": UNKNOWN}.get(name) if name != name.capitalize() else Symbol(name)

    def _evaluate_array(self, node: list[Any], scope: Scope) -> list[Any]:
        return self.evaluate_arguments(node[1:], scope)[0][:MAX_LIST_LENGTH]

    def _evaluate_hash_literal(self, node: list[Any], scope: Scope) -> dict[str, Any]:
        return {
            str(self.evaluate_node(key, scope)): self.evaluate_node(value, scope)
            for key, value in node[1:]
            if key
        }

    def _evaluate_range(self, node: list[Any], scope: Scope) -> list[int]:
        first, last = (int(to_number(self.evaluate_node(bound, scope))) for bound in node[1:3])
        return list(range(first, min(last + (not node[3]), first + MAX_LIST_LENGTH)))

    def _evaluate_operator(self, node: list[Any], scope: Scope) -> Any:
        operator, left = node[1], self.evaluate_node(node[2], scope)
        if operator in ("&&", "and"):
            return self.evaluate_node(node[3], scope) if left else left
        if operator in ("||", "or"):
            return left if left else self.evaluate_node(node[3], scope)
        return apply_ruby_operator(operator, left, self.evaluate_node(node[3], scope))

    def _evaluate_unary(self, node: list[Any], scope: Scope) -> Any:
        value = self.evaluate_node(node[2], scope)
        if node[1] in ("!", "not"):
            return not value
        return apply_ruby_operator("*", value, -1) if node[1].startswith("-") else value

    def _evaluate_if(self, node: list[Any], scope: Scope) -> Any:
        condition = self.evaluate_node(node[1], scope)
        if isinstance(condition, UnknownValue):  # Either branch may run, so one is drawn.
            condition = self.current_thread.rng.random() < 0.5
        return self.evaluate_node(node[2] if condition else node[3], scope)

    def _evaluate_while(self, node: list[Any], scope: Scope) -> None:
        try:
            for _ in range(MAX_ITERATIONS):
                if not self.evaluate_node(node[1], scope):
                    return
                self.evaluate_node(node[2], scope)
        except ControlFlowSignal as signal:
            if signal.keyword == "return":
                raise

    def _evaluate_case(self, node: list[Any], scope: Scope) -> Any:
        subject = self.evaluate_node(node[1], scope)
        for patterns, body in node[2]:
            if patterns is None:
                return self.evaluate_node(body, scope)
            for pattern in self.evaluate_arguments(patterns, scope)[0]:
                is_in_list = isinstance(pattern, list) and subject in pattern
                if apply_ruby_operator("===", subject, pattern) or is_in_list:
                    return self.evaluate_node(body, scope)
        return None

    def _evaluate_assignment(self, node: list[Any], scope: Scope) -> Any:
        value = self.evaluate_node(node[2], scope)
        self._assign_target(node[1], value, scope)
        return value

    def _evaluate_operator_assignment(self, node: list[Any], scope: Scope) -> Any:
        before = self.evaluate_node(node[1], scope)
        if node[2] in ("||", "&&"):
            is_unchanged = bool(before) == (node[2] == "||")
            value = before if is_unchanged else self.evaluate_node(node[3], scope)
        else:
            value = apply_ruby_operator(node[2], before, self.evaluate_node(node[3], scope))
        self._assign_target(node[1], value, scope)
        return value

    def _evaluate_multiple_assignment(self, node: list[Any], scope: Scope) -> list[Any]:
        values = self.evaluate_node(node[2], scope)
        values = values if isinstance(values, list) else [values]
        for index, target in enumerate(node[1]):
            self._assign_target(target, values[index] if index < len(values) else None, scope)
        return values

    def _assign_target(self, target: Node, value: Any, scope: Scope) -> None:
        if target and target[0] == "var":
            scope[target[1]] = value
        elif target and target[0] == "call" and target[2] == "[]":
            container = self.evaluate_node(target[1], scope)
            keys = self.evaluate_arguments(target[3], scope)[0]
            if isinstance(container, dict) and keys and len(container) < MAX_LIST_LENGTH:
                container[str(keys[0])] = value
            elif isinstance(container, list) and container and keys:
                container[int(to_number(keys[0])) % len(container)] = value

    def _evaluate_definition(self, node: list[Any], _scope: Scope) -> None:
        self.functions[node[1]] = (["block", node[2], node[3]], {})

    def _evaluate_block_as_closure(self, node: list[Any], scope: Scope) -> tuple[Node, Scope]:
        return (node, scope)

    def _evaluate_jump_statement(self, node: list[Any], scope: Scope) -> None:
        value = self.evaluate_node(node[1], scope) if len(node) > 1 else None
        raise ControlFlowSignal(node[0], value)

    # -- calls --------------------------------------------------------------------------------

    def evaluate_arguments(
        self, nodes: list[Any], scope: Scope
    ) -> tuple[list[Any], dict[str, Any], Any]:
        """Return positional arguments, options by name, and the value passed as block."""
        args: list[Any] = []
        options: dict[str, Any] = {}
        block_value = None
        for node in nodes:
            if node and node[0] == "splat":
                elements = self.evaluate_node(node[1], scope)
                args += elements if isinstance(elements, list) else [elements]
            elif node and node[0] == "pass":
                block_value = self.evaluate_node(node[1], scope)
            elif node and node[0] == "hash" and node is nodes[-1]:
                options = self._evaluate_hash_literal(node, scope)
            else:
                args.append(self.evaluate_node(node, scope))
        return args, options, block_value

    def _evaluate_call(self, node: list[Any], scope: Scope) -> Any:
        name, block = node[2], node[4] if len(node) > 4 else None
        if node[1] is None and not node[3] and block is None and name in scope:
            return scope[name]
        thread = self.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                raise ThreadEnded
            receiver = self.evaluate_node(node[1], scope) if node[1] is not None else None
            args, options, block_value = self.evaluate_arguments(node[3], scope)
            call = BuiltinCall(args, options, block or block_value, scope)
            if node[1] is not None:
                return self.call_method(receiver, name, call)
            return self.call_function(name, call)
        finally:
            thread.call_depth -= 1

    def call_function(self, name: str, call: BuiltinCall) -> Any:
        """Call a function that the program defines, or a built-in function of Sonic Pi."""
        if name in self.functions:
            block, outer_scope = self.functions[name]
            function_scope = BlockScope(outer_scope)
            args = [*call.args, call.options] if call.options else call.args
            self.bind_parameters(block[1], args, function_scope)
            try:
                return self.evaluate_node(block[2], function_scope)
            except ControlFlowSignal as signal:
                return signal.value
        if len(self.call_counts) < MAX_COUNTED_FUNCTIONS:
            self.call_counts[name] = self.call_counts.get(name, 0) + 1
        if name in self.builtins:
            return self.builtins[name](self, call)
        self.unknown_count += 1
        return self.run_block(call.block, [UNKNOWN], call.scope) if call.block else UNKNOWN

    def call_method(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method of a value."""
        if name in ("tick", "look") and isinstance(receiver, list):
            tick_call = BuiltinCall(call.args, call.options, None, call.scope)
            tick = self.builtins[name](self, tick_call)
            return receiver[int(tick) % len(receiver)] if receiver else None
        if call.block is not None and isinstance(receiver, (list, int, float, dict)):
            return self._call_iterator_method(receiver, name, call)
        if name == "call" and isinstance(receiver, tuple):
            return self.run_block(receiver[0], call.args, receiver[1])
        if receiver is None or isinstance(receiver, UnknownValue):
            if call.block:
                self.run_block(call.block, [UNKNOWN], call.scope)
        return call_value_method(receiver, name, call.args, self.current_thread.rng)

    def _call_iterator_method(
        self, receiver: list[Any] | float | dict[str, Any], name: str, call: BuiltinCall
    ) -> Any:
        """Call a method with a block for each item of a list, hash or number."""
        items = iterator_methods.list_iterator_items(receiver, name, call.args)
        results = []
        try:
            if name in ("inject", "reduce"):
                total, rest = iterator_methods.split_reduce_initial_value(items, call.args)
                for item in limit_iterations(rest):
                    total = self.run_block(call.block, [total, item], call.scope)
                return total
            for item in limit_iterations(items):
                results.append(self.run_block(call.block, [item], call.scope))
        except ControlFlowSignal as signal:
            if signal.keyword != "break":
                raise
            return signal.value
        return iterator_methods.combine_block_results(items, name, results)


def limit_iterations(items: Iterable[Any]) -> Iterator[Any]:
    """Yield at most `MAX_ITERATIONS` items."""
    for index, item in enumerate(items):
        if index >= MAX_ITERATIONS:
            return
        yield item


_EVALUATOR_BY_NODE_KIND: dict[str, Callable[[SyntaxTreeEvaluator, list[Any], Scope], Any]] = {
    "seq": SyntaxTreeEvaluator._evaluate_sequence,
    "true": SyntaxTreeEvaluator._evaluate_literal,
    "false": SyntaxTreeEvaluator._evaluate_literal,
    "nil": SyntaxTreeEvaluator._evaluate_literal,
    "text": SyntaxTreeEvaluator._evaluate_string,
    "var": SyntaxTreeEvaluator._evaluate_variable,
    "array": SyntaxTreeEvaluator._evaluate_array,
    "hash": SyntaxTreeEvaluator._evaluate_hash_literal,
    "range": SyntaxTreeEvaluator._evaluate_range,
    "op": SyntaxTreeEvaluator._evaluate_operator,
    "unary": SyntaxTreeEvaluator._evaluate_unary,
    "if": SyntaxTreeEvaluator._evaluate_if,
    "while": SyntaxTreeEvaluator._evaluate_while,
    "case": SyntaxTreeEvaluator._evaluate_case,
    "set": SyntaxTreeEvaluator._evaluate_assignment,
    "opset": SyntaxTreeEvaluator._evaluate_operator_assignment,
    "mset": SyntaxTreeEvaluator._evaluate_multiple_assignment,
    "def": SyntaxTreeEvaluator._evaluate_definition,
    "block": SyntaxTreeEvaluator._evaluate_block_as_closure,
    "return": SyntaxTreeEvaluator._evaluate_jump_statement,
    "break": SyntaxTreeEvaluator._evaluate_jump_statement,
    "next": SyntaxTreeEvaluator._evaluate_jump_statement,
}
