"""Recipe of the starter corpus, the first corpus that Earshot offers to build."""

from __future__ import annotations

import os
from dataclasses import dataclass

from core import programs

STARTER_CORPUS_NAME = "starter"
DEFAULT_VARIANTS_PER_TEMPLATE = 8


@dataclass(frozen=True)
class StarterRecipe:
    """Contents of the starter corpus and the command that builds it.

    Attributes
    ----------
    template_ids : tuple of str
    variants_per_template : int
    build_argv : tuple of str
        Arguments of `./run`.
    """

    template_ids: tuple[str, ...]
    variants_per_template: int
    build_argv: tuple[str, ...]

    @property
    def program_count(self) -> int:
        """Number of programs."""
        return len(self.template_ids) * self.variants_per_template


def create_starter_recipe() -> StarterRecipe:
    """Return the recipe: 8 variants of each template, unless the environment asks for fewer.

    `EARSHOT_STARTER_PER_TEMPLATE` (a number) and `EARSHOT_STARTER_TEMPLATES` (ids separated by
    commas) are for tests and for slow or full machines.
    """
    variants = os.environ.get("EARSHOT_STARTER_PER_TEMPLATE") or DEFAULT_VARIANTS_PER_TEMPLATE
    requested = os.environ.get("EARSHOT_STARTER_TEMPLATES", "")
    template_ids = tuple(part.strip() for part in requested.split(",") if part.strip())
    argv: tuple[str, ...] = ("build", STARTER_CORPUS_NAME, "--per-template", str(int(variants)))
    if template_ids:
        argv += ("--templates", *template_ids)
    else:
        template_ids = tuple(template.id for template in programs.list_templates())
    return StarterRecipe(template_ids, int(variants), argv)
