"""Search in a corpus: the opened corpus, queries, confidence and placement on a map.

Importing this package loads no torch, so that a page or a command that only may search starts at
once. The exports load their modules at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
    from core.search.default_alignment_choice import AlignmentChoice, choose_default_alignment
    from core.search.embedded_corpus import EmbeddedCorpus, open_embedded_corpus
    from core.search.map_placement import MapPlacement, place_snippet_on_map
    from core.search.nearest_neighbour_queries import (
        Neighbour,
        find_audio_neighbours,
        find_neighbours,
        find_program_neighbours,
    )
    from core.search.query_audio_decoding import decode_audio_bytes
    from core.search.search_confidence import Confidence, estimate_confidence
    from core.search.silent_snippet_check import SilentSnippetError, interpret_audible_snippet

__all__ = [
    "AlignedCorpus",
    "AlignmentChoice",
    "Confidence",
    "EmbeddedCorpus",
    "MapPlacement",
    "Neighbour",
    "choose_default_alignment",
    "SilentSnippetError",
    "estimate_confidence",
    "find_audio_neighbours",
    "find_neighbours",
    "find_program_neighbours",
    "open_aligned_corpus",
    "open_embedded_corpus",
    "place_snippet_on_map",
    "interpret_audible_snippet",
    "decode_audio_bytes",
]
_LAZY_EXPORTS = {
    "AlignedCorpus": "aligned_corpus",
    "AlignmentChoice": "default_alignment_choice",
    "choose_default_alignment": "default_alignment_choice",
    "Confidence": "search_confidence",
    "EmbeddedCorpus": "embedded_corpus",
    "MapPlacement": "map_placement",
    "Neighbour": "nearest_neighbour_queries",
    "SilentSnippetError": "silent_snippet_check",
    "estimate_confidence": "search_confidence",
    "find_audio_neighbours": "nearest_neighbour_queries",
    "find_neighbours": "nearest_neighbour_queries",
    "find_program_neighbours": "nearest_neighbour_queries",
    "open_aligned_corpus": "aligned_corpus",
    "open_embedded_corpus": "embedded_corpus",
    "place_snippet_on_map": "map_placement",
    "decode_audio_bytes": "query_audio_decoding",
    "interpret_audible_snippet": "silent_snippet_check",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
