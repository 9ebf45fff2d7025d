"""The starter corpus: what the first button makes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from core import programs

STARTER_NAME = "starter"


@dataclass(frozen=True)
class StarterRecipe:
    """What the starter corpus is made of, and the command that makes it."""

    template_ids: list[str]
    variants_per_template: int
    build_argv: list[str]

    @property
    def program_count(self) -> int:
        """How many programs it holds."""
        return len(self.template_ids) * self.variants_per_template


def create_starter_recipe() -> StarterRecipe:
    """All templates and 8 programs of each, unless the environment asks for fewer.

    `EARSHOT_STARTER_PER_TEMPLATE` (a number) and `EARSHOT_STARTER_TEMPLATES` (ids with
    commas between) are for tests and for machines that are slow or full.
    """
    per_template = int(os.environ.get("EARSHOT_STARTER_PER_TEMPLATE") or 8)
    named = os.environ.get("EARSHOT_STARTER_TEMPLATES", "")
    chosen = [part.strip() for part in named.split(",") if part.strip()]
    argv = ["build", STARTER_NAME, "--per-template", str(per_template)]
    if chosen:
        argv += ["--templates", *chosen]
    return StarterRecipe(chosen or [each.id for each in programs.list_templates()], per_template, argv)
