"""Recipe of the starter corpus, the first corpus that Earshot offers to build."""

from __future__ import annotations

import os
from dataclasses import dataclass

from core import programs
from core.pipeline.generate_and_add_missing_programs import ALL_STYLES

STARTER_CORPUS_NAME = "starter"
DEFAULT_VARIANTS_PER_TEMPLATE = 7
# With these, the build takes at most 2 minutes on 2 cores.
DEFAULT_GRAMMAR_PROGRAM_COUNT = 180


@dataclass(frozen=True)
class StarterRecipe:
    """Contents of the starter corpus and the command that builds it.

    Attributes
    ----------
    template_ids : tuple of str
    variants_per_template : int
    grammar_program_count : int
        Programs of all styles, with evenly spread tempos and synths.
    build_argv : tuple of str
        Arguments of `./run`.
    """

    template_ids: tuple[str, ...]
    variants_per_template: int
    grammar_program_count: int
    build_argv: tuple[str, ...]

    @property
    def program_count(self) -> int:
        """Number of programs."""
        return len(self.template_ids) * self.variants_per_template + self.grammar_program_count


def create_starter_recipe() -> StarterRecipe:
    """Return the recipe: variants of every template, and grammar programs of every style.

    `EARSHOT_STARTER_PER_TEMPLATE` (a number), `EARSHOT_STARTER_TEMPLATES` (ids separated by
    commas) and `EARSHOT_STARTER_GRAMMAR_PROGRAMS` (a number) are for tests and for slow or full
    machines. With the first or the second alone, there are no grammar programs.
    """
    variants_text = os.environ.get("EARSHOT_STARTER_PER_TEMPLATE")
    templates_text = os.environ.get("EARSHOT_STARTER_TEMPLATES")
    grammar_text = os.environ.get("EARSHOT_STARTER_GRAMMAR_PROGRAMS")
    variants = int(variants_text or DEFAULT_VARIANTS_PER_TEMPLATE)
    is_reduced = bool(variants_text or templates_text)
    grammar_count = int(grammar_text or (0 if is_reduced else DEFAULT_GRAMMAR_PROGRAM_COUNT))
    template_ids = tuple(part.strip() for part in (templates_text or "").split(",") if part.strip())
    argv: tuple[str, ...] = ("build", STARTER_CORPUS_NAME, "--per-template", str(variants))
    if grammar_count:
        argv += ("--grammar-programs", str(grammar_count), "--styles", ALL_STYLES)
    if template_ids:
        argv += ("--templates", *template_ids)
    else:
        template_ids = tuple(template.id for template in programs.list_templates())
    return StarterRecipe(template_ids, variants, grammar_count, argv)
