"""Audition of a template's variants: the shown one and the next ones, switched on the bar line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.programs import Program, Template
from core.programs.cli_parameter_syntax import format_parameter_text
from pages.components import audition_player, markdown_and_errors, session_keys
from pages.components.audition_player import AuditionVersion, AuditionView, build_version_key

AUDITION_KEY = "generate-audition"
OTHER_VARIANT_COUNT = 6
# A template with few values repeats its variants.
MAX_TRIED_VARIANTS = 60
BARS = 4
MAX_NAMED_PARAMETERS = 3
KEY_HINT = (
    "Keys: 0–6 or arrows play at the next bar, with Shift at once; Enter shows the variant above;"
    " d the next ones."
)


def draw_variant_audition(
    template: Template, fixed_values: Mapping[str, Any], program: Program, variant_number: int
) -> None:
    """Draw the switch, and below it the shown variant and the next ones as cards.

    Parameters
    ----------
    template : Template
    fixed_values : mapping
        Parameters with a value of their own.
    program : Program
        The shown variant.
    variant_number : int
    """
    is_shown = st.toggle(
        "Audition variants",
        key=session_keys.IS_AUDITIONING_VARIANTS.name,
        help="Loops this variant and the next ones over the same number of bars. A key switches at"
        " the bar line.",
        persist_state="session",
    )
    if not is_shown:
        return
    # Another variant, seed or template starts with the next ones again.
    offset = session_keys.AUDITIONED_VARIANT_OFFSET.derive_scoped_key(
        template.id, str(program.seed), str(variant_number)
    )
    first_number = variant_number + 1 + offset.get_value()
    variants = list_next_variants(template, fixed_values, program, first_number)
    if not variants:
        st.caption("All variants are alike: let more parameters be random.")
    versions = [
        AuditionVersion(program.source, f"Variant {variant_number}, shown above"),
        *(
            AuditionVersion(variant.source, _format_variant_title(number, variant, program))
            for number, variant in variants.items()
        ),
    ]
    numbers = {build_version_key(variant.source): number for number, variant in variants.items()}

    def handle_action(action: dict[str, Any]) -> None:
        if action.get("name") == "different" and numbers:
            offset.set_value(max(numbers.values()) - variant_number)
        elif action.get("name") == "take" and action.get("key") in numbers:
            session_keys.GENERATION_VARIANT.set_value(numbers[action["key"]])

    view = AuditionView(BARS, actions=("take", "different") if variants else (), hint=KEY_HINT)
    with markdown_and_errors.catch_and_show_errors():
        audition_player.draw_audition_player(versions, view, AUDITION_KEY, handle_action)


def list_next_variants(
    template: Template, fixed_values: Mapping[str, Any], program: Program, first_number: int
) -> dict[int, Program]:
    """Return up to 6 variants that differ from the shown one and from each other, by number."""
    variants: dict[int, Program] = {}
    sources = {program.source}
    for number in range(first_number, first_number + MAX_TRIED_VARIANTS):
        variant = template.render(dict(fixed_values), program.seed or 0, number)
        if variant.source not in sources:
            sources.add(variant.source)
            variants[number] = variant
        if len(variants) == OTHER_VARIANT_COUNT:
            break
    return variants


def _format_variant_title(number: int, variant: Program, shown: Program) -> str:
    """Return the number of a variant, and the parameters that differ from the shown one."""
    changes = [
        f"{name} {format_parameter_text(value)}"
        for name, value in variant.parameters.items()
        if shown.parameters.get(name) != value
    ]
    if len(changes) > MAX_NAMED_PARAMETERS:
        more = len(changes) - MAX_NAMED_PARAMETERS
        changes = [*changes[:MAX_NAMED_PARAMETERS], f"{more} more"]
    return f"Variant {number}: {', '.join(changes)}"
