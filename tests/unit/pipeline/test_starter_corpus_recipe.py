"""The recipe of the starter corpus: its size, and the spread of its tempos and synths."""

from __future__ import annotations

from collections import Counter

import pytest

from core import programs
from core.pipeline.cost_estimates import estimate_build_cost
from core.pipeline.generate_and_add_missing_programs import ALL_STYLES
from core.pipeline.starter_corpus_recipe import create_starter_recipe
from core.programs.grammar.balanced_composition import TEMPO_BAND_EDGES, get_tempo_band
from core.programs.synth_families import SYNTH_NAMES_BY_FAMILY, list_synth_families

VARIABLES = (
    "EARSHOT_STARTER_TEMPLATES",
    "EARSHOT_STARTER_PER_TEMPLATE",
    "EARSHOT_STARTER_GRAMMAR_PROGRAMS",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_the_default_recipe_has_templates_and_grammar_programs_of_all_styles() -> None:
    recipe = create_starter_recipe()
    assert recipe.program_count == 27 * 7 + 180
    assert recipe.build_argv == (
        *("build", "starter", "--per-template", "7"),
        *("--grammar-programs", "180", "--styles", "all"),
    )


def test_variables_reduce_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps, 02_1_chords")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "2")
    recipe = create_starter_recipe()
    assert (recipe.program_count, recipe.grammar_program_count) == (4, 0)
    assert recipe.build_argv[-3:] == ("--templates", "02_1_beeps", "02_1_chords")
    monkeypatch.setenv("EARSHOT_STARTER_GRAMMAR_PROGRAMS", "14")
    assert create_starter_recipe().program_count == 18


def test_the_build_takes_at_most_two_minutes_on_two_cores() -> None:
    assert estimate_build_cost(create_starter_recipe().program_count, cores=2).seconds <= 120


def test_tempos_from_60_to_180_and_all_synth_families_are_in_the_starter_corpus() -> None:
    recipe = create_starter_recipe()
    composed = programs.compose_balanced_programs(recipe.grammar_program_count, 0)
    bands = Counter(get_tempo_band(program.parameters["bpm"]) for program in composed)
    assert len(bands) == len(TEMPO_BAND_EDGES) - 1 and min(bands.values()) >= 15, bands
    families = Counter(family for p in composed for family in list_synth_families(p.source))
    assert set(families) == set(SYNTH_NAMES_BY_FAMILY) and min(families.values()) >= 19, families
    assert sum(":tb303" in program.source for program in composed) >= 19
    assert ALL_STYLES in recipe.build_argv
