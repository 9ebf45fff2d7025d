"""Evaluator of syntax trees: calls of blocks, functions and methods.

`syntax_tree_compiler` has the meaning of each kind of node. What cannot be evaluated, such as a
method of an unknown object, a file, or a function of a library, has the value `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.sonicpi.interpreter import iterator_methods, lambda_object_and_class_methods
from core.sonicpi.interpreter.builtins_registry import Builtin, BuiltinCall
from core.sonicpi.interpreter.control_flow_signals import (
    ControlFlowSignal,
    ProgramProblem,
    ThreadEndSignal,
    raise_program_error,
)
from core.sonicpi.interpreter.hash_methods import HashWithDefault
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.list_and_number_methods import (
    call_value_method,
    count_draws_from_unknown_list,
    is_iterated_by_block_methods,
)
from core.sonicpi.interpreter.missing_names import (
    ANY_ARGUMENT_COUNT,
    describe_missing_function,
    is_function_defined,
    is_method_defined,
    raise_for_missing_method,
    raise_for_wrong_argument_count,
)
from core.sonicpi.interpreter.parameter_binding import (
    bind_arguments_to_parameters,
    check_argument_count,
    declare_numbered_parameters,
)
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass, ProgramObject
from core.sonicpi.interpreter.program_thread import ProgramThread
from core.sonicpi.interpreter.syntax_tree_compiler import SyntaxTreeCompiler
from core.sonicpi.interpreter.syntax_tree_types import (
    MISSING,
    Block,
    BlockScope,
    Node,
    Scope,
    declare_variable,
)
from core.sonicpi.interpreter.values import (
    SELF,
    UNDEFINED,
    UNDEFINED_NAME,
    UNKNOWN,
    ErrorValue,
    Symbol,
    UnknownValue,
    convert_to_dict_key,
    get_ring_element,
)
from core.sonicpi.score_events import ScoreEvent

MAX_COUNTED_FUNCTIONS = 512
MAX_UNFOLLOWED_KINDS = 16
MAX_PROBLEMS = 64
MAX_REDOS = 256  # of one run of a block


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
    events : list of ScoreEvent
        Synths and samples that the program starts.
    started_threads : set of tuple
        Keys of all threads that the program starts.
    starts_with_undefined_function : bool
        Whether the program calls a function that nothing defines before anything sounds. Sonic Pi
        stops there, unless another buffer defines it.
    problems : list of ProgramProblem
        What keeps parts of the program from sounding.
    current_line : int or None
        Line of the statement that started last; None in a tree without lines.
    steps_left : int
        Number of nodes that may still be evaluated in the running thread; 0 or less at its limit.
    compiler : SyntaxTreeCompiler
    """

    builtins: dict[str, Builtin]
    argument_counts: dict[str, tuple[int, float]]
    functions: dict[str, tuple[Any, Scope]]
    call_counts: dict[str, int]
    constants: dict[str, Any]
    unfollowed_code: list[str]
    has_endless_loop: bool
    current_thread: ProgramThread
    unknown_count: int
    events: list[ScoreEvent]
    started_threads: set[tuple[Any, ...]]
    starts_with_undefined_function: bool = False
    problems: list[ProgramProblem]
    current_line: int | None = None
    steps_left: int
    compiler: SyntaxTreeCompiler

    def record_unfollowed_code(self, kind: str) -> None:
        """Record that the program has code that is not followed and might sound."""
        if kind not in self.unfollowed_code and len(self.unfollowed_code) < MAX_UNFOLLOWED_KINDS:
            self.unfollowed_code.append(kind)

    def record_problem(self, message: str, consequence: str, line: int | None = None) -> None:
        """Record what keeps a part of the program from sounding, once per message and line."""
        line = line or self.current_line
        problem = ProgramProblem(self.current_thread.current_seconds, message, line, consequence)
        for index, known in enumerate(self.problems):
            if (known.message, known.line) == (message, line):
                if consequence == "ends_thread" != known.consequence:
                    self.problems[index] = problem
                return
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    def record_endless_loop(self) -> None:
        """Record that a loop never ends and lets no time pass."""
        self.has_endless_loop = True

    # -- blocks -------------------------------------------------------------------------------

    def run_block(self, block: Block, args: list[Any], scope: Scope) -> Any:
        """Run a block with arguments and return its value; `next` ends only the block."""
        if not isinstance(block, list) or not block or block[0] != "block":
            return self._call_symbol_or_lambda_block(block, args, scope)
        compiled = self.compiler.get_compiled_block(block)
        block_scope = BlockScope(scope)
        if compiled.only_parameter is not None and args:
            declare_variable(block_scope, compiled.only_parameter, args[0])
        elif compiled.parameters:
            bind_arguments_to_parameters(self, compiled.parameters, args, block_scope)
        elif args and compiled.has_numbered_parameters:
            declare_numbered_parameters(block_scope, args)
        for _ in range(MAX_REDOS):
            try:
                return compiled.evaluate_body(self, block_scope)
            except ControlFlowSignal as signal:
                if signal.keyword == "redo":
                    continue
                if signal.keyword != "next":
                    raise
                return signal.value
        return None

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
        return self.compiler.get_evaluation_of_node(node)(self, scope) if node else None

    def evaluate_call_arguments(
        self, nodes: list[Any], scope: Scope
    ) -> tuple[list[Any], dict[str, Any], Any]:
        """Return positional arguments, options by name, and the value passed as block."""
        return self.compiler.get_arguments_evaluation(nodes)(self, scope)

    # -- calls --------------------------------------------------------------------------------

    def call_function(self, name: str, call: BuiltinCall) -> Any:
        """Call a function that the program defines, or a built-in function of Sonic Pi."""
        if name in self.functions:
            block, outer_scope = self.functions[name]
            return self.call_program_function(block, call, outer_scope)
        if len(self.call_counts) < MAX_COUNTED_FUNCTIONS:
            self.call_counts[name] = self.call_counts.get(name, 0) + 1
        if name in self.builtins:
            least, most = self.argument_counts.get(name, ANY_ARGUMENT_COUNT)
            if not least <= len(call.args) + bool(call.options) <= most:
                raise_for_wrong_argument_count(name, call.args, call.options)
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
        return self._evaluate_unknown_function(name, call)

    def _evaluate_unknown_function(self, name: str, call: BuiltinCall) -> Any:
        """Return the value of a function that neither the program nor the interpreter defines.

        Raises
        ------
        ProgramErrorSignal
            When Sonic Pi does not define it either.
        """
        if "method_missing" in self.functions:
            block, outer_scope = self.functions["method_missing"]
            missing_call = BuiltinCall(
                [Symbol(name), *call.args], call.options, call.block, call.scope
            )
            return self.call_program_function(block, missing_call, outer_scope)
        is_value = not (call.args or call.options or call.block)
        if not is_function_defined(self, name):
            message = describe_missing_function(self, name)
            if self.current_thread.rescue_depth or not is_value:
                raise_program_error(message, UNKNOWN, "NameError" if is_value else "NoMethodError")
            # It may be a value of another buffer, or one that is still to be written.
            self.record_problem(message, "assumed")
        self.unknown_count += 1
        if not self.events and not self.started_threads:
            self.starts_with_undefined_function = True
        if call.block:
            self.record_unfollowed_code(f"the function {name}")
            return self.run_block(call.block, [UNKNOWN], call.scope)
        if is_value and not is_function_defined(self, name):
            return UNDEFINED_NAME
        return UNDEFINED if call.args or call.options else UNKNOWN

    def call_program_function(self, block: list[Any], call: BuiltinCall, outer_scope: Scope) -> Any:
        """Run a function of the program with the arguments and the block of a call."""
        function_scope = BlockScope(outer_scope)
        if call.block is not None:
            is_closure = isinstance(call.block, list)
            closure = (call.block, call.scope) if is_closure else call.block
            declare_variable(function_scope, "&", closure)
        args = [*call.args, call.options] if call.options else call.args
        compiled = self.compiler.get_compiled_block(block)
        check_argument_count(compiled.parameters, call.args, call.options)
        bind_arguments_to_parameters(self, compiled.parameters, args, function_scope)
        try:
            return compiled.evaluate_body(self, function_scope)
        except ControlFlowSignal as signal:
            if signal.keyword in ("raise", "throw"):
                raise
            return signal.value

    def call_method(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method of a value."""
        value = self._call_method_of_special_value(receiver, name, call)
        if value is not MISSING:
            return value
        if call.block is not None and not is_method_defined(self, receiver, name):
            raise_for_missing_method(receiver, name)
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
        value = call_value_method(receiver, name, args, self.current_thread.random)
        if value is UNKNOWN and not is_method_defined(self, receiver, name):
            raise_for_missing_method(receiver, name)
        return value

    def _call_method_of_special_value(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method of `self`, an error, a lambda, an object or a constant; else `MISSING`."""
        if receiver is SELF:
            return self.call_function(name, call)
        if isinstance(receiver, ErrorValue) and name in ("message", "to_s", "full_message"):
            return receiver.message
        if name in ("tick", "look") and isinstance(receiver, (list, str)):
            elements = list(receiver) if isinstance(receiver, str) else receiver
            return get_ring_element(elements, self.builtins[name](self, call))
        if isinstance(receiver, HashWithDefault) and name == "[]" and receiver.default_block:
            if call.args and convert_to_dict_key(call.args[0]) not in receiver:
                args = [receiver, call.args[0]]
                return self.call_lambda_method_or_block(receiver.default_block, args)
        if (
            isinstance(receiver, (tuple, ProgramObject, ProgramClass))
            or name in lambda_object_and_class_methods.NAMES
        ):
            return lambda_object_and_class_methods.call_object_method(self, receiver, name, call)
        if isinstance(receiver, Symbol) and receiver[:1].isupper():
            return lambda_object_and_class_methods.call_constant_method(self, receiver, name, call)
        return MISSING

    def _call_iterator_method(self, receiver: Any, name: str, call: BuiltinCall) -> Any:
        """Call a method with a block for each item of a list, hash, number or string."""
        args = [*call.args, call.options] if call.options else call.args
        items = iterator_methods.list_iterator_items(receiver, name, args)
        results = []
        start_seconds = self.current_thread.current_seconds
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
        if iterator_methods.is_iteration_endless(receiver, name, args):
            if self.current_thread.is_clock_unchanged_since(start_seconds):
                self.record_endless_loop()
            raise ThreadEndSignal  # Nothing after such an iteration runs.
        return iterator_methods.compute_iterator_method_value(receiver, items, name, results)


def limit_iterations(items: Iterable[Any]) -> Iterator[Any]:
    """Yield at most `MAX_ITERATIONS` items."""
    for index, item in enumerate(items):
        if index >= MAX_ITERATIONS:
            return
        yield item
