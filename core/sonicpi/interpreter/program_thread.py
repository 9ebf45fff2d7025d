"""Threads of an interpreted program and their settings."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from core.sonicpi.interpreter.syntax_tree_types import Block, Scope
from core.sonicpi.score_events import FxChain

MAX_THREAD_STEPS = 8_000  # evaluated nodes of one thread


@dataclass
class ThreadSettings:
    """Settings of a thread, which `use_…` and `with_…` change.

    `lead_seconds` is the time by which the thread's sounds are sent ahead; None is the program's.
    """

    synth: str = "beep"
    bpm: float = 60.0
    transpose: float = 0.0
    synth_defaults: dict[str, Any] = field(default_factory=dict)
    sample_defaults: dict[str, Any] = field(default_factory=dict)
    fx: FxChain = ()
    density: float = 1.0
    lead_seconds: float | None = None


@dataclass
class ProgramThread:
    """A live_loop, an in_thread, or the main thread of a program.

    `current_seconds` is the time of its next sound, and `now_seconds` the time at which it sends
    the sound. They differ in a `time_warp` and after a negative sleep.
    """

    name: str
    start_seconds: float
    settings: ThreadSettings
    scope: Scope
    body: Block
    is_loop: bool = False
    current_seconds: float = 0.0
    now_seconds: float = 0.0
    is_in_time_warp: bool = False
    ticks: dict[str, int] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    steps_left: int = MAX_THREAD_STEPS
    call_depth: int = 0

    def move_to(self, seconds: float) -> None:
        """Set the time of the next sound, and wait for it unless in a `time_warp`."""
        self.current_seconds = seconds
        if not self.is_in_time_warp:
            self.now_seconds = max(self.now_seconds, seconds)


class SettingsGuard:
    """A context manager that restores the settings of a thread at its end."""

    def __init__(self, thread: ProgramThread):
        self.thread = thread

    def __enter__(self) -> None:
        self.saved_settings = self.thread.settings

    def __exit__(self, *_exception: object) -> None:
        self.thread.settings = self.saved_settings
