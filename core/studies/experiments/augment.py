"""Write a program otherwise without changing its sound.

What is changed: names of variables and live loops, comments, blank lines, indentation,
spaces, options as `amp: 1` or `:amp => 1`, parentheses of calls, notes as `:c4` or `60`,
lengths as `0.5` or `1/2.0`. The order of live loops is kept: it decides their random
streams and the order in which their sounds are summed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.programs.grammar import identifiers
from core.programs.grammar.rng import Dice
from core.programs.tokens import Token, is_plain, joined, significant, tokens

_TONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE = re.compile(r":([a-gA-G])([sb]?)(\d)\Z")
_SHARPS = "c cs d ds e f fs g gs a as b".split()
_STATEMENT = re.compile(r"( *)(play|sample|synth|sleep|control|use_synth|use_bpm) ([^\n]+)\Z")
# Within a call these would be drawn into its parentheses, or end it.
_LOOSE = re.compile(r"\b(if|unless|while|until|and|or|do|rescue)\b|[;{}#?]|[,+*/=.&|-]\s*\Z")
_SYNC = ("live_loop", "sync", "cue", "sync:")
_KEEP_NAMES = re.compile(r"\b(eval|binding|send|instance_|run_code|eval_file|local_variable|vt)\b")


def augment(source: str, seed: int) -> str:
    """Return the program, written otherwise, with the same events at the same times.

    Parameters
    ----------
    source : str
        Sonic Pi code. What can't be read safely (here documents, interpolation) is
        returned with changed blank lines at its end alone.
    seed : int
        Any whole number: the same one gives the same text.
    """
    dice = Dice(f"augment/{seed}/{source}")
    if not is_plain(source):
        return source.rstrip("\n") + "\n" * dice.integer(0, 3)
    for change, p in _CHANGES.items():
        if dice.chance(p):
            source = change(source, dice)
    return source


def _rename_variables(source: str, dice: Dice) -> str:
    row = tokens(source)
    known = {token.text.rstrip(":").lstrip(":") for token in row}
    renamed: dict[str, str] = {}
    for name in _variables(row):
        if dice.chance(0.8):
            new = _new_name(dice, known)
            known.add(new)
            renamed[name] = new
    return joined(
        [
            Token("word", renamed[t.text]) if t.text in renamed and t.kind == "word" else t
            for t in row
        ]
    )


def _variables(row: list[Token]) -> list[str]:
    """Return local variables that stand for nothing else anywhere."""
    if _KEEP_NAMES.search(joined(row)):
        return []
    found: list[str] = []
    inside = False
    for index, token in enumerate(row):
        if token.text == "|":
            before = significant(row, index, -1)
            inside = not inside and before.text in ("do", "{")
        elif token.kind == "word" and token.text[0].islower():
            after, before = significant(row, index, 1), significant(row, index, -1)
            assigned = after.text == "=" and before.kind == "newline"
            if (assigned or inside) and token.text not in found:
                found.append(token.text)
    return [name for name in found if _is_private(row, name)]


def _is_private(row: list[Token], name: str) -> bool:
    if name in identifiers.RESERVED:
        return False
    for index, token in enumerate(row):
        if token.text.strip(":") != name or token.kind == "comment":
            continue
        if token.kind != "word" or significant(row, index, -1).text in (".", "def", "::"):
            return False
        following = row[index + 1].text if index + 1 < len(row) else ""
        if following == "(":
            return False
    return True


def _new_name(dice: Dice, known: set[str]) -> str:
    pool = [word for words in identifiers.VARIABLES["tidy"].values() for word in words.split()]
    word = dice.pick(pool + identifiers.SLOPPY_VARIABLES)
    number = 0
    while (f"{word}_{number}" if number else word) in known | identifiers.RESERVED:
        number += 1
    return f"{word}_{number}" if number else word


def _rename_loops(source: str, dice: Dice) -> str:
    row = tokens(source)
    known = {token.text.rstrip(":").lstrip(":") for token in row}
    words = " ".join(joined([token]) for token in row if token.kind == "string")
    renamed: dict[str, str] = {}
    for index, token in enumerate(row):
        if token.kind != "symbol" or _owner(row, index) != "live_loop" or token.text in renamed:
            continue
        if token.text[1:] not in words and _only_synced(row, token.text):
            pool = dice.pick(list(identifiers.LOOPS["tidy"].values())).split()
            new, number = dice.pick(pool), 1
            while (f"{new}{number}" if number > 1 else new) in known:
                number += 1
            new = f"{new}{number}" if number > 1 else new
            known.add(new)
            renamed[token.text] = f":{new}"
    return joined(
        [Token("symbol", renamed.get(t.text, t.text)) if t.kind == "symbol" else t for t in row]
    )


def _owner(row: list[Token], index: int) -> str:
    """Return the word that a symbol is told to: "live_loop" for `live_loop(:a)`."""
    before = [t for t in row[max(0, index - 6) : index] if t.kind != "space"][-2:]
    if before and before[-1].text == "=>":
        return before[0].text.lstrip(":") + ":"
    if before and before[-1].text == "(":
        before = before[:-1]
    return before[-1].text if before else ""


def _only_synced(row: list[Token], symbol: str) -> bool:
    places = [
        index for index, token in enumerate(row) if token.kind == "symbol" and token.text == symbol
    ]
    words = any(
        token.kind in ("word", "label") and token.text.rstrip(":") == symbol[1:] for token in row
    )
    return not words and all(_owner(row, index) in _SYNC for index in places)


def _drop_comments(source: str, dice: Dice) -> str:
    kept: list[str] = []
    for line in source.split("\n"):
        row = tokens(line)
        bare = joined([token for token in row if token.kind != "comment"])
        if bare != line and not bare.strip():
            continue
        kept.append(bare.rstrip() if bare != line else line)
    return "\n".join(kept)


def _add_comments(source: str, dice: Dice) -> str:
    remarks = identifiers.REMARKS[dice.weighted(identifiers.MANNERS)].split("|")
    lines: list[str] = []
    for line, safe in _lines(source):
        if safe and dice.chance(0.12):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {dice.pick(remarks)}")
        if line.strip() and "#" not in line and not line.endswith("\\") and dice.chance(0.08):
            line = f"{line} # {dice.pick(remarks)}"
        lines.append(line)
    return "\n".join(lines)


def _lines(source: str) -> list[tuple[str, bool]]:
    """Return lines, and for each whether a statement begins with it."""
    found, depth, open_end = [], 0, False
    for line in source.split("\n"):
        bare = joined([t for t in tokens(line) if t.kind != "comment"]).strip()
        found.append((line, depth == 0 and not open_end and not bare.startswith(".")))
        depth += sum(bare.count(mark) for mark in "([") - sum(bare.count(mark) for mark in ")]")
        open_end = bool(re.search(r"[,\\+*=&|.-]\Z", bare)) and not bare.endswith("|")
    return found


def _blank_lines(source: str, dice: Dice) -> str:
    if dice.chance(0.4):
        return "\n".join(line for line in source.split("\n") if line.strip())
    lines: list[str] = []
    for line, safe in _lines(source):
        if safe and lines and dice.chance(0.12):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _indent(source: str, dice: Dice) -> str:
    unit = dice.pick(("", " ", "    ", "\t", "   "))
    lines = []
    for line in source.split("\n"):
        depth = len(line) - len(line.lstrip())
        lines.append(unit * (depth // 2) + line.lstrip())
    return "\n".join(lines)


def _commas(source: str, dice: Dice) -> str:
    space = dice.pick(("", " ", "  "))
    row = tokens(source)
    changed: list[Token] = []
    for index, token in enumerate(row):
        before = row[index - 1] if index else token
        if token.kind == "space" and before.text == ",":
            continue
        changed.append(token)
        ends = index + 1 < len(row) and significant(row, index, 1).kind in ("newline", "comment")
        if token.text == "," and not ends:
            changed.append(Token("space", space))
    return joined(changed)


def _rockets(source: str, dice: Dice) -> str:
    """Options in the other notation, all of them."""
    row = tokens(source)
    if any(token.text == "?" for token in row):
        return source
    changed: list[Token] = []
    if any(token.kind == "label" for token in row):
        for index, token in enumerate(row):
            spaced = index + 1 < len(row) and row[index + 1].kind == "space"
            is_label = token.kind == "label"
            changed.append(
                Token("mark", f":{token.text[:-1]} =>{'' if spaced else ' '}")
                if is_label
                else token
            )
        return joined(changed)
    return re.sub(r"(?<![:\w]):([a-z_]\w*) *=> *", r"\1: ", source)


def _parentheses(source: str, dice: Dice) -> str:
    lines = []
    for (line, safe), (_, next_safe) in zip(_lines(source), [*_lines(source)[1:], ("", True)]):
        match = _STATEMENT.match(line)
        fits = match and safe and next_safe and not _LOOSE.search(match[3]) and _balanced(match[3])
        if fits and match[3] and dice.chance(0.9):
            line = f"{match[1]}{match[2]}({match[3].strip()})"
        lines.append(line)
    return "\n".join(lines)


def _balanced(text: str) -> bool:
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]")) and text.count('"') % 2 == 0


def _notes(source: str, dice: Dice) -> str:
    """Notes that are played, by number instead of by name, or the other way."""
    row = tokens(source)
    for index, token in enumerate(row):
        owner = significant(row, index, -1).text
        after = significant(row, index, 1)
        if owner not in ("play", "note:") or not (
            after.text == "," or after.kind in ("newline", "comment")
        ):
            continue
        if match := _NOTE.match(token.text):
            midi = (
                _TONES[match[1].lower()]
                + {"s": 1, "b": -1, "": 0}[match[2]]
                + 12 * (int(match[3]) + 1)
            )
            row[index] = Token("number", str(midi))
        elif token.kind == "number" and token.text.isdigit() and 24 <= int(token.text) <= 107:
            octave, tone = divmod(int(token.text), 12)
            row[index] = Token("symbol", f":{_SHARPS[tone]}{octave - 1}")
    return joined(row)


def _lengths(source: str, dice: Dice) -> str:
    """Rests as fractions that are exactly the same numbers."""
    forms = {"0.5": "1/2.0", "0.25": "1.0/4", "0.125": "1/8.0", "0.75": "3.0/4", "1.5": "3/2.0"}
    row = tokens(source)
    for index, token in enumerate(row):
        alone = significant(row, index, 1).kind in ("newline", "comment")
        if token.text in forms and alone and significant(row, index, -1).text == "sleep":
            row[index] = Token("number", forms[token.text])
    return joined(row)


_CHANGES: dict[Callable[[str, Dice], str], float] = {
    _rename_variables: 0.8,
    _rename_loops: 0.8,
    _notes: 0.3,
    _lengths: 0.3,
    _rockets: 0.3,
    _parentheses: 0.3,
    _commas: 0.5,
    _drop_comments: 0.5,
    _blank_lines: 0.6,
    _indent: 0.4,
    _add_comments: 0.4,
}
