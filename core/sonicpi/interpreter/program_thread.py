"""Threads of an interpreted program and their settings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

from core.sonicpi.interpreter.cue_history import CuePosition
from core.sonicpi.interpreter.random_stream import RandomStream
from core.sonicpi.interpreter.syntax_tree_types import Block, Node, Scope
from core.sonicpi.interpreter.values import SoundNode
from core.sonicpi.score_events import FxChain

MAX_THREAD_STEPS = 40_000  # evaluated nodes of one thread


@dataclass
class ThreadSettings:
    """Settings of a thread, which `use_…` and `with_…` change.

    `lead_seconds` is the time by which the thread's sounds are sent ahead; None is the program's.
    While a thread follows the link metronome, its tempo is the metronome's times `bpm` / 60.
    """

    synth: str = "beep"
    bpm: float = 60.0
    transpose: float = 0.0
    octave_shift: float = 0.0
    cents: float = 0.0
    synth_defaults: dict[str, Any] = field(default_factory=dict)
    sample_defaults: dict[str, Any] = field(default_factory=dict)
    fx: FxChain = ()
    density: float = 1.0
    lead_seconds: float | None = None
    checks_options: bool = True
    allows_unknown_synths: bool = False
    follows_link: bool = True

    def copy_with(self, **changes: Any) -> ThreadSettings:
        """Return a copy with other values; it is much faster than `dataclasses.replace`."""
        settings = object.__new__(ThreadSettings)
        settings.__dict__.update(self.__dict__)
        settings.__dict__.update(changes)
        return settings


@dataclass(frozen=True)
class LoopRedefinition:
    """A live_loop that is defined again while it runs: from then on it has another body and FX."""

    seconds: float
    body: Block
    scope: Scope
    fx: FxChain


@dataclass
class ProgramThread:
    """A live_loop, an in_thread, or the main thread of a program.

    `current_seconds` is the time of its next sound, and `now_seconds` the time at which it sends
    the sound. They differ in a `time_warp` and after a negative sleep. `initial_random` are the
    random numbers at the start of the thread; `guesses` decide what is only known at run time.

    Sonic Pi adds the floats of its sleeps exactly, and compares times exactly to find the next cue.
    So does `exact_seconds`; `unrounded_seconds` is None while `current_seconds` is exact. `path`
    holds the numbers of the thread and its ancestors among those that their parents started,
    `last_cue` the position of the cue that the thread last waited for, `last_sound` the one that
    `control` changes where it names none.
    """

    name: str
    start_seconds: Fraction
    settings: ThreadSettings
    scope: Scope
    body: Block
    is_loop: bool = False
    prelude: Node = None
    initial_value: Any = 0
    path: tuple[int, ...] = ()
    sends_loop_cue: bool = True
    current_seconds: float = 0.0
    unrounded_seconds: Fraction | None = None
    now_seconds: float = 0.0
    is_in_time_warp: bool = False
    ticks: dict[str, tuple[int, int]] = field(default_factory=dict)
    initial_random: RandomStream = field(default_factory=RandomStream)
    random: RandomStream = field(default_factory=RandomStream)
    guesses: Random | None = None
    redefinitions: list[LoopRedefinition] = field(default_factory=list)
    linked_seconds: float | None = None
    call_depth: int = 0
    rescue_depth: int = 0
    spawned_count: int = 0
    cue_count: int = 0
    last_cue: CuePosition | None = None
    last_sound: SoundNode | None = None

    def reset_thread_to_start(self) -> None:
        """Set everything but the settings to the start of the thread."""
        self.unrounded_seconds = self.start_seconds
        self.current_seconds = self.now_seconds = float(self.start_seconds)
        if self.current_seconds == self.start_seconds:
            self.unrounded_seconds = None
        self.spawned_count, self.cue_count, self.last_cue, self.last_sound = 0, 0, None, None
        self.is_in_time_warp, self.linked_seconds = False, None
        self.ticks, self.call_depth, self.rescue_depth = {}, 0, 0
        self.random = replace(self.initial_random)
        self.guesses = None

    def guess_condition(self) -> bool:
        """Decide a condition that is only known at run time."""
        if self.guesses is None:  # Few programs need them.
            self.guesses = Random(zlib.crc32(self.name.encode("utf-8", "replace")))
        return self.guesses.random() < 0.5

    @property
    def exact_seconds(self) -> Fraction:
        """Time of the next sound, without rounding."""
        if self.unrounded_seconds is None:
            return _convert_to_fraction(self.current_seconds)
        return self.unrounded_seconds

    def is_clock_unchanged_since(self, seconds: float) -> bool:
        """Return whether no time has passed; `link` at the start of a bar lets none pass."""
        return self.current_seconds <= seconds and self.linked_seconds != self.current_seconds

    def has_neither_slept_nor_synced(self, seconds: float, last_cue: CuePosition | None) -> bool:
        """Return whether nothing was waited for since a time and a cue; a cue may come at once."""
        is_cue_new = self.last_cue not in (None, last_cue)
        return self.is_clock_unchanged_since(seconds) and not is_cue_new

    def move_clock_to_time(self, seconds: float | Fraction) -> None:
        """Set the time of the next sound, and wait for it unless in a `time_warp`."""
        self.unrounded_seconds = seconds if isinstance(seconds, Fraction) else Fraction(seconds)
        self.current_seconds = float(seconds)
        if not self.is_in_time_warp:
            self.now_seconds = max(self.now_seconds, self.current_seconds)

    def move_clock_by(self, seconds: float) -> None:
        """Add seconds to the time of the next sound."""
        start = self.current_seconds
        if self.unrounded_seconds is None:
            # Most sums of floats are exact: the error term of the TwoSum algorithm is 0 (Knuth, The
            # Art of Computer Programming, volume 2, section 4.2.2).
            total = start + seconds
            added = total - start
            if (start - (total - added)) + (seconds - added) == 0.0:
                self.current_seconds = total
                if not self.is_in_time_warp:
                    self.now_seconds = max(self.now_seconds, total)
                return
        self.move_clock_to_time(self.exact_seconds + _convert_to_fraction(seconds))

    def restore_clock(self, exact_seconds: Fraction, now_seconds: float) -> None:
        """Set the clock back to an earlier time."""
        self.unrounded_seconds, self.current_seconds = exact_seconds, float(exact_seconds)
        self.now_seconds = now_seconds

    def get_cue_position(self, priority: int = 0) -> CuePosition:
        """Return the position of the thread in the order of cues."""
        return (self.exact_seconds, priority, self.path, self.cue_count)

    def make_path_for_new_thread(self) -> tuple[int, ...]:
        """Count a thread that this one starts, and return its path."""
        self.spawned_count += 1
        return (*self.path, self.spawned_count - 1)


# A program sleeps for the same few times again and again.
@lru_cache(maxsize=1024)
def _convert_to_fraction(seconds: float) -> Fraction:
    return Fraction(seconds)


class SettingsGuard:
    """A context manager that restores the settings of a thread at its end."""

    def __init__(self, thread: ProgramThread):
        self.thread = thread

    def __enter__(self) -> None:
        self.saved_settings = self.thread.settings

    def __exit__(self, *_exception: object) -> None:
        self.thread.settings = self.saved_settings
