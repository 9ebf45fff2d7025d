"""Titles of templates and of grammar styles, by the id that programs record."""

from __future__ import annotations

from core.programs.grammar import MUSIC_STYLES
from core.programs.jinja_template import read_template_titles


def get_title_by_template_id() -> dict[str, str]:
    """Return the title of every template and grammar style.

    Returns
    -------
    dict of str to str
        Title by `Program.template`: all templates first, then the styles of grammar programs.
    """
    return read_template_titles() | {style.id: style.title for style in MUSIC_STYLES.values()}
