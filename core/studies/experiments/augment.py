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
from core.programs.grammar.rng import SeededRandom
from core.programs.tokens import RubyToken, is_reliably_tokenizable, join_tokens, find_adjacent_token, tokenize_ruby

_NOTE_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE_PATTERN = re.compile(r":([a-gA-G])([sb]?)(\d)\Z")
_SHARP_NOTE_NAMES = "c cs d ds e f fs g gs a as b".split()
_STATEMENT_PATTERN = re.compile(r"( *)(play|sample|synth|sleep|control|use_synth|use_bpm) ([^\n]+)\Z")
# Within a call these would be drawn into its parentheses, or end it.
_UNSAFE_ARGUMENTS_PATTERN = re.compile(r"\b(if|unless|while|until|and|or|do|rescue)\b|[;{}#?]|[,+*/=.&|-]\s*\Z")
_LOOP_REFERENCE_WORDS = ("live_loop", "sync", "cue", "sync:")
_DYNAMIC_CODE_PATTERN = re.compile(r"\b(eval|binding|send|instance_|run_code|eval_file|local_variable|vt)\b")


def augment_source(source: str, seed: int) -> str:
    """Return the program, written otherwise, with the same events at the same times.

    Parameters
    ----------
    source : str
        Sonic Pi code. What can't be read safely (here documents, interpolation) is
        returned with changed blank lines at its end alone.
    seed : int
        Any whole number: the same one gives the same text.
    """
    dice = SeededRandom(f"augment/{seed}/{source}")
    if not is_reliably_tokenizable(source):
        return source.rstrip("\n") + "\n" * dice.draw_integer(0, 3)
    for change, p in _CHANGE_PROBABILITIES.items():
        if dice.chance(p):
            source = change(source, dice)
    return source


def _rename_variables(source: str, rng: SeededRandom) -> str:
    row = tokenize_ruby(source)
    known = {token.text.rstrip(":").lstrip(":") for token in row}
    renamed: dict[str, str] = {}
    for name in _find_local_variables(row):
        if rng.chance(0.8):
            new = _pick_unused_name(rng, known)
            known.add(new)
            renamed[name] = new
    return join_tokens(
        [
            RubyToken("word", renamed[t.text]) if t.text in renamed and t.kind == "word" else t
            for t in row
        ]
    )


def _find_local_variables(tokens: list[RubyToken]) -> list[str]:
    """Return local variables that stand for nothing else anywhere."""
    if _DYNAMIC_CODE_PATTERN.search(join_tokens(tokens)):
        return []
    found: list[str] = []
    inside = False
    for index, token in enumerate(tokens):
        if token.text == "|":
            before = find_adjacent_token(tokens, index, -1)
            inside = not inside and before.text in ("do", "{")
        elif token.kind == "word" and token.text[0].islower():
            after, before = find_adjacent_token(tokens, index, 1), find_adjacent_token(tokens, index, -1)
            assigned = after.text == "=" and before.kind == "newline"
            if (assigned or inside) and token.text not in found:
                found.append(token.text)
    return [name for name in found if _is_local_variable(tokens, name)]


def _is_local_variable(tokens: list[RubyToken], name: str) -> bool:
    if name in identifiers.RESERVED_NAMES:
        return False
    for index, token in enumerate(tokens):
        if token.text.strip(":") != name or token.kind == "comment":
            continue
        if token.kind != "word" or find_adjacent_token(tokens, index, -1).text in (".", "def", "::"):
            return False
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if following == "(":
            return False
    return True


def _pick_unused_name(rng: SeededRandom, used_names: set[str]) -> str:
    pool = [word for words in identifiers.VARIABLE_NAMES["tidy"].values() for word in words.split()]
    word = rng.pick(pool + identifiers.SLOPPY_VARIABLE_NAMES)
    number = 0
    while (f"{word}_{number}" if number else word) in used_names | identifiers.RESERVED_NAMES:
        number += 1
    return f"{word}_{number}" if number else word


def _rename_live_loops(source: str, rng: SeededRandom) -> str:
    row = tokenize_ruby(source)
    known = {token.text.rstrip(":").lstrip(":") for token in row}
    words = " ".join(join_tokens([token]) for token in row if token.kind == "string")
    renamed: dict[str, str] = {}
    for index, token in enumerate(row):
        if token.kind != "symbol" or _find_called_word(row, index) != "live_loop" or token.text in renamed:
            continue
        if token.text[1:] not in words and _is_only_loop_name(row, token.text):
            pool = rng.pick(list(identifiers.LOOP_NAMES["tidy"].values())).split()
            new, number = rng.pick(pool), 1
            while (f"{new}{number}" if number > 1 else new) in known:
                number += 1
            new = f"{new}{number}" if number > 1 else new
            known.add(new)
            renamed[token.text] = f":{new}"
    return join_tokens(
        [RubyToken("symbol", renamed.get(t.text, t.text)) if t.kind == "symbol" else t for t in row]
    )


def _find_called_word(tokens: list[RubyToken], index: int) -> str:
    """Return the word that a symbol is told to: "live_loop" for `live_loop(:a)`."""
    before = [t for t in tokens[max(0, index - 6) : index] if t.kind != "space"][-2:]
    if before and before[-1].text == "=>":
        return before[0].text.lstrip(":") + ":"
    if before and before[-1].text == "(":
        before = before[:-1]
    return before[-1].text if before else ""


def _is_only_loop_name(tokens: list[RubyToken], symbol: str) -> bool:
    places = [
        index for index, token in enumerate(tokens) if token.kind == "symbol" and token.text == symbol
    ]
    words = any(
        token.kind in ("word", "label") and token.text.rstrip(":") == symbol[1:] for token in tokens
    )
    return not words and all(_find_called_word(tokens, index) in _LOOP_REFERENCE_WORDS for index in places)


def _drop_comments(source: str, rng: SeededRandom) -> str:
    kept: list[str] = []
    for line in source.split("\n"):
        row = tokenize_ruby(line)
        bare = join_tokens([token for token in row if token.kind != "comment"])
        if bare != line and not bare.strip():
            continue
        kept.append(bare.rstrip() if bare != line else line)
    return "\n".join(kept)


def _add_comments(source: str, rng: SeededRandom) -> str:
    remarks = identifiers.CODE_COMMENTS[rng.pick_weighted(identifiers.NAMING_STYLE_WEIGHTS)].split("|")
    lines: list[str] = []
    for line, safe in _split_lines_by_safety(source):
        if safe and rng.chance(0.12):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {rng.pick(remarks)}")
        if line.strip() and "#" not in line and not line.endswith("\\") and rng.chance(0.08):
            line = f"{line} # {rng.pick(remarks)}"
        lines.append(line)
    return "\n".join(lines)


def _split_lines_by_safety(source: str) -> list[tuple[str, bool]]:
    """Return lines, and for each whether a statement begins with it."""
    found, depth, open_end = [], 0, False
    for line in source.split("\n"):
        bare = join_tokens([t for t in tokenize_ruby(line) if t.kind != "comment"]).strip()
        found.append((line, depth == 0 and not open_end and not bare.startswith(".")))
        depth += sum(bare.count(mark) for mark in "([") - sum(bare.count(mark) for mark in ")]")
        open_end = bool(re.search(r"[,\\+*=&|.-]\Z", bare)) and not bare.endswith("|")
    return found


def _change_blank_lines(source: str, rng: SeededRandom) -> str:
    if rng.chance(0.4):
        return "\n".join(line for line in source.split("\n") if line.strip())
    lines: list[str] = []
    for line, safe in _split_lines_by_safety(source):
        if safe and lines and rng.chance(0.12):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _change_indentation(source: str, rng: SeededRandom) -> str:
    unit = rng.pick(("", " ", "    ", "\t", "   "))
    lines = []
    for line in source.split("\n"):
        depth = len(line) - len(line.lstrip())
        lines.append(unit * (depth // 2) + line.lstrip())
    return "\n".join(lines)


def _change_comma_spacing(source: str, rng: SeededRandom) -> str:
    space = rng.pick(("", " ", "  "))
    row = tokenize_ruby(source)
    changed: list[RubyToken] = []
    for index, token in enumerate(row):
        before = row[index - 1] if index else token
        if token.kind == "space" and before.text == ",":
            continue
        changed.append(token)
        ends = index + 1 < len(row) and find_adjacent_token(row, index, 1).kind in ("newline", "comment")
        if token.text == "," and not ends:
            changed.append(RubyToken("space", space))
    return join_tokens(changed)


def _swap_option_notation(source: str, rng: SeededRandom) -> str:
    """Options in the other notation, all of them."""
    row = tokenize_ruby(source)
    if any(token.text == "?" for token in row):
        return source
    changed: list[RubyToken] = []
    if any(token.kind == "label" for token in row):
        for index, token in enumerate(row):
            spaced = index + 1 < len(row) and row[index + 1].kind == "space"
            is_label = token.kind == "label"
            changed.append(
                RubyToken("mark", f":{token.text[:-1]} =>{'' if spaced else ' '}")
                if is_label
                else token
            )
        return join_tokens(changed)
    return re.sub(r"(?<![:\w]):([a-z_]\w*) *=> *", r"\1: ", source)


def _add_call_parentheses(source: str, rng: SeededRandom) -> str:
    lines = []
    for (line, safe), (_, next_safe) in zip(_split_lines_by_safety(source), [*_split_lines_by_safety(source)[1:], ("", True)]):
        match = _STATEMENT_PATTERN.match(line)
        fits = match and safe and next_safe and not _UNSAFE_ARGUMENTS_PATTERN.search(match[3]) and _has_balanced_brackets(match[3])
        if fits and match[3] and rng.chance(0.9):
            line = f"{match[1]}{match[2]}({match[3].strip()})"
        lines.append(line)
    return "\n".join(lines)


def _has_balanced_brackets(text: str) -> bool:
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]")) and text.count('"') % 2 == 0


def _swap_note_notation(source: str, rng: SeededRandom) -> str:
    """Notes that are played, by number instead of by name, or the other way."""
    row = tokenize_ruby(source)
    for index, token in enumerate(row):
        owner = find_adjacent_token(row, index, -1).text
        after = find_adjacent_token(row, index, 1)
        if owner not in ("play", "note:") or not (
            after.text == "," or after.kind in ("newline", "comment")
        ):
            continue
        if match := _NOTE_PATTERN.match(token.text):
            midi = (
                _NOTE_SEMITONES[match[1].lower()]
                + {"s": 1, "b": -1, "": 0}[match[2]]
                + 12 * (int(match[3]) + 1)
            )
            row[index] = RubyToken("number", str(midi))
        elif token.kind == "number" and token.text.isdigit() and 24 <= int(token.text) <= 107:
            octave, tone = divmod(int(token.text), 12)
            row[index] = RubyToken("symbol", f":{_SHARP_NOTE_NAMES[tone]}{octave - 1}")
    return join_tokens(row)


def _write_sleeps_as_fractions(source: str, rng: SeededRandom) -> str:
    """Rests as fractions that are exactly the same numbers."""
    forms = {"0.5": "1/2.0", "0.25": "1.0/4", "0.125": "1/8.0", "0.75": "3.0/4", "1.5": "3/2.0"}
    row = tokenize_ruby(source)
    for index, token in enumerate(row):
        alone = find_adjacent_token(row, index, 1).kind in ("newline", "comment")
        if token.text in forms and alone and find_adjacent_token(row, index, -1).text == "sleep":
            row[index] = RubyToken("number", forms[token.text])
    return join_tokens(row)


_CHANGE_PROBABILITIES: dict[Callable[[str, SeededRandom], str], float] = {
    _rename_variables: 0.8,
    _rename_live_loops: 0.8,
    _swap_note_notation: 0.3,
    _write_sleeps_as_fractions: 0.3,
    _swap_option_notation: 0.3,
    _add_call_parentheses: 0.3,
    _change_comma_spacing: 0.5,
    _drop_comments: 0.5,
    _change_blank_lines: 0.6,
    _change_indentation: 0.4,
    _add_comments: 0.4,
}
