"""Sonic Pi's words for sounds, time, threads and settings; `sonicpi_music.py` has the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.score_events import inventory
from core.sonicpi.interpreter.scheduler import Play
from core.sonicpi.interpreter.evaluator import Leaves, Over
from core.sonicpi.interpreter.values import note, number
from core.sonicpi.interpreter.builtins_registry import WORDS, first, word

SCALED = set(inventory()["scaled"])


def settled(play: Play, options: dict, defaults: dict) -> dict[str, float]:
    """Options as numbers, times in seconds."""
    found = {}
    for name, value in {**defaults, **options}.items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, (int, float, str)) and (name == "note" or not isinstance(value, str)):
            value = number(value)
            found[name] = play.seconds(value) if name in SCALED else value
    return found


def notes_of(play: Play, given: Any) -> list:
    """MIDI notes to play at once; none for a rest."""
    given = given if isinstance(given, list) else [given]
    found = [note(one) for one in given]
    return [one + play.thread.setting.transpose for one in found if one is not None][:16]


# -- sounds -----------------------------------------------------------------------------------


@word("play", "play_chord")
def _play(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if given and isinstance(given[0], dict):
        options = {**given[0], **options}
        given = given[1:]
    options = dict(options)
    if options.get("on", True) in (None, False, 0):
        return
    what = given[0] if given else options.pop("note", 52)
    setting = play.thread.setting
    made = settled(play, {k: v for k, v in options.items() if k != "on"}, setting.synth_defaults)
    notes = notes_of(play, what)
    if len(notes) > 1:
        made["amp"] = made.get("amp", 1.0) / len(notes)
    play.play("synth", setting.synth, made, notes)


@word("synth")
def _synth(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    before = play.thread.setting
    play.thread.setting = replace(before, synth=str(given[0]) if given else before.synth)
    try:
        what = options.get("notes", options.get("note", 52))
        rest = {k: v for k, v in options.items() if k not in ("note", "notes")}
        _play(play, [what], rest, None, scope)
    finally:
        play.thread.setting = before


@word("sample")
def _sample(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if given and isinstance(given[-1], dict):
        given, options = given[:-1], {**given[-1], **options}
    if options.get("on", True) in (None, False, 0) or not given or given[0] is None:
        return
    name = next((one for one in given if isinstance(one, str)), "unknown")
    made = settled(play, options, play.thread.setting.sample_defaults)
    whole = inventory()["samples"].get(name, 1.0)
    if stretch := made.pop("beat_stretch", None) or made.pop("pitch_stretch", None):
        made["rate"] = made.get("rate", 1.0) * whole / max(play.seconds(abs(stretch)), 0.01)
    if pitch := made.get("rpitch"):
        made["rate"] = made.get("rate", 1.0) * 2 ** (min(max(pitch, -60), 60) / 12)
    play.play("sample", name, made, [None])


@word("play_pattern", "play_pattern_timed")
def _pattern(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    notes = given[0] if given and isinstance(given[0], list) else given[:1]
    times = given[1] if len(given) > 1 else 1
    times = times if isinstance(times, list) and times else [times]
    for place, one in enumerate(notes):
        _play(play, [one], options, None, scope)
        play.sleep(number(times[place % len(times)], 1))


@word("control")
def _control(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    # A sound that is changed afterwards is also what it is changed to.
    if play.sounds and play.sounds[-1].layer == play.thread.name:
        for name, value in settled(play, options, {}).items():
            play.sounds[-1].options.setdefault(name, value)


# -- time, loops and threads ------------------------------------------------------------------


@word("sleep", "wait")
def _sleep(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    play.sleep(number(given[0], 1) if given else 1)


@word("cue", "set")
def _cue(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if given:
        play.cue(given[0])
        if len(given) > 1 and len(play.shared) < 256:
            play.shared[str(given[0])] = given[1]


@word("get")
def _get(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
    if not given:
        return play.shared
    return play.shared.get(str(given[0]), given[1] if len(given) > 1 else None)


@word("sync", "sync_bpm")
def _sync(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if given:
        play.sync(given[0])


@word("stop")
def _stop(play: Play, *_: Any) -> None:
    raise Over


@word("live_loop")
def _live_loop(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    name = str(given[0]) if given else "loop"
    delay, sync = options.get("delay"), options.get("sync")
    if sync is not None or delay is not None:
        start = ["seq"]
        if sync is not None:
            start.append(["call", None, "sync", [["sym", str(sync)]]])
        if delay is not None:
            start.append(["call", None, "sleep", [["num", number(delay)]]])
        loop = ["call", None, "loop", [], _cueing(name, block)]
        play.spawn(name, [*start, loop], scope, False)
    else:
        play.spawn(name, block, scope, True)


def _cueing(name: str, block: Any) -> Any:
    if not isinstance(block, list):
        return block
    return ["block", block[1], ["seq", ["call", None, "cue", [["sym", name]]], block[2]]]


@word("in_thread")
def _in_thread(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if isinstance(block, list):
        delay = []
        if "delay" in options:
            delay.append(["call", None, "sleep", [["num", number(options["delay"])]]])
        name = str(options.get("name") or f"{play.thread.name}/{len(play.started)}")
        play.spawn(name, ["seq", *delay, block[2]], scope, False)


@word("loop")
def _loop(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    try:
        for _ in play.turns(range(10**6)):
            began = play.thread.time
            play.run_block(block, [], scope)
            if play.thread.time <= began:
                return
    except Leaves as leaves:
        if leaves.how != "break":
            raise


@word("at", "time_warp")
def _at(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    times = given[0] if given and isinstance(given[0], list) else given[:1]
    began = play.thread.time
    for place, when in enumerate(times or [0]):
        play.thread.time = began + play.seconds(number(when))
        more = given[1] if len(given) > 1 and isinstance(given[1], list) and given[1] else [when]
        try:
            play.run_block(block, [more[place % len(more)]], scope)
        except Over:
            pass
    play.thread.time = began


@word("density")
def _density(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    times = max(1, min(int(number(given[0], 1)) if given else 1, 64))
    with _Kept(play):
        play.thread.setting = replace(
            play.thread.setting, density=play.thread.setting.density * times
        )
        for turn in range(times):
            play.run_block(block, [turn], scope)


# -- settings ---------------------------------------------------------------------------------


class _Kept:
    """Puts a thread's setting back at the end."""

    def __init__(self, play: Play):
        self.thread = play.thread

    def __enter__(self) -> None:
        self.before = self.thread.setting

    def __exit__(self, *_: Any) -> None:
        self.thread.setting = self.before


def _used(change: Callable, *names: str) -> None:
    """Make the words use_NAME and with_NAME of a change of the setting."""

    def use(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
        play.thread.setting = change(play, play.thread.setting, given, options)

    def within(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
        with _Kept(play):
            use(play, given, options, block, scope)
            return play.run_block(block, [], scope)

    for name in names:
        WORDS[f"use_{name}"], WORDS[f"with_{name}"] = use, within


def _bpm(value: float) -> float:
    return min(max(value, 1.0), 2000.0)


_used(lambda p, s, g, o: replace(s, synth=str(g[0]) if g else s.synth), "synth")
_used(lambda p, s, g, o: replace(s, bpm=_bpm(first(g, 60))), "bpm")
_used(lambda p, s, g, o: replace(s, bpm=_bpm(s.bpm * first(g, 1))), "bpm_mul")
_used(lambda p, s, g, o: replace(s, transpose=first(g)), "transpose")
_used(lambda p, s, g, o: replace(s, transpose=s.transpose + 12 * first(g)), "octave")
_used(lambda p, s, g, o: replace(s, synth_defaults=dict(o)), "synth_defaults")
_used(lambda p, s, g, o: replace(s, sample_defaults=dict(o)), "sample_defaults")
_used(
    lambda p, s, g, o: replace(s, synth_defaults={**s.synth_defaults, **o}), "merged_synth_defaults"
)
_used(
    lambda p, s, g, o: replace(s, sample_defaults={**s.sample_defaults, **o}),
    "merged_sample_defaults",
)
_used(
    lambda p, s, g, o: replace(
        s,
        bpm=_bpm(
            60
            * number(o.get("num_beats", 1), 1)
            / inventory()["samples"].get(str(g[0]) if g else "", 1.0)
        ),
    ),
    "sample_bpm",
)


def _seeded(play: Play, setting: Any, given: list, options: dict) -> Any:
    play.thread.rng.seed(int(first(given)))
    return setting


_used(_seeded, "random_seed")
_used(
    lambda p, s, g, o: s,
    "debug",
    "tuning",
    "cue_logging",
    "arg_checks",
    "random_source",
    "timing_guarantees",
    "real_time",
    "sched_ahead_time",
    "cent_tuning",
)


@word("with_fx")
def _with_fx(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
    name = str(given[0]) if given else "none"
    reps = max(1, min(int(number(options.get("reps", 1), 1)), 512))
    setting = play.thread.setting
    made = settled(play, {k: v for k, v in options.items() if k != "reps"}, {})
    found = None
    with _Kept(play):
        fx = setting.fx if name == "none" else ((name, made), *setting.fx)[:16]
        play.thread.setting = replace(setting, fx=fx)
        for _ in range(reps):
            found = play.run_block(block, [values.UNKNOWN], scope)
    return found


@word("define", "ndefine", "defonce")
def _define(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    if given and isinstance(block, list) and len(play.functions) < 256:
        play.functions[str(given[0])] = (block, scope)


# -- the rest ------------------------------------------------------------------------------------


def _nothing(*_: Any) -> None:
    return None


@word("current_bpm")
def _current_bpm(play: Play, *_: Any) -> float:
    return play.thread.setting.bpm


@word("lambda", "proc")
def _lambda(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
    return (block, scope)


for _name in (
    "puts",
    "print",
    "load_sample",
    "load_samples",
    "set_volume!",
    "comment",
    "p",
    "set_mixer_control!",
    "reset_mixer!",
    "osc",
    "midi",
    "rest",
    "rand_reset",
):
    WORDS[_name] = _nothing


@word("uncomment")
def _uncomment(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
    return play.run_block(block, [], scope)
