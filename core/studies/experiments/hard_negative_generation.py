"""Hard negatives: programs changed slightly in code and audibly in sound."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.synth_fx_and_sample_sets import get_sound_set_by_name
from core.programs.ruby_tokenizer import RubyToken, find_adjacent_token, join_tokens, tokenize_ruby

# Returns the changed tokens; None where the program has nothing to change.
TokenChange = Callable[[list[RubyToken], SeededRandom], list[RubyToken] | None]

_NOTE_PATTERN = re.compile(r":([a-gA-G][sb]?)(\d)\Z")
_MIN_OCTAVE, _MAX_OCTAVE = 2, 6
_MIN_NOTE, _MAX_NOTE = 36, 96  # MIDI numbers
_MIN_SLEEP_BEATS = 0.0625
_SAMPLE_GROUPS = get_sound_set_by_name().sample_groups
_SAMPLE_TO_GROUP = {name: group for group, members in _SAMPLE_GROUPS.items() for name in members}
# Any of these can replace another, whatever their options are.
_SWAPPABLE_SYNTHS = (
    "beep saw pulse square tri sine fm prophet blade pluck piano dsaw pretty_bell chiplead hollow"
).split()


def make_hard_negative(source: str, seed: int) -> str:
    r"""Return the program with one audible change.

    Parameters
    ----------
    source : str
        Sonic Pi code.
    seed : int
        The same seed gives the same change.

    Notes
    -----
    The change is one of: another synth, another sample, another octave, other rests, a sample
    reversed or at another speed, another tempo. The program is not run, so the change may be in
    code that is never reached.

    Examples
    --------
    >>> source = "use_synth :saw\nplay 60\n"
    >>> make_hard_negative(source, 0) == source
    False
    """
    rng = SeededRandom(f"perturb/{seed}/{source}")
    tokens = tokenize_ruby(source)
    for change in rng.shuffle_options(_AUDIBLE_CHANGES):
        changed = change(tokens, rng)
        if changed is not None and join_tokens(changed) != source:
            return join_tokens(changed)
    synth, bpm = (
        rng.pick_option(_SWAPPABLE_SYNTHS[1:]),
        rng.pick_option((40, 90, 110)),
    )
    return f"use_synth :{synth}\nuse_bpm {bpm}\n{source}"


def _replace_token_texts(tokens: list[RubyToken], text_by_index: dict[int, str]) -> list[RubyToken]:
    return [
        RubyToken(token.kind, text_by_index.get(index, token.text))
        for index, token in enumerate(tokens)
    ]


def _find_argument_token_indices(tokens: list[RubyToken], *call_words: str) -> list[int]:
    """Return indices of tokens after one of the words: `use_synth :saw` and `use_synth(:saw)`."""
    indices = []
    for index in range(len(tokens)):
        previous = find_adjacent_token(tokens, index, -1)
        if previous.text == "(":
            bracket_index = tokens.index(previous, max(0, index - 3))
            previous = find_adjacent_token(tokens, bracket_index, -1)
        if previous.text in call_words:
            indices.append(index)
    return indices


def _find_number_argument_indices(tokens: list[RubyToken], *call_words: str) -> list[int]:
    """Return indices of number tokens after one of the words."""
    indices = _find_argument_token_indices(tokens, *call_words)
    return [index for index in indices if tokens[index].kind == "number"]


def _edit_synth_in_code(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    arguments = _find_argument_token_indices(tokens, "use_synth", "synth", "with_synth")
    indices = [index for index in arguments if tokens[index].kind == "symbol"]
    if not indices:
        return None
    old_symbol = tokens[rng.pick_option(indices)].text
    new_name = rng.pick_option([name for name in _SWAPPABLE_SYNTHS if f":{name}" != old_symbol])
    return _replace_token_texts(
        tokens, {index: f":{new_name}" for index in indices if tokens[index].text == old_symbol}
    )


def _edit_sample_name_in_code(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    indices = [
        index
        for index, token in enumerate(tokens)
        if token.kind == "symbol" and token.text[1:] in _SAMPLE_TO_GROUP
    ]
    if not indices:
        return None
    old_symbol = tokens[rng.pick_option(indices)].text
    group = _SAMPLE_GROUPS[_SAMPLE_TO_GROUP[old_symbol[1:]]]
    if rng.sample_boolean(0.5):
        group = _SAMPLE_GROUPS[rng.pick_option(list(_SAMPLE_GROUPS))]
    new_name = rng.pick_option([name for name in group if f":{name}" != old_symbol])
    return _replace_token_texts(
        tokens, {index: f":{new_name}" for index in indices if tokens[index].text == old_symbol}
    )


def _shift_note_octaves_in_code(
    tokens: list[RubyToken], rng: SeededRandom
) -> list[RubyToken] | None:
    shift = rng.pick_option((-1, 1))
    new_texts: dict[int, str] = {}
    for index, token in enumerate(tokens):
        match = _NOTE_PATTERN.match(token.text) if token.kind == "symbol" else None
        if match and _MIN_OCTAVE <= int(match[2]) + shift <= _MAX_OCTAVE:
            new_texts[index] = f":{match[1]}{int(match[2]) + shift}"
    for index in _find_argument_token_indices(tokens, "play", "note:"):
        text = tokens[index].text
        if text.isdigit() and _MIN_NOTE <= int(text) + 12 * shift <= _MAX_NOTE:
            new_texts[index] = str(int(text) + 12 * shift)
    return _replace_token_texts(tokens, new_texts) if new_texts else None


def _rescale_sleep_times_in_code(
    tokens: list[RubyToken], rng: SeededRandom
) -> list[RubyToken] | None:
    indices = [
        index
        for index in _find_number_argument_indices(tokens, "sleep", "wait")
        if float(tokens[index].text) > 0
        and find_adjacent_token(tokens, index, 1).text not in ("/", "*", ".", "+", "-")
    ]
    if not indices:
        return None
    factor = rng.pick_option((0.5, 1.5, 2.0, 0.75))
    return _replace_token_texts(
        tokens,
        {
            index: f"{max(_MIN_SLEEP_BEATS, float(tokens[index].text) * factor):g}"
            for index in indices
        },
    )


def _edit_playback_rate_in_code(
    tokens: list[RubyToken], rng: SeededRandom
) -> list[RubyToken] | None:
    rate_indices = _find_number_argument_indices(tokens, "rate:")
    if rate_indices:
        index = rng.pick_option(rate_indices)
        text = tokens[index].text
        new_rates = (f"-{text}", f"{float(text) * 0.5:g}", f"{float(text) * 2:g}")
        return _replace_token_texts(tokens, {index: rng.pick_option(new_rates)})
    sample_indices = [
        index
        for index in _find_argument_token_indices(tokens, "sample")
        if tokens[index].text[1:] in _SAMPLE_TO_GROUP
    ]
    if not sample_indices or any(token.text in ("rate:", ":rate") for token in tokens):
        return None
    index = rng.pick_option(sample_indices)
    rate = rng.pick_option(("-1", "0.5", "1.7"))
    return _replace_token_texts(tokens, {index: f"{tokens[index].text}, rate: {rate}"})


def _edit_tempo_in_code(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    indices = _find_number_argument_indices(tokens, "use_bpm")
    if not indices:
        return None
    return _replace_token_texts(
        tokens,
        {
            index: f"{float(tokens[index].text) * rng.pick_option((0.6, 0.75, 1.35, 1.6)):.0f}"
            for index in indices
        },
    )


# The order decides the random choice, and with it the changed programs.
_AUDIBLE_CHANGES: tuple[TokenChange, ...] = (
    _edit_synth_in_code,
    _edit_sample_name_in_code,
    _shift_note_octaves_in_code,
    _rescale_sleep_times_in_code,
    _edit_playback_rate_in_code,
    _edit_tempo_in_code,
)
