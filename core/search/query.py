"""From a snippet, or a program of a corpus, to what is nearest to it."""

from __future__ import annotations

from core.errors import EarshotError
from core.search.aligned_corpus import (
    CROSSING,
    DIRECTIONS,
    WITHIN,
    Neighbour,
    as_neighbours,
    check_question,
    embedded_snippet,
    space_of,
)

__all__ = ["CROSSING", "DIRECTIONS", "WITHIN", "Neighbour", "neighbours", "neighbours_of"]
LONGEST = 100_000  # characters: far beyond what any code encoder reads of a snippet


def neighbours(
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
    check_question(direction, k)
    if not snippet.strip():
        raise EarshotError("The snippet is empty.", remedy="Give some Sonic Pi code.")
    if len(snippet) > LONGEST:
        raise EarshotError(
            f"The snippet has {len(snippet)} characters, more than {LONGEST}.",
            remedy="Give only the part that you want to hear.",
        )
    space = space_of(corpus_name, alignment_id, direction)
    query = embedded_snippet(snippet, space.encoders["code"])  # [1, d]
    return as_neighbours(space, *space.nearest(query, k, direction))


def neighbours_of(
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
    check_question(direction, k)
    space = space_of(corpus_name, alignment_id, direction)
    if program_id not in space.place:
        row = space.corpus.program(program_id)
        raise EarshotError(
            f"Program {row['name']} has no clip or is not embedded.",
            remedy=f"To complete the corpus: ./run build {corpus_name}",
        )
    own = space.place[program_id]
    side = space.pairs.code if direction.startswith("code->") else space.pairs.audio
    return as_neighbours(space, *space.nearest(side[own : own + 1], k, direction, exclude=own))
