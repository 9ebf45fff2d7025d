"""A probabilistic grammar that composes Sonic Pi programs without templates.

Each program is drawn from two independent random streams: the music (`music_styles`, `arrangement`
and the layers) and the code style (`code_style`).
"""

from core.programs.grammar.balanced_composition import compose_balanced_programs
from core.programs.grammar.music_styles import GRAMMAR_TEMPLATE_PREFIX, MUSIC_STYLES, MusicStyle
from core.programs.grammar.program_composer import compose_programs

__all__ = [
    "GRAMMAR_TEMPLATE_PREFIX",
    "MUSIC_STYLES",
    "MusicStyle",
    "compose_balanced_programs",
    "compose_programs",
]
