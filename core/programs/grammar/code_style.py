"""How somebody writes: names, spacing, options, notes, comments. Knows nothing of music.

A hand is drawn from a stream of its own, apart from the musical style, so that
neither of the two tells anything of the other.
"""

from __future__ import annotations

import re
from fractions import Fraction

from core.programs.grammar import identifiers
from core.programs.grammar.rng import Dice
from core.programs.grammar.code_tree import Block, If, Node

_SHARPS = "c cs d ds e f fs g gs a as b".split()
_FLATS = "c db d eb e f gb g ab a bb b".split()
_ATOM = re.compile(r"[\w.:\[\]-]+\Z")


class Hand:
    """One person's habits.

    Parameters
    ----------
    dice : Dice
        Of this hand alone.

    Attributes
    ----------
    manner : str
        A key of `names.MANNERS`: language and tidiness of names and remarks.
    hoists : float
        How readily values are given a name at the top instead of standing inline.
    """

    def __init__(self, dice: Dice):
        self.dice = dice
        self.manner = dice.weighted(identifiers.MANNERS)
        self.hoists = dice.pick((0.0, 0.1, 0.25, 0.5, 0.8))
        self._comma = dice.weighted({", ": 16, ",": 4, " , ": 0.5})
        self._option = dice.weighted({"{}: {}": 16, "{}:{}": 2, ":{} => {}": 2, ":{}=>{}": 0.7})
        self._parens = dice.pick((0.0, 0.0, 0.0, 0.0, 0.05, 0.3, 1.0))
        self._lisp = dice.pick((0.0, 0.0, 0.2, 1.0))
        self._lists = dice.weighted({"[]": 10, "(ring )": 4, "ring()": 2, "[].ring": 2, "mixed": 4})
        self._notes = dice.weighted({"symbol": 10, "number": 5, "upper": 2, "mixed": 4})
        self._tones = dice.pick((_SHARPS, _FLATS))
        self._indent = dice.weighted({"  ": 20, "    ": 2, "\t": 1, "": 1, "ragged": 1, " ": 0.5})
        self._braces = dice.pick((0.0, 0.0, 0.1, 0.5))
        self._semicolons = dice.pick((0.0,) * 6 + (0.4,))
        self._operators = dice.pick((" ", " ", " ", ""))
        self._fractions = dice.pick((0.0, 0.0, 0.0, 0.1, 0.5))
        self._wait = "wait" if dice.chance(0.04) else "sleep"
        self._remarks = dice.pick((0.0, 0.0, 0.05, 0.15, 0.35))
        self._dead_code = dice.pick((0.0, 0.0, 0.0, 0.08, 0.2))
        self._gaps = dice.pick((0.0, 0.0, 0.05, 0.15))
        self._between = dice.weighted({1: 12, 0: 3, 2: 2})
        self._separator = dice.weighted(
            {"": 14, "# ---": 1, "#----------": 1, "########": 1, "# ====": 1}
        )
        self._labels = dice.pick((0.0, 0.0, 0.3, 1.0))
        self._hash = dice.weighted({"# ": 10, "#": 4, "## ": 1})
        self._taken: set[str] = set(identifiers.RESERVED)

    # Expressions

    def number(self, value: float) -> str:
        """Write a number: `0.5`, `1`, now and then `1.0` or `1/4.0`."""
        if isinstance(value, int):
            return str(value)
        if float(value).is_integer():
            return f"{value:.1f}" if self.dice.chance(0.1) else str(int(value))
        return f"{value:g}"

    def length(self, beats: float) -> str:
        """Write a length in beats, as a decimal or a fraction."""
        if beats < 1 and self.dice.chance(self._fractions):
            share = Fraction(beats).limit_denominator(16)
            form = self.dice.pick(("{}.0/{}", "{}/{}.0", "({}.0 / {})"))
            return form.format(share.numerator, share.denominator)
        thirds = round(beats * 3)
        if abs(beats * 3 - thirds) < 1e-6 and thirds % 3:
            return self.dice.pick((f"{thirds}.0/3", f"{beats:.2f}", f"{beats:.3f}"))
        return self.number(round(beats, 4))

    def note(self, midi: int) -> str:
        """Write a MIDI note as a symbol or a number."""
        manner = self._notes if self._notes != "mixed" else self.dice.pick(("symbol", "number"))
        if manner == "number":
            return str(midi)
        octave, tone = divmod(midi, 12)
        name = self._tones[tone]
        if manner == "upper":
            name = name.capitalize()
        return f":{name}{octave - 1}"

    def tonic(self, midi: int) -> str:
        """Write a note that a scale or chord starts from, always by name."""
        octave, tone = divmod(midi, 12)
        octave_text = "" if octave == 5 and self.dice.chance(0.3) else str(octave - 1)
        return f":{self._tones[tone]}{octave_text}"

    def list(self, members: list[str], ring: bool = False) -> str:
        """Write a list; with `ring` it will be ticked through or indexed beyond its end."""
        inner = self._comma.join(members)
        form = (
            self._lists if self._lists != "mixed" else self.dice.pick(("[]", "(ring )", "ring()"))
        )
        if not ring:
            form = "[]"
        if form == "(ring )":
            return f"(ring {inner})"
        return {"[]": f"[{inner}]", "ring()": f"ring({inner})", "[].ring": f"[{inner}].ring"}[form]

    def options(self, options: dict[str, str]) -> list[str]:
        """Write options one by one: `amp: 0.5`."""
        # `sync::beat` would be read as a constant's path.
        return [
            self._option.format(name, value).replace("::", ": :") for name, value in options.items()
        ]

    def expression(self, function: str, *arguments: str, **options: str) -> str:
        """Write a call inside an expression: `scale(:c4, :minor)` or `(scale :c4, :minor)`."""
        inner = self._comma.join([*arguments, *self.options(options)])
        if inner and self.dice.chance(self._lisp):
            return f"({function} {inner})"
        return f"{function}({inner})"

    def call(self, function: str, *arguments: str, **options: str) -> str:
        """Write a call that is a statement, or the head of a block."""
        inner = self._comma.join([*arguments, *self.options(options)])
        if not inner:
            return function
        if self.dice.chance(self._parens):
            return f"{function}({inner})"
        return f"{function} {inner}"

    def sleep(self, expression: str) -> str:
        """Write a rest."""
        return self.call(self._wait, expression)

    def infix(self, left: str, operator: str, right: str) -> str:
        """Write `left operator right`."""
        space = self._operators if operator in "+*" else " "
        return f"{left}{space}{operator}{space}{right}"

    def assign(self, name: str, expression: str) -> str:
        """Write an assignment."""
        return f"{name}={expression}" if self._operators == "" else f"{name} = {expression}"

    # Names

    def loop_name(self, kind: str) -> str:
        """Return a new name for what plays `kind`."""
        words = identifiers.LOOPS[self.manner].get(kind, "part").split()
        return self._new(words)

    def variable(self, kind: str) -> str:
        """Return a new name for a variable that holds `kind`."""
        if self.manner == "sloppy" and self.dice.chance(0.6):
            return self._new(identifiers.SLOPPY_VARIABLES)
        tidy = identifiers.VARIABLES["tidy"][kind].split()
        foreign = identifiers.FOREIGN_VARIABLES.get(self.manner, {}).get(kind)
        return self._new([foreign] if foreign else tidy)

    def _new(self, words: list[str]) -> str:
        word = self.dice.pick(words)
        name, number = word, 2
        while name in self._taken:
            joint = "_" if len(word) < 2 or word[-1].isdigit() else ""
            name, number = f"{word}{joint}{number}", number + 1
        self._taken.add(name)
        return name

    # Remarks

    def remark(self, text: str = "") -> str:
        """Write a comment."""
        return self._hash + (text or self.dice.pick(identifiers.REMARKS[self.manner].split("|")))

    def header(self, key: str) -> list[str]:
        """Return the lines before a program: often none."""
        if self.dice.chance(0.6):
            return [""] if self.dice.chance(0.04) else []
        title = self.dice.pick(identifiers.TITLES[self.manner].split("|")).strip()
        title = title.format(key=key, n=self.dice.integer(1, 40))
        lines = [self.remark(title)]
        if self.dice.chance(0.2):
            lines.append(self.remark())
        if self._separator and self.dice.chance(0.5):
            rule = "#" * (len(lines[0]) + 2)
            lines = [rule, *lines, rule]
        return [*lines, ""] if self.dice.chance(0.7) else lines

    # Layout

    def lay_out(self, sections: list[tuple[str, list[Node]]], key: str) -> str:
        """Return the whole program's text.

        Parameters
        ----------
        sections : list of (kind, nodes)
            What belongs together, in order; `kind` may label it.
        key : str
            Of the piece, for a header that names it.
        """
        lines = self.header(key) if len(sections) > 1 or self.dice.chance(0.2) else []
        for index, (kind, nodes) in enumerate(sections):
            if index:
                lines += [""] * self._between
            if index and self._separator and self.dice.chance(0.8):
                lines.append(self._separator)
            if kind and len(sections) > 2 and self.dice.chance(self._labels):
                lines.append(self.remark(kind.replace("_", " ")))
            lines += self._lines(nodes, 0)
        text = "\n".join(lines)
        return text + self.dice.pick(("\n", "\n", "", "\n\n"))

    def _lines(self, nodes: list[Node], depth: int) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if self.dice.chance(self._gaps) and lines and lines[-1].strip():
                lines.append("")
            lines += self._node(node, depth)
        return lines

    def _node(self, node: Node, depth: int) -> list[str]:
        margin = self._margin(depth)
        if isinstance(node, str):
            return self._statement(node, margin)
        if isinstance(node, If):
            lines = [f"{margin}{node.word} {node.condition}", *self._lines(node.body, depth + 1)]
            if node.other:
                lines += [f"{margin}else", *self._lines(node.other, depth + 1)]
            return [*lines, f"{margin}end"]
        params = f" |{node.params}|" if node.params else ""
        if self._fits_one_line(node):
            inner = "; ".join(node.body)
            if node.braces and self.dice.chance(0.6):
                return [f"{margin}{node.head} {{{params} {inner} }}"]
            return [f"{margin}{node.head} do{params or ';'} {inner}{' ' if params else ';'} end"]
        return [
            f"{margin}{node.head} do{params}",
            *self._lines(node.body, depth + 1),
            f"{margin}end",
        ]

    def _fits_one_line(self, node: Block) -> bool:
        plain = all(isinstance(one, str) and one[0] != "#" for one in node.body)
        short = plain and sum(map(len, node.body)) + len(node.head) < 76
        return short and len(node.body) <= 2 and self.dice.chance(self._braces)

    def _statement(self, text: str, margin: str) -> list[str]:
        if text.startswith("#"):
            return [margin + text]
        lines = [margin + text]
        if self.dice.chance(self._remarks * 0.5):
            lines[0] += f" {self.remark()}"
        elif self.dice.chance(self._remarks * 0.4):
            lines.insert(0, margin + self.remark())
        if self.dice.chance(self._dead_code * 0.5):
            lines.append(margin + self._hash + text)
        return lines

    def _margin(self, depth: int) -> str:
        if self._indent == "ragged":
            return " " * self.dice.integer(max(0, 2 * depth - 1), 2 * depth + 2) if depth else ""
        return self._indent * depth
