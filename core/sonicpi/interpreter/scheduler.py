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

from core.sonicpi.score_events import SECONDS, Sound
from core.sonicpi.interpreter.evaluator import TURNS, Leaves, Over, Tree, Waits

STEPS = 8_000  # of one thread
ALL_STEPS = 40_000  # of a program
THREADS = 64
ROUNDS = 3  # in which threads wait for the cues of others
MOST_SOUNDS = 4_000


@dataclass
class Setting:
    """What `use_…` and `with_…` set for the thread."""

    synth: str = "beep"
    bpm: float = 60.0
    transpose: float = 0.0
    synth_defaults: dict = field(default_factory=dict)
    sample_defaults: dict = field(default_factory=dict)
    fx: tuple = ()
    density: float = 1.0


@dataclass
class Thread:
    """A live_loop, an in_thread, or the program itself."""

    name: str
    start: float
    setting: Setting
    scope: dict
    body: Any
    loops: bool = False
    time: float = 0.0
    ticks: dict = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    left: int = STEPS
    deep: int = 0
    turn_starts: float = 0.0


class Play(Tree):
    """Follows one program. `sounds` holds what it plays, `words` the names of what was called."""

    def __init__(self, tree: Any):
        from core.sonicpi.interpreter import builtins_values, builtins_sound  # noqa: F401 (they fill WORDS)
        from core.sonicpi.interpreter.builtins_registry import WORDS

        self.words = WORDS
        self.sounds: list[Sound] = []
        self.functions: dict[str, tuple] = {}
        self.cues: dict[str, list[float]] = {}
        self.shared: dict[str, Any] = {}
        self.threads: list[Thread] = []
        self.called: dict[str, int] = {}
        self.unknown = 0
        self.left = ALL_STEPS
        self.thread = Thread("main", 0.0, Setting(), {}, tree)
        self.started: set[tuple] = set()
        self._follow_all()

    def _follow_all(self) -> None:
        waiting = [self.thread]
        for turn in range(ROUNDS):
            again = []
            while waiting:
                thread = waiting.pop(0)
                before = len(self.sounds)
                # Who still waits in the last round waits for good, after what it has played.
                if not self._follow(thread) and turn < ROUNDS - 1:
                    del self.sounds[before:]
                    again.append(thread)
                waiting += self.threads
                self.threads = []
            if not again:
                return
            waiting = again

    def _follow(self, thread: Thread) -> bool:
        """Run a thread to its end; False when it waits for a cue nobody has given yet."""
        self.thread = thread
        thread.time, thread.left, thread.ticks, thread.deep = thread.start, STEPS, {}, 0
        thread.rng = random.Random(zlib.crc32(thread.name.encode("utf-8", "replace")))
        kept, scope = thread.setting, dict(thread.scope)
        before, finished = len(self.sounds), False
        try:
            if thread.loops:
                for _ in range(TURNS):
                    began = thread.time
                    self.cue(thread.name)
                    self.run_block(thread.body, [], scope)
                    if thread.time <= began:
                        break
            else:
                self.evaluate(thread.body, scope)
            finished = True
        except Waits:
            thread.setting = kept
            return False
        except (Over, Leaves):
            finished = thread.time >= SECONDS
        except (
            RecursionError,
            ArithmeticError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
        ):
            self.unknown += 1
        thread.setting = kept
        reached = thread.time - thread.start
        if not finished and thread.left <= 0 and 0.5 < reached < SECONDS - thread.start:
            # It would have gone on: what was heard stands for the rest as well.
            for sound in self.sounds[before:]:
                sound.weight *= (SECONDS - thread.start) / reached
        return True

    # -- what words do ------------------------------------------------------------------------

    def sleep(self, beats: float) -> None:
        thread = self.thread
        thread.time += max(0.0, self.seconds(beats)) / thread.setting.density
        if thread.time >= SECONDS:
            raise Over

    def seconds(self, beats: float) -> float:
        return beats * 60.0 / self.thread.setting.bpm

    def cue(self, name: str) -> None:
        if len(self.cues) < 256:
            heard = self.cues.setdefault(str(name), [])
            if len(heard) < 2048:
                heard.append(self.thread.time)

    def sync(self, name: str) -> None:
        later = [t for t in self.cues.get(str(name), ()) if t > self.thread.time + 1e-6]
        if not later:
            raise Waits
        self.thread.time = min(later)
        if self.thread.time >= SECONDS:
            raise Over

    def spawn(self, name: str, body: Any, scope: dict, loops: bool) -> None:
        thread = self.thread
        key = (name, "loop") if loops else (name, thread.name, round(thread.time, 3))
        if key in self.started or len(self.started) >= THREADS:
            return
        self.started.add(key)
        setting = replace(thread.setting)
        self.threads.append(Thread(name, thread.time, setting, dict(scope), body, loops))

    def play(self, kind: str, name: str, options: dict, notes: list) -> None:
        thread = self.thread
        for one in notes:
            if len(self.sounds) < MOST_SOUNDS:
                given = dict(options) if one is None else {**options, "note": one}
                self.sounds.append(
                    Sound(thread.time, kind, name, given, thread.setting.fx, thread.name)
                )
