"""From a snippet, or a program of a corpus, to what is nearest to it."""

from __future__ import annotations

from core.errors import EarshotError
from core.search.aligned_corpus import (
    CROSS_MODAL_DIRECTIONS,
    DIRECTIONS,
    SAME_MODALITY_DIRECTIONS,
    Neighbour,
    build_neighbours,
    validate_query,
    embed_snippet,
    load_search_index,
)

__all__ = ["CROSS_MODAL_DIRECTIONS", "DIRECTIONS", "SAME_MODALITY_DIRECTIONS", "Neighbour", "find_neighbours", "find_program_neighbours"]
MAX_SNIPPET_CHARS = 100_000  # characters: far beyond what any code encoder reads of a snippet


def find_neighbours(
    corpus_name: str,
    snippet: str,
    k: int = 5,
    alignment_id: str | None = None,
    direction: str = "code->audio",
) -> list[Neighbour]:
    """Find the programs whose clips a snippet will sound like, without rendering it.

    Parameters
    ----------
    corpus_name : str
    snippet : str
        Sonic Pi code, of no program in particular.
    k : int
        How many, at least 1. A smaller corpus gives all it has.
    alignment_id : str, optional
        Without it, the newest.
    direction : {"code->audio", "code->code"}
        ``code->audio``: by clip, in the shared space. ``code->code``: by the raw
        embedding of the code, which needs no alignment.

    Returns
    -------
    list of Neighbour
        Nearest first.

    Raises
    ------
    EarshotError
        When the snippet is empty or longer than 100,000 characters, k or the direction
        isn't one, the corpus or alignment isn't there, or the code encoder isn't the one
        that the corpus was embedded with.
    """
    if not direction.startswith("code->"):
        raise EarshotError(
            f"A snippet has no sound to go from in direction {direction!r}.",
            remedy="Give code->audio or code->code.",
        )
    validate_query(direction, k)
    if not snippet.strip():
        raise EarshotError("The snippet is empty.", remedy="Give some Sonic Pi code.")
    if len(snippet) > MAX_SNIPPET_CHARS:
        raise EarshotError(
            f"The snippet has {len(snippet)} characters, more than {MAX_SNIPPET_CHARS}.",
            remedy="Give only the part that you want to hear.",
        )
    space = load_search_index(corpus_name, alignment_id, direction)
    query = embed_snippet(snippet, space.encoder_records["code"])  # [1, d]
    return build_neighbours(space, *space.find_nearest_rows(query, k, direction))


def find_program_neighbours(
    corpus_name: str,
    program_id: str,
    k: int = 5,
    alignment_id: str | None = None,
    direction: str = "audio->audio",
) -> list[Neighbour]:
    """Find the programs nearest to one of the corpus, which itself is left out.

    Parameters
    ----------
    corpus_name : str
    program_id : str
        Of a program that has a clip and both embeddings.
    k : int
        How many, at least 1. A smaller corpus gives all it has.
    alignment_id : str, optional
        Without it, the newest.
    direction : {"audio->audio", "code->code", "code->audio", "audio->code"}
        From which side of the program to which side of the others. The first two by raw
        embeddings, which needs no alignment; the last two in the shared space.

    Returns
    -------
    list of Neighbour
        Nearest first.

    Raises
    ------
    EarshotError
        When k or the direction isn't one, or the corpus, alignment or program isn't there.
    """
    validate_query(direction, k)
    space = load_search_index(corpus_name, alignment_id, direction)
    if program_id not in space.row_by_program:
        row = space.corpus.load_program(program_id)
        raise EarshotError(
            f"Program {row['name']} has no clip or is not embedded.",
            remedy=f"To complete the corpus: ./run build {corpus_name}",
        )
    own = space.row_by_program[program_id]
    side = space.pairs.code_embeddings if direction.startswith("code->") else space.pairs.audio_embeddings
    return build_neighbours(space, *space.find_nearest_rows(side[own : own + 1], k, direction, excluded_row=own))
