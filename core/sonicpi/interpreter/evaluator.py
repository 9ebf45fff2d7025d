"""Evaluator of syntax trees: the meaning of each kind of node.

No code of the user runs: the tree is data, and the evaluator only knows the functions in the
`builtins_*.py` modules. What it cannot evaluate, such as a method of an unknown object, a file, or
a function of a library, has the value `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core.sonicpi.interpreter import (
    assignments,
    control_statements,
    iterator_methods,
    lambda_object_and_class_methods,
    literals,
)
from core.sonicpi.interpreter.builtins_registry import Builtin, BuiltinCall
from core.sonicpi.interpreter.control_flow_signals import ControlFlowSignal, ThreadEndSignal
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.list_and_number_methods import (
    call_value_method,
    count_draws_from_unknown_list,
    is_iterated_by_block_methods,
)
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.parameter_binding import (
    bind_arguments_to_parameters,
    declare_numbered_parameters,
)
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass, ProgramObject
from core.sonicpi.interpreter.program_thread import ProgramThread
from core.sonicpi.interpreter.syntax_tree_types import (
    Block,
    BlockScope,
    Node,
    Scope,
    declare_variable,
)
from core.sonicpi.interpreter.values import (
    UNDEFINED,
    UNKNOWN,
    Symbol,
    UnknownValue,
    get_ring_element,
)

MAX_CALL_DEPTH = 60  # nested calls
MAX_COUNTED_FUNCTIONS = 512
MAX_UNFOLLOWED_KINDS = 16


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
    constants : dict of str to object
        Constants and global variables.
    unknown_count : int
        Number of nodes and calls that could not be evaluated.
    unfollowed_code : list of str
        Kinds of code that was met and not followed, which might sound.
    has_endless_loop : bool
        Whether a loop was met that never ends and lets no time pass.
    steps_left : int
        Number of nodes that may still be evaluated.
    constant_arguments : dict of int to tuple
        Arguments of calls that are plain literals, by the identity of their nodes, which the value
        keeps alive.
    """

    builtins: dict[str, Builtin]
    functions: dict[str, tuple[Any, Scope]]
    call_counts: dict[str, int]
    constants: dict[str, Any]
    unfollowed_code: list[str]
    has_endless_loop: bool
    current_thread: ProgramThread
    unknown_count: int
    steps_left: int
    constant_arguments: dict[int, tuple[list[Any], literals.ConstantArguments | None]]

    def record_unfollowed_code(self, kind: str) -> None:
        """Record that the program has code that is not followed and might sound."""
        if kind not in self.unfollowed_code and len(self.unfollowed_code) < MAX_UNFOLLOWED_KINDS:
            self.unfollowed_code.append(kind)

    def record_endless_loop(self) -> None:
        """Record that a loop never ends and lets no time pass."""
        self.has_endless_loop = True

    # -- blocks -------------------------------------------------------------------------------

    def run_block(self, block: Block, args: list[Any], scope: Scope) -> Any:
        """Run a block with arguments and return its value; `next` ends only the block."""
        if not isinstance(block, list) or not block or block[0] != "block":
            return self._call_symbol_or_lambda_block(block, args, scope)
        block_scope = BlockScope(scope)
        if block[1]:
            bind_arguments_to_parameters(self, block[1], args, block_scope)
        elif args:
            declare_numbered_parameters(block_scope, args)
        try:
            return self.evaluate_syntax_tree_node(block[2], block_scope)
        except ControlFlowSignal as signal:
            if signal.keyword != "next":
                raise
            return signal.value

    def _call_symbol_or_lambda_block(self, block: Block, args: list[Any], scope: Scope) -> Any:
        """Call a method name (`&:choose`) or a lambda that is passed as a block."""
        if isinstance(block, Symbol) and args:
            return self.call_method(args[0], str(block), BuiltinCall(args[1:], {}, None, scope))
        return self.call_lambda_method_or_block(block, args) if block is not None else None

    def call_lambda_method_or_block(self, value: Any, args: list[Any]) -> Any:
        """Call a lambda, a method object or a block with arguments."""
        if isinstance(value, tuple) and value and isinstance(value[0], str):
            return self.call_function(value[0], BuiltinCall(args, {}, None, {}))
        if isinstance(value, tuple):
            try:
                return self.run_block(value[0], args, value[1])
            except ControlFlowSignal as signal:
                if signal.keyword != "return":
                    raise
                return signal.value
        if isinstance(value, list):
            return self.run_block(value, args, {})
        return self._call_symbol_or_lambda_block(value, args, {}) if args else UNKNOWN

    # -- nodes --------------------------------------------------------------------------------

    def evaluate_syntax_tree_node(self, node: Node, scope: Scope) -> Any:
        """Return the value of a node of the tree that `parser.rb` builds."""
        if not node:
            return None
        thread = self.current_thread
        thread.steps_left -= 1
        self.steps_left -= 1
        if thread.steps_left <= 0 or self.steps_left <= 0:
            thread.steps_left = 0
            raise ThreadEndSignal
        kind = node[0]
        if kind == "num" or kind == "str":
            return node[1]
        if kind == "sym":
            return Symbol(node[1])
        if kind == "call":
            return self._evaluate_call(node, scope)
        evaluate = _EVALUATOR_BY_NODE_KIND.get(kind, SyntaxTreeEvaluator._evaluate_unknown_node)
        return evaluate(self, node, scope)

    def _evaluate_statement_sequence(self, node: list[Any], scope: Scope) -> Any:
        value = None
        for statement in node[1:]:
            value = self.evaluate_syntax_tree_node(statement, scope)
        return value

    def _evaluate_unknown_node(self, node: list[Any], scope: Scope) -> Any:
        self.unknown_count += 1
        self.record_unfollowed_code("syntax that is not known here")
        for child in node[1:]:
            if isinstance(child, list):
                self.evaluate_syntax_tree_node(child, scope)
        return UNKNOWN

    def _evaluate_literal(self, node: list[Any], _scope: Scope) -> bool | None:
        return {"true": True, "false": False}.get(node[0])

    def _evaluate_variable(self, node: list[Any], scope: Scope) -> Any:
        name = node[1]
        if name in scope:
            return scope[name]
        if name in self.constants:
            return self.constants[name]
        if name == "self":
            return scope["&object"] if "&object" in scope else UNKNOWN
        return Symbol(name) if name[:1].isupper() else None

    def _evaluate_binary_operator(self, node: list[Any], scope: Scope) -> Any:
        operator, left = node[1], self.evaluate_syntax_tree_node(node[2], scope)
        if operator in ("&&", "and"):
            return self.evaluate_syntax_tree_node(node[3], scope) if left else left
        if operator in ("||", "or"):
            return left if left else self.evaluate_syntax_tree_node(node[3], scope)
        return apply_ruby_operator(operator, left, self.evaluate_syntax_tree_node(node[3], scope))

    def _evaluate_unary_operator(self, node: list[Any], scope: Scope) -> Any:
        value = self.evaluate_syntax_tree_node(node[2], scope)
        if node[1] in ("!", "not"):
            return not value
        return apply_ruby_operator("*", value, -1) if node[1].startswith("-") else value

    def _evaluate_function_definition(self, node: list[Any], scope: Scope) -> Symbol:
        block = ["block", node[2], node[3]]
        program_class = scope["&class"] if "&class" in scope else None
        if isinstance(program_class, ProgramClass):
            program_class.functions[node[1]] = block
        else:
            self.functions[node[1]] = (block, {})
        return Symbol(node[1])

    def _evaluate_class_definition(self, node: list[Any], scope: Scope) -> None:
        """Define a class: its body runs once, and its `def`s become methods."""
        _, name, parent_name, body = node
        defined = self.constants.get(name)
        parent = self.constants.get(parent_name)
        if not isinstance(defined, ProgramClass):
            defined = ProgramClass(
                name, parent=parent if isinstance(parent, ProgramClass) else None
            )
            self.constants[name] = defined
        class_scope = BlockScope(scope)
        declare_variable(class_scope, "&class", defined)
        self.evaluate_syntax_tree_node(body, class_scope)

    def _evaluate_block_as_closure(self, node: list[Any], scope: Scope) -> tuple[Node, Scope]:
        return (node, scope)

    # -- calls --------------------------------------------------------------------------------

    def evaluate_call_arguments(
        self, nodes: list[Any], scope: Scope
    ) -> tuple[list[Any], dict[str, Any], Any]:
        """Return positional arguments, options by name, and the value passed as block."""
        if (constants := self._get_constant_arguments(nodes)) is not None:
            return *constants, None
        args: list[Any] = []
        options: dict[str, Any] = {}
        block_value = None
        for node in nodes:
            if node and node[0] == "splat":
                elements = self.evaluate_syntax_tree_node(node[1], scope)
                args += elements if isinstance(elements, list) else [elements]
            elif node and node[0] == "pass":
                block_value = self.evaluate_syntax_tree_node(node[1], scope)
            elif node and node[0] == "hash" and node is nodes[-1]:
                literal = literals.evaluate_hash_literal(self, node, scope)
                if all(isinstance(name, str) for name in literal):
                    options = literal
                else:
                    args.append(literal)
            else:
                args.append(self.evaluate_syntax_tree_node(node, scope))
        return args, options, block_value

    def _get_constant_arguments(self, nodes: list[Any]) -> tuple[list[Any], dict[str, Any]] | None:
        """Return arguments and options that are plain literals; None for others.

        Loops evaluate the same calls again and again. The steps are counted as if they were
        evaluated one by one.
        """
        if not nodes:
            return [], {}
        key = id(nodes)
        if key not in self.constant_arguments:
            self.constant_arguments[key] = nodes, literals.find_constant_arguments(nodes)
        constants = self.constant_arguments[key][1]
        if constants is None:
            return None
        args, options, steps = constants
        thread = self.current_thread
        if min(thread.steps_left, self.steps_left) <= steps:
            return None
        thread.steps_left -= steps
        self.steps_left -= steps
        return args.copy(), options.copy()

    def _evaluate_call(self, node: list[Any], scope: Scope) -> Any:
        name, block = node[2], node[4] if len(node) > 4 else None
        if node[1] is None and not node[3] and block is None and name in scope:
            return scope[name]
        thread = self.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                raise ThreadEndSignal
            receiver = (
                self.evaluate_syntax_tree_node(node[1], scope) if node[1] is not None else None
            )
            if receiver is None and len(node) > 5:
                return None
            args, options, block_value = self.evaluate_call_arguments(node[3], scope)
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
            return self.call_program_function(block, call, outer_scope)
        if len(self.call_counts) < MAX_COUNTED_FUNCTIONS:
            self.call_counts[name] = self.call_counts.get(name, 0) + 1
        if name in self.builtins:
            return self.builtins[name](self, call)
        instance = call.scope["&object"] if "&object" in call.scope else None
        if isinstance(instance, ProgramObject) and instance.program_class.find_method_of_class(
            name
        ):
            return lambda_object_and_class_methods.call_object_method(self, instance, name, call)
        program_class = call.scope["&class"] if "&class" in call.scope else None
        if isinstance(program_class, ProgramClass):
            return lambda_object_and_class_methods.call_class_body_function(
                self, program_class, name, call
            )
        self.unknown_count += 1
        if call.block:
            self.record_unfollowed_code(f"the function {name}")
            return self.run_block(call.block, [UNKNOWN], call.scope)
        return UNDEFINED

    def call_program_function(self, block: list[Any], call: BuiltinCall, outer_scope: Scope) -> Any:
        """Run a function of the program with the arguments and the block of a call."""
        function_scope = BlockScope(outer_scope)
        if call.block is not None:
            is_closure = isinstance(call.block, list)
            closure = (call.block, call.scope) if is_closure else call.block
            declare_variable(function_scope, "&", closure)
        args = [*call.args, call.options] if call.options else call.args
        bind_arguments_to_parameters(self, block[1], args, function_scope)
        try:
            return self.evaluate_syntax_tree_node(block[2], function_scope)
        except ControlFlowSignal as signal:
            if signal.keyword in ("raise", "throw"):
                raise
            return signal.value

    def call_method(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method of a value."""
        if name in ("tick", "look") and isinstance(receiver, (list, str)):
            elements = list(receiver) if isinstance(receiver, str) else receiver
            return get_ring_element(elements, self.builtins[name](self, call))
        if (
            isinstance(receiver, (tuple, ProgramObject, ProgramClass))
            or name in lambda_object_and_class_methods.NAMES
        ):
            return lambda_object_and_class_methods.call_object_method(self, receiver, name, call)
        if isinstance(receiver, Symbol) and receiver[:1].isupper():
            return lambda_object_and_class_methods.call_constant_method(self, receiver, name, call)
        if call.block is not None and is_iterated_by_block_methods(receiver):
            return self._call_iterator_method(receiver, name, call)
        if receiver is None or isinstance(receiver, UnknownValue):
            if call.block:
                self.record_unfollowed_code(f"the method {name} of an unknown value")
                self.run_block(call.block, [UNKNOWN], call.scope)
            if isinstance(receiver, UnknownValue):
                count_draws_from_unknown_list(name, call.args, self.current_thread.random)
                return receiver
        args = [*call.args, call.options] if call.options else call.args
        return call_value_method(receiver, name, args, self.current_thread.random)

    def _call_iterator_method(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method with a block for each item of a list, hash, number or string."""
        args = [*call.args, call.options] if call.options else call.args
        items = iterator_methods.list_iterator_items(receiver, name, args)
        results = []
        try:
            if name in ("inject", "reduce"):
                total, rest = iterator_methods.split_reduce_initial_value(items, call.args)
                for item in limit_iterations(rest):
                    total = self.run_block(call.block, [total, item], call.scope)
                return total
            for item in limit_iterations(items):
                results.append(self.run_block(call.block, [item], call.scope))
                if name in ("find", "detect", "take_while") and bool(results[-1]) == (
                    name != "take_while"
                ):
                    break
        except ControlFlowSignal as signal:
            if signal.keyword != "break":
                raise
            return signal.value
        return iterator_methods.compute_iterator_method_value(receiver, items, name, results)


def limit_iterations(items: Iterable[Any]) -> Iterator[Any]:
    """Yield at most `MAX_ITERATIONS` items."""
    for index, item in enumerate(items):
        if index >= MAX_ITERATIONS:
            return
        yield item


_EVALUATOR_BY_NODE_KIND: dict[str, Callable[[Any, list[Any], Scope], Any]] = {
    "seq": SyntaxTreeEvaluator._evaluate_statement_sequence,
    "true": SyntaxTreeEvaluator._evaluate_literal,
    "false": SyntaxTreeEvaluator._evaluate_literal,
    "nil": SyntaxTreeEvaluator._evaluate_literal,
    "text": literals.evaluate_string_literal,
    "var": SyntaxTreeEvaluator._evaluate_variable,
    "array": literals.evaluate_array_literal,
    "hash": literals.evaluate_hash_literal,
    "range": literals.evaluate_range_literal,
    "op": SyntaxTreeEvaluator._evaluate_binary_operator,
    "unary": SyntaxTreeEvaluator._evaluate_unary_operator,
    "symtext": literals.evaluate_quoted_symbol,
    "regexp": literals.evaluate_regexp_literal,
    "def": SyntaxTreeEvaluator._evaluate_function_definition,
    "class": SyntaxTreeEvaluator._evaluate_class_definition,
    "block": SyntaxTreeEvaluator._evaluate_block_as_closure,
    "if": control_statements.evaluate_if_statement,
    "while": control_statements.evaluate_while_loop,
    "case": control_statements.evaluate_case_statement,
    "begin": control_statements.evaluate_begin_rescue_block,
    "yield": control_statements.evaluate_yield_statement,
    "defined": control_statements.evaluate_defined_check,
    "return": control_statements.evaluate_break_next_or_return,
    "break": control_statements.evaluate_break_next_or_return,
    "next": control_statements.evaluate_break_next_or_return,
    "set": assignments.evaluate_assignment,
    "opset": assignments.evaluate_operator_assignment,
    "mset": assignments.evaluate_multiple_assignment,
}
