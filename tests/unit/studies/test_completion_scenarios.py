"""Scenarios of the completion study."""

from __future__ import annotations

from core import programs
from core.programs.grammar import compose_programs
from core.studies.completion_scenarios import load_completion_scenarios


def test_candidates_differ_and_are_no_variant_of_a_template():
    # The programs of the corpus in docs/studies.md, and grammar programs.
    generated = {
        program.source.strip()
        for template in programs.list_templates()
        for program in programs.generate(template, 100, 0)
    }
    generated |= {program.source.strip() for program in compose_programs(200, 0)}
    for scenario in load_completion_scenarios():
        continuations = [candidate.continuation.strip() for candidate in scenario.candidates]
        assert len(set(continuations)) == len(continuations) >= 20
        sources = {source.strip() for source in scenario.list_scenario_program_sources()}
        assert not generated & {*continuations, *sources}
