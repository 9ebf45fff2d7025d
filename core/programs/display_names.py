"""What people read instead of the id that stands as a program's template."""

from __future__ import annotations

from core.programs.grammar import MUSIC_STYLES
from core.programs.jinja_template import list_templates


def get_template_titles() -> dict[str, str]:
    """Return titles by id: of all templates, then of the styles of composed programs."""
    return {each.id: each.title for each in (*list_templates(), *MUSIC_STYLES.values())}
