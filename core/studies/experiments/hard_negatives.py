"""Change a program a little, so that it sounds otherwise: a hard negative."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.programs.grammar import instruments
from core.programs.grammar.rng import SeededRandom
from core.programs.tokens import RubyToken, join_tokens, find_adjacent_token, tokenize_ruby

_NOTE_PATTERN = re.compile(r":([a-gA-G][sb]?)(\d)\Z")
_SAMPLE_TO_GROUP = {name: group for group, members in instruments.SAMPLE_GROUPS.items() for name in members}
# Of these, whatever their options are, another one can take the place.
_SWAPPABLE_SYNTHS = (
    "beep saw pulse square tri sine fm prophet blade pluck piano dsaw pretty_bell chiplead hollow"
).split()

TokenChange = Callable[[list[RubyToken], SeededRandom], list[RubyToken] | None]


def make_hard_negative(source: str, seed: int) -> str:
    """Return the program with one change that can be heard.

    Parameters
    ----------
    source : str
        Sonic Pi code.
    seed : int
        Any whole number: the same one gives the same change.

    Notes
    -----
    The change is one of: another synth, another sample, another octave, other rests,
    a sample backwards or at another speed, another tempo. Code that is never reached may
    be what was changed; nothing is run here.
    """
    dice = SeededRandom(f"perturb/{seed}/{source}")
    row = tokenize_ruby(source)
    for change in dice.shuffle_copy(_AUDIBLE_CHANGES):
        changed = change(row, dice)
        if changed is not None and join_tokens(changed) != source:
            return join_tokens(changed)
    return f"use_synth :{dice.pick(_SWAPPABLE_SYNTHS[1:])}\nuse_bpm {dice.pick((40, 90, 110))}\n{source}"


def _replace_token_texts(tokens: list[RubyToken], new_texts: dict[int, str]) -> list[RubyToken]:
    return [RubyToken(token.kind, new_texts.get(index, token.text)) for index, token in enumerate(tokens)]


def _find_arguments_of(tokens: list[RubyToken], *call_words: str) -> list[int]:
    """Return the places of tokens that follow one of the words: `use_synth :saw`, `(:saw)` too."""
    found = []
    for index in range(len(tokens)):
        before = find_adjacent_token(tokens, index, -1)
        if before.text == "(":
            before = find_adjacent_token(tokens, tokens.index(before, max(0, index - 3)), -1)
        if before.text in call_words:
            found.append(index)
    return found


def _change_synth(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    places = [i for i in _find_arguments_of(tokens, "use_synth", "synth", "with_synth") if tokens[i].kind == "symbol"]
    if not places:
        return None
    place = rng.pick(places)
    old = tokens[place].text
    new = rng.pick([name for name in _SWAPPABLE_SYNTHS if f":{name}" != old])
    return _replace_token_texts(tokens, {i: f":{new}" for i in places if tokens[i].text == old})


def _change_sample(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    places = [i for i, t in enumerate(tokens) if t.kind == "symbol" and t.text[1:] in _SAMPLE_TO_GROUP]
    if not places:
        return None
    old = tokens[rng.pick(places)].text
    group = instruments.SAMPLE_GROUPS[_SAMPLE_TO_GROUP[old[1:]]]
    if rng.chance(0.5):
        group = instruments.SAMPLE_GROUPS[rng.pick(list(instruments.SAMPLE_GROUPS))]
    new = rng.pick([name for name in group if f":{name}" != old])
    return _replace_token_texts(tokens, {i: f":{new}" for i in places if tokens[i].text == old})


def _shift_octave(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    shift = rng.pick((-1, 1))
    new: dict[int, str] = {}
    for index, token in enumerate(tokens):
        match = _NOTE_PATTERN.match(token.text) if token.kind == "symbol" else None
        if match and 2 <= int(match[2]) + shift <= 6:
            new[index] = f":{match[1]}{int(match[2]) + shift}"
    for index in _find_arguments_of(tokens, "play", "note:"):
        if tokens[index].text.isdigit() and 36 <= int(tokens[index].text) + 12 * shift <= 96:
            new[index] = str(int(tokens[index].text) + 12 * shift)
    return _replace_token_texts(tokens, new) if new else None


def _rescale_sleeps(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    places = [
        i for i in _find_arguments_of(tokens, "sleep", "wait") if tokens[i].kind == "number" and float(tokens[i].text) > 0
    ]
    places = [i for i in places if find_adjacent_token(tokens, i, 1).text not in ("/", "*", ".", "+", "-")]
    if not places:
        return None
    factor = rng.pick((0.5, 1.5, 2.0, 0.75))
    return _replace_token_texts(tokens, {i: f"{max(0.0625, float(tokens[i].text) * factor):g}" for i in places})


def _change_playback_rate(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    rates = [i for i in _find_arguments_of(tokens, "rate:") if tokens[i].kind == "number"]
    if rates:
        place = rng.pick(rates)
        value = float(tokens[place].text)
        return _replace_token_texts(
            tokens, {place: rng.pick((f"-{tokens[place].text}", f"{value * 0.5:g}", f"{value * 2:g}"))}
        )
    places = [i for i in _find_arguments_of(tokens, "sample") if tokens[i].text[1:] in _SAMPLE_TO_GROUP]
    if not places or any(token.text in ("rate:", ":rate") for token in tokens):
        return None
    place = rng.pick(places)
    return _replace_token_texts(tokens, {place: f"{tokens[place].text}, rate: {rng.pick(('-1', '0.5', '1.7'))}"})


def _change_tempo(tokens: list[RubyToken], rng: SeededRandom) -> list[RubyToken] | None:
    places = [i for i in _find_arguments_of(tokens, "use_bpm") if tokens[i].kind == "number"]
    if not places:
        return None
    return _replace_token_texts(
        tokens, {i: f"{float(tokens[i].text) * rng.pick((0.6, 0.75, 1.35, 1.6)):.0f}" for i in places}
    )


_AUDIBLE_CHANGES: tuple[TokenChange, ...] = (
    _change_synth,
    _change_sample,
    _shift_octave,
    _rescale_sleeps,
    _change_playback_rate,
    _change_tempo,
)
