"""Rewriting of programs without changing their sound: names, layout and notation.

Changes affect names of variables and live loops, comments, blank lines, indentation, spaces,
options as ``amp: 1`` or ``:amp => 1``, parentheses of calls, notes as ``:c4`` or ``60``, and
lengths as ``0.5`` or ``1/2.0``. The order of live loops stays, because it decides their random
streams and the order in which their sounds are summed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from core.programs.grammar import name_and_comment_lists
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.ruby_tokenizer import (
    RubyToken,
    find_adjacent_token,
    is_reliably_tokenizable,
    join_tokens,
    tokenize_ruby,
)

SourceRewrite = Callable[[str, SeededRandom], str]

_NOTE_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTAL_SEMITONES = {"s": 1, "b": -1, "": 0}
_SHARP_NOTE_NAMES = "c cs d ds e f fs g gs a as b".split()
_MIN_NAMED_NOTE, _MAX_NAMED_NOTE = 24, 107  # MIDI numbers
_NOTE_PATTERN = re.compile(r":([a-gA-G])([sb]?)(\d)\Z")
_SLEEP_FRACTIONS = {
    "0.5": "1/2.0",
    "0.25": "1.0/4",
    "0.125": "1/8.0",
    "0.75": "3.0/4",
    "1.5": "3/2.0",
}
_STATEMENT_PATTERN = re.compile(
    r"( *)(play|sample|synth|sleep|control|use_synth|use_bpm) ([^\n]+)\Z"
)
# Inside the parentheses of a call these words and marks would change the program's meaning.
_UNSAFE_ARGUMENTS_PATTERN = re.compile(
    r"\b(if|unless|while|until|and|or|do|rescue)\b|[;{}#?]|[,+*/=.&|-]\s*\Z"
)
_UNFINISHED_LINE_PATTERN = re.compile(r"[,\\+*=&|.-]\Z")
_LOOP_REFERENCE_WORDS = ("live_loop", "sync", "cue", "sync:")
_DYNAMIC_CODE_PATTERN = re.compile(
    r"\b(eval|binding|send|instance_|run_code|eval_file|local_variable|vt)\b"
)
_LINE_END_KINDS = ("newline", "comment")


def rewrite_without_changing_sound(source: str, seed: int) -> str:
    r"""Return the program rewritten, with the same events at the same times.

    Parameters
    ----------
    source : str
        Sonic Pi code. Code that cannot be tokenized reliably (here documents, interpolation)
        only gets other blank lines at its end.
    seed : int
        The same seed gives the same text.

    Examples
    --------
    >>> source = "play 60\nsleep 0.5\n"
    >>> rewrite_without_changing_sound(source, 3) == rewrite_without_changing_sound(source, 3)
    True
    """
    rng = SeededRandom(f"augment/{seed}/{source}")
    if not is_reliably_tokenizable(source):
        return source.rstrip("\n") + "\n" * rng.sample_integer(0, 3)
    for rewrite, probability in _REWRITE_PROBABILITIES.items():
        if rng.sample_boolean(probability):
            source = rewrite(source, rng)
    return source


def _rename_variables(source: str, rng: SeededRandom) -> str:
    tokens = tokenize_ruby(source)
    used_names = _collect_token_names(tokens)
    new_names: dict[str, str] = {}
    for name in _find_local_variables(tokens):
        if rng.sample_boolean(0.8):
            new_names[name] = _pick_unused_name(rng, used_names)
            used_names.add(new_names[name])
    return join_tokens(
        [
            RubyToken("word", new_names[token.text])
            if token.kind == "word" and token.text in new_names
            else token
            for token in tokens
        ]
    )


def _collect_token_names(tokens: Iterable[RubyToken]) -> set[str]:
    return {token.text.rstrip(":").lstrip(":") for token in tokens}


def _find_local_variables(tokens: list[RubyToken]) -> list[str]:
    """Return names that are local variables wherever they occur."""
    if _DYNAMIC_CODE_PATTERN.search(join_tokens(tokens)):
        return []
    names: list[str] = []
    is_in_block_parameters = False
    for index, token in enumerate(tokens):
        if token.text == "|":
            previous = find_adjacent_token(tokens, index, -1)
            is_in_block_parameters = not is_in_block_parameters and previous.text in ("do", "{")
        elif token.kind == "word" and token.text[0].islower():
            following = find_adjacent_token(tokens, index, 1)
            previous = find_adjacent_token(tokens, index, -1)
            is_assigned = following.text == "=" and previous.kind == "newline"
            if (is_assigned or is_in_block_parameters) and token.text not in names:
                names.append(token.text)
    return [name for name in names if _is_local_variable(tokens, name)]


def _is_local_variable(tokens: list[RubyToken], name: str) -> bool:
    if name in name_and_comment_lists.RESERVED_NAMES:
        return False
    for index, token in enumerate(tokens):
        if token.text.strip(":") != name or token.kind == "comment":
            continue
        previous = find_adjacent_token(tokens, index, -1)
        if token.kind != "word" or previous.text in (".", "def", "::"):
            return False
        is_call = index + 1 < len(tokens) and tokens[index + 1].text == "("
        if is_call:
            return False
    return True


def _pick_unused_name(rng: SeededRandom, used_names: set[str]) -> str:
    tidy_names = [
        word
        for words in name_and_comment_lists.VARIABLE_NAMES["tidy"].values()
        for word in words.split()
    ]
    word = rng.pick_option(tidy_names + name_and_comment_lists.SLOPPY_VARIABLE_NAMES)
    unavailable_names = used_names | name_and_comment_lists.RESERVED_NAMES
    name, number = word, 0
    while name in unavailable_names:
        number += 1
        name = f"{word}_{number}"
    return name


def _rename_live_loops(source: str, rng: SeededRandom) -> str:
    tokens = tokenize_ruby(source)
    used_names = _collect_token_names(tokens)
    strings = " ".join(token.text for token in tokens if token.kind == "string")
    new_symbols: dict[str, str] = {}
    for index, token in enumerate(tokens):
        is_loop_name = token.kind == "symbol" and _find_call_of_symbol(tokens, index) == "live_loop"
        if not is_loop_name or token.text in new_symbols:
            continue
        if token.text[1:] not in strings and _is_used_only_as_loop_name(tokens, token.text):
            word = rng.pick_option(
                rng.pick_option(list(name_and_comment_lists.LOOP_NAMES["tidy"].values())).split()
            )
            name, number = word, 1
            while name in used_names:
                number += 1
                name = f"{word}{number}"
            used_names.add(name)
            new_symbols[token.text] = f":{name}"
    return join_tokens(
        [
            RubyToken("symbol", new_symbols.get(token.text, token.text))
            if token.kind == "symbol"
            else token
            for token in tokens
        ]
    )


def _find_call_of_symbol(tokens: list[RubyToken], index: int) -> str:
    """Return the call or option that a symbol belongs to: "live_loop" for `live_loop(:a)`."""
    nearby = tokens[max(0, index - 6) : index]
    previous = [token for token in nearby if token.kind != "space"][-2:]
    if previous and previous[-1].text == "=>":
        return previous[0].text.lstrip(":") + ":"
    if previous and previous[-1].text == "(":
        previous = previous[:-1]
    return previous[-1].text if previous else ""


def _is_used_only_as_loop_name(tokens: list[RubyToken], symbol: str) -> bool:
    is_also_word = any(
        token.kind in ("word", "label") and token.text.rstrip(":") == symbol[1:] for token in tokens
    )
    return not is_also_word and all(
        _find_call_of_symbol(tokens, index) in _LOOP_REFERENCE_WORDS
        for index, token in enumerate(tokens)
        if token.kind == "symbol" and token.text == symbol
    )


def _drop_comments(source: str, _rng: SeededRandom) -> str:
    lines: list[str] = []
    for line in source.split("\n"):
        code = _strip_comments(line)
        if code == line:
            lines.append(line)
        elif code.strip():
            lines.append(code.rstrip())
    return "\n".join(lines)


def _strip_comments(line: str) -> str:
    return join_tokens([token for token in tokenize_ruby(line) if token.kind != "comment"])


def _add_comments(source: str, rng: SeededRandom) -> str:
    naming_style = rng.pick_option_by_weight(name_and_comment_lists.NAMING_STYLE_WEIGHTS)
    comments = name_and_comment_lists.CODE_COMMENTS[naming_style].split("|")
    lines: list[str] = []
    for line, is_statement_start in _split_lines_and_mark_statements(source):
        if is_statement_start and rng.sample_boolean(0.12):
            indentation = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indentation}# {rng.pick_option(comments)}")
        can_end_in_comment = line.strip() and "#" not in line and not line.endswith("\\")
        if can_end_in_comment and rng.sample_boolean(0.08):
            line = f"{line} # {rng.pick_option(comments)}"
        lines.append(line)
    return "\n".join(lines)


def _split_lines_and_mark_statements(source: str) -> list[tuple[str, bool]]:
    """Return (line, whether a statement starts there)."""
    lines: list[tuple[str, bool]] = []
    depth, is_unfinished = 0, False
    for line in source.split("\n"):
        code = _strip_comments(line).strip()
        lines.append((line, depth == 0 and not is_unfinished and not code.startswith(".")))
        depth += sum(code.count(mark) for mark in "([") - sum(code.count(mark) for mark in ")]")
        # A line may end with the bar of block parameters.
        is_unfinished = bool(_UNFINISHED_LINE_PATTERN.search(code)) and not code.endswith("|")
    return lines


def _change_blank_lines(source: str, rng: SeededRandom) -> str:
    if rng.sample_boolean(0.4):
        return "\n".join(line for line in source.split("\n") if line.strip())
    lines: list[str] = []
    for line, is_statement_start in _split_lines_and_mark_statements(source):
        if is_statement_start and lines and rng.sample_boolean(0.12):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _change_indentation(source: str, rng: SeededRandom) -> str:
    unit = rng.pick_option(("", " ", "    ", "\t", "   "))
    lines = []
    for line in source.split("\n"):
        code = line.lstrip()
        lines.append(unit * ((len(line) - len(code)) // 2) + code)
    return "\n".join(lines)


def _change_comma_spacing(source: str, rng: SeededRandom) -> str:
    space = rng.pick_option(("", " ", "  "))
    tokens = tokenize_ruby(source)
    changed: list[RubyToken] = []
    for index, token in enumerate(tokens):
        if token.kind == "space" and index and tokens[index - 1].text == ",":
            continue
        changed.append(token)
        is_line_end = (
            index + 1 < len(tokens)
            and find_adjacent_token(tokens, index, 1).kind in _LINE_END_KINDS
        )
        if token.text == "," and not is_line_end:
            changed.append(RubyToken("space", space))
    return join_tokens(changed)


def _swap_option_notation(source: str, _rng: SeededRandom) -> str:
    """Write all options in the other notation."""
    tokens = tokenize_ruby(source)
    if any(token.text == "?" for token in tokens):
        return source
    if not any(token.kind == "label" for token in tokens):
        return re.sub(r"(?<![:\w]):([a-z_]\w*) *=> *", r"\1: ", source)
    changed: list[RubyToken] = []
    for index, token in enumerate(tokens):
        if token.kind == "label":
            has_space = index + 1 < len(tokens) and tokens[index + 1].kind == "space"
            token = RubyToken("mark", f":{token.text[:-1]} =>{'' if has_space else ' '}")
        changed.append(token)
    return join_tokens(changed)


def _add_call_parentheses(source: str, rng: SeededRandom) -> str:
    lines = []
    statement_lines = _split_lines_and_mark_statements(source)
    following_lines = [*statement_lines[1:], ("", True)]
    for (line, is_start), (_, is_next_start) in zip(statement_lines, following_lines):
        match = _STATEMENT_PATTERN.match(line)
        if match and is_start and is_next_start and _can_be_parenthesized(match[3]):
            if rng.sample_boolean(0.9):
                line = f"{match[1]}{match[2]}({match[3].strip()})"
        lines.append(line)
    return "\n".join(lines)


def _can_be_parenthesized(arguments: str) -> bool:
    if _UNSAFE_ARGUMENTS_PATTERN.search(arguments):
        return False
    are_brackets_balanced = all(
        arguments.count(opening) == arguments.count(closing) for opening, closing in ("()", "[]")
    )
    return are_brackets_balanced and arguments.count('"') % 2 == 0


def _swap_note_notation(source: str, _rng: SeededRandom) -> str:
    """Write played notes by number instead of by name, and the reverse."""
    tokens = tokenize_ruby(source)
    for index, token in enumerate(tokens):
        following = find_adjacent_token(tokens, index, 1)
        is_whole_argument = following.text == "," or following.kind in _LINE_END_KINDS
        is_note = find_adjacent_token(tokens, index, -1).text in ("play", "note:")
        if not is_note or not is_whole_argument:
            continue
        if match := _NOTE_PATTERN.match(token.text):
            semitones = _NOTE_SEMITONES[match[1].lower()] + _ACCIDENTAL_SEMITONES[match[2]]
            tokens[index] = RubyToken("number", str(semitones + 12 * (int(match[3]) + 1)))
        elif (
            token.kind == "number"
            and token.text.isdigit()
            and _MIN_NAMED_NOTE <= int(token.text) <= _MAX_NAMED_NOTE
        ):
            octave, semitones = divmod(int(token.text), 12)
            tokens[index] = RubyToken("symbol", f":{_SHARP_NOTE_NAMES[semitones]}{octave - 1}")
    return join_tokens(tokens)


def _write_sleeps_as_fractions(source: str, _rng: SeededRandom) -> str:
    """Write rests as fractions that are exactly the same numbers."""
    tokens = tokenize_ruby(source)
    for index, token in enumerate(tokens):
        is_whole_argument = find_adjacent_token(tokens, index, 1).kind in _LINE_END_KINDS
        is_rest = find_adjacent_token(tokens, index, -1).text == "sleep"
        if token.text in _SLEEP_FRACTIONS and is_whole_argument and is_rest:
            tokens[index] = RubyToken("number", _SLEEP_FRACTIONS[token.text])
    return join_tokens(tokens)


# The order decides the random numbers of each rewrite, and with them the rewritten programs.
_REWRITE_PROBABILITIES: dict[SourceRewrite, float] = {
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
