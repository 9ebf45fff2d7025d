"""Programs composed from a grammar of Sonic Pi habits: no two of one mould.

A program is drawn in two streams that know nothing of each other: what is played
(`styles`, `pieces` and the layers) and how it is written (`hand`).
"""

from core.programs.grammar.composer import MAX_GRAMMAR_PROGRAMS, compose_programs
from core.programs.grammar.styles import GRAMMAR_TEMPLATE_PREFIX, MUSIC_STYLES, MusicStyle

__all__ = ["MAX_GRAMMAR_PROGRAMS", "GRAMMAR_TEMPLATE_PREFIX", "MUSIC_STYLES", "MusicStyle", "compose_programs"]
