"""What the nodes of a program's syntax tree mean, in a language of our own.

Nothing of the user's is executed: the tree is data, and the only words it knows are those of
`sonicpi_words.py` and `sonicpi_music.py`. What cannot be known (a method, a file, a function from
elsewhere) is `UNKNOWN` and passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.interpreter.values import UNKNOWN, Ring, Symbol, Unknown, number, operated

TURNS = 4_000  # of one loop
DEEP = 60  # calls within calls


class Over(Exception):
    """The thread has come to its end: of its time, its steps, or by `stop`."""


class Waits(Exception):
    """The thread waits for a cue that was not heard."""


class Leaves(Exception):
    """`break`, `next` or `return`."""

    def __init__(self, how: str, value: Any = None):
        self.how, self.value = how, value


class Tree:
    """Evaluates nodes; a subclass says what time, threads and sounds are.

    Attributes
    ----------
    words : dict of str to callable
        What a program can call: `core.sonicpi.interpreter.builtins_registry.WORDS`.
    functions : dict of str to tuple
        What the program itself defines: a block, and the variables around it.
    thread : Thread
        That is followed now.
    called : dict of str to int
        How often each word was called.
    unknown, left : int
        What could not be followed, and how many steps are left.
    """

    words: dict[str, Any]
    functions: dict[str, tuple]
    called: dict[str, int]
    thread: Any
    unknown: int
    left: int

    # -- blocks -------------------------------------------------------------------------------

    def run_block(self, block: Any, given: list, scope: dict) -> Any:
        """Run a block with arguments; `next` ends it alone."""
        if not isinstance(block, list) or not block or block[0] != "block":
            return self._called(block, given, scope)
        inner = _Scope(scope)
        self.bind(block[1], given, inner)
        try:
            return self.evaluate(block[2], inner)
        except Leaves as leaves:
            if leaves.how != "next":
                raise
            return leaves.value

    def _called(self, block: Any, given: list, scope: dict) -> Any:
        """A method's name in place of a block: `&:choose`."""
        if isinstance(block, Symbol) and given:
            return self.method(given[0], str(block), given[1:], {}, None, scope)
        if isinstance(block, tuple):
            return self.run_block(block[0], given, block[1])
        return None

    def bind(self, parameters: list, given: list, scope: dict) -> None:
        given = list(given)
        if len(parameters) > 1 and len(given) == 1 and isinstance(given[0], list):
            given = list(given[0])
        for name, default in parameters:
            if isinstance(name, list):
                inside = given.pop(0) if given else []
                inside = inside if isinstance(inside, list) else [inside]
                self.bind([[one, None] for one in name], inside, scope)
            elif name.startswith("*"):
                scope[name[1:]], given = given, []
            elif name.startswith(":"):
                options = given[-1] if given and isinstance(given[-1], dict) else {}
                held = name[1:]
                scope[held] = options[held] if held in options else self.evaluate(default, scope)
            elif given:
                scope[name] = given.pop(0)
            else:
                scope[name] = self.evaluate(default, scope)

    def turns(self, items: Any) -> Iterator[Any]:
        for turn, item in enumerate(items):
            if turn >= TURNS:
                return
            yield item

    # -- the tree -----------------------------------------------------------------------------

    def evaluate(self, node: Any, scope: dict) -> Any:
        """The value of a node of the tree that `parser.rb` gives."""
        if not node:
            return None
        thread = self.thread
        thread.left -= 1
        self.left -= 1
        if thread.left <= 0 or self.left <= 0:
            thread.left = 0
            raise Over
        kind = node[0]
        if kind == "num" or kind == "str":
            return node[1]
        if kind == "sym":
            return Symbol(node[1])
        if kind == "call":
            return self._call(node, scope)
        return getattr(self, f"_{_NAMES.get(kind, 'other')}")(node, scope)

    def _seq(self, node: list, scope: dict) -> Any:
        found = None
        for part in node[1:]:
            found = self.evaluate(part, scope)
        return found

    def _other(self, node: list, scope: dict) -> Any:
        self.unknown += 1
        for part in node[1:]:
            if isinstance(part, list):
                self.evaluate(part, scope)
        return UNKNOWN

    def _literal(self, node: list, scope: dict) -> Any:
        return {"true": True, "false": False}.get(node[0])

    def _text(self, node: list, scope: dict) -> Any:
        return "".join(str(self.evaluate(part, scope)) for part in node[1:])[:4096]

    def _var(self, node: list, scope: dict) -> Any:
        name = node[1]
        if name in scope:
            return scope[name]
        return {"self": UNKNOWN}.get(name) if name != name.capitalize() else Symbol(name)

    def _array(self, node: list, scope: dict) -> list:
        return self.arguments(node[1:], scope)[0][: values.LONGEST]

    def _hash(self, node: list, scope: dict) -> dict:
        return {
            str(self.evaluate(key, scope)): self.evaluate(value, scope)
            for key, value in node[1:]
            if key
        }

    def _range(self, node: list, scope: dict) -> Any:
        first, last = (int(number(self.evaluate(part, scope))) for part in node[1:3])
        return list(range(first, min(last + (not node[3]), first + values.LONGEST)))

    def _op(self, node: list, scope: dict) -> Any:
        sign, a = node[1], self.evaluate(node[2], scope)
        if sign in ("&&", "and"):
            return self.evaluate(node[3], scope) if a else a
        if sign in ("||", "or"):
            return a if a else self.evaluate(node[3], scope)
        return operated(sign, a, self.evaluate(node[3], scope))

    def _unary(self, node: list, scope: dict) -> Any:
        value = self.evaluate(node[2], scope)
        if node[1] in ("!", "not"):
            return not value
        return operated("*", value, -1) if node[1].startswith("-") else value

    def _if(self, node: list, scope: dict) -> Any:
        test = self.evaluate(node[1], scope)
        if isinstance(test, Unknown):  # both may be: follow one of them by lot
            test = self.thread.rng.random() < 0.5
        return self.evaluate(node[2] if test else node[3], scope)

    def _while(self, node: list, scope: dict) -> None:
        try:
            for _ in range(TURNS):
                if not self.evaluate(node[1], scope):
                    return
                self.evaluate(node[2], scope)
        except Leaves as leaves:
            if leaves.how == "return":
                raise

    def _case(self, node: list, scope: dict) -> Any:
        subject = self.evaluate(node[1], scope)
        for tests, body in node[2]:
            if tests is None:
                return self.evaluate(body, scope)
            for test in self.arguments(tests, scope)[0]:
                if operated("===", subject, test) or (isinstance(test, list) and subject in test):
                    return self.evaluate(body, scope)
        return None

    def _set(self, node: list, scope: dict) -> Any:
        value = self.evaluate(node[2], scope)
        self._put(node[1], value, scope)
        return value

    def _opset(self, node: list, scope: dict) -> Any:
        before = self.evaluate(node[1], scope)
        if node[2] in ("||", "&&"):
            keeps = bool(before) == (node[2] == "||")
            value = before if keeps else self.evaluate(node[3], scope)
        else:
            value = operated(node[2], before, self.evaluate(node[3], scope))
        self._put(node[1], value, scope)
        return value

    def _mset(self, node: list, scope: dict) -> Any:
        given = self.evaluate(node[2], scope)
        given = given if isinstance(given, list) else [given]
        for place, target in enumerate(node[1]):
            self._put(target, given[place] if place < len(given) else None, scope)
        return given

    def _put(self, target: list, value: Any, scope: dict) -> None:
        if target and target[0] == "var":
            scope[target[1]] = value
        elif target and target[0] == "call" and target[2] == "[]":
            on = self.evaluate(target[1], scope)
            key = self.arguments(target[3], scope)[0]
            if isinstance(on, dict) and key and len(on) < values.LONGEST:
                on[str(key[0])] = value
            elif isinstance(on, list) and on and key:
                on[int(number(key[0])) % len(on)] = value

    def _def(self, node: list, scope: dict) -> None:
        self.functions[node[1]] = (["block", node[2], node[3]], {})

    def _block(self, node: list, scope: dict) -> tuple:
        return (node, scope)

    def _leave(self, node: list, scope: dict) -> None:
        raise Leaves(node[0], self.evaluate(node[1], scope) if len(node) > 1 else None)

    # -- calls --------------------------------------------------------------------------------

    def arguments(self, nodes: list, scope: dict) -> tuple[list, dict, Any]:
        """Positions, options by name, and what is passed as a block."""
        given, options, passed = [], {}, None
        for node in nodes:
            if node and node[0] == "splat":
                more = self.evaluate(node[1], scope)
                given += more if isinstance(more, list) else [more]
            elif node and node[0] == "pass":
                passed = self.evaluate(node[1], scope)
            elif node and node[0] == "hash" and node is nodes[-1]:
                options = self._hash(node, scope)
            else:
                given.append(self.evaluate(node, scope))
        return given, options, passed

    def _call(self, node: list, scope: dict) -> Any:
        name, block = node[2], node[4] if len(node) > 4 else None
        if node[1] is None and not node[3] and block is None and name in scope:
            return scope[name]
        thread = self.thread
        thread.deep += 1
        try:
            if thread.deep > DEEP:
                raise Over
            on = self.evaluate(node[1], scope) if node[1] is not None else None
            given, options, passed = self.arguments(node[3], scope)
            block = block or passed
            if node[1] is not None:
                return self.method(on, name, given, options, block, scope)
            return self.word(name, given, options, block, scope)
        finally:
            thread.deep -= 1

    def word(self, name: str, given: list, options: dict, block: Any, scope: dict) -> Any:
        """Call one of Sonic Pi's words, or a function that the program defines."""
        if name in self.functions:
            body, outer = self.functions[name]
            inner = _Scope(outer)
            self.bind(body[1], [*given, options] if options else given, inner)
            try:
                return self.evaluate(body[2], inner)
            except Leaves as leaves:
                return leaves.value
        if len(self.called) < 512:
            self.called[name] = self.called.get(name, 0) + 1
        if name in self.words:
            return self.words[name](self, given, options, block, scope)
        self.unknown += 1
        return self.run_block(block, [UNKNOWN], scope) if block else UNKNOWN

    def method(
        self, on: Any, name: str, given: list, options: dict, block: Any, scope: dict
    ) -> Any:
        """Call a method of a value."""
        if name in ("tick", "look") and isinstance(on, list):
            place = self.words[name](self, given, options, None, scope)
            return on[int(place) % len(on)] if on else None
        if block is not None and (isinstance(on, (list, int, float, dict))):
            return self._each(on, name, given, block, scope)
        if name == "call" and isinstance(on, tuple):
            return self.run_block(on[0], given, on[1])
        if isinstance(on, dict):
            if name in ("[]", "fetch") and given:
                return on.get(str(given[0]))
            return {"keys": list(map(Symbol, on)), "values": list(on.values())}.get(name, UNKNOWN)
        if isinstance(on, list):
            return values.list_method(on, name, given, self.thread.rng)
        if isinstance(on, (int, float)) and not isinstance(on, bool):
            return values.number_method(on, name, given)
        if isinstance(on, str):
            return values.text_method(on, name, given)
        if on is None or isinstance(on, Unknown):
            self.run_block(block, [UNKNOWN], scope) if block else None
        return on == given[0] if name == "==" and given else UNKNOWN

    def _each(self, on: Any, name: str, given: list, block: Any, scope: dict) -> Any:
        if isinstance(on, dict):
            on = [[Symbol(key), value] for key, value in on.items()]
        if isinstance(on, (int, float)):
            last = int(number(given[0])) if given else 0
            n = int(min(on, TURNS))
            on = {
                "times": range(max(0, n)),
                "upto": range(n, min(last, n + TURNS) + 1),
                "downto": range(n, max(last, n - TURNS) - 1, -1),
            }.get(name, range(1))
        elif name == "each_with_index":
            on = [[item, place] for place, item in enumerate(on)]
        elif name in ("each_slice", "each_cons") and given:
            size = max(1, int(number(given[0])))
            on = [on[at : at + size] for at in range(0, len(on), size)]
        elif name == "reverse_each":
            on = on[::-1]
        made = []
        try:
            if name in ("inject", "reduce"):
                total, rest = (given[0], on) if given else (on[0] if on else 0, on[1:])
                for item in self.turns(rest):
                    total = self.run_block(block, [total, item], scope)
                return total
            for item in self.turns(on):
                made.append(self.run_block(block, [item], scope))
        except Leaves as leaves:
            if leaves.how != "break":
                raise
            return leaves.value
        if name in ("select", "filter", "reject", "find", "detect"):
            kept = [x for x, yes in zip(on, made) if bool(yes) != (name == "reject")]
            return (kept[0] if kept else None) if name in ("find", "detect") else Ring(kept)
        if name in ("any?", "all?", "count", "sum"):
            return {"any?": any(made), "all?": all(made)}.get(name, sum(map(number, made)))
        if name == "flat_map":
            return [x for part in made for x in (part if isinstance(part, list) else [part])]
        if "map" in name or name == "collect":
            return Ring(made)
        return on if isinstance(on, list) else None


class _Scope(dict):
    """Variables of a block: its own, and those around it, which it may change."""

    def __init__(self, outer: dict):
        super().__init__()
        self.outer = outer

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.outer

    def __missing__(self, name: str) -> Any:
        return self.outer[name]

    def __setitem__(self, name: str, value: Any) -> None:
        scope: Any = self
        while isinstance(scope, _Scope):
            if dict.__contains__(scope, name):
                return dict.__setitem__(scope, name, value)
            scope = scope.outer
        if name in scope:
            scope[name] = value
        else:
            super().__setitem__(name, value)


_NAMES = {
    "seq": "seq",
    "true": "literal",
    "false": "literal",
    "nil": "literal",
    "text": "text",
    "var": "var",
    "array": "array",
    "hash": "hash",
    "range": "range",
    "op": "op",
    "unary": "unary",
    "if": "if",
    "while": "while",
    "case": "case",
    "set": "set",
    "opset": "opset",
    "mset": "mset",
    "def": "def",
    "block": "block",
    "return": "leave",
    "break": "leave",
    "next": "leave",
}
