"""How somebody writes: names, spacing, options, notes, comments. Knows nothing of music.

A hand is drawn from a stream of its own, apart from the musical style, so that
neither of the two tells anything of the other.
"""

from __future__ import annotations

import re
from fractions import Fraction

from core.programs.grammar import identifiers
from core.programs.grammar.rng import SeededRandom
from core.programs.grammar.code_tree import Block, Conditional, CodeNode

_SHARP_NOTE_NAMES = "c cs d ds e f fs g gs a as b".split()
_FLAT_NOTE_NAMES = "c db d eb e f gb g ab a bb b".split()
_ATOM_PATTERN = re.compile(r"[\w.:\[\]-]+\Z")


class CodeStyle:
    """One person's habits.

    Parameters
    ----------
    rng : Dice
        Of this hand alone.

    Attributes
    ----------
    naming_style : str
        A key of `names.MANNERS`: language and tidiness of names and remarks.
    hoist_probability : float
        How readily values are given a name at the top instead of standing inline.
    """

    def __init__(self, rng: SeededRandom):
        self.rng = rng
        self.naming_style = rng.pick_weighted(identifiers.NAMING_STYLE_WEIGHTS)
        self.hoist_probability = rng.pick((0.0, 0.1, 0.25, 0.5, 0.8))
        self._list_separator = rng.pick_weighted({", ": 16, ",": 4, " , ": 0.5})
        self._option_format = rng.pick_weighted({"{}: {}": 16, "{}:{}": 2, ":{} => {}": 2, ":{}=>{}": 0.7})
        self._parentheses_probability = rng.pick((0.0, 0.0, 0.0, 0.0, 0.05, 0.3, 1.0))
        self._lisp_call_probability = rng.pick((0.0, 0.0, 0.2, 1.0))
        self._list_notation = rng.pick_weighted({"[]": 10, "(ring )": 4, "ring()": 2, "[].ring": 2, "mixed": 4})
        self._note_notation = rng.pick_weighted({"symbol": 10, "number": 5, "upper": 2, "mixed": 4})
        self._note_names = rng.pick((_SHARP_NOTE_NAMES, _FLAT_NOTE_NAMES))
        self._indent_unit = rng.pick_weighted({"  ": 20, "    ": 2, "\t": 1, "": 1, "ragged": 1, " ": 0.5})
        self._braces_probability = rng.pick((0.0, 0.0, 0.1, 0.5))
        self._semicolon_probability = rng.pick((0.0,) * 6 + (0.4,))
        self._operator_spacing = rng.pick((" ", " ", " ", ""))
        self._fraction_probability = rng.pick((0.0, 0.0, 0.0, 0.1, 0.5))
        self._sleep_word = "wait" if rng.chance(0.04) else "sleep"
        self._comment_probability = rng.pick((0.0, 0.0, 0.05, 0.15, 0.35))
        self._dead_code_probability = rng.pick((0.0, 0.0, 0.0, 0.08, 0.2))
        self._blank_line_probability = rng.pick((0.0, 0.0, 0.05, 0.15))
        self._section_gap_lines = rng.pick_weighted({1: 12, 0: 3, 2: 2})
        self._section_rule = rng.pick_weighted(
            {"": 14, "# ---": 1, "#----------": 1, "########": 1, "# ====": 1}
        )
        self._section_label_probability = rng.pick((0.0, 0.0, 0.3, 1.0))
        self._comment_prefix = rng.pick_weighted({"# ": 10, "#": 4, "## ": 1})
        self._used_names: set[str] = set(identifiers.RESERVED_NAMES)

    # Expressions

    def format_number(self, value: float) -> str:
        """Write a number: `0.5`, `1`, now and then `1.0` or `1/4.0`."""
        if isinstance(value, int):
            return str(value)
        if float(value).is_integer():
            return f"{value:.1f}" if self.rng.chance(0.1) else str(int(value))
        return f"{value:g}"

    def format_beats(self, beats: float) -> str:
        """Write a length in beats, as a decimal or a fraction."""
        if beats < 1 and self.rng.chance(self._fraction_probability):
            share = Fraction(beats).limit_denominator(16)
            form = self.rng.pick(("{}.0/{}", "{}/{}.0", "({}.0 / {})"))
            return form.format(share.numerator, share.denominator)
        thirds = round(beats * 3)
        if abs(beats * 3 - thirds) < 1e-6 and thirds % 3:
            return self.rng.pick((f"{thirds}.0/3", f"{beats:.2f}", f"{beats:.3f}"))
        return self.format_number(round(beats, 4))

    def format_note(self, midi: int) -> str:
        """Write a MIDI note as a symbol or a number."""
        manner = self._note_notation if self._note_notation != "mixed" else self.rng.pick(("symbol", "number"))
        if manner == "number":
            return str(midi)
        octave, tone = divmod(midi, 12)
        name = self._note_names[tone]
        if manner == "upper":
            name = name.capitalize()
        return f":{name}{octave - 1}"

    def format_tonic(self, midi: int) -> str:
        """Write a note that a scale or chord starts from, always by name."""
        octave, tone = divmod(midi, 12)
        octave_text = "" if octave == 5 and self.rng.chance(0.3) else str(octave - 1)
        return f":{self._note_names[tone]}{octave_text}"

    def format_list(self, members: list[str], as_ring: bool = False) -> str:
        """Write a list; with `as_ring` it will be ticked through or indexed beyond its end."""
        inner = self._list_separator.join(members)
        form = (
            self._list_notation if self._list_notation != "mixed" else self.rng.pick(("[]", "(ring )", "ring()"))
        )
        if not as_ring:
            form = "[]"
        if form == "(ring )":
            return f"(ring {inner})"
        return {"[]": f"[{inner}]", "ring()": f"ring({inner})", "[].ring": f"[{inner}].ring"}[form]

    def format_options(self, options: dict[str, str]) -> list[str]:
        """Write options one by one: `amp: 0.5`."""
        # `sync::beat` would be read as a constant's path.
        return [
            self._option_format.format(name, value).replace("::", ": :") for name, value in options.items()
        ]

    def format_call_expression(self, function: str, *arguments: str, **options: str) -> str:
        """Write a call inside an expression: `scale(:c4, :minor)` or `(scale :c4, :minor)`."""
        inner = self._list_separator.join([*arguments, *self.format_options(options)])
        if inner and self.rng.chance(self._lisp_call_probability):
            return f"({function} {inner})"
        return f"{function}({inner})"

    def format_call_statement(self, function: str, *arguments: str, **options: str) -> str:
        """Write a call that is a statement, or the head of a block."""
        inner = self._list_separator.join([*arguments, *self.format_options(options)])
        if not inner:
            return function
        if self.rng.chance(self._parentheses_probability):
            return f"{function}({inner})"
        return f"{function} {inner}"

    def format_sleep(self, expression: str) -> str:
        """Write a rest."""
        return self.format_call_statement(self._sleep_word, expression)

    def format_infix(self, left: str, operator: str, right: str) -> str:
        """Write `left operator right`."""
        space = self._operator_spacing if operator in "+*" else " "
        return f"{left}{space}{operator}{space}{right}"

    def format_assignment(self, name: str, expression: str) -> str:
        """Write an assignment."""
        return f"{name}={expression}" if self._operator_spacing == "" else f"{name} = {expression}"

    # Names

    def create_loop_name(self, layer_kind: str) -> str:
        """Return a new name for what plays `layer_kind`."""
        words = identifiers.LOOP_NAMES[self.naming_style].get(layer_kind, "part").split()
        return self._create_unused_name(words)

    def create_variable_name(self, variable_kind: str) -> str:
        """Return a new name for a variable that holds `variable_kind`."""
        if self.naming_style == "sloppy" and self.rng.chance(0.6):
            return self._create_unused_name(identifiers.SLOPPY_VARIABLE_NAMES)
        tidy = identifiers.VARIABLE_NAMES["tidy"][variable_kind].split()
        foreign = identifiers.FOREIGN_VARIABLE_NAMES.get(self.naming_style, {}).get(variable_kind)
        return self._create_unused_name([foreign] if foreign else tidy)

    def _create_unused_name(self, candidate_names: list[str]) -> str:
        word = self.rng.pick(candidate_names)
        name, number = word, 2
        while name in self._used_names:
            joint = "_" if len(word) < 2 or word[-1].isdigit() else ""
            name, number = f"{word}{joint}{number}", number + 1
        self._used_names.add(name)
        return name

    # Remarks

    def format_comment(self, text: str = "") -> str:
        """Write a comment."""
        return self._comment_prefix + (text or self.rng.pick(identifiers.CODE_COMMENTS[self.naming_style].split("|")))

    def format_header_comments(self, key_name: str) -> list[str]:
        """Return the lines before a program: often none."""
        if self.rng.chance(0.6):
            return [""] if self.rng.chance(0.04) else []
        title = self.rng.pick(identifiers.TITLE_COMMENTS[self.naming_style].split("|")).strip()
        title = title.format(key=key_name, n=self.rng.draw_integer(1, 40))
        lines = [self.format_comment(title)]
        if self.rng.chance(0.2):
            lines.append(self.format_comment())
        if self._section_rule and self.rng.chance(0.5):
            rule = "#" * (len(lines[0]) + 2)
            lines = [rule, *lines, rule]
        return [*lines, ""] if self.rng.chance(0.7) else lines

    # Layout

    def format_program(self, sections: list[tuple[str, list[CodeNode]]], key_name: str) -> str:
        """Return the whole program's text.

        Parameters
        ----------
        sections : list of (kind, nodes)
            What belongs together, in order; `kind` may label it.
        key_name : str
            Of the piece, for a header that names it.
        """
        lines = self.format_header_comments(key_name) if len(sections) > 1 or self.rng.chance(0.2) else []
        for index, (kind, nodes) in enumerate(sections):
            if index:
                lines += [""] * self._section_gap_lines
            if index and self._section_rule and self.rng.chance(0.8):
                lines.append(self._section_rule)
            if kind and len(sections) > 2 and self.rng.chance(self._section_label_probability):
                lines.append(self.format_comment(kind.replace("_", " ")))
            lines += self._format_nodes(nodes, 0)
        text = "\n".join(lines)
        return text + self.rng.pick(("\n", "\n", "", "\n\n"))

    def _format_nodes(self, nodes: list[CodeNode], depth: int) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if self.rng.chance(self._blank_line_probability) and lines and lines[-1].strip():
                lines.append("")
            lines += self._format_node(node, depth)
        return lines

    def _format_node(self, node: CodeNode, depth: int) -> list[str]:
        margin = self._format_margin(depth)
        if isinstance(node, str):
            return self._format_statement(node, margin)
        if isinstance(node, Conditional):
            lines = [f"{margin}{node.keyword} {node.condition}", *self._format_nodes(node.body, depth + 1)]
            if node.else_body:
                lines += [f"{margin}else", *self._format_nodes(node.else_body, depth + 1)]
            return [*lines, f"{margin}end"]
        params = f" |{node.block_parameters}|" if node.block_parameters else ""
        if self._fits_one_line(node):
            inner = "; ".join(node.body)
            if node.allows_braces and self.rng.chance(0.6):
                return [f"{margin}{node.head} {{{params} {inner} }}"]
            return [f"{margin}{node.head} do{params or ';'} {inner}{' ' if params else ';'} end"]
        return [
            f"{margin}{node.head} do{params}",
            *self._format_nodes(node.body, depth + 1),
            f"{margin}end",
        ]

    def _fits_one_line(self, node: Block) -> bool:
        plain = all(isinstance(one, str) and one[0] != "#" for one in node.body)
        short = plain and sum(map(len, node.body)) + len(node.head) < 76
        return short and len(node.body) <= 2 and self.rng.chance(self._braces_probability)

    def _format_statement(self, text: str, margin: str) -> list[str]:
        if text.startswith("#"):
            return [margin + text]
        lines = [margin + text]
        if self.rng.chance(self._comment_probability * 0.5):
            lines[0] += f" {self.format_comment()}"
        elif self.rng.chance(self._comment_probability * 0.4):
            lines.insert(0, margin + self.format_comment())
        if self.rng.chance(self._dead_code_probability * 0.5):
            lines.append(margin + self._comment_prefix + text)
        return lines

    def _format_margin(self, depth: int) -> str:
        if self._indent_unit == "ragged":
            return " " * self.rng.draw_integer(max(0, 2 * depth - 1), 2 * depth + 2) if depth else ""
        return self._indent_unit * depth
