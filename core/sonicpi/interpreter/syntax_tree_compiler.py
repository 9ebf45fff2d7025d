"""Compiler of syntax trees: the meaning of each kind of node, as a Python function.

No code of the user runs: the tree is data, and the compiled functions only call the functions in
the `builtins_*.py` modules. What cannot be evaluated, such as a method of an unknown object, a
file, or a function of a library, has the value `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.sonicpi.interpreter import (
    assignment_compilation,
    call_compilation,
    control_statement_compilation,
    literal_compilation,
)
from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import (
    ArgumentsEvaluation,
    NodeCompiler,
    NodeEvaluation,
    end_thread_at_step_limit,
    evaluate_empty_node,
)
from core.sonicpi.interpreter.control_flow_signals import (
    VALUE_ERRORS,
    ProgramErrorSignal,
    raise_program_error,
)
from core.sonicpi.interpreter.missing_names import describe_missing_function
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.parameter_binding import uses_numbered_parameters
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass
from core.sonicpi.interpreter.syntax_tree_types import (
    MISSING,
    BlockScope,
    Node,
    Scope,
    declare_variable,
    find_variable_or_missing,
)
from core.sonicpi.interpreter.values import SELF, UNDEFINED_NAME, UNKNOWN, Symbol


@dataclass(frozen=True, slots=True)
class CompiledBlock:
    """A block or the body of a function.

    Attributes
    ----------
    node : list
        The node ["block", parameters, body], which this keeps alive.
    parameters : list
        As `bind_arguments_to_parameters` takes them.
    only_parameter : str or None
        Name of the parameter, if there is one and it takes the first argument as it is.
    has_numbered_parameters : bool
        Whether the body has names such as `_1`.
    evaluate_body : callable
    """

    node: list[Any]
    parameters: list[Any]
    only_parameter: str | None
    has_numbered_parameters: bool
    evaluate_body: NodeEvaluation


class SyntaxTreeCompiler:
    """Compiles nodes, and stores the functions of those that run again and again.

    They are stored by the identity of the node, which the value keeps alive, so that programs which
    share nodes may share a compiler.
    """

    def __init__(self) -> None:
        self._evaluation_by_node: dict[int, tuple[Node, NodeEvaluation]] = {}
        self._block_by_node: dict[int, CompiledBlock] = {}
        self._arguments_by_nodes: dict[int, tuple[list[Any], ArgumentsEvaluation]] = {}

    def compile_node(self, node: Node) -> NodeEvaluation:
        """Return the function of a node, which is not stored."""
        if not node:
            return evaluate_empty_node
        try:
            return _COMPILER_BY_NODE_KIND.get(node[0], _compile_unknown_node)(self, node)
        except RecursionError:
            raise
        except VALUE_ERRORS as error:
            # A node of unexpected parts fails when it is evaluated, which may never happen.
            return _make_failing_evaluation(error)

    def get_evaluation_of_node(self, node: Node) -> NodeEvaluation:
        """Return the function of a node, which is compiled once."""
        stored = self._evaluation_by_node.get(id(node))
        if stored is None:
            stored = self._evaluation_by_node[id(node)] = node, self.compile_node(node)
        return stored[1]

    def get_compiled_block(self, node: list[Any]) -> CompiledBlock:
        """Return the compiled form of a block, which is compiled once."""
        block = self._block_by_node.get(id(node))
        if block is None:
            block = self._block_by_node[id(node)] = self._compile_block(node)
        return block

    def get_arguments_evaluation(self, nodes: list[Any]) -> ArgumentsEvaluation:
        """Return the function of the arguments of a call, which are compiled once."""
        stored = self._arguments_by_nodes.get(id(nodes))
        if stored is None:
            evaluate_arguments = self.compile_call_arguments(nodes)
            stored = self._arguments_by_nodes[id(nodes)] = nodes, evaluate_arguments
        return stored[1]

    def compile_call_arguments(self, nodes: list[Any]) -> ArgumentsEvaluation:
        """Return the function of the arguments of a call, which is not stored."""
        return call_compilation.compile_call_arguments(self, nodes)

    def _compile_block(self, node: list[Any]) -> CompiledBlock:
        parameters = node[1] or []
        only_parameter = None
        if len(parameters) == 1 and isinstance(parameters[0][0], str):
            name = parameters[0][0]
            only_parameter = name if not name.startswith((":", "*", "&")) else None
        return CompiledBlock(
            node,
            parameters,
            only_parameter,
            uses_numbered_parameters(node[2]),
            self.get_evaluation_of_node(node[2]),
        )


def _make_failing_evaluation(error: Exception) -> NodeEvaluation:
    def raise_compilation_error(evaluator: Any, _scope: Scope) -> None:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        raise type(error)(*error.args)

    return raise_compilation_error


def _compile_statement_sequence(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    # Variants of a program share statements.
    statements = [_compile_statement(compiler, statement) for statement in node[1:]]

    def evaluate_statement_sequence(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        value = None
        for evaluate_statement in statements:
            value = evaluate_statement(evaluator, scope)
        return value

    return evaluate_statement_sequence


def _compile_statement(compiler: NodeCompiler, statement: Node) -> NodeEvaluation:
    """Compile a statement; a name that nothing defines is no statement."""
    evaluate = compiler.get_evaluation_of_node(statement)
    if not statement or statement[:2] != ["call", None] or len(statement) > 4 or statement[3]:
        return evaluate
    name = statement[2]

    def evaluate_bare_name(evaluator: Any, scope: Scope) -> Any:
        value = evaluate(evaluator, scope)
        if value is UNDEFINED_NAME:
            raise_program_error(describe_missing_function(evaluator, name))
        return value

    return evaluate_bare_name


def _compile_statement_with_line(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a statement of a tree with lines; it is no step of its own."""
    line, evaluate = node[1], _compile_statement(compiler, node[2])

    def evaluate_statement_with_line(evaluator: Any, scope: Scope) -> Any:
        evaluator.current_line = line
        try:
            return evaluate(evaluator, scope)
        except ProgramErrorSignal as error:
            error.line = error.line or line
            raise

    return evaluate_statement_with_line


def _compile_unknown_node(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    children = [compiler.compile_node(child) for child in node[1:] if isinstance(child, list)]

    def evaluate_unknown_node(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        evaluator.unknown_count += 1
        evaluator.record_unfollowed_code("syntax that is not known here")
        for evaluate_child in children:
            evaluate_child(evaluator, scope)
        return UNKNOWN

    return evaluate_unknown_node


def _compile_variable(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    name = node[1]
    default = Symbol(name) if name[:1].isupper() else None

    def evaluate_variable(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        value = find_variable_or_missing(scope, name)
        if value is not MISSING:
            return value
        if name in evaluator.constants:
            return evaluator.constants[name]
        if name == "self":
            return scope["&object"] if "&object" in scope else SELF
        return default

    return evaluate_variable


def _compile_binary_operator(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    operator = node[1]
    evaluate_left, evaluate_right = compiler.compile_node(node[2]), compiler.compile_node(node[3])
    is_and, is_or = operator in ("&&", "and"), operator in ("||", "or")

    def evaluate_binary_operator(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        left = evaluate_left(evaluator, scope)
        if is_and:
            return evaluate_right(evaluator, scope) if left else left
        if is_or:
            return left if left else evaluate_right(evaluator, scope)
        return apply_ruby_operator(operator, left, evaluate_right(evaluator, scope))

    return evaluate_binary_operator


def _compile_unary_operator(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    evaluate_operand = compiler.compile_node(node[2])
    is_complement = node[1] == "~"
    is_negation, is_minus = node[1] in ("!", "not"), node[1].startswith("-")

    def evaluate_unary_operator(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        value = evaluate_operand(evaluator, scope)
        if is_negation:
            return not value
        if is_complement:
            return ~int(value) if type(value) in (int, float) else UNKNOWN
        return apply_ruby_operator("*", value, -1) if is_minus else value

    return evaluate_unary_operator


def _compile_function_definition(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    name, block = Symbol(node[1]), ["block", node[2], node[3]]

    def evaluate_function_definition(evaluator: Any, scope: Scope) -> Symbol:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        program_class = scope["&class"] if "&class" in scope else None
        if isinstance(program_class, ProgramClass):
            program_class.functions[node[1]] = block
        else:
            evaluator.functions[node[1]] = (block, {})
        return name

    return evaluate_function_definition


def _compile_class_definition(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a class: its body runs once, and its `def`s become methods."""
    _, name, parent_name, body = node
    evaluate_body = compiler.compile_node(body)

    def evaluate_class_definition(evaluator: Any, scope: Scope) -> None:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        defined = evaluator.constants.get(name)
        parent = evaluator.constants.get(parent_name)
        if not isinstance(defined, ProgramClass):
            defined = ProgramClass(
                name,
                parent=parent if isinstance(parent, ProgramClass) else None,
                parent_name=parent_name,
            )
            evaluator.constants[name] = defined
        class_scope = BlockScope(scope)
        declare_variable(class_scope, "&class", defined)
        evaluate_body(evaluator, class_scope)

    return evaluate_class_definition


def _compile_block_as_closure(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    def evaluate_block_as_closure(evaluator: Any, scope: Scope) -> tuple[Node, Scope]:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        return (node, scope)

    return evaluate_block_as_closure


_COMPILER_BY_NODE_KIND: dict[str, Callable[[NodeCompiler, list[Any]], NodeEvaluation]] = {
    "num": literal_compilation.compile_plain_literal,
    "str": literal_compilation.compile_plain_literal,
    "sym": literal_compilation.compile_plain_literal,
    "call": call_compilation.compile_call,
    "seq": _compile_statement_sequence,
    "line": _compile_statement_with_line,
    "true": literal_compilation.compile_true_false_or_nil,
    "false": literal_compilation.compile_true_false_or_nil,
    "nil": literal_compilation.compile_true_false_or_nil,
    "text": literal_compilation.compile_string_literal,
    "var": _compile_variable,
    "array": literal_compilation.compile_array_literal,
    "hash": literal_compilation.compile_hash_literal,
    "range": literal_compilation.compile_range_literal,
    "op": _compile_binary_operator,
    "unary": _compile_unary_operator,
    "symtext": literal_compilation.compile_quoted_symbol,
    "regexp": literal_compilation.compile_regexp_literal,
    "def": _compile_function_definition,
    "class": _compile_class_definition,
    "block": _compile_block_as_closure,
    "if": control_statement_compilation.compile_if_statement,
    "while": control_statement_compilation.compile_while_loop,
    "case": control_statement_compilation.compile_case_statement,
    "begin": control_statement_compilation.compile_begin_rescue_block,
    "yield": control_statement_compilation.compile_yield_statement,
    "defined": control_statement_compilation.compile_defined_check,
    "return": control_statement_compilation.compile_break_next_or_return,
    "break": control_statement_compilation.compile_break_next_or_return,
    "next": control_statement_compilation.compile_break_next_or_return,
    "redo": control_statement_compilation.compile_break_next_or_return,
    "retry": control_statement_compilation.compile_break_next_or_return,
    "set": assignment_compilation.compile_assignment,
    "opset": assignment_compilation.compile_operator_assignment,
    "mset": assignment_compilation.compile_multiple_assignment,
}
