"""Following a program's syntax tree for 18 s of its own time, in a language of our own.

What a node means is in `sonicpi_tree.py`; here are threads, time, cues and sounds. Steps are
counted. Threads follow one another, each with its own clock; one that waits for a cue which has not
been heard yet is followed again after the others.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent
from core.sonicpi.interpreter.evaluator import MAX_ITERATIONS, ControlFlowSignal, ThreadEnded, SyntaxTreeEvaluator, BlockedOnCue

MAX_THREAD_STEPS = 8_000  # of one thread
MAX_PROGRAM_STEPS = 40_000  # of a program
MAX_THREADS = 64
MAX_SYNC_ROUNDS = 3  # in which threads wait for the cues of others
MAX_EVENTS = 4_000


@dataclass
class ThreadSettings:
    """What `use_…` and `with_…` set for the thread."""

    synth: str = "beep"
    bpm: float = 60.0
    transpose: float = 0.0
    synth_defaults: dict = field(default_factory=dict)
    sample_defaults: dict = field(default_factory=dict)
    fx: tuple = ()
    density: float = 1.0


@dataclass
class ProgramThread:
    """A live_loop, an in_thread, or the program itself."""

    name: str
    start_seconds: float
    settings: ThreadSettings
    scope: dict
    body: Any
    is_loop: bool = False
    current_seconds: float = 0.0
    ticks: dict = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    steps_left: int = MAX_THREAD_STEPS
    call_depth: int = 0
    turn_starts: float = 0.0


class ProgramInterpreter(SyntaxTreeEvaluator):
    """Follows one program. `events` holds what it plays, `builtins` the names of what was called."""

    def __init__(self, tree: Any):
        from core.sonicpi.interpreter import builtins_values, builtins_sound  # noqa: F401 (they fill WORDS)
        from core.sonicpi.interpreter.builtins_registry import BUILTINS

        self.builtins = BUILTINS
        self.events: list[ScoreEvent] = []
        self.functions: dict[str, tuple] = {}
        self.cue_times: dict[str, list[float]] = {}
        self.shared_values: dict[str, Any] = {}
        self.pending_threads: list[ProgramThread] = []
        self.call_counts: dict[str, int] = {}
        self.unknown_count = 0
        self.steps_left = MAX_PROGRAM_STEPS
        self.current_thread = ProgramThread("main", 0.0, ThreadSettings(), {}, tree)
        self.started_threads: set[tuple] = set()
        self._run_all_threads()

    def _run_all_threads(self) -> None:
        waiting = [self.current_thread]
        for turn in range(MAX_SYNC_ROUNDS):
            again = []
            while waiting:
                thread = waiting.pop(0)
                before = len(self.events)
                # Who still waits in the last round waits for good, after what it has played.
                if not self._run_thread(thread) and turn < MAX_SYNC_ROUNDS - 1:
                    del self.events[before:]
                    again.append(thread)
                waiting += self.pending_threads
                self.pending_threads = []
            if not again:
                return
            waiting = again

    def _run_thread(self, thread: ProgramThread) -> bool:
        """Run a thread to its end; False when it waits for a cue nobody has given yet."""
        self.current_thread = thread
        thread.current_seconds, thread.steps_left, thread.ticks, thread.call_depth = thread.start_seconds, MAX_THREAD_STEPS, {}, 0
        thread.rng = random.Random(zlib.crc32(thread.name.encode("utf-8", "replace")))
        kept, scope = thread.settings, dict(thread.scope)
        before, finished = len(self.events), False
        try:
            if thread.is_loop:
                for _ in range(MAX_ITERATIONS):
                    began = thread.current_seconds
                    self.record_cue(thread.name)
                    self.run_block(thread.body, [], scope)
                    if thread.current_seconds <= began:
                        break
            else:
                self.evaluate_node(thread.body, scope)
            finished = True
        except BlockedOnCue:
            thread.settings = kept
            return False
        except (ThreadEnded, ControlFlowSignal):
            finished = thread.current_seconds >= MAX_SCORE_SECONDS
        except (
            RecursionError,
            ArithmeticError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
        ):
            self.unknown_count += 1
        thread.settings = kept
        reached = thread.current_seconds - thread.start_seconds
        if not finished and thread.steps_left <= 0 and 0.5 < reached < MAX_SCORE_SECONDS - thread.start_seconds:
            # It would have gone on: what was heard stands for the rest as well.
            for sound in self.events[before:]:
                sound.weight *= (MAX_SCORE_SECONDS - thread.start_seconds) / reached
        return True

    # -- what words do ------------------------------------------------------------------------

    def sleep_beats(self, beats: float) -> None:
        thread = self.current_thread
        thread.current_seconds += max(0.0, self.beats_to_seconds(beats)) / thread.settings.density
        if thread.current_seconds >= MAX_SCORE_SECONDS:
            raise ThreadEnded

    def beats_to_seconds(self, beats: float) -> float:
        return beats * 60.0 / self.current_thread.settings.bpm

    def record_cue(self, name: str) -> None:
        if len(self.cue_times) < 256:
            heard = self.cue_times.setdefault(str(name), [])
            if len(heard) < 2048:
                heard.append(self.current_thread.current_seconds)

    def wait_for_cue(self, name: str) -> None:
        later = [t for t in self.cue_times.get(str(name), ()) if t > self.current_thread.current_seconds + 1e-6]
        if not later:
            raise BlockedOnCue
        self.current_thread.current_seconds = min(later)
        if self.current_thread.current_seconds >= MAX_SCORE_SECONDS:
            raise ThreadEnded

    def spawn_thread(self, name: str, body: Any, scope: dict, is_loop: bool) -> None:
        thread = self.current_thread
        key = (name, "loop") if is_loop else (name, thread.name, round(thread.current_seconds, 3))
        if key in self.started_threads or len(self.started_threads) >= MAX_THREADS:
            return
        self.started_threads.add(key)
        setting = replace(thread.settings)
        self.pending_threads.append(ProgramThread(name, thread.current_seconds, setting, dict(scope), body, is_loop))

    def add_events(self, kind: str, name: str, options: dict, notes: list) -> None:
        thread = self.current_thread
        for one in notes:
            if len(self.events) < MAX_EVENTS:
                given = dict(options) if one is None else {**options, "note": one}
                self.events.append(
                    ScoreEvent(thread.current_seconds, kind, name, given, thread.settings.fx, thread.name)
                )
