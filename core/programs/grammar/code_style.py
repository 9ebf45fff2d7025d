"""Code style of a grammar program: notation, spacing, names, comments and layout.

The style is drawn from its own random stream, so that it is independent of the music.
"""

from __future__ import annotations

from fractions import Fraction

from core.programs.grammar import name_and_comment_lists
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.statement_tree_nodes import Block, CodeNode, Conditional
from core.programs.template_vocabulary import SHARP_NOTE_NAMES

_FLAT_NOTE_NAMES = "c db d eb e f gb g ab a bb b".split()


class CodeStyle:
    """The habits of one imaginary programmer.

    Parameters
    ----------
    rng : SeededRandom
        Random numbers for the code style alone.

    Attributes
    ----------
    naming_style : str
        A key of `identifiers.NAMING_STYLE_WEIGHTS`: language and tidiness of names and comments.
    hoist_probability : float
        Probability that a value becomes a variable at the top of the program.
    """

    def __init__(self, rng: SeededRandom):
        self.rng = rng
        self.naming_style = rng.pick_option_by_weight(name_and_comment_lists.NAMING_STYLE_WEIGHTS)
        self.hoist_probability = rng.pick_option((0.0, 0.1, 0.25, 0.5, 0.8))
        self._list_separator = rng.pick_option_by_weight({", ": 16, ",": 4, " , ": 0.5})
        self._option_format = rng.pick_option_by_weight(
            {"{}: {}": 16, "{}:{}": 2, ":{} => {}": 2, ":{}=>{}": 0.7}
        )
        self._parentheses_probability = rng.pick_option((0.0, 0.0, 0.0, 0.0, 0.05, 0.3, 1.0))
        self._lisp_call_probability = rng.pick_option((0.0, 0.0, 0.2, 1.0))
        self._list_notation = rng.pick_option_by_weight(
            {"[]": 10, "(ring )": 4, "ring()": 2, "[].ring": 2, "mixed": 4}
        )
        self._note_notation = rng.pick_option_by_weight(
            {"symbol": 10, "number": 5, "upper": 2, "mixed": 4}
        )
        self._note_names = rng.pick_option((SHARP_NOTE_NAMES, _FLAT_NOTE_NAMES))
        self._indent_unit = rng.pick_option_by_weight(
            {"  ": 20, "    ": 2, "\t": 1, "": 1, "ragged": 1, " ": 0.5}
        )
        self._braces_probability = rng.pick_option((0.0, 0.0, 0.1, 0.5))
        # An unused draw: without it, the later draws and so all programs would change.
        rng.pick_option((0.0,) * 6 + (0.4,))
        self._operator_spacing = rng.pick_option((" ", " ", " ", ""))
        self._fraction_probability = rng.pick_option((0.0, 0.0, 0.0, 0.1, 0.5))
        self._sleep_word = "wait" if rng.sample_boolean(0.04) else "sleep"
        self._comment_probability = rng.pick_option((0.0, 0.0, 0.05, 0.15, 0.35))
        self._dead_code_probability = rng.pick_option((0.0, 0.0, 0.0, 0.08, 0.2))
        self._blank_line_probability = rng.pick_option((0.0, 0.0, 0.05, 0.15))
        self._section_gap_lines = rng.pick_option_by_weight({1: 12, 0: 3, 2: 2})
        self._section_rule = rng.pick_option_by_weight(
            {"": 14, "# ---": 1, "#----------": 1, "########": 1, "# ====": 1}
        )
        self._section_label_probability = rng.pick_option((0.0, 0.0, 0.3, 1.0))
        self._comment_prefix = rng.pick_option_by_weight({"# ": 10, "#": 4, "## ": 1})
        self._used_names: set[str] = set(name_and_comment_lists.RESERVED_NAMES)

    def format_number(self, value: float) -> str:
        """Format a number: `0.5`, `1`, sometimes `1.0`."""
        if isinstance(value, int):
            return str(value)
        if float(value).is_integer():
            return f"{value:.1f}" if self.rng.sample_boolean(0.1) else str(int(value))
        return f"{value:g}"

    def format_beats(self, beats: float) -> str:
        """Format a length in beats, as a decimal or a fraction."""
        if beats < 1 and self.rng.sample_boolean(self._fraction_probability):
            fraction = Fraction(beats).limit_denominator(16)
            notation = self.rng.pick_option(("{}.0/{}", "{}/{}.0", "({}.0 / {})"))
            return notation.format(fraction.numerator, fraction.denominator)
        thirds = round(beats * 3)
        if abs(beats * 3 - thirds) < 1e-6 and thirds % 3:
            return self.rng.pick_option((f"{thirds}.0/3", f"{beats:.2f}", f"{beats:.3f}"))
        return self.format_number(round(beats, 4))

    def format_note(self, midi: int) -> str:
        """Format a MIDI note as a symbol or a number."""
        notation = self._note_notation
        if notation == "mixed":
            notation = self.rng.pick_option(("symbol", "number"))
        if notation == "number":
            return str(midi)
        octave, pitch_class = divmod(midi, 12)
        name = self._note_names[pitch_class]
        if notation == "upper":
            name = name.capitalize()
        return f":{name}{octave - 1}"

    def format_tonic_symbol(self, midi: int) -> str:
        """Format the first note of a scale or chord, always as a symbol."""
        octave, pitch_class = divmod(midi, 12)
        octave_text = "" if octave == 5 and self.rng.sample_boolean(0.3) else str(octave - 1)
        return f":{self._note_names[pitch_class]}{octave_text}"

    def format_ruby_list(self, members: list[str], as_ring: bool = False) -> str:
        """Format a list, or with `as_ring` a list that wraps around at its end."""
        inner = self._list_separator.join(members)
        notation = self._list_notation
        if notation == "mixed":
            notation = self.rng.pick_option(("[]", "(ring )", "ring()"))
        if not as_ring:
            notation = "[]"
        return {
            "[]": f"[{inner}]",
            "(ring )": f"(ring {inner})",
            "ring()": f"ring({inner})",
            "[].ring": f"[{inner}].ring",
        }[notation]

    def format_call_options(self, options: dict[str, str]) -> list[str]:
        """Format each option of a call: `amp: 0.5`."""
        # Ruby would parse `sync::beat` as the path of a constant.
        return [
            self._option_format.format(name, value).replace("::", ": :")
            for name, value in options.items()
        ]

    def format_call_expression(self, function: str, *arguments: str, **options: str) -> str:
        """Format a call in an expression: `scale(:c4, :minor)` or `(scale :c4, :minor)`."""
        inner = self._list_separator.join([*arguments, *self.format_call_options(options)])
        if inner and self.rng.sample_boolean(self._lisp_call_probability):
            return f"({function} {inner})"
        return f"{function}({inner})"

    def format_call_statement(self, function: str, *arguments: str, **options: str) -> str:
        """Format a call that is a statement or the head of a block."""
        inner = self._list_separator.join([*arguments, *self.format_call_options(options)])
        if not inner:
            return function
        if self.rng.sample_boolean(self._parentheses_probability):
            return f"{function}({inner})"
        return f"{function} {inner}"

    def format_sleep(self, expression: str) -> str:
        """Format a rest whose length is a Ruby expression."""
        return self.format_call_statement(self._sleep_word, expression)

    def format_rest(self, beats: float) -> str:
        """Format a rest of a number of beats."""
        return self.format_sleep(self.format_beats(beats))

    def format_infix_operation(self, left: str, operator: str, right: str) -> str:
        """Format a binary operation: `left + right`."""
        space = self._operator_spacing if operator in "+*" else " "
        return f"{left}{space}{operator}{space}{right}"

    def format_assignment(self, name: str, expression: str) -> str:
        """Format an assignment: `name = expression`."""
        return f"{name}{self._operator_spacing}={self._operator_spacing}{expression}"

    def create_loop_name(self, layer_kind: str) -> str:
        """Return an unused name for the loop of a layer."""
        words = name_and_comment_lists.LOOP_NAMES[self.naming_style].get(layer_kind, "part").split()
        return self._create_unused_name(words)

    def create_variable_name(self, variable_kind: str) -> str:
        """Return an unused name for a variable or function."""
        if self.naming_style == "sloppy" and self.rng.sample_boolean(0.6):
            return self._create_unused_name(name_and_comment_lists.SLOPPY_VARIABLE_NAMES)
        foreign_names = name_and_comment_lists.FOREIGN_VARIABLE_NAMES.get(self.naming_style, {})
        if variable_kind in foreign_names:
            return self._create_unused_name([foreign_names[variable_kind]])
        return self._create_unused_name(
            name_and_comment_lists.VARIABLE_NAMES["tidy"][variable_kind].split()
        )

    def _create_unused_name(self, candidate_names: list[str]) -> str:
        word = self.rng.pick_option(candidate_names)
        name, number = word, 2
        while name in self._used_names:
            separator = "_" if len(word) < 2 or word[-1].isdigit() else ""
            name, number = f"{word}{separator}{number}", number + 1
        self._used_names.add(name)
        return name

    def format_comment(self, text: str = "") -> str:
        """Format a comment, with a random text by default."""
        if not text:
            text = self.rng.pick_option(
                name_and_comment_lists.CODE_COMMENTS[self.naming_style].split("|")
            )
        return self._comment_prefix + text

    def pick_random_header_comments(self, key_name: str) -> list[str]:
        """Return the comment lines at the top of a program, often none."""
        if self.rng.sample_boolean(0.6):
            return [""] if self.rng.sample_boolean(0.04) else []
        title = self.rng.pick_option(
            name_and_comment_lists.TITLE_COMMENTS[self.naming_style].split("|")
        ).strip()
        title = title.format(key=key_name, n=self.rng.sample_integer(1, 40))
        lines = [self.format_comment(title)]
        if self.rng.sample_boolean(0.2):
            lines.append(self.format_comment())
        if self._section_rule and self.rng.sample_boolean(0.5):
            rule = "#" * (len(lines[0]) + 2)
            lines = [rule, *lines, rule]
        return [*lines, ""] if self.rng.sample_boolean(0.7) else lines

    def format_program_source(
        self, sections: list[tuple[str, list[CodeNode]]], key_name: str
    ) -> str:
        """Return the source of a program.

        Parameters
        ----------
        sections : list of (str, list of CodeNode)
            Label and statements of each section, in order; the label may be empty.
        key_name : str
            Musical key, for a title that names it.
        """
        lines: list[str] = []
        if len(sections) > 1 or self.rng.sample_boolean(0.2):
            lines = self.pick_random_header_comments(key_name)
        for index, (label, nodes) in enumerate(sections):
            if index:
                lines += [""] * self._section_gap_lines
            if index and self._section_rule and self.rng.sample_boolean(0.8):
                lines.append(self._section_rule)
            if (
                label
                and len(sections) > 2
                and self.rng.sample_boolean(self._section_label_probability)
            ):
                lines.append(self.format_comment(label.replace("_", " ")))
            lines += self._format_code_nodes(nodes, 0)
        text = "\n".join(lines)
        return text + self.rng.pick_option(("\n", "\n", "", "\n\n"))

    def format_statements(self, nodes: list[CodeNode]) -> list[str]:
        """Return the lines of statements that stand at the top of a program."""
        return self._format_code_nodes(nodes, 0)

    def _format_code_nodes(self, nodes: list[CodeNode], depth: int) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if (
                self.rng.sample_boolean(self._blank_line_probability)
                and lines
                and lines[-1].strip()
            ):
                lines.append("")
            lines += self._format_code_node(node, depth)
        return lines

    def _format_code_node(self, node: CodeNode, depth: int) -> list[str]:
        margin = self._format_indentation(depth)
        if isinstance(node, str):
            return self._format_indented_statement(node, margin)
        if isinstance(node, Conditional):
            lines = [f"{margin}{node.keyword} {node.condition}"]
            lines += self._format_code_nodes(node.body, depth + 1)
            if node.else_body:
                lines += [f"{margin}else", *self._format_code_nodes(node.else_body, depth + 1)]
            return [*lines, f"{margin}end"]
        parameters = f" |{node.block_parameters}|" if node.block_parameters else ""
        body = self._join_short_block_body(node)
        if body is None:
            return [
                f"{margin}{node.head} do{parameters}",
                *self._format_code_nodes(node.body, depth + 1),
                f"{margin}end",
            ]
        if node.allows_braces and self.rng.sample_boolean(0.6):
            return [f"{margin}{node.head} {{{parameters} {body} }}"]
        return [f"{margin}{node.head} do{parameters or ';'} {body}{' ' if parameters else ';'} end"]

    def _join_short_block_body(self, block: Block) -> str | None:
        """Return the body of a block that goes on one line, or None."""
        statements = [node for node in block.body if isinstance(node, str) and node[0] != "#"]
        has_only_statements = len(statements) == len(block.body)
        is_short = has_only_statements and sum(map(len, statements)) + len(block.head) < 76
        if is_short and len(statements) <= 2 and self.rng.sample_boolean(self._braces_probability):
            return "; ".join(statements)
        return None

    def _format_indented_statement(self, text: str, margin: str) -> list[str]:
        if text.startswith("#"):
            return [margin + text]
        lines = [margin + text]
        if self.rng.sample_boolean(self._comment_probability * 0.5):
            lines[0] += f" {self.format_comment()}"
        elif self.rng.sample_boolean(self._comment_probability * 0.4):
            lines.insert(0, margin + self.format_comment())
        if self.rng.sample_boolean(self._dead_code_probability * 0.5):
            lines.append(margin + self._comment_prefix + text)
        return lines

    def _format_indentation(self, depth: int) -> str:
        if self._indent_unit == "ragged":
            if not depth:
                return ""
            return " " * self.rng.sample_integer(max(0, 2 * depth - 1), 2 * depth + 2)
        return self._indent_unit * depth
