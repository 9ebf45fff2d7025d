"""What the nodes of a program's syntax tree mean, in a language of our own.

Nothing of the user's is executed: the tree is data, and the only words it knows are those of
`sonicpi_words.py` and `sonicpi_music.py`. What cannot be known (a method, a file, a function from
elsewhere) is `UNKNOWN` and passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.interpreter.values import UNKNOWN, Ring, Symbol, UnknownValue, to_number, apply_operator

MAX_ITERATIONS = 4_000  # of one loop
MAX_CALL_DEPTH = 60  # calls within calls


class ThreadEnded(Exception):
    """The thread has come to its end: of its time, its steps, or by `stop`."""


class BlockedOnCue(Exception):
    """The thread waits for a cue that was not heard."""


class ControlFlowSignal(Exception):
    """`break`, `next` or `return`."""

    def __init__(self, keyword: str, value: Any = None):
        self.keyword, self.value = keyword, value


class SyntaxTreeEvaluator:
    """Evaluates nodes; a subclass says what time, threads and sounds are.

    Attributes
    ----------
    builtins : dict of str to callable
        What a program can call: `core.sonicpi.interpreter.builtins_registry.BUILTINS`.
    functions : dict of str to tuple
        What the program itself defines: a block, and the variables around it.
    current_thread : Thread
        That is followed now.
    call_counts : dict of str to int
        How often each word was called.
    unknown_count, steps_left : int
        What could not be followed, and how many steps are left.
    """

    builtins: dict[str, Any]
    functions: dict[str, tuple]
    call_counts: dict[str, int]
    current_thread: Any
    unknown_count: int
    steps_left: int

    # -- blocks -------------------------------------------------------------------------------

    def run_block(self, block: Any, args: list, scope: dict) -> Any:
        """Run a block with arguments; `next` ends it alone."""
        if not isinstance(block, list) or not block or block[0] != "block":
            return self._call_block_value(block, args, scope)
        inner = _BlockScope(scope)
        self.bind_parameters(block[1], args, inner)
        try:
            return self.evaluate_node(block[2], inner)
        except ControlFlowSignal as leaves:
            if leaves.keyword != "next":
                raise
            return leaves.value

    def _call_block_value(self, block: Any, args: list, scope: dict) -> Any:
        """A method's name in place of a block: `&:choose`."""
        if isinstance(block, Symbol) and args:
            return self.call_method(args[0], str(block), args[1:], {}, None, scope)
        if isinstance(block, tuple):
            return self.run_block(block[0], args, block[1])
        return None

    def bind_parameters(self, parameters: list, args: list, scope: dict) -> None:
        args = list(args)
        if len(parameters) > 1 and len(args) == 1 and isinstance(args[0], list):
            args = list(args[0])
        for name, default in parameters:
            if isinstance(name, list):
                inside = args.pop(0) if args else []
                inside = inside if isinstance(inside, list) else [inside]
                self.bind_parameters([[one, None] for one in name], inside, scope)
            elif name.startswith("*"):
                scope[name[1:]], args = args, []
            elif name.startswith(":"):
                options = args[-1] if args and isinstance(args[-1], dict) else {}
                held = name[1:]
                scope[held] = options[held] if held in options else self.evaluate_node(default, scope)
            elif args:
                scope[name] = args.pop(0)
            else:
                scope[name] = self.evaluate_node(default, scope)

    def limit_iterations(self, items: Any) -> Iterator[Any]:
        for turn, item in enumerate(items):
            if turn >= MAX_ITERATIONS:
                return
            yield item

    # -- the tree -----------------------------------------------------------------------------

    def evaluate_node(self, node: Any, scope: dict) -> Any:
        """The value of a node of the tree that `parser.rb` gives."""
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
        return getattr(self, f"_evaluate_{_EVALUATOR_BY_NODE_KIND.get(kind, 'unknown')}")(node, scope)

    def _evaluate_sequence(self, node: list, scope: dict) -> Any:
        found = None
        for part in node[1:]:
            found = self.evaluate_node(part, scope)
        return found

    def _evaluate_unknown(self, node: list, scope: dict) -> Any:
        self.unknown_count += 1
        for part in node[1:]:
            if isinstance(part, list):
                self.evaluate_node(part, scope)
        return UNKNOWN

    def _evaluate_literal(self, node: list, scope: dict) -> Any:
        return {"true": True, "false": False}.get(node[0])

    def _evaluate_string(self, node: list, scope: dict) -> Any:
        return "".join(str(self.evaluate_node(part, scope)) for part in node[1:])[:4096]

    def _evaluate_variable(self, node: list, scope: dict) -> Any:
        name = node[1]
        if name in scope:
            return scope[name]
        return {"self": UNKNOWN}.get(name) if name != name.capitalize() else Symbol(name)

    def _evaluate_array(self, node: list, scope: dict) -> list:
        return self.evaluate_arguments(node[1:], scope)[0][: values.MAX_LIST_LENGTH]

    def _evaluate_hash(self, node: list, scope: dict) -> dict:
        return {
            str(self.evaluate_node(key, scope)): self.evaluate_node(value, scope)
            for key, value in node[1:]
            if key
        }

    def _evaluate_range(self, node: list, scope: dict) -> Any:
        first, last = (int(to_number(self.evaluate_node(part, scope))) for part in node[1:3])
        return list(range(first, min(last + (not node[3]), first + values.MAX_LIST_LENGTH)))

    def _evaluate_operator(self, node: list, scope: dict) -> Any:
        sign, a = node[1], self.evaluate_node(node[2], scope)
        if sign in ("&&", "and"):
            return self.evaluate_node(node[3], scope) if a else a
        if sign in ("||", "or"):
            return a if a else self.evaluate_node(node[3], scope)
        return apply_operator(sign, a, self.evaluate_node(node[3], scope))

    def _evaluate_unary(self, node: list, scope: dict) -> Any:
        value = self.evaluate_node(node[2], scope)
        if node[1] in ("!", "not"):
            return not value
        return apply_operator("*", value, -1) if node[1].startswith("-") else value

    def _evaluate_if(self, node: list, scope: dict) -> Any:
        test = self.evaluate_node(node[1], scope)
        if isinstance(test, UnknownValue):  # both may be: follow one of them by lot
            test = self.current_thread.rng.random() < 0.5
        return self.evaluate_node(node[2] if test else node[3], scope)

    def _evaluate_while(self, node: list, scope: dict) -> None:
        try:
            for _ in range(MAX_ITERATIONS):
                if not self.evaluate_node(node[1], scope):
                    return
                self.evaluate_node(node[2], scope)
        except ControlFlowSignal as leaves:
            if leaves.keyword == "return":
                raise

    def _evaluate_case(self, node: list, scope: dict) -> Any:
        subject = self.evaluate_node(node[1], scope)
        for tests, body in node[2]:
            if tests is None:
                return self.evaluate_node(body, scope)
            for test in self.evaluate_arguments(tests, scope)[0]:
                if apply_operator("===", subject, test) or (isinstance(test, list) and subject in test):
                    return self.evaluate_node(body, scope)
        return None

    def _evaluate_assignment(self, node: list, scope: dict) -> Any:
        value = self.evaluate_node(node[2], scope)
        self._assign_target(node[1], value, scope)
        return value

    def _evaluate_operator_assignment(self, node: list, scope: dict) -> Any:
        before = self.evaluate_node(node[1], scope)
        if node[2] in ("||", "&&"):
            keeps = bool(before) == (node[2] == "||")
            value = before if keeps else self.evaluate_node(node[3], scope)
        else:
            value = apply_operator(node[2], before, self.evaluate_node(node[3], scope))
        self._assign_target(node[1], value, scope)
        return value

    def _evaluate_multiple_assignment(self, node: list, scope: dict) -> Any:
        given = self.evaluate_node(node[2], scope)
        given = given if isinstance(given, list) else [given]
        for place, target in enumerate(node[1]):
            self._assign_target(target, given[place] if place < len(given) else None, scope)
        return given

    def _assign_target(self, target: list, value: Any, scope: dict) -> None:
        if target and target[0] == "var":
            scope[target[1]] = value
        elif target and target[0] == "call" and target[2] == "[]":
            on = self.evaluate_node(target[1], scope)
            key = self.evaluate_arguments(target[3], scope)[0]
            if isinstance(on, dict) and key and len(on) < values.MAX_LIST_LENGTH:
                on[str(key[0])] = value
            elif isinstance(on, list) and on and key:
                on[int(to_number(key[0])) % len(on)] = value

    def _evaluate_definition(self, node: list, scope: dict) -> None:
        self.functions[node[1]] = (["block", node[2], node[3]], {})

    def _evaluate_block(self, node: list, scope: dict) -> tuple:
        return (node, scope)

    def _evaluate_jump(self, node: list, scope: dict) -> None:
        raise ControlFlowSignal(node[0], self.evaluate_node(node[1], scope) if len(node) > 1 else None)

    # -- calls --------------------------------------------------------------------------------

    def evaluate_arguments(self, nodes: list, scope: dict) -> tuple[list, dict, Any]:
        """Positions, options by name, and what is passed as a block."""
        given, options, passed = [], {}, None
        for node in nodes:
            if node and node[0] == "splat":
                more = self.evaluate_node(node[1], scope)
                given += more if isinstance(more, list) else [more]
            elif node and node[0] == "pass":
                passed = self.evaluate_node(node[1], scope)
            elif node and node[0] == "hash" and node is nodes[-1]:
                options = self._evaluate_hash(node, scope)
            else:
                given.append(self.evaluate_node(node, scope))
        return given, options, passed

    def _evaluate_call(self, node: list, scope: dict) -> Any:
        name, block = node[2], node[4] if len(node) > 4 else None
        if node[1] is None and not node[3] and block is None and name in scope:
            return scope[name]
        thread = self.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                raise ThreadEnded
            on = self.evaluate_node(node[1], scope) if node[1] is not None else None
            given, options, passed = self.evaluate_arguments(node[3], scope)
            block = block or passed
            if node[1] is not None:
                return self.call_method(on, name, given, options, block, scope)
            return self.call_function(name, given, options, block, scope)
        finally:
            thread.call_depth -= 1

    def call_function(self, name: str, args: list, options: dict, block: Any, scope: dict) -> Any:
        """Call one of Sonic Pi's words, or a function that the program defines."""
        if name in self.functions:
            body, outer = self.functions[name]
            inner = _BlockScope(outer)
            self.bind_parameters(body[1], [*args, options] if options else args, inner)
            try:
                return self.evaluate_node(body[2], inner)
            except ControlFlowSignal as leaves:
                return leaves.value
        if len(self.call_counts) < 512:
            self.call_counts[name] = self.call_counts.get(name, 0) + 1
        if name in self.builtins:
            return self.builtins[name](self, args, options, block, scope)
        self.unknown_count += 1
        return self.run_block(block, [UNKNOWN], scope) if block else UNKNOWN

    def call_method(
        self, receiver: Any, name: str, args: list, options: dict, block: Any, scope: dict
    ) -> Any:
        """Call a method of a value."""
        if name in ("tick", "look") and isinstance(receiver, list):
            place = self.builtins[name](self, args, options, None, scope)
            return receiver[int(place) % len(receiver)] if receiver else None
        if block is not None and (isinstance(receiver, (list, int, float, dict))):
            return self._call_iterator_method(receiver, name, args, block, scope)
        if name == "call" and isinstance(receiver, tuple):
            return self.run_block(receiver[0], args, receiver[1])
        if isinstance(receiver, dict):
            if name in ("[]", "fetch") and args:
                return receiver.get(str(args[0]))
            return {"keys": list(map(Symbol, receiver)), "values": list(receiver.values())}.get(name, UNKNOWN)
        if isinstance(receiver, list):
            return values.call_list_method(receiver, name, args, self.current_thread.rng)
        if isinstance(receiver, (int, float)) and not isinstance(receiver, bool):
            return values.call_number_method(receiver, name, args)
        if isinstance(receiver, str):
            return values.call_string_method(receiver, name, args)
        if receiver is None or isinstance(receiver, UnknownValue):
            self.run_block(block, [UNKNOWN], scope) if block else None
        return receiver == args[0] if name == "==" and args else UNKNOWN

    def _call_iterator_method(self, receiver: Any, name: str, args: list, block: Any, scope: dict) -> Any:
        if isinstance(receiver, dict):
            receiver = [[Symbol(key), value] for key, value in receiver.items()]
        if isinstance(receiver, (int, float)):
            last = int(to_number(args[0])) if args else 0
            n = int(min(receiver, MAX_ITERATIONS))
            receiver = {
                "times": range(max(0, n)),
                "upto": range(n, min(last, n + MAX_ITERATIONS) + 1),
                "downto": range(n, max(last, n - MAX_ITERATIONS) - 1, -1),
            }.get(name, range(1))
        elif name == "each_with_index":
            receiver = [[item, place] for place, item in enumerate(receiver)]
        elif name in ("each_slice", "each_cons") and args:
            size = max(1, int(to_number(args[0])))
            receiver = [receiver[at : at + size] for at in range(0, len(receiver), size)]
        elif name == "reverse_each":
            receiver = receiver[::-1]
        made = []
        try:
            if name in ("inject", "reduce"):
                total, rest = (args[0], receiver) if args else (receiver[0] if receiver else 0, receiver[1:])
                for item in self.limit_iterations(rest):
                    total = self.run_block(block, [total, item], scope)
                return total
            for item in self.limit_iterations(receiver):
                made.append(self.run_block(block, [item], scope))
        except ControlFlowSignal as leaves:
            if leaves.keyword != "break":
                raise
            return leaves.value
        if name in ("select", "filter", "reject", "find", "detect"):
            kept = [x for x, yes in zip(receiver, made) if bool(yes) != (name == "reject")]
            return (kept[0] if kept else None) if name in ("find", "detect") else Ring(kept)
        if name in ("any?", "all?", "count", "sum"):
            return {"any?": any(made), "all?": all(made)}.get(name, sum(map(to_number, made)))
        if name == "flat_map":
            return [x for part in made for x in (part if isinstance(part, list) else [part])]
        if "map" in name or name == "collect":
            return Ring(made)
        return receiver if isinstance(receiver, list) else None


class _BlockScope(dict):
    """Variables of a block: its own, and those around it, which it may change."""

    def __init__(self, outer_scope: dict):
        super().__init__()
        self.outer_scope = outer_scope

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.outer_scope

    def __missing__(self, name: str) -> Any:
        return self.outer_scope[name]

    def __setitem__(self, name: str, value: Any) -> None:
        scope: Any = self
        while isinstance(scope, _BlockScope):
            if dict.__contains__(scope, name):
                return dict.__setitem__(scope, name, value)
            scope = scope.outer_scope
        if name in scope:
            scope[name] = value
        else:
            super().__setitem__(name, value)


_EVALUATOR_BY_NODE_KIND = {
    "seq": "sequence",
    "true": "literal",
    "false": "literal",
    "nil": "literal",
    "text": "string",
    "var": "variable",
    "array": "array",
    "hash": "hash",
    "range": "range",
    "op": "operator",
    "unary": "unary",
    "if": "if",
    "while": "while",
    "case": "case",
    "set": "assignment",
    "opset": "operator_assignment",
    "mset": "multiple_assignment",
    "def": "definition",
    "block": "block",
    "return": "jump",
    "break": "jump",
    "next": "jump",
}
