"""Programs composed from a grammar of Sonic Pi habits: no two of one mould.

A program is drawn in two streams that know nothing of each other: what is played
(`styles`, `pieces` and the layers) and how it is written (`hand`).
"""

from core.programs.grammar.composer import MOST_COMPOSED, compose
from core.programs.grammar.styles import PREFIX, STYLES, Style

__all__ = ["MOST_COMPOSED", "PREFIX", "STYLES", "Style", "compose"]
