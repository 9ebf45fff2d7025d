"""Reading of many variants of a program: only what changed is parsed and interpreted again."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.sonicpi.interpreter import ProgramReading, interpret_program, parse_program
from core.sonicpi.interpreter.program_interpretation import build_program_reading
from core.sonicpi.interpreter.ruby_parser_process import (
    ParsedProgram,
    parse_program_and_error,
    parse_programs_and_errors,
)
from core.sonicpi.interpreter.syntax_tree_types import Node
from core.suggest.code_edit import Replacement
from core.suggest.program_literals_calls_and_blocks import ProgramOutline
from core.suggest.sound_call_changes import SoundCallChange, find_sound_call_change
from core.suggest.syntax_tree_with_source_positions import SourceNode, list_statement_nodes
from core.suggest.thread_records import ThreadRecords
from core.suggest.thread_reusing_interpreter import VariantInterpreter

THREAD_FUNCTIONS = ("live_loop", "in_thread")


@dataclass(frozen=True)
class Variant:
    """A changed program.

    Attributes
    ----------
    source : str
        The whole program.
    replacements : tuple of Replacement
        What was changed in the original; empty where it is not known.
    """

    source: str
    replacements: tuple[Replacement, ...] = ()


@dataclass(frozen=True)
class _ChangedStatements:
    """Statements of the original from `first` to before `last`, and the code in their place."""

    first: int
    last: int
    code: str


class VariantReader:
    """Reader of the variants of one program.

    Parameters
    ----------
    outline : ProgramOutline
        Of the program.
    """

    def __init__(self, outline: ProgramOutline):
        self.outline = outline
        self.records = ThreadRecords()
        self.statements = list_statement_nodes(outline.tree)
        self.variable_prelude = _make_variable_prelude(self.statements)
        self.statement_trees = self._parse_each_statement_into_own_tree()
        self._has_recorded_program = False
        self.thread_by_text = {
            text: call[4]
            for tree in self.statement_trees or []
            for call in _iterate_thread_calls(tree)
            if (text := _format_tree_as_text(call[4]))
        }

    def _parse_each_statement_into_own_tree(self) -> list[Node] | None:
        """Return the tree of each statement; None where they are not those of the program.

        Ruby's two parsers divide a few programs differently, such as those with BEGIN. Whole
        variants of such programs are parsed.
        """
        codes = [
            self.variable_prelude + self.outline.get_source_of_node(statement)
            for statement in self.statements
        ]
        skipped = 1 if self.variable_prelude else 0
        apart = [(parsed.tree or [])[1 + skipped :] for parsed in parse_programs_and_errors(codes)]
        tree = parse_program(self.outline.source) or []
        return tree[1:] if [[node] for node in tree[1:]] == apart else None

    def interpret_variants(self, variants: Sequence[Variant]) -> list[ProgramReading]:
        """Read variants as `core.sonicpi.interpreter.interpret_program` reads them one by one."""
        changes = [self._find_changed_statements(variant) for variant in variants]
        codes = [
            self.variable_prelude + change.code if change is not None else variant.source
            for change, variant in zip(changes, variants)
        ]
        if any(change is not None for change in changes):
            self._record_threads_of_program()
        readings = []
        for variant, change, parsed in zip(variants, changes, parse_programs_and_errors(codes)):
            self._share_unchanged_threads(change, parsed)
            whole = self._insert_changed_statements(change, parsed)
            if whole.error_line is not None and change is not None:
                whole = parse_program_and_error(variant.source)  # With the line in the program.
            sound_call_change = self._find_sound_call_change(change, parsed)
            interpreter = VariantInterpreter(whole.tree, self.records, sound_call_change)
            if interpreter.problems:
                readings.append(interpret_program(variant.source))  # With their lines.
                continue
            readings.append(build_program_reading(variant.source, whole, interpreter))
        return readings

    def _record_threads_of_program(self) -> None:
        """Record what the threads of the program do, from which those of variants follow."""
        if not self._has_recorded_program and self.statement_trees is not None:
            self._has_recorded_program = True
            VariantInterpreter(["seq", *self.statement_trees], self.records)

    def _find_changed_statements(self, variant: Variant) -> _ChangedStatements | None:
        """Return the statements at the top of the program that contain all changes."""
        if self.statement_trees is None or not variant.replacements:
            return None
        start = min(replacement.start for replacement in variant.replacements)
        end = max(replacement.end for replacement in variant.replacements)
        touched = [
            index
            for index, statement in enumerate(self.statements)
            if statement.start <= end and start <= statement.end
        ]
        if not touched:
            first = sum(statement.end < start for statement in self.statements)
            touched_range = (first, first)
        else:
            touched_range = (touched[0], touched[-1] + 1)
            start = min(start, self.statements[touched[0]].start)
            end = max(end, self.statements[touched[-1]].end)
        growth = len(variant.source) - len(self.outline.source)
        return _ChangedStatements(*touched_range, variant.source[start : end + growth])

    def _share_unchanged_threads(
        self, change: _ChangedStatements | None, parsed: ParsedProgram
    ) -> None:
        """Give changed statements the nodes of the program's threads that they leave as they are.

        The interpreter finds what a thread does by the identity of its nodes.
        """
        if change is None or parsed.error_line is not None:
            return
        for tree in self._get_changed_trees(parsed):
            for call in _iterate_thread_calls(tree):
                call[4] = self.thread_by_text.get(_format_tree_as_text(call[4]), call[4])

    def _find_sound_call_change(
        self, change: _ChangedStatements | None, parsed: ParsedProgram
    ) -> SoundCallChange | None:
        """Return the one sound call that a variant changes; None where it changes anything else."""
        if change is None or parsed.error_line is not None or self.statement_trees is None:
            return None
        changed = self._get_changed_trees(parsed)
        if len(changed) != 1 or change.last - change.first != 1:
            return None
        return find_sound_call_change(self.statement_trees[change.first], changed[0])

    def _get_changed_trees(self, parsed: ParsedProgram) -> list[Node]:
        changed = parsed.tree[1:] if parsed.tree else []
        return changed[1:] if self.variable_prelude else changed

    def _insert_changed_statements(
        self, change: _ChangedStatements | None, parsed: ParsedProgram
    ) -> ParsedProgram:
        """Return the tree of a whole variant from that of its changed statements."""
        if change is None or parsed.error_line is not None or self.statement_trees is None:
            return parsed
        changed, trees = self._get_changed_trees(parsed), self.statement_trees
        return ParsedProgram(["seq", *trees[: change.first], *changed, *trees[change.last :]])


def _iterate_thread_calls(tree: Any) -> Iterator[list[Any]]:
    """Yield the calls of a tree that start a thread, but not those in other threads."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            if node[:2] == ["call", None] and len(node) > 4 and node[2] in THREAD_FUNCTIONS:
                yield node
            else:
                stack.extend(node)


def _format_tree_as_text(tree: Any) -> str:
    """Return the text of a tree; "" for one that is nested too deeply."""
    try:
        return repr(tree)
    except RecursionError:
        return ""


def _make_variable_prelude(statements: list[SourceNode]) -> str:
    """Return the assignment of all variables of a program to nil, "" without variables.

    Ruby reads ``x -1`` differently when x is a variable.
    """
    names = {
        str(node.children[0])
        for statement in statements
        for node in statement.iterate_descendants()
        if node.kind == "LASGN" and isinstance(node.children[0], str)
    }
    return " = ".join([*sorted(names), "nil\n"]) if names else ""


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Pause Python's search for reference cycles, which takes a quarter of the time of reading.

    Readings are trees of many small objects without cycles, and are freed as before.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            _move_young_objects_to_oldest_generation()
            gc.enable()


def _move_young_objects_to_oldest_generation() -> None:
    """Leave new objects to the next full search: else the first one would visit all of them."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
