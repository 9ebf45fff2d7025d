"""Nearest-neighbour queries: from a snippet, a clip or a program to the programs of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import EarshotError
from core.search.embedded_corpus import EmbeddedCorpus
from core.search.silent_snippet_check import interpret_audible_snippet
from core.sonicpi.audio_clip_and_render_result import Clip

MAX_SNIPPET_CHARS = 100_000  # Far beyond what any code encoder reads of a snippet.
CROSS_MODAL_DIRECTIONS = ("code->audio", "audio->code")
SAME_MODALITY_DIRECTIONS = ("code->code", "audio->audio")
DIRECTIONS = CROSS_MODAL_DIRECTIONS + SAME_MODALITY_DIRECTIONS
SNIPPET_DIRECTIONS = ("code->audio", "code->code")
CLIP_DIRECTIONS = ("audio->code", "audio->audio")


@dataclass(frozen=True)
class Neighbour:
    """A program that a query found.

    Attributes
    ----------
    rank : int
        1 is the nearest.
    similarity : float
        Cosine, in [-1, 1].
    program_id : str
    template, name, source : str
    audio_path : str
        Absolute path of its clip.
    corpus_name : str
    """

    rank: int
    similarity: float
    program_id: str
    template: str
    name: str
    source: str
    audio_path: str
    corpus_name: str


def find_neighbours(
    embedded_corpus: EmbeddedCorpus, snippet: str, k: int = 5, direction: str = "code->audio"
) -> list[Neighbour]:
    """Find the programs whose clips a snippet will sound like, without rendering it.

    Parameters
    ----------
    embedded_corpus : EmbeddedCorpus
        An `AlignedCorpus` for the direction ``code->audio``.
    snippet : str
        Sonic Pi code, at most 100,000 characters.
    k : int
        Number of neighbours, at least 1. A smaller corpus gives all its programs.
    direction : {"code->audio", "code->code"}
        ``code->audio`` compares with the clips, in the shared space. ``code->code`` compares
        with the raw code embeddings.

    Returns
    -------
    list of Neighbour
        Nearest first.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    EarshotError
        When the snippet is empty or too long, k or the direction is invalid, the direction needs
        an alignment, or the code encoder is not the one that embedded the corpus.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> neighbours = find_neighbours(aligned_corpus, "use_synth :saw; play 60", k=3)
    >>> [neighbour.rank for neighbour in neighbours]
    [1, 2, 3]
    """
    _validate_search_direction_and_k(
        direction, k, SNIPPET_DIRECTIONS, "A snippet has no sound to go from"
    )
    if not snippet.strip():
        raise EarshotError("The snippet is empty.", remedy="Give some Sonic Pi code.")
    if len(snippet) > MAX_SNIPPET_CHARS:
        raise EarshotError(
            f"The snippet has {len(snippet)} characters, more than {MAX_SNIPPET_CHARS}.",
            remedy="Give only the part that you want to hear.",
        )
    embedded_corpus.check_has_embedding_pairs()
    interpret_audible_snippet(snippet)
    return find_embedding_neighbours(
        embedded_corpus, embedded_corpus.embed_snippet(snippet), k, direction
    )


def find_audio_neighbours(
    embedded_corpus: EmbeddedCorpus, clip: Clip, k: int = 5, direction: str = "audio->code"
) -> list[Neighbour]:
    """Find the programs nearest to a clip, which need not be of any corpus.

    Parameters
    ----------
    embedded_corpus : EmbeddedCorpus
        An `AlignedCorpus` for the direction ``audio->code``.
    clip : Clip
    k : int
        As for `find_neighbours`.
    direction : {"audio->code", "audio->audio"}
        ``audio->code`` compares with the code, in the shared space. ``audio->audio`` compares
        with the raw audio embeddings.

    Returns
    -------
    list of Neighbour
        Nearest first.

    Raises
    ------
    EarshotError
        When k or the direction is invalid, the direction needs an alignment, or the audio encoder
        is not the one that embedded the corpus.
    """
    _validate_search_direction_and_k(
        direction, k, CLIP_DIRECTIONS, "A sound has no code to go from"
    )
    embedded_corpus.check_has_embedding_pairs()
    return find_embedding_neighbours(
        embedded_corpus, embedded_corpus.embed_clip(clip), k, direction
    )


def find_program_neighbours(
    embedded_corpus: EmbeddedCorpus, program_id: str, k: int = 5, direction: str = "audio->audio"
) -> list[Neighbour]:
    """Find the programs nearest to one of the corpus, without that one.

    Parameters
    ----------
    embedded_corpus : EmbeddedCorpus
        An `AlignedCorpus` for directions between code and audio.
    program_id : str
        Id of a program that has a clip and both embeddings.
    k : int
        As for `find_neighbours`.
    direction : {"audio->audio", "code->code", "code->audio", "audio->code"}
        The program's modality and the others'. The first two compare raw embeddings, the last
        two compare in the shared space.

    Returns
    -------
    list of Neighbour
        Nearest first.

    Raises
    ------
    EarshotError
        When k or the direction is invalid, the direction needs an alignment, or the corpus has
        no such program.
    """
    _validate_search_direction_and_k(direction, k)
    embedded_corpus.check_has_embedding_pairs()
    row = embedded_corpus.row_by_program.get(program_id)
    if row is None:
        program = embedded_corpus.corpus.load_program(program_id)
        raise EarshotError(
            f"Program {program['name']} has no clip or is not embedded.",
            remedy=f"To complete the corpus: ./run build {embedded_corpus.corpus.name}",
        )
    pairs = embedded_corpus.pairs
    from_code = direction.startswith("code->")
    embeddings = pairs.code_embeddings if from_code else pairs.audio_embeddings
    return find_embedding_neighbours(embedded_corpus, embeddings[row : row + 1], k, direction, row)


def find_embedding_neighbours(
    embedded_corpus: EmbeddedCorpus,
    embedding: np.ndarray,
    k: int,
    direction: str,
    excluded_row: int | None = None,
) -> list[Neighbour]:
    """Find the programs nearest to a raw embedding.

    Parameters
    ----------
    embedded_corpus : EmbeddedCorpus
    embedding : array, float [1, d]
        By the encoder of the modality that the direction starts from.
    k, direction
        As for `find_program_neighbours`.
    excluded_row : int, optional
        Row of a program that is not returned.

    Returns
    -------
    list of Neighbour
        Nearest first.
    """
    rows, similarities = embedded_corpus.find_nearest_rows(embedding, k, direction, excluded_row)
    program_ids = [embedded_corpus.pairs.program_ids[row] for row in rows]
    programs = embedded_corpus.corpus.load_programs_by_ids(program_ids)
    return [
        Neighbour(
            rank=rank,
            similarity=float(similarity),
            program_id=program["program"],
            template=program["template"],
            name=program["name"],
            source=program["source"],
            audio_path=program["audio"],
            corpus_name=embedded_corpus.corpus.name,
        )
        for rank, (program, similarity) in enumerate(zip(programs, similarities), 1)
    ]


def _validate_search_direction_and_k(
    direction: str,
    k: int,
    allowed_directions: Sequence[str] = DIRECTIONS,
    reason: str = "",
) -> None:
    """Raise an EarshotError when k is below 1 or a query cannot go in this direction.

    Parameters
    ----------
    direction : str
    k : int
    allowed_directions : sequence of str
        The directions that the query can take.
    reason : str
        Why it cannot take the others, as in "A snippet has no sound to go from".
    """
    if direction not in DIRECTIONS:
        raise EarshotError(
            f"There is no direction {direction!r}.",
            remedy=f"Give {', '.join(allowed_directions)}.",
        )
    if direction not in allowed_directions:
        raise EarshotError(
            f"{reason} in direction {direction!r}.",
            remedy=f"Give {' or '.join(allowed_directions)}.",
        )
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
