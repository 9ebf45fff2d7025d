"""Outline of a program for edits: its literals with their roles, its calls and its blocks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from core.suggest.literal_roles import (
    ARGUMENT_ROLES,
    PLAY_FUNCTIONS,
    VALUE_FUNCTIONS,
    VALUE_OPERATORS,
    classify_option_as_note_or_other,
    format_layer_name,
    get_literal_text,
    guess_role_of_name_literal,
)
from core.suggest.syntax_tree_with_source_positions import (
    LITERAL_KINDS,
    CallParts,
    SourceNode,
    get_block_body,
    list_statement_nodes,
    map_hash_literal_values,
    parse_source_tree,
    split_call_into_parts,
)


@dataclass(frozen=True)
class Literal:
    """A number, symbol or string in a program.

    Attributes
    ----------
    start, end : int
        Its characters in the source.
    line : int
        From 1.
    text : str
    value : int, float or str
    role : str
        What it sets: "note", "interval", "sleep", "tempo", "synth", "sample", "fx", "option",
        "seed", "odds", "pulses", …; "other" for a literal whose effect is not known.
    option : str
        Name of the option whose value it belongs to, "" without one.
    function : str
        The call that gives it its role.
    sound : str
        Synth, sample or FX of that call, "" where it is not a literal.
    layer : str
        Where it stands: "live_loop :bass", or "" at the top of the program.
    """

    start: int
    end: int
    line: int
    text: str
    value: int | float | str
    role: str = "other"
    option: str = ""
    function: str = ""
    sound: str = ""
    layer: str = ""


@dataclass(frozen=True, eq=False)
class OutlinedCall:
    """A call of a function of Sonic Pi.

    Attributes
    ----------
    node : SourceNode
        The call with its block, if it has one.
    parts : CallParts
    sound : str
        Synth, sample or FX, "" where it is not a literal.
    layer : str
    line : int
    arguments_end : int
        Character before which another option can be inserted.
    """

    node: SourceNode
    parts: CallParts
    sound: str
    layer: str
    line: int
    arguments_end: int


@dataclass(frozen=True, eq=False)
class StatementList:
    """The statements of the program or of a block, in order.

    Attributes
    ----------
    owner : SourceNode or None
        The call with the block; None for the program.
    statements : tuple of SourceNode
    layer : str
    """

    owner: SourceNode | None
    statements: tuple[SourceNode, ...]
    layer: str


@dataclass(frozen=True, eq=False)
class ProgramOutline:
    """What edits need to know of a program.

    Attributes
    ----------
    source : str
    tree : SourceNode
    literals : list of Literal
    calls : list of OutlinedCall
    bodies : list of StatementList
        The program's own statements first.
    """

    source: str
    tree: SourceNode
    literals: list[Literal] = field(default_factory=list)
    calls: list[OutlinedCall] = field(default_factory=list)
    bodies: list[StatementList] = field(default_factory=list)

    def find_line_of_offset(self, offset: int) -> int:
        """Return the line of a character, from 1."""
        return self.source.count("\n", 0, offset) + 1

    def get_source_of_node(self, node: SourceNode) -> str:
        """Return the source of a node."""
        return self.source[node.start : node.end]

    def list_literals_with_roles(self, *roles: str) -> list[Literal]:
        """Return the literals with one of the roles."""
        return [literal for literal in self.literals if literal.role in roles]

    def list_calls_of_functions(self, *names: str) -> list[OutlinedCall]:
        """Return the calls of the functions."""
        return [call for call in self.calls if call.parts.name in names]


@dataclass(frozen=True)
class _Place:
    """Where the walk is: the role that a literal has there."""

    role: str = "other"
    option: str = ""
    function: str = ""
    sound: str = ""
    layer: str = ""
    variable: str = ""


def build_program_outline(source: str) -> ProgramOutline | None:
    r"""Outline a program; None for one that does not parse.

    Examples
    --------
    >>> outline = build_program_outline("loop do\n  play :c4, cutoff: 90\n  sleep 1\nend")
    >>> [(literal.text, literal.role, literal.option, literal.line) for literal in outline.literals]
    [(':c4', 'note', '', 2), ('90', 'option', 'cutoff', 2), ('1', 'sleep', '', 3)]
    """
    tree = parse_source_tree(source)
    if tree is None:
        return None
    outline = ProgramOutline(source, tree)
    _OutlineWalk(outline).collect_outline_of_program()
    return outline


class _OutlineWalk:
    """One walk over the tree in the order of the source."""

    def __init__(self, outline: ProgramOutline):
        self.outline = outline
        self.current_synth = "beep"
        self.places_of_variable: dict[str, set[_Place]] = defaultdict(set)
        self.pending: list[tuple[int, str]] = []
        """Literals that are assigned to a variable, whose role follows from its uses."""

    def collect_outline_of_program(self) -> None:
        """Fill the outline."""
        self._visit_statements_of_outline(None, self.outline.tree, "")
        for index, variable in self.pending:
            places = self.places_of_variable[variable]
            if len({(place.role, place.option) for place in places}) == 1:
                place = min(places, key=lambda item: (item.sound, item.function))
                self.outline.literals[index] = replace(
                    self.outline.literals[index],
                    role=place.role,
                    option=place.option,
                    function=place.function,
                    sound=place.sound,
                )

    def _visit_statements_of_outline(
        self, owner: SourceNode | None, body: SourceNode | None, layer: str
    ) -> None:
        statements = list_statement_nodes(body)
        self.outline.bodies.append(StatementList(owner, tuple(statements), layer))
        for statement in statements:
            self._visit_node(statement, _Place(layer=layer))

    def _visit_node(self, node: SourceNode, place: _Place) -> None:
        if node.kind in LITERAL_KINDS:
            self._add_literal_to_outline(node, place)
        elif node.kind == "ITER":
            self._visit_block_call(node, place)
        elif (parts := split_call_into_parts(node)) is not None:
            self._visit_call(node, node, parts, place)
        elif node.kind in ("LASGN", "DASGN", "DASGN_CURR", "GASGN", "IASGN", "CDECL"):
            variable = str(node.children[0])
            for child in node.child_nodes:
                self._visit_node(child, _Place(layer=place.layer, variable=variable))
        elif node.kind in ("LVAR", "DVAR", "GVAR", "IVAR", "CONST"):
            self.places_of_variable[str(node.children[0])].add(replace(place, layer=""))
        elif node.kind == "HASH":
            for value in map_hash_literal_values(node).values():
                self._visit_node(value, _Place(layer=place.layer))
        else:
            self._visit_child_nodes(node, place)

    def _visit_child_nodes(self, node: SourceNode, place: _Place) -> None:
        is_value = node.kind in ("LIST", "IF", "UNLESS", "BLOCK", "BEGIN", "DOT2", "DOT3", "ZLIST")
        for position, child in enumerate(node.child_nodes):
            is_test = node.kind in ("IF", "UNLESS", "WHILE", "UNTIL", "CASE") and position == 0
            child_place = place if is_value and not is_test else _Place(layer=place.layer)
            self._visit_node(child, child_place)

    def _visit_block_call(self, node: SourceNode, place: _Place) -> None:
        call_node = node.child_nodes[0]
        parts = split_call_into_parts(call_node)
        layer, synth = place.layer, self.current_synth
        if parts is not None:
            self._visit_call(call_node, node, parts, place)
            layer = format_layer_name(parts, place.layer)
        body = get_block_body(node)
        self._visit_statements_of_outline(node, body, layer)
        self.current_synth = synth

    def _visit_call(
        self, call_node: SourceNode, node: SourceNode, parts: CallParts, place: _Place
    ) -> None:
        if parts.receiver is not None:
            self._visit_method_call(parts, place)
            return
        sound = self._find_sound_of_call(parts)
        self._add_call_to_outline(call_node, node, parts, sound, place)
        roles = ARGUMENT_ROLES.get(parts.name)
        for position, argument in enumerate(parts.arguments):
            if roles is not None:
                role = roles[min(position, len(roles) - 1)]
                argument_place = _Place(role, "", parts.name, sound, place.layer)
            elif parts.name in VALUE_FUNCTIONS:
                # The second part of a knit is a number of repetitions.
                is_count = parts.name == "knit" and position % 2 == 1
                argument_place = _Place("count", layer=place.layer) if is_count else place
                argument_place = replace(argument_place, function=parts.name)
            else:
                argument_place = _Place(function=parts.name, layer=place.layer)
            self._visit_node(argument, argument_place)
        for name, value in parts.options.items():
            self._visit_node(
                value,
                _Place(
                    classify_option_as_note_or_other(name, parts.name),
                    name,
                    parts.name,
                    sound,
                    place.layer,
                ),
            )

    def _visit_method_call(self, parts: CallParts, place: _Place) -> None:
        assert parts.receiver is not None
        is_number_loop = parts.name == "times"
        if is_number_loop:
            receiver_place = _Place("count", function="times", layer=place.layer)
        elif parts.name in ("==", "!=", "<", ">", "<=", ">=", "%", "&", "[]"):
            is_list = parts.name == "[]"
            receiver_place = place if is_list else _Place(layer=place.layer)
        else:
            receiver_place = place
        self._visit_node(parts.receiver, receiver_place)
        for argument in parts.arguments:
            if parts.name not in VALUE_OPERATORS:
                argument_place = _Place(function=parts.name, layer=place.layer)
            elif place.role == "note" and parts.name in ("+", "-"):
                argument_place = replace(place, role="interval")
            else:
                argument_place = place
            self._visit_node(argument, argument_place)

    def _find_sound_of_call(self, parts: CallParts) -> str:
        """Return the synth, sample or FX of a call, and follow the current synth."""
        name = get_literal_text(parts.arguments[0]) if parts.arguments else ""
        if parts.name in ("use_synth", "with_synth"):
            self.current_synth = name or self.current_synth
            return name
        if parts.name in ("synth", "sample", "with_fx"):
            return name
        is_play = parts.name in PLAY_FUNCTIONS or "synth_defaults" in parts.name
        return self.current_synth if is_play else ""

    def _add_call_to_outline(
        self,
        call_node: SourceNode,
        node: SourceNode,
        parts: CallParts,
        sound: str,
        place: _Place,
    ) -> None:
        source = self.outline.source
        end = call_node.end
        if source[end - 1 : end] == ")" and _has_own_brackets(source, call_node, parts):
            end -= 1
        self.outline.calls.append(
            OutlinedCall(
                node,
                parts,
                sound,
                place.layer,
                self.outline.find_line_of_offset(call_node.start),
                len(source[:end].rstrip()),
            )
        )

    def _add_literal_to_outline(self, node: SourceNode, place: _Place) -> None:
        source = self.outline.source
        text = source[node.start : node.end]
        value = node.children[0]
        role = place.role
        if node.kind in ("SYMBOL", "STR") and role in ("other", "note"):
            role = guess_role_of_name_literal(str(value), role)
        literal = Literal(
            node.start,
            node.end,
            self.outline.find_line_of_offset(node.start),
            text,
            value,
            role,
            place.option,
            place.function,
            place.sound,
            place.layer,
        )
        if place.variable and role == "other":
            self.pending.append((len(self.outline.literals), place.variable))
        self.outline.literals.append(literal)


def _has_own_brackets(source: str, node: SourceNode, parts: CallParts) -> bool:
    """Return whether a call's arguments are in brackets: ``play(60)``, not ``play (60)``."""
    return source[node.start :].startswith(f"{parts.name}(")
