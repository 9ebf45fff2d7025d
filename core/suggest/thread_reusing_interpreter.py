"""Interpretation of variants of a program that reuses the threads which they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.sonicpi.interpreter import ProgramInterpreter
from core.sonicpi.interpreter.calls_of_blocks_functions_and_methods import MAX_UNFOLLOWED_KINDS
from core.sonicpi.interpreter.control_flow_signals import ProgramProblem
from core.sonicpi.interpreter.cue_history import CueHistory
from core.sonicpi.interpreter.program_thread import ProgramThread
from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import ClipStart
from core.sonicpi.interpreter.syntax_tree_compiler import SyntaxTreeCompiler
from core.sonicpi.interpreter.syntax_tree_types import Block, Node
from core.sonicpi.score_events import MovedOptions, ScoreEvent, move_control_changes_of_event
from core.sonicpi.sound_options_and_control_changes import is_referenced_by_program

# Functions by which a thread depends on other threads, or changes what they do.
SHARED_STATE_FUNCTIONS = frozenset(
    "sync sync_bpm get set cue live_loop in_thread define defonce ndefine at link link_sync"
    " set_link_bpm! set_volume! current_volume set_mixer_control! reset_mixer!"
    " set_mixer_mono_mode! set_mixer_stereo_mode! set_sched_ahead_time! set_audio_latency! eval"
    " load run_code run_file load_buffer load_example time_warp Thread send"
    " public_send method".split()
)
SHARED_STATE_NODES = frozenset(("def", "class", "?"))
MAX_FINGERPRINT_CHARS = 20_000


@dataclass(frozen=True, eq=False)
class _ThreadRecord:
    """What one thread did, to be repeated without interpreting it again."""

    body: Block
    """Keeps the body alive, by whose identity the record is found."""
    function_blocks: tuple[Any, ...]
    events: list[ScoreEvent]
    cues: dict[str, CueHistory]
    sample_loading_times: dict[str, float]
    call_counts: Counter[str]
    unfollowed_code: list[str]
    problems: list[ProgramProblem]
    unknown_count: int
    step_count: int
    has_endless_loop: bool
    has_passed_end: bool
    first_sound: tuple[float, float]


class ThreadRecords:
    """Records of threads that depend on nothing but their settings and variables."""

    def __init__(self) -> None:
        self.compiler = SyntaxTreeCompiler()
        self.record_by_key: dict[tuple[Any, ...], _ThreadRecord] = {}
        self.moved_events: dict[tuple[int, float], tuple[ScoreEvent, ScoreEvent]] = {}
        self._is_independent: dict[int, tuple[Any, bool]] = {}

    def is_code_independent_of_other_threads(self, node: Any) -> bool:
        """Return whether code calls nothing that other threads share."""
        if id(node) not in self._is_independent:
            is_code_independent_of_other_threads = not any(
                (item[0] == "call" and item[1] is None and item[2] in SHARED_STATE_FUNCTIONS)
                or item[0] in SHARED_STATE_NODES
                for item in _iterate_nodes(node)
            )
            self._is_independent[id(node)] = (node, is_code_independent_of_other_threads)
        return self._is_independent[id(node)][1]


def _iterate_nodes(node: Any) -> Iterator[list[Any]]:
    """Yield all nodes of a syntax tree."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            if item and isinstance(item[0], str):
                yield item
            stack.extend(item)


class VariantInterpreter(ProgramInterpreter):
    """Interpreter that looks up what a thread does before it interprets it.

    Parameters
    ----------
    tree : Node
        Variants share the nodes of their common code: threads are found by their identity.
    records : ThreadRecords
        Shared by all variants of a program.
    """

    def __init__(self, tree: Node, records: ThreadRecords):
        self.records = records
        self.moved_options: MovedOptions = {}
        super().__init__(tree, records.compiler)

    def _run_program_thread(self, thread: ProgramThread) -> bool:
        key = self._make_thread_key(thread)
        if key is None:
            return super()._run_program_thread(thread)
        record = self.records.record_by_key.get(key)
        if record is not None and record.step_count < self.program_steps_left:
            self._replay_recorded_thread(record)
            return True
        return self._run_and_record_thread(thread, key)

    def _make_thread_key(self, thread: ProgramThread) -> tuple[Any, ...] | None:
        """Return what a thread's sounds depend on; None when it shares state with others."""
        if thread.name == "main" or thread.redefinitions or self.link_metronome.bpms:
            return None
        if any(is_referenced_by_program(options) for _, options in thread.settings.fx):
            return None  # Another thread may change the FX.
        blocks = [block for block, _ in self.functions.values()]
        if not all(
            map(
                self.records.is_code_independent_of_other_threads,
                (thread.prelude, thread.body, *blocks),
            )
        ):
            return None
        state = repr(
            (
                thread.name,
                thread.start_seconds,
                thread.settings,
                thread.scope,
                thread.is_loop,
                thread.path,
                thread.prelude,
                thread.initial_value,
                thread.initial_random,
                {name: scope for name, (_, scope) in self.functions.items()},
                self.constants,
                self.clip_start.lead_seconds,
                self.clip_start.latency_seconds,
            )
        )
        if len(state) > MAX_FINGERPRINT_CHARS or " at 0x" in state:
            return None
        return id(thread.body), tuple(map(id, blocks)), state

    def _run_and_record_thread(self, thread: ProgramThread, key: tuple[Any, ...]) -> bool:
        """Run a thread apart from the others' state, and record what it does."""
        outer = (
            self.events,
            self.cues,
            self.call_counts,
            self.unfollowed_code,
            self.problems,
        )
        outer_flags = self.has_endless_loop, self.has_passed_end
        outer_start, steps, unknown_count = (
            self.clip_start,
            self.program_steps_left,
            self.unknown_count,
        )
        functions, constants = dict(self.functions), dict(self.constants)
        loading_times, self.sample_loading_times = self.sample_loading_times, {}
        self.events, self.cues, self.call_counts = [], {}, {}
        self.unfollowed_code, self.problems = [], []
        self.has_endless_loop = self.has_passed_end = False
        self.clip_start = ClipStart(outer_start.lead_seconds, outer_start.latency_seconds)
        is_finished = super()._run_program_thread(thread)
        record = _ThreadRecord(
            thread.body,
            tuple(block for block, _ in functions.values()),
            self.events,
            self.cues,
            self.sample_loading_times,
            Counter(self.call_counts),
            self.unfollowed_code,
            self.problems,
            self.unknown_count - unknown_count,
            steps - self.program_steps_left,
            self.has_endless_loop,
            self.has_passed_end,
            (self.clip_start.first_sound_seconds, self.clip_start.first_sound_delay),
        )
        is_repeatable = (
            is_finished
            and not self.pending_threads
            and self.program_steps_left > 0
            and self.functions == functions
            and self.constants == constants
        )
        self.events, self.cues, self.call_counts, self.unfollowed_code, self.problems = outer
        self.has_endless_loop, self.has_passed_end = outer_flags
        self.clip_start, self.program_steps_left = outer_start, steps
        self.unknown_count, self.sample_loading_times = unknown_count, loading_times
        self._replay_recorded_thread(record)
        if is_repeatable:
            self.records.record_by_key[key] = record
        return is_finished

    def _replay_recorded_thread(self, record: _ThreadRecord) -> None:
        """Do what a thread did when it was recorded."""
        self.events += record.events
        for name, history in record.cues.items():
            self.cues.setdefault(name, CueHistory()).add_cues_of(history)
        for name, seconds in record.sample_loading_times.items():
            earlier = self.sample_loading_times.get(name, seconds)
            self.sample_loading_times[name] = min(seconds, earlier)
        for name, count in record.call_counts.items():
            self.call_counts[name] = self.call_counts.get(name, 0) + count
        for kind in record.unfollowed_code:
            if (
                kind not in self.unfollowed_code
                and len(self.unfollowed_code) < MAX_UNFOLLOWED_KINDS
            ):
                self.unfollowed_code.append(kind)
        for problem in record.problems:
            self.record_problem(problem.message, problem.consequence, problem.line)
        self.unknown_count += record.unknown_count
        self.program_steps_left -= record.step_count
        self.has_endless_loop |= record.has_endless_loop
        self.has_passed_end |= record.has_passed_end
        seconds, delay = record.first_sound
        start = self.clip_start
        if (-seconds, delay) > (-start.first_sound_seconds, start.first_sound_delay):
            start.first_sound_seconds, start.first_sound_delay = seconds, delay

    def _move_events_to_clip_start(self) -> None:
        """Move copies of the events: other variants share the events themselves."""
        start_seconds = self.clip_start.compute_clip_start()
        if self.events and start_seconds:
            self.events = [self._shift_event_in_time(event, start_seconds) for event in self.events]

    def _shift_event_in_time(self, event: ScoreEvent, start_seconds: float) -> ScoreEvent:
        key = (id(event), start_seconds)
        if key not in self.records.moved_events:
            moved = ScoreEvent(
                event.time - start_seconds,
                event.kind,
                event.name,
                event.options,
                event.fx,
                event.layer,
                event.weight,
            )
            move_control_changes_of_event(moved, -start_seconds, self.moved_options)
            self.records.moved_events[key] = (event, moved)
        return self.records.moved_events[key][1]
