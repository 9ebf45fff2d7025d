"""Records of what the threads of a program do, from which those of its variants follow."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from core.sonicpi.interpreter.control_flow_signals import ProgramProblem
from core.sonicpi.interpreter.cue_history import CueHistory
from core.sonicpi.interpreter.syntax_tree_types import Block, may_tree_contain_text
from core.sonicpi.score_events import MAX_FX_CHAIN_LENGTH, FxChain, ScoreEvent
from core.suggest.sound_call_changes import (
    SoundCallExecution,
    SoundCallExecutions,
    SoundCallRecordingCompiler,
)

# Functions by which a thread depends on other threads, or changes what they do.
SHARED_STATE_FUNCTIONS = frozenset(
    "sync sync_bpm get set cue live_loop in_thread define defonce ndefine at link link_sync"
    " set_link_bpm! set_volume! current_volume set_mixer_control! reset_mixer!"
    " set_mixer_mono_mode! set_mixer_stereo_mode! set_sched_ahead_time! set_audio_latency! eval"
    " load run_code run_file load_buffer load_example time_warp Thread send"
    " public_send method".split()
)
SHARED_STATE_NODES = frozenset(("def", "class", "?"))
SHARED_STATE_TEXT = re.compile(
    f"'(?:{'|'.join(map(re.escape, SHARED_STATE_FUNCTIONS | SHARED_STATE_NODES))})'"
)


@dataclass(frozen=True, eq=False)
class ThreadRecord:
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
    executions: SoundCallExecutions | None
    """None where they are not known: the record follows from another one."""
    sample_request_counts: dict[str, int]

    def move_into_other_fx(self, old_fx: FxChain, new_fx: FxChain) -> ThreadRecord | None:
        """Return what the thread does inside other FX; None where that is not known."""
        chains: dict[int, FxChain] = {}
        for event in self.events:
            if id(event.fx) not in chains:
                chain = _replace_outer_fx(event.fx, old_fx, new_fx)
                if chain is None:
                    return None
                chains[id(event.fx)] = chain
        events = [
            ScoreEvent(
                event.time,
                event.kind,
                event.name,
                event.options,
                chains[id(event.fx)],
                event.layer,
                event.weight,
            )
            for event in self.events
        ]
        return replace(self, events=events, executions=None)

    def rename_loaded_sample(
        self, executions: list[SoundCallExecution], loading_times: dict[str, float]
    ) -> dict[str, float] | None:
        """Return the loading times of the thread after a call plays another sample.

        A thread draws a random stream when it plays a sample that no thread has loaded yet. None
        where other calls play one of the two samples, so that it may be drawn elsewhere.
        """
        if not executions:
            return self.sample_loading_times
        old_names = {
            event.name
            for execution in executions
            for event in self.events[execution.first : execution.last]
        }
        if len(old_names) != 1 or len(loading_times) != 1:
            return None
        (old_name,), ((new_name, seconds),) = old_names, loading_times.items()
        if new_name == old_name:
            return self.sample_loading_times
        if (
            new_name in self.sample_loading_times
            or self.sample_loading_times.get(old_name) != seconds
            or self.sample_request_counts.get(old_name) != len(executions)
        ):
            return None
        return {
            new_name if name == old_name else name: time
            for name, time in self.sample_loading_times.items()
        }


class ThreadRecords:
    """Records of threads that depend on nothing but their settings and variables."""

    def __init__(self) -> None:
        self.compiler = SoundCallRecordingCompiler()
        self.record_by_key: dict[tuple[Any, ...], ThreadRecord] = {}
        self.record_and_fx_by_key_without_fx: dict[
            tuple[Any, ...], tuple[ThreadRecord, FxChain]
        ] = {}
        self.moved_events: dict[tuple[int, float], tuple[ScoreEvent, ScoreEvent]] = {}
        self._is_independent: dict[int, tuple[Any, bool]] = {}

    def store_record(self, key: tuple[Any, ...], record: ThreadRecord, fx: FxChain) -> None:
        """Store what a thread does inside a chain of FX, by its key."""
        self.record_by_key[key] = record
        self.record_and_fx_by_key_without_fx.setdefault(key[:-1], (record, fx))

    def is_code_independent_of_other_threads(self, node: Any) -> bool:
        """Return whether code calls nothing that other threads share."""
        if id(node) not in self._is_independent:
            is_code_independent_of_other_threads = not may_tree_contain_text(
                node, SHARED_STATE_TEXT
            ) or not any(
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


def _replace_outer_fx(chain: FxChain, old_fx: FxChain, new_fx: FxChain) -> FxChain | None:
    """Return a chain of FX inside new ones; None where it is not inside the old ones."""
    inner_count = len(chain) - len(old_fx)
    if inner_count < 0 or any(map(operator.is_not, chain[inner_count:], old_fx)):
        return None
    if max(len(chain), inner_count + len(new_fx)) >= MAX_FX_CHAIN_LENGTH:
        return None  # Longer chains are cut.
    return (*chain[:inner_count], *new_fx) if inner_count else new_fx
