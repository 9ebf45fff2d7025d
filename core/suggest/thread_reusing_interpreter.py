"""Interpretation of variants of a program that reuses the threads which they share."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter import ProgramInterpreter
from core.sonicpi.interpreter.calls_of_blocks_functions_and_methods import MAX_UNFOLLOWED_KINDS
from core.sonicpi.interpreter.control_flow_signals import VALUE_ERRORS, ControlFlowSignal
from core.sonicpi.interpreter.cue_history import CueHistory
from core.sonicpi.interpreter.program_interpreter import MAX_EVENTS
from core.sonicpi.interpreter.program_thread import MAX_THREAD_STEPS, ProgramThread
from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import ClipStart
from core.sonicpi.interpreter.syntax_tree_types import Node
from core.sonicpi.score_events import MovedOptions, ScoreEvent, move_control_changes_of_event
from core.sonicpi.sound_options_and_control_changes import is_referenced_by_program
from core.suggest.sound_call_changes import (
    CountedLoadingTimes,
    SoundCallChange,
    SoundCallExecution,
    SoundCallExecutions,
    make_builtin_call,
)
from core.suggest.thread_records import ThreadRecord, ThreadRecords

MAX_FINGERPRINT_CHARS = 20_000


class VariantInterpreter(ProgramInterpreter):
    """Interpreter that looks up what a thread does before it interprets it.

    Parameters
    ----------
    tree : Node
        Variants share the nodes of their common code: threads are found by their identity.
    records : ThreadRecords
        Shared by all variants of a program.
    change : SoundCallChange, optional
        The one call in which the variant differs from the program, where that is known.
    """

    def __init__(self, tree: Node, records: ThreadRecords, change: SoundCallChange | None = None):
        self.records = records
        self.change = change
        self.moved_options: MovedOptions = {}
        self.sound_call_executions: SoundCallExecutions | None = None
        super().__init__(tree, records.compiler)

    def _run_program_thread(self, thread: ProgramThread) -> bool:
        key = self._make_thread_key(thread)
        if key is None:
            return super()._run_program_thread(thread)
        record = (
            self.records.record_by_key.get(key)
            or self._change_fx_of_recorded_thread(thread, key)
            or self._change_recorded_thread(thread, key)
        )
        if record is not None and record.step_count < self.program_steps_left:
            self._replay_recorded_thread(record)
            return True
        return self._run_and_record_thread(thread, key)

    def _make_thread_key(self, thread: ProgramThread) -> tuple[Any, ...] | None:
        """Return what a thread's sounds depend on; None when it shares state with others.

        The last part is the FX around the thread, through which its sounds pass.
        """
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
                {**vars(thread.settings), "fx": None},
                thread.scope,
                thread.is_loop,
                thread.sends_loop_cue,
                thread.path,
                thread.prelude,
                thread.initial_value,
                vars(thread.initial_random),
                {name: scope for name, (_, scope) in self.functions.items()},
                self.constants,
                self.clip_start.lead_seconds,
                self.clip_start.latency_seconds,
            )
        )
        if len(state) > MAX_FINGERPRINT_CHARS or " at 0x" in state:
            return None
        return id(thread.body), tuple(map(id, blocks)), state, repr(thread.settings.fx)

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
        loading_times = self.sample_loading_times
        self.sample_loading_times = counted_times = CountedLoadingTimes()
        executions: SoundCallExecutions = {}
        self.sound_call_executions = executions
        self.events, self.cues, self.call_counts = [], {}, {}
        self.unfollowed_code, self.problems = [], []
        self.has_endless_loop = self.has_passed_end = False
        self.clip_start = ClipStart(outer_start.lead_seconds, outer_start.latency_seconds)
        is_finished = super()._run_program_thread(thread)
        self.sound_call_executions = None
        record = ThreadRecord(
            thread.body,
            tuple(block for block, _ in functions.values()),
            self.events,
            self.cues,
            dict(counted_times),
            Counter(self.call_counts),
            self.unfollowed_code,
            self.problems,
            self.unknown_count - unknown_count,
            steps - self.program_steps_left,
            self.has_endless_loop,
            self.has_passed_end,
            (self.clip_start.first_sound_seconds, self.clip_start.first_sound_delay),
            executions,
            counted_times.request_counts,
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
            self.records.store_record(key, record, thread.settings.fx)
        return is_finished

    def _change_fx_of_recorded_thread(
        self, thread: ProgramThread, key: tuple[Any, ...]
    ) -> ThreadRecord | None:
        """Return what a thread does from a record of it inside other FX; None without one."""
        base, old_fx = self.records.record_and_fx_by_key_without_fx.get(key[:-1], (None, ()))
        if base is None:
            return None
        record = base.move_into_other_fx(old_fx, thread.settings.fx)
        if record is not None:
            self.records.store_record(key, record, thread.settings.fx)
        return record

    def _change_recorded_thread(
        self, thread: ProgramThread, key: tuple[Any, ...]
    ) -> ThreadRecord | None:
        """Return what a thread does from the record of the program's thread in its place.

        They differ in one call of a sound. None where more than the sounds of that call may differ.
        """
        change = self.change
        if change is None or id(thread.body) not in change.nodes_around_call:
            return None
        base = self.records.record_by_key.get(
            (id(change.nodes_around_call[id(thread.body)][1]), *key[1:])
        )
        if base is None or base.executions is None or change.function_name in self.functions:
            return None
        executions = base.executions.get(id(change.old_call), [])
        known = [execution for execution in executions if execution is not None]
        step_count = base.step_count + change.additional_steps * len(executions)
        if (
            len(known) < len(executions)
            or base.problems
            or len(base.events) >= MAX_EVENTS
            or max(step_count, base.step_count) >= min(MAX_THREAD_STEPS, self.program_steps_left)
            or not all(execution.has_unchanged_sounds(base.events) for execution in known)
        ):
            return None
        made = self._execute_sound_call_again(thread, change, known)
        if made is None:
            return None
        events, loading_times = made
        if change.may_name_another_sample:
            times = base.rename_loaded_sample(known, loading_times)
        else:
            times = base.sample_loading_times
        if times is None:
            return None
        changed = list(base.events)
        for execution, new_events in zip(known, events):
            changed[execution.first : execution.last] = new_events
        record = replace(
            base,
            body=thread.body,
            events=changed,
            sample_loading_times=times,
            step_count=step_count,
            executions=None,
        )
        self.records.store_record(key, record, thread.settings.fx)
        return record

    def _execute_sound_call_again(
        self, thread: ProgramThread, change: SoundCallChange, executions: list[SoundCallExecution]
    ) -> tuple[list[list[ScoreEvent]], dict[str, float]] | None:
        """Return the events of each execution of the new call, and the samples that it loads.

        None when it makes more or fewer events than the old call, or raises an error.
        """
        outer = self.events, self.clip_start, self.sample_loading_times, self.current_thread
        outer_calls = self.call_counts, self.problems, self.unknown_count
        start_settings = thread.settings
        self.clip_start = ClipStart(outer[1].lead_seconds, outer[1].latency_seconds)
        self.sample_loading_times, self.current_thread = {}, thread
        self.call_counts, self.problems = {}, []
        thread.reset_thread_to_start()
        events = []
        try:
            for execution in executions:
                self.events = []
                thread.settings = execution.settings
                thread.current_seconds = execution.current_seconds
                thread.now_seconds = execution.now_seconds
                self.call_function(change.function_name, make_builtin_call(change.new_call))
                if len(self.events) != execution.last - execution.first or self.problems:
                    return None
                events.append(self.events)
            return (
                (events, self.sample_loading_times)
                if self.unknown_count == outer_calls[2]
                else None
            )
        except (ControlFlowSignal, *VALUE_ERRORS):
            return None
        finally:
            thread.settings = start_settings
            self.events, self.clip_start, self.sample_loading_times, self.current_thread = outer
            self.call_counts, self.problems, self.unknown_count = outer_calls

    def _replay_recorded_thread(self, record: ThreadRecord) -> None:
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
