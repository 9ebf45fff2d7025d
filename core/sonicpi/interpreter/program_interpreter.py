"""Interpreter of whole programs: threads, time, cues and score events.

Threads run one after another, each with its own clock. A thread that waits for a cue which no
thread has sent yet runs again after the others. The number of evaluated nodes is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BUILTINS
from core.sonicpi.interpreter.calls_of_blocks_functions_and_methods import SyntaxTreeEvaluator
from core.sonicpi.interpreter.control_flow_signals import (
    VALUE_ERRORS,
    ControlFlowSignal,
    CueWaitSignal,
    ProgramErrorSignal,
    ThreadEndSignal,
)
from core.sonicpi.interpreter.cue_history import CueHistory, remove_cue_prefix
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.lambda_object_and_class_methods import CONSTANTS
from core.sonicpi.interpreter.link_tempo import DEFAULT_LINK_BPM, LinkMetronome
from core.sonicpi.interpreter.missing_names import load_argument_counts
from core.sonicpi.interpreter.program_thread import (
    MAX_THREAD_STEPS,
    LoopRedefinition,
    ProgramThread,
    ThreadSettings,
)
from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import ClipStart
from core.sonicpi.interpreter.syntax_tree_compiler import SyntaxTreeCompiler
from core.sonicpi.interpreter.syntax_tree_types import Block, Node, Scope, copy_visible_variables
from core.sonicpi.interpreter.thread_delay_and_sync import build_thread_delay_and_sync_calls
from core.sonicpi.interpreter.values import SoundNode, to_number_or_default
from core.sonicpi.score_events import (
    MAX_SCORE_SECONDS,
    MovedOptions,
    ScoreEvent,
    move_control_changes_of_event,
)
from core.sonicpi.sound_options_and_control_changes import SoundOptions

MAX_PROGRAM_STEPS = 120_000  # evaluated nodes of one program
MAX_THREADS = 64
MAX_SYNC_ROUNDS = 8  # in which threads wait for cues of other threads
MAX_EVENTS = 4_000
MAX_REDEFINITIONS = 256  # of one live_loop
MAX_CUE_NAMES = 256
MAX_SHARED_NAMES = 256
LIVE_LOOP_CUE_PRIORITY = -100  # A live_loop's cue comes before all others of the same time.
MIN_EXTRAPOLATED_SECONDS = 0.5
MISSING_SLEEP_MESSAGE = "a loop never ends and has no sleep"


class ProgramInterpreter(SyntaxTreeEvaluator):
    """Interprets one program for 18 s of its own time.

    Parameters
    ----------
    tree : Node
        Syntax tree of `parse_program`.
    compiler : SyntaxTreeCompiler, optional
        Of programs that share nodes with this one.

    Attributes
    ----------
    events : list of ScoreEvent
        Synths and samples that the program starts.
    mixer_options : SoundOptions
        Of the main mixer; only the program's changes.
    clip_start : ClipStart
        Where the clip begins in the program's time.
    cues : dict of str to CueHistory
        Cues that the program sends, by name.
    missing_cues : set of str
        Cues that threads still wait for at the end.
    shared_values : dict of str to CueHistory
        Values that the program sets with `set`, by name.
    sample_loading_times : dict of str to float
        Times in seconds at which the program first plays a sample; minus infinity for a sample
        that it loads without playing it.
    has_passed_end : bool
        Whether a thread came to the end of the score.
    started_threads : set of tuple
        Keys of all threads, by which a thread is started only once.
    program_steps_left : int
        Number of nodes that all further threads may evaluate.
    """

    def __init__(self, tree: Node, compiler: SyntaxTreeCompiler | None = None):
        self.compiler = compiler or SyntaxTreeCompiler()
        self.builtins = BUILTINS
        self.argument_counts = load_argument_counts()
        self.events: list[ScoreEvent] = []
        self.mixer_options = SoundOptions()
        self.clip_start = ClipStart()
        self.functions = {}
        self.cues: dict[str, CueHistory] = {}
        self.missing_cues: set[str] = set()
        self.shared_values: dict[str, CueHistory] = {}
        self.sample_loading_times: dict[str, float] = {}
        self.pending_threads: list[ProgramThread] = []
        self.loop_threads: dict[str, ProgramThread] = {}
        self.link_metronome = LinkMetronome()
        self.call_counts = {}
        self.constants = dict(CONSTANTS)
        self.unknown_count = 0
        self.unfollowed_code = []
        self.problems = []
        self.has_endless_loop = self.has_passed_end = False
        self.program_steps_left = MAX_PROGRAM_STEPS
        self.current_thread = ProgramThread("main", Fraction(0), ThreadSettings(), {}, tree)
        self.started_threads: set[tuple[Any, ...]] = set()
        self._run_program_threads()
        self._move_events_to_clip_start()
        self.mixer_options = self.mixer_options.move_changes(-self.clip_start.compute_clip_start())

    def _move_events_to_clip_start(self) -> None:
        start_seconds = self.clip_start.compute_clip_start()
        if self.events and start_seconds:
            moved_options: MovedOptions = {}
            for event in self.events:
                event.time -= start_seconds
                move_control_changes_of_event(event, -start_seconds, moved_options)

    def _run_program_threads(self) -> None:
        waiting_threads = [self.current_thread]
        cue_count = -1
        for sync_round in range(MAX_SYNC_ROUNDS):
            is_last = sync_round == MAX_SYNC_ROUNDS - 1 or self._count_recorded_cues() == cue_count
            cue_count = self._count_recorded_cues()
            blocked_threads = []
            while waiting_threads:
                thread = waiting_threads.pop(0)
                event_count = len(self.events)
                # In the last round, the events before the cue remain.
                if not self._run_program_thread(thread) and not is_last:
                    del self.events[event_count:]
                    blocked_threads.append(thread)
                waiting_threads += self.pending_threads
                self.pending_threads = []
            if not blocked_threads:
                return
            waiting_threads = blocked_threads

    def _count_recorded_cues(self) -> int:
        return sum(len(history.cues) for history in self.cues.values())

    def _run_program_thread(self, thread: ProgramThread) -> bool:
        """Run a thread to its end; return False if it waits for a cue."""
        self.current_thread = thread
        thread.reset_thread_to_start()
        start_settings, scope = thread.settings, dict(thread.scope)
        event_count, is_finished = len(self.events), False
        step_limit = self.steps_left = min(MAX_THREAD_STEPS, self.program_steps_left)
        try:
            if thread.is_loop:
                self._run_live_loop(thread, scope)
            elif isinstance(thread.body, list) or thread.body is None:
                self.evaluate_syntax_tree_node(thread.prelude, scope)
                self.evaluate_syntax_tree_node(thread.body, scope)
            is_finished = True
        except CueWaitSignal:
            thread.settings = start_settings
            return False
        except ProgramErrorSignal as error:
            self.record_problem(error.message, "ends_thread", error.line)
        except (ThreadEndSignal, ControlFlowSignal):
            is_finished = thread.current_seconds >= MAX_SCORE_SECONDS
        except VALUE_ERRORS:
            # Values of unexpected types end a thread, as errors do when the program runs.
            self.unknown_count += 1
            self.record_unfollowed_code("values of unexpected types")
        finally:
            self.program_steps_left -= step_limit - self.steps_left
        if self.steps_left <= 0 and not self.has_endless_loop:
            self.record_unfollowed_code("very many steps")
        thread.settings = start_settings
        if not is_finished:
            self._extrapolate_event_weights(thread, self.events[event_count:])
        return True

    def _run_live_loop(self, thread: ProgramThread, scope: Scope) -> None:
        body, redefinition_count = thread.body, 0
        self.evaluate_syntax_tree_node(thread.prelude, scope)
        value = thread.initial_value
        for _ in range(MAX_ITERATIONS):
            iteration_start, last_cue = thread.current_seconds, thread.last_cue
            if thread.sends_loop_cue:
                self.record_cue(thread.name, priority=LIVE_LOOP_CUE_PRIORITY)
            for redefinition in thread.redefinitions[redefinition_count:]:
                if redefinition.seconds <= thread.current_seconds:
                    body, scope = redefinition.body, dict(redefinition.scope)
                    thread.settings = replace(thread.settings, fx=redefinition.fx)
                    redefinition_count += 1
            args = [value] if isinstance(body, list) and body[1] else []
            value = self.run_block(body, args, scope)
            if thread.has_neither_slept_nor_synced(iteration_start, last_cue):
                self.record_endless_loop()
                self.record_problem(MISSING_SLEEP_MESSAGE, "ends_thread")
                return

    def _extrapolate_event_weights(self, thread: ProgramThread, events: list[ScoreEvent]) -> None:
        """Weight the events of a thread at its step limit, so that they represent its rest too."""
        start_seconds = float(thread.start_seconds)
        interpreted_seconds = thread.current_seconds - start_seconds
        total_seconds = MAX_SCORE_SECONDS - start_seconds
        if self.steps_left <= 0 and MIN_EXTRAPOLATED_SECONDS < interpreted_seconds < total_seconds:
            for event in events:
                event.weight *= total_seconds / interpreted_seconds

    # -- operations of built-in functions -----------------------------------------------------

    def sleep_beats(self, beats: float) -> None:
        """Advance the clock of the current thread.

        Raises
        ------
        ThreadEndSignal
            When the clock reaches the end of the score.
        """
        thread = self.current_thread
        thread.last_cue = None
        if thread.settings.follows_link and self.link_metronome.bpms and beats > 0:
            link_beats = beats / (self.get_tempo_relative_to_link() * thread.settings.density)
            thread.move_clock_to_time(
                self.link_metronome.add_beats_to_time(thread.current_seconds, link_beats)
            )
        else:
            settings = thread.settings
            bpm = self.get_current_bpm() if settings.follows_link else settings.bpm
            # The order of the operations is Sonic Pi's, because the last bit may decide.
            thread.move_clock_by(beats * (60.0 / bpm / settings.density))
        if thread.current_seconds >= MAX_SCORE_SECONDS:
            self.has_passed_end = True
            raise ThreadEndSignal

    def beats_to_seconds(self, beats: float) -> float:
        """Convert beats to seconds at the current thread's tempo."""
        return beats * 60.0 / self.get_current_bpm()

    def get_tempo_relative_to_link(self) -> float:
        """Return the current thread's tempo relative to the metronome's, if it follows it."""
        return self.current_thread.settings.bpm / DEFAULT_LINK_BPM

    def get_current_bpm(self) -> float:
        """Return the current thread's tempo in beats per minute."""
        thread = self.current_thread
        if not thread.settings.follows_link:
            return thread.settings.bpm
        return self.get_tempo_relative_to_link() * self.link_metronome.get_bpm_at_time(
            thread.current_seconds
        )

    def record_cue(self, name: str, values: Any = None, priority: int = 0) -> None:
        """Record a cue at the current thread's time, with the values that it carries."""
        thread = self.current_thread
        position = thread.get_cue_position(priority)
        thread.cue_count += 1
        if len(self.cues) < MAX_CUE_NAMES:
            history = self.cues.setdefault(remove_cue_prefix(name), CueHistory())
            history.add_cue(position, values, self.get_current_bpm())

    def wait_for_cue(self, name: str, has_bpm: bool = False) -> Any:
        """Advance the clock of the current thread to the next cue, and return its values.

        Parameters
        ----------
        name : str
            Name of the cue, or path such as "/cue/name".
        has_bpm : bool
            Whether the thread takes on the tempo of the thread that sent the cue.

        Raises
        ------
        CueWaitSignal
            When no thread has sent a later cue of that name yet.
        ThreadEndSignal
            When the cue comes after the end of the score.
        """
        thread = self.current_thread
        name = remove_cue_prefix(name)
        position = thread.last_cue or thread.get_cue_position()
        history = self.cues.get(name)
        next_cue = history.find_next_cue(position) if history else None
        if next_cue is None:
            if len(self.missing_cues) < MAX_CUE_NAMES:
                self.missing_cues.add(name)
            raise CueWaitSignal
        self.missing_cues.discard(name)
        thread.last_cue = next_cue.position
        thread.move_clock_to_time(next_cue.position[0])
        if has_bpm:
            thread.settings = replace(thread.settings, bpm=next_cue.bpm, follows_link=False)
        if thread.current_seconds >= MAX_SCORE_SECONDS:
            self.has_passed_end = True
            raise ThreadEndSignal
        return next_cue.value

    def set_time_state_value(self, name: str, value: Any) -> None:
        """Set a value that all threads can get from the current thread's time on."""
        if len(self.shared_values) < MAX_SHARED_NAMES:
            history = self.shared_values.setdefault(name, CueHistory())
            position = self.current_thread.get_cue_position()
            history.add_cue(position, value, self.get_current_bpm())

    def get_time_state_value(self, name: str, default: Any = None) -> Any:
        """Return the value that was last set at the current thread's time."""
        history = self.shared_values.get(name)
        position = self.current_thread.get_cue_position()
        latest = history.find_latest_cue(position) if history else None
        return latest.value if latest else default

    def spawn_program_thread(
        self, name: str, body: Block, scope: Scope, options: Mapping[str, Any], is_loop: bool
    ) -> None:
        """Start a thread at the current thread's time, with its settings.

        Parameters
        ----------
        name : str
            Name of the thread. A live_loop that runs already is not started again: it has
            another body from its next round on.
        body : Block
            Block of a loop, else a node.
        scope : Scope
            Variables of the caller.
        options : mapping of str to object
            Options of the call: `sync:`, `sync_bpm:`, `delay:`, `seed:` and `init:`.
        is_loop : bool
            Whether the body is repeated.
        """
        parent = self.current_thread
        path = parent.make_path_for_new_thread()
        seed = None if is_loop else options.get("seed")
        initial_random = parent.random.create_stream_for_new_thread(
            None if seed is None else to_number_or_default(seed)
        )
        if is_loop:
            key: tuple[Any, ...] = (name, "loop")
        else:
            key = (name, parent.name, round(parent.current_seconds, 3))
        if loop_thread := self.loop_threads.get(name) if is_loop else None:
            if len(loop_thread.redefinitions) < MAX_REDEFINITIONS:
                loop_thread.redefinitions.append(
                    LoopRedefinition(
                        parent.current_seconds,
                        body,
                        copy_visible_variables(scope),
                        parent.settings.fx,
                    )
                )
            return
        if key in self.started_threads or len(self.started_threads) >= MAX_THREADS:
            return
        self.started_threads.add(key)
        thread = ProgramThread(
            name,
            parent.exact_seconds,
            replace(parent.settings),
            copy_visible_variables(scope),
            body,
            is_loop,
            prelude=build_thread_delay_and_sync_calls(options, is_loop),
            initial_value=options.get("init", 0),
            path=path,
            initial_random=initial_random,
            sends_loop_cue=options.get("auto_cue", True) not in (None, False),
        )
        self.pending_threads.append(thread)
        if is_loop:
            self.loop_threads[name] = thread

    def add_score_events(
        self, kind: str, name: str, options: dict[str, float], notes: list[float | None]
    ) -> SoundNode:
        """Add one event per note at the current thread's time, and return what `control` changes.

        The note None is an event without a note.
        """
        thread = self.current_thread
        settings = thread.settings
        audible_seconds = self.clip_start.compute_audible_time_of_sound(
            thread.current_seconds, thread.now_seconds, settings.lead_seconds
        )
        targets: list[SoundOptions] = []
        for note in notes:
            if audible_seconds is not None and len(self.events) < MAX_EVENTS:
                event_options = SoundOptions(options)
                if note is not None:
                    event_options["note"] = note
                targets.append(event_options)
                fx, layer = settings.fx, thread.name
                self.events.append(
                    ScoreEvent(audible_seconds, kind, name, event_options, fx, layer)
                )
        thread.last_sound = SoundNode(tuple(targets))
        return thread.last_sound
